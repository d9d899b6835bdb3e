"""One moment of one subject, as the triangles that Blender gets: a JSON and the buffers beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from trainer.render.kinds import make_subject
from trainer.render.light import Density, Lights, make_lights
from trainer.render.motion import Motion, make_motion
from trainer.render.parts import Floats, Ints, Rng, Strands, Subject, Surface, floats, unit

_RATE = 24
"""Frames a second of a clip."""

_SENSOR = 36.0
"""Width of the camera's sensor in mm, Blender's default."""


@dataclass(frozen=True)
class Camera:
    """At (0, -distance, 0), looking along y. lens: mm. stop: f-number, 0 for a pinhole. focus: distance."""

    lens: float
    distance: float
    stop: float
    focus: float


@dataclass(frozen=True)
class Take:
    """What seed and n decide; `shutter`: seconds, 0 for none."""

    subject: Subject
    motion: Motion
    lights: Lights
    camera: Camera
    shutter: float


def _camera(rng: Rng) -> tuple[Camera, bool]:
    """A camera, and whether it sees a close-up."""
    half = float(rng.uniform(0.4, 0.75) if rng.random() < 0.4 else rng.uniform(0.75, 1.1))
    lens = max(float(rng.uniform(28, 120)), _SENSOR / 2 * 1.9 / half)
    distance = half * lens / (_SENSOR / 2)
    stop, focus = 0.0, distance
    if rng.random() < 0.3:
        stop = lens * 1e-3 / (distance * rng.uniform(0.01, 0.05))
        focus = distance + rng.uniform(-0.9, 0.3)
    return Camera(lens, distance, stop, focus), half < 0.75


@lru_cache(maxsize=2)
def make_take(seed: int, n: int, *, moving: bool) -> Take:
    """Take n: all that is random in it depends on the arguments alone."""
    rng = np.random.default_rng([seed, int(moving), n])
    camera, close = _camera(rng)
    lights = make_lights(rng)
    blurred = rng.random() < (0.5 if moving else 0.25)
    subject = make_subject(rng)
    points = np.concatenate(
        [s.points.reshape(-1, 3) for s in subject.strands] + [s.points for s in subject.surfaces]
    )
    motion = make_motion(rng, points, lively=1 if moving else 5)
    seen = motion.at(points[rng.integers(0, len(points), 4)], np.zeros(4, np.float32), 0)
    outer = seen[np.hypot(seen[:, 0], seen[:, 2]).argmax()]  # a close-up looks at the subject's edge
    shift = outer * floats([-0.85, 0, -0.85]) if close else floats(rng.normal(0, 0.08, 3) * [1, 0, 1])
    return Take(subject, replace(motion, shift=shift), lights, camera, 0.5 / _RATE if blurred else 0)


def _ribbons(points: Floats, later: Floats, width: Floats, eye: Floats) -> tuple[Floats, Floats, Ints]:
    """Strands as ribbons that face the camera: vertices now and later [S * K * 2, 3] and triangles.

    Cycles' own curves took four times as long for the same picture.
    """
    count, joints = points.shape[:2]
    side = unit(floats(np.cross(np.gradient(points, axis=1), points - eye))) * width[..., None]
    grid = np.arange(count * joints * 2, dtype=np.int32).reshape(count, joints, 2)
    a, b, c, d = grid[:, :-1, 0], grid[:, :-1, 1], grid[:, 1:, 1], grid[:, 1:, 0]
    faces = np.stack([a, b, c, a, c, d], -1).reshape(-1, 3)
    flat = [np.stack([p - side, p + side], 2).reshape(-1, 3) for p in (points, later)]
    return flat[0], flat[1], faces


def _normals(points: Floats, triangles: Ints) -> Floats:
    a, b, c = (points[triangles[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    total = np.stack(
        [np.bincount(triangles.ravel(), np.repeat(face[:, i], 3), minlength=len(points)) for i in range(3)],
        -1,
    )
    return unit(floats(total))


def _shade(strands: list[Floats], parts: tuple[Strands, ...], skins: list[Floats], scale: float) -> Density:
    shade = Density()
    for points, part in zip(strands, parts, strict=True):
        span = np.linalg.norm(np.diff(points, axis=1, append=points[:, -1:]), axis=-1)
        shade.add(points, floats(span * part.width * 2 * scale))
    for points in skins:
        shade.add(points, floats(np.full(len(points), 0.003)))
    shade.soften()
    return shade


def _triangles(take: Take, time: float) -> tuple[Floats, Floats, Ints, Floats]:
    """All of a take at `time`: vertices, the same when the shutter closes, triangles, radiance."""
    motion, eye = take.motion, floats([0, -take.camera.distance, 0])
    hair, skins = take.subject.strands, take.subject.surfaces
    strands = [motion.at(s.points, s.give, time) for s in hair]
    surfaces = [motion.at(s.points, s.give, time) for s in skins]
    shade = _shade(strands, hair, surfaces, motion.scale)
    out: list[tuple[Floats, Floats, Ints, Floats]] = []
    for now, part in zip(strands, hair, strict=True):
        tangent = unit(floats(np.gradient(now, axis=1)))
        lit = take.lights.strands(shade, now, tangent, part.colour, part.gloss)
        later = motion.at(part.points, part.give, time + take.shutter)
        pair = _ribbons(now, later, part.width * np.float32(motion.scale), eye)
        out.append((*pair, np.repeat(lit.reshape(-1, 3), 2, 0)))
    for now, skin in zip(surfaces, skins, strict=True):
        out.append(_skin(take, shade, now, skin, time, eye))
    shift = np.cumsum([0] + [len(p[0]) for p in out[:-1]])
    faces = [p[2] + np.int32(o) for p, o in zip(out, shift, strict=True)]
    first, later, colour = (np.concatenate([p[i] for p in out]) for i in (0, 1, 3))
    return floats(first), floats(later), np.concatenate(faces), floats(colour)


def _skin(
    take: Take, shade: Density, now: Floats, skin: Surface, time: float, eye: Floats
) -> tuple[Floats, Floats, Ints, Floats]:
    normal = _normals(now, skin.triangles)
    if skin.thin:
        normal = normal * np.where(((eye - now) * normal).sum(-1, keepdims=True) < 0, -1, 1)
    elif ((now - now.mean(0)) * normal).sum() < 0:
        normal = -normal
    lit = take.lights.surface(shade, now, floats(normal), skin.colour, thin=skin.thin)
    return now, take.motion.at(skin.points, skin.give, time + take.shutter), skin.triangles, lit


def write_scene(
    folder: Path, to: Path, seed: int, n: int, frame: int | None, size: int, samples: int
) -> tuple[Path, str]:
    """Write what Blender needs to render take n, at `frame` of a clip or as a still, to the file `to`.

    Returns the path of the scene and the kind of its subject.
    """
    take = make_take(seed, n, moving=frame is not None)
    points, later, triangles, colour = _triangles(take, (frame or 0) / _RATE)
    alpha = np.ones((len(colour), 1), np.float32)
    buffers = {"points": points, "triangles": triangles, "colour": np.concatenate([colour, alpha], 1)}
    if take.shutter:
        buffers["later"] = later
    table, offset = {}, 0
    with (folder / "scene.bin").open("wb") as file:
        for name, array in buffers.items():
            table[name] = (offset, array.size, array.dtype.char)
            offset += file.write(np.ascontiguousarray(array).tobytes())
    soft = bool(take.shutter or take.camera.stop)
    scene = {
        "buffers": "scene.bin",
        "table": table,
        "camera": vars(take.camera),
        "blurred": bool(take.shutter),
        "size": size,
        "samples": samples * (2 if soft else 1),  # blur spreads the same samples over more of a strand's edge
        "seed": n % 2**31,
        "to": str(to.absolute()),
    }
    path = folder / "scene.json"
    path.write_text(json.dumps(scene))
    return path, take.subject.kind
