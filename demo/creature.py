"""The subject of the demo shot: a ball of fur with two eyes, in the wind.

Strands grow from a sphere in three dimensions, are combed, pulled into clumps, bent by gravity and a
travelling wind, and trail behind the body's motion. They are shaded as hair is (Kajiya & Kay 1989) and drawn
from the back to the front, so the alpha that comes out is that of some twenty thousand strands, down to a
tenth of a pixel.

Space: x to the right, y down, z towards the camera; the unit is the body's radius until `Creature.picture`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.eyes import EYE_RADIUS, EYES, draw_eyes
from demo.strands import draw
from dim_model.arrays import Floats

JOINTS = 15
"""Points of a strand."""

_KEY = np.array([-0.55, -0.65, 0.55], np.float32)
_RIM = np.array([0.75, -0.45, -0.5], np.float32)
_KEY /= np.linalg.norm(_KEY)
_RIM /= np.linalg.norm(_RIM)
_VIEW = np.array([0, 0, 1], np.float32)


@dataclass(frozen=True)
class Pose:
    """Where the body is. centre: [2], canvas pixels. turn: [3, 3], from the body's axes to the camera's."""

    centre: Floats
    turn: Floats
    blink: float


@dataclass(frozen=True)
class Palette:
    """Linear colours [3] of a strand: at its root, along it, at its tip, and of the tuft's tips."""

    root: Floats
    middle: Floats
    tip: Floats
    tuft: Floats


def linear(code: str) -> Floats:
    """ "#rrggbb" as linear float32 [3]."""
    display = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255
    return np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


PALETTE = Palette(linear("#1c4a63"), linear("#2f9db0"), linear("#c9f2e4"), linear("#ff5aa5"))


def _unit(v: Floats) -> Floats:
    out: Floats = v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-6)
    return out


class Creature:
    """A creature of its own for every `seed`; `strands` counts the fur, `tuft` the long hair on its crown."""

    def __init__(self, seed: int, strands: int = 15000, tuft: int = 6000, palette: Palette = PALETTE) -> None:
        rng = np.random.default_rng(seed)
        fur = _unit(rng.standard_normal((strands, 3)).astype(np.float32))
        crown = rng.standard_normal((tuft, 3)).astype(np.float32) * np.array([0.2, 0.16, 0.38], np.float32)
        crown = _unit(crown + np.array([0, -1, -0.05], np.float32))
        root = np.concatenate([fur, crown])
        self._tuft = np.arange(len(root)) >= strands
        away = np.min([np.linalg.norm(root - eye, axis=-1) for eye in EYES], axis=0)
        keep = away > EYE_RADIUS * 0.86
        self._root, self._tuft, away = root[keep], self._tuft[keep], away[keep]
        count = len(self._root)
        self._palette = palette

        x, y, z = self._root.T
        # Short on the face, so that the eyes look out; long below and on the sides.
        face = np.clip((z - 0.25) * 1.6, 0, 1) * np.clip(1.25 - np.abs(y - 0.05), 0, 1)
        length = 0.52 - 0.3 * face + 0.12 * np.clip(y, 0, 1)
        length *= np.clip(0.45 + (away - EYE_RADIUS) * 1.6, 0.4, 1)
        length = np.where(self._tuft, 1.12, length) * rng.uniform(0.6, 1.15, count)
        self._flyaway = rng.random(count) < 0.06
        self._length = (length * np.where(self._flyaway, 1.25, 1.0)).astype(np.float32)[:, None]
        # Fur rooted just above an eye hangs over it.
        above = np.min([np.where(y < eye[1], 0, 9) for eye in EYES], axis=0) + away
        self._fringe = above < EYE_RADIUS * 1.3

        comb = np.stack([0.35 * np.sign(x) * np.sqrt(np.abs(x)), 0.55 + 0 * y, 0.15 - 0.25 * z], -1)
        comb = np.where(self._tuft[:, None], np.stack([0.5 * x, -1.0 + 0 * y, 0.2 * z], -1), comb)
        self._comb = _unit((self._root * 0.8 + comb + rng.normal(0, 0.11, (count, 3))).astype(np.float32))

        leaders = rng.choice(count, count // 22, replace=False)
        gap = self._root @ self._root[leaders].T + np.where(self._tuft[:, None] == self._tuft[leaders], 0, -4)
        self._clump = leaders[gap.argmax(1)]
        pull = rng.uniform(0.45, 0.9, count) * np.where(self._flyaway, 0.15, 1.0)
        self._pull = pull.astype(np.float32)[:, None, None]
        own = rng.uniform(0, 2 * np.pi, count)
        self._phase = np.where(self._flyaway, own, own[self._clump]).astype(np.float32)[:, None]
        self._curl = (rng.uniform(0.02, 0.075, count)[self._clump] * rng.uniform(0.6, 1.4, count)).astype(
            np.float32
        )
        self._shade = (rng.uniform(0.75, 1.2, count) * rng.uniform(0.7, 1.3, count)[self._clump]).astype(
            np.float32
        )
        self._width = (rng.uniform(0.5, 1.15, count) * np.where(self._flyaway, 0.6, 1.0)).astype(np.float32)
        self._along = np.linspace(0, 1, JOINTS, dtype=np.float32)

    @staticmethod
    def pose(time: float, size: tuple[int, int]) -> Pose:
        """The body at `time` seconds in a picture of `size` (width, height): it sways, nods, blinks."""
        width, height = size
        yaw = 0.38 * np.sin(2.0 * time - 0.7) + 0.04 * np.sin(5.1 * time)
        roll = 0.11 * np.sin(2.0 * time + 0.5)
        nod = 0.07 * np.sin(3.3 * time + 1.0)
        cy, sy, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(roll), np.sin(roll)
        cn, sn = np.cos(nod), np.sin(nod)
        turn = (
            np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
            @ np.array([[1, 0, 0], [0, cn, -sn], [0, sn, cn]])
            @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        )
        x = width * (0.66 + 0.05 * np.sin(2.0 * time - 0.4))
        y = height * (0.735 + 0.018 * np.sin(4.0 * time))
        blink = float(np.exp(-(((time - 1.46) / 0.06) ** 2)))
        return Pose(np.array([x, y], np.float32), turn.astype(np.float32), blink)

    def _grown(self, time: float, radius: float, size: tuple[int, int]) -> Floats:
        """All strands, [S, JOINTS, 3], around the body's centre, in body radii and the camera's axes."""
        s = self._along
        now = self.pose(time, size)
        # A strand follows the body late: its tip still points where the body's turn was a moment ago.
        late = self.pose(time - 0.16, size)
        start, ahead, behind = self._root @ now.turn.T, self._comb @ now.turn.T, self._comb @ late.turn.T
        phase = self._phase + 2.6 * start[:, 1:2]
        gust = 0.55 + 0.45 * np.sin(2.3 * time + 2.0 * start[:, :1] + 0.4 * phase)
        breath = np.sin(6.5 * time + phase + 5.0 * s)
        hang = np.where(self._tuft, 0.55, 0.75)[:, None]
        give = np.where(self._tuft, 1.0, 0.42)[:, None] * s**1.2
        along = np.stack(
            [
                ahead[:, :1] + (behind - ahead)[:, :1] * s + give * (1.1 * gust + 0.2 * breath),
                ahead[:, 1:2] + (behind - ahead)[:, 1:2] * s + hang * s**1.5 - give * 0.16 * breath,
                ahead[:, 2:] + (behind - ahead)[:, 2:] * s + 0 * breath,
            ],
            -1,
        )
        steps = _unit(along) * (self._length / (JOINTS - 1))[..., None]
        drag = np.append((late.centre - now.centre) / radius, 0).astype(np.float32)
        joints = start[:, None] * np.float32(0.97) + np.cumsum(steps, 1) - steps[:, :1]
        joints += drag * (self._length * s**2)[..., None] * np.float32(0.8)
        joints += (joints[self._clump] - joints) * (self._pull * s[:, None] ** 1.3)
        twist = 7.0 * s + self._phase
        swing = self._curl[:, None] * self._length * s
        joints[..., 0] += swing * np.cos(twist)
        joints[..., 1] += swing * np.sin(twist)
        out: Floats = joints.astype(np.float32)
        return out

    def _lit(self, joints: Floats, normal: Floats) -> Floats:
        """Linear colour of every joint, [S, JOINTS, 3]: diffuse, two highlights, darker towards the root."""
        tangent = _unit(np.gradient(joints, axis=1))
        half = _unit(_KEY + _VIEW)
        across = np.sqrt(np.maximum(1 - (tangent @ _KEY) ** 2, 0))
        shine = np.sqrt(np.maximum(1 - (tangent @ half) ** 2, 0))
        facing = np.clip(0.42 + 0.58 * (normal @ _KEY), 0, 1)[:, None]
        edge = np.clip(0.15 + normal @ _RIM, 0, 1)[:, None]
        s = self._along
        deep = 0.3 + 0.7 * s**0.8
        p = self._palette
        tips = np.where(self._tuft[:, None], p.tuft, p.tip)[:, None]
        low = np.clip(s * 2, 0, 1)[:, None]
        high = np.clip(s * 2 - 1, 0, 1)[:, None]
        base = p.root + (p.middle - p.root) * low + (tips - (p.root + (p.middle - p.root) * low)) * high
        light = deep * (0.22 + 1.05 * facing * across + 0.9 * edge * across)
        gloss = facing * (0.10 * shine**90 + 0.07 * shine**18) + 0.25 * edge * s * across**2
        colour = base * (light * self._shade[:, None])[..., None] + (gloss * deep)[..., None]
        out: Floats = colour.astype(np.float32)
        return out

    def picture(
        self, time: float, shutter: float, samples: int, size: tuple[int, int], radius: float
    ) -> Floats:
        """What the camera sees while its shutter is open: float32 [H, W, 4], premultiplied, linear.

        `size` is (width, height) of the canvas and `radius` the body's, in its pixels; `samples` instants
        between `time` and `time + shutter` are averaged, which is motion blur.
        """
        opened, closed = self._grown(time, radius, size), self._grown(time + shutter, radius, size)
        normal = self._root @ self.pose(time, size).turn.T
        colour = self._lit(opened, normal)
        # From the back to the front; long hair lies over the fur it falls on.
        order = np.argsort(normal[:, 2] + 0.12 * self._tuft, kind="stable")
        behind = order[normal[order, 2] < -0.05]
        before = order[(normal[order, 2] >= -0.05) & ~self._fringe[order]]
        fringe = order[(normal[order, 2] >= -0.05) & self._fringe[order]]
        # Thin at the root too: a strand drawn over its neighbours must not begin with a dark stub.
        taper = (1 - 0.88 * self._along**1.5) * np.clip(0.1 + self._along * 3, 0, 1)
        widths = (self._width[:, None] * taper * np.float32(radius / 150)).astype(np.float32)
        total = np.zeros((size[1], size[0], 4), np.float32)
        for sample in range(samples):
            share = np.float32((sample + 0.5) / samples)
            pose = self.pose(time + shutter * float(share), size)
            joints = (opened + (closed - opened) * share)[..., :2] * np.float32(radius) + pose.centre
            canvas = np.zeros_like(total)
            draw(canvas, joints[behind], widths[behind], colour[behind])
            self._body(canvas, pose, radius)
            draw(canvas, joints[before], widths[before], colour[before])
            draw_eyes(canvas, pose.centre, pose.turn, radius, pose.blink)
            draw(canvas, joints[fringe], widths[fringe], colour[fringe])
            total += canvas
        total /= samples
        return total

    def _body(self, canvas: Floats, pose: Pose, radius: float) -> None:
        """The skin that the fur grows on: dark, so that it reads as depth between the strands."""
        height, width = canvas.shape[:2]
        y, x = np.mgrid[:height, :width].astype(np.float32)
        away = np.hypot(x - pose.centre[0], y - pose.centre[1])
        cover = np.clip(radius * 0.97 - away + 0.5, 0, 1)[..., None]
        skin = np.append(self._palette.root * 0.25, 1).astype(np.float32)
        canvas += cover * (skin - canvas)
