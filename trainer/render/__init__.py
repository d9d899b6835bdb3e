"""Rendered foregrounds with exact alpha: hair, fur, feathers and plants, grown here and sampled by Blender.

Here numpy grows a subject, lights it and lays its strands as ribbons towards the camera; Blender's Cycles
does what it does best: which share of a pixel they cover, through a lens and while a shutter is open.
"""

from trainer.render.blender import Blender, BlenderError, NoBlenderError, find_blender
from trainer.render.farm import Farm, Job, jobs
from trainer.render.picture import PictureError, check
from trainer.render.scene import write_scene

__all__ = [
    "Blender",
    "BlenderError",
    "Farm",
    "Job",
    "NoBlenderError",
    "PictureError",
    "check",
    "find_blender",
    "jobs",
    "write_scene",
]
