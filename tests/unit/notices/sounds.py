"""Sounds made at run time, and what independent programs say of them."""

import subprocess
import wave
from pathlib import Path

import numpy as np

RATE = 44_100
SECONDS = 3.0
MP3 = ("-c:a", "libmp3lame", "-b:a", "64k")
ENCODINGS = {
    "wav16.wav": ("-c:a", "pcm_s16le"),
    "wav8.wav": ("-c:a", "pcm_u8"),
    "wav24.wav": ("-c:a", "pcm_s24le"),
    "wav32.wav": ("-c:a", "pcm_s32le"),
    "float.wav": ("-c:a", "pcm_f32le"),
    "double.wav": ("-c:a", "pcm_f64le"),
    "six.wav": ("-ac", "6", "-c:a", "pcm_s16le"),
    "rf64.wav": ("-rf64", "always"),
    "cbr.mp3": ("-c:a", "libmp3lame", "-b:a", "128k", "-metadata", "title=x"),
    "vbr.mp3": ("-c:a", "libmp3lame", "-q:a", "4"),
    "low.mp3": ("-ac", "1", "-ar", "22050", "-c:a", "libmp3lame", "-b:a", "48k"),
    "bare.mp3": (*MP3, "-write_xing", "0", "-id3v2_version", "0"),
    "short.flac": ("-c:a", "flac"),
    "long.flac": ("-c:a", "flac", "-sample_fmt", "s32"),
    "aac.m4a": ("-c:a", "aac", "-b:a", "96k"),
    "first.m4a": ("-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart"),
    "alac.m4a": ("-c:a", "alac"),
    "music.opus": ("-c:a", "libopus", "-b:a", "64k"),
    "speech.opus": ("-ac", "1", "-c:a", "libopus", "-b:a", "24k", "-application", "voip", "-frame_duration", "60"),
    "vorbis.ogg": ("-c:a", "libvorbis"),
    "layer2.mp2": ("-c:a", "mp2", "-b:a", "128k"),
}


def run(*command: object) -> bytes:
    return subprocess.run([str(each) for each in command], check=True, capture_output=True, timeout=120).stdout


def ffmpeg(*arguments: object) -> bytes:
    return run("ffmpeg", "-v", "error", "-y", *arguments)


def music(seconds: float = SECONDS, seed: int = 1, rate: int = RATE) -> np.ndarray:
    """Return notes that sound like a plucked string, a quarter of a second each."""
    chance = np.random.default_rng(seed)
    length = round(rate / 4)
    time = np.arange(length) / rate
    notes = []
    for _ in range(round(seconds * 4)):
        tone = 220 * 2 ** (chance.integers(0, 24) / 12)
        partials = (np.sin(2 * np.pi * tone * number * time) / number for number in range(1, 6))
        notes.append(sum(partials) * np.exp(-3 * time))
    return np.concatenate(notes) * 0.2


def noise(seconds: float = SECONDS, seed: int = 1, rate: int = RATE, level: float = 0.1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, level, round(seconds * rate))


def talk(seconds: float = SECONDS, seed: int = 1, rate: int = RATE) -> np.ndarray:
    """Return what has the pitch, the partials and the syllables of a voice."""
    chance = np.random.default_rng(seed)
    length = round(seconds * rate)
    step = rate // 10
    pitch = np.repeat(110 * 2 ** np.cumsum(chance.normal(0, 0.05, length // step + 1)), step)[:length]
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    loud = np.repeat(np.clip(chance.random(length // step + 1) * 1.5 - 0.4, 0, 1), step)[:length]
    return sum(np.sin(number * phase) / number for number in range(1, 12)) * loud * 0.1


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """Write 16-bit samples by time, or by channel and time."""
    stored = (np.clip(np.atleast_2d(samples).T, -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(stored.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(stored.tobytes())
    return path


def decoded(path: Path) -> np.ndarray:
    """Return what ffmpeg decodes, as (samples, channels)."""
    shown = ("-select_streams", "a:0", "-show_entries", "stream=channels", "-of", "csv=p=0")
    channels = int(run("ffprobe", "-v", "error", *shown, path))
    return np.frombuffer(ffmpeg("-i", path, "-map", "a:0", "-f", "f32le", "-"), "<f4").reshape(-1, channels)


class Sounds:
    """Sounds by the names in `ENCODINGS`, made when first asked for."""

    def __init__(self, folder: Path):
        self.folder = folder
        both = np.stack((music(seed=1), music(seed=2)))
        self.plain = write_wav(folder / "plain.wav", both)

    def __call__(self, name: str) -> Path:
        path = self.folder / name
        if not path.exists():
            ffmpeg("-i", self.plain, *ENCODINGS[name], path)
        return path
