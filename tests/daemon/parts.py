"""A clip that moves, as a sequence and as a video with sound and time code, to make parts of."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from tests.daemon.cases import trimap, write
from tests.daemon.stills import HEIGHT, WIDTH

FRAMES = 16
FIRST = 1001
MASKED = {n: 20 + n for n in range(FRAMES)}
"""Column from which the mask of each frame is white: another in every frame."""


def moving(index: int) -> np.ndarray:
    """A smooth texture that moves 2 pixels a frame, with fresh noise on it: uint8 [H, W, 3], BGR."""
    coarse = np.random.default_rng(7).integers(40, 210, (HEIGHT // 4, WIDTH // 2, 3), np.uint8)
    wide = cv2.resize(coarse, (WIDTH * 2, HEIGHT), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(100 + index).integers(-6, 7, (HEIGHT, WIDTH, 3))
    return np.clip(wide[:, 2 * index : 2 * index + WIDTH] + noise, 0, 255).astype(np.uint8)


def mask(index: int) -> np.ndarray:
    made = np.zeros((HEIGHT, WIDTH), np.uint8)
    made[:, MASKED[index] :] = 255
    return made


def sequence(
    folder: Path, numbers: range = range(FIRST, FIRST + FRAMES), *, without: tuple[int, ...] = ()
) -> None:
    for number in numbers:
        if number not in without:
            write(folder / f"shot.{number}.png", moving(number - FIRST))
            write(folder / f"shot_mask.{number}.png", mask(number - FIRST))


def video(folder: Path, *, timecode: str = "01:00:59;20", start: int = 30030) -> None:
    """shot.mov, 29.97 frames a second from 1.001 s on, with sound and time code, and one trimap for all."""
    folder.mkdir(exist_ok=True)
    write(folder / "shot_trimap.png", trimap())
    with av.open(str(folder / "shot.mov"), "w", container_options={"movie_timescale": "30000"}) as out:
        pictures = out.add_stream("png", rate=Fraction(30000, 1001))
        pictures.width, pictures.height, pictures.pix_fmt = WIDTH, HEIGHT, "rgb24"
        pictures.time_base = pictures.codec_context.time_base = Fraction(1, 30000)
        pictures.metadata["timecode"] = timecode
        sound = out.add_stream("pcm_s16le", rate=48000)
        for index in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(moving(index)[..., ::-1]), "rgb24")
            frame.pts, frame.time_base = start + index * 1001, Fraction(1, 30000)
            out.mux(pictures.encode(frame))
            noise = np.random.default_rng(index).integers(-999, 999, (1, 2 * 1602), np.int16)
            heard = av.AudioFrame.from_ndarray(noise, "s16", "stereo")
            heard.sample_rate, heard.pts = 48000, 48048 + index * 1602
            out.mux(sound.encode(heard))
        out.mux(pictures.encode(None))


def numbers(made: Path) -> list[int]:
    return sorted(int(path.suffixes[-2][1:]) for path in (made / "alpha").iterdir())
