"""How players show a video's pictures, by the display matrix that lies beside them: turned, or mirrored."""

from __future__ import annotations

import math
import struct
from typing import Any

import av
from av.sidedata.sidedata import Type


def turn_of(frame: av.VideoFrame) -> tuple[int, bool]:
    """The degrees, counterclockwise, by which players turn the picture, and whether they then mirror it, left
    to right.

    Of a matrix that mirrors FFmpeg takes the angle by the rows, which are mirrored: upright pictures would
    stand on their heads. Columns are as without the mirror.
    """
    beside: Any = frame.side_data  # by type, whatever the library's own types say
    matrix = beside.get(Type.DISPLAYMATRIX)
    if matrix is None:
        return int(frame.rotation), False
    across_x, across_y, _, down_x, down_y = struct.unpack_from("=5i", bytes(matrix))
    if across_x * down_y - across_y * down_x >= 0:
        return int(frame.rotation), False
    return round(math.degrees(math.atan2(-across_y, down_y))), True
