#!/bin/sh
# A creator labels two pictures before uploading them: a photograph, and a picture made with AI.
#
#     label.sh PHOTO.jpg GENERATED.png OUTPUT-FOLDER
set -eu
photo=$1 generated=$2 out=$3
mkdir -p "$out"

# Time and place go beside the camera's own data; nothing the camera wrote is changed.
provenance attach "$photo" -o "$out/photo.jpg" --origin self-shot \
    --captured-at 2026-05-01T08:30:00+08:00 --place 四川省成都市 --city 成都市 --province 四川省

# The words "AI生成" are drawn into the picture, and stated in its metadata and in a signed manifest.
provenance attach "$generated" -o "$out/generated.png" --origin ai-generated --ai-generated --tool 示例绘图

# What the two files now say by themselves.
provenance verify "$out/photo.jpg" "$out/generated.png"
