"""Large pictures that cost next to nothing to make: most of them is a hole in the file."""

import io
import random
import struct
import subprocess
import zlib

from PIL import Image

MIB = 1 << 20
WIDTH = 16_000
DATA = 4096  # where pixels start: a page


def noisy_jpeg(path, size):
    """A photograph of at least `size` bytes whose scan is real."""
    width, band = 6000, 250
    strip = random.Random(7).randbytes(width * band * 3)
    bands = size // (width * band * 2) + 1  # noise takes more than two bytes a pixel at this quality
    Image.frombytes("RGB", (width, band * bands), strip * bands).save(path, "JPEG", quality=95, subsampling=0)
    assert path.stat().st_size >= size


def film(path, size):
    """A film of at least `size` bytes whose index lies in front, as streaming wants it; every frame is stored whole."""
    frame = 640 * 480 * 3
    source = f"testsrc2=size=640x480:rate=25:duration={size // frame / 25 + 1}"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "rawvideo", "-pix_fmt", "rgb24"]
    subprocess.run([*command, "-movflags", "+faststart", "-f", "mov", str(path)], check=True)
    assert path.stat().st_size >= size


def long_film(path, size):
    """A film whose index lies in front and whose media data go on in a hole behind the last frame."""
    film(path, 1)
    content = path.read_bytes()
    data = content.index(b"mdat") - 4
    with path.open("r+b") as file:
        file.seek(data)
        file.write(struct.pack(">I", max(size, len(content)) - data))
        file.truncate(max(size, len(content)))


def tiff(path, size):
    """An uncompressed picture in one strip behind its directory."""
    rows = size // (WIDTH * 3) + 1
    short, long = 3, 4
    entries = [
        (256, long, 1, WIDTH),
        (257, long, 1, rows),
        (258, short, 3, DATA - 8),
        (259, short, 1, 1),
        (262, short, 1, 2),
        (273, long, 1, DATA),
        (277, short, 1, 3),
        (278, long, 1, rows),
        (279, long, 1, WIDTH * rows * 3),
    ]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = struct.pack("<2sHI", b"II", 42, 8) + directory + bytes(4)
    with path.open("wb") as file:
        file.write(head.ljust(DATA - 8, b"\0") + struct.pack("<HHH", 8, 8, 8))
        file.truncate(DATA + WIDTH * rows * 3)


def png(path, size):
    """A picture whose one data chunk is zeros: its checksum is right, only a decoder would find nothing in it."""
    checksum = zlib.crc32(b"IDAT")
    for start in range(0, size, MIB):
        checksum = zlib.crc32(bytes(min(MIB, size - start)), checksum)
    header = struct.pack(">IIBBBBB", WIDTH, WIDTH, 8, 2, 0, 0, 0)
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + struct.pack(">I", size) + b"IDAT")
        file.seek(size, io.SEEK_CUR)
        file.write(struct.pack(">I", checksum) + _chunk(b"IEND", b""))


def jpeg(path, size):
    """A picture whose scan goes on in zeros."""
    small = io.BytesIO()
    Image.new("RGB", (64, 64)).save(small, "JPEG")
    content = small.getvalue()
    with path.open("wb") as file:
        file.write(content[:-2])
        file.seek(size, io.SEEK_CUR)
        file.write(content[-2:])


def boxes(path, size):
    """A picture in boxes with more media data behind it than it uses."""
    small = io.BytesIO()
    Image.new("RGB", (64, 64)).save(small, "AVIF")
    with path.open("wb") as file:
        file.write(small.getvalue() + struct.pack(">I4s", size + 8, b"mdat"))
        file.truncate(file.tell() + size)


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
