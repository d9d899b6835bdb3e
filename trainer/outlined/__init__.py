"""Foregrounds cut out of photographs that somebody has outlined roughly: real ones to train and judge on."""

from trainer.outlined.cutter import Cutter, CutterError
from trainer.outlined.outline import Outline, OutlineError, read_outlines

__all__ = ["Cutter", "CutterError", "Outline", "OutlineError", "read_outlines"]
