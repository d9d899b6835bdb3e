"""Media of the trainer's tests: photographs that nobody took."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three textured pictures, large enough for crops."""
    folder = tmp_path_factory.mktemp("photos")
    for n in range(3):
        rng = np.random.default_rng(n)
        small = rng.integers(0, 255, (12, 16, 3), np.uint8)
        picture = cv2.resize(small, (400, 300), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{n}.png"), picture)
    return folder
