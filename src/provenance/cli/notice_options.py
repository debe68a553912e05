"""How notices are put into media, as options of a command."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from provenance.attach import DrawOptions, VoiceClip
from provenance.attach.options import DEFAULT, Position
from provenance.cli.option_groups import with_group
from provenance.errors import UsageError


def _seconds(text: str) -> float:
    from provenance.notices.video import LEAST_SECONDS

    try:
        seconds = math.inf if text == "all" else float(text)
    except ValueError:
        seconds = math.nan
    if not seconds >= LEAST_SECONDS:
        raise UsageError("notice-seconds-form", value=text, least=LEAST_SECONDS)
    return seconds


def _option(*names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel="Notices", **settings)


_OPTIONS: Final = {
    "notice_at": Annotated[
        list[str] | None,
        _option(
            "--notice-at",
            metavar="start|middle|end",
            help="Where in a film, sound or text (repeatable). 提示在影片、声音或文本中的位置,可重复。",
        ),
    ],
    "notice_seconds": Annotated[
        float | None,
        _option(
            "--notice-seconds",
            parser=_seconds,
            metavar="N|all",
            help="How long each shows in a film. 提示在影片中显示的秒数,all 为全程。",
        ),
    ],
    "no_reencode": Annotated[
        bool,
        _option(
            "--no-reencode", help="Refuse rather than encode all of a film or sound anew. 宁可拒绝也不整体重编码。"
        ),
    ],
    "platform": Annotated[
        str | None,
        _option("--platform", help="Keep pictures' notices in its safe area. 提示放在该平台的安全区内。"),
    ],
    "voice": Annotated[
        Path | None,
        _option("--voice", help="A recording that speaks the notice, for sound. 音频使用的语音提示录音。"),
    ],
    "voice_text": Annotated[
        str | None, _option("--voice-text", help="What the recording says, word for word. 录音所说的原文。")
    ],
    "font": Annotated[
        Path | None, _option("--font", help="Font for characters the built-in one lacks. 内置字体缺字时使用的字体。")
    ],
}


def with_notice_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of how notices are put in; it receives them as ``notice``."""
    added = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if name == "no_reencode" else None,
            annotation=annotation,
        )
        for name, annotation in _OPTIONS.items()
    ]
    return with_group(command, "notice", added)


def drawing(notice: Mapping[str, Any]) -> DrawOptions:
    """Return the choices that the options stand for.

    Raises:
        UsageError: a position is unknown, or a recording comes without its words or the other way round.
    """
    at = tuple(notice["notice_at"] or DEFAULT.at)
    if unknown := set(at) - {"start", "middle", "end"}:
        raise UsageError("option-unknown", option="--notice-at", value=min(unknown), known="start, middle, end")
    voice, words = notice["voice"], notice["voice_text"]
    if (voice is None) is not (words is None):
        raise UsageError("voice-needs-both")
    return DrawOptions(
        at=cast("tuple[Position, ...]", at),
        seconds=notice["notice_seconds"] or DEFAULT.seconds,
        reencode=not notice["no_reencode"],
        platform=notice["platform"],
        voice=VoiceClip(voice, words) if voice is not None else None,
        font=notice["font"],
    )
