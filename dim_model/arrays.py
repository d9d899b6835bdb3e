"""What an array of numbers holds, as annotations say it; its shape and range are said where it is used."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Indices = NDArray[np.int32]
Mask = NDArray[np.bool_]
