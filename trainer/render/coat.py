"""Coats: strands that leave a body's skin, fall, clump, curl and stray."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainer.render.body import Body
from trainer.render.palette import varied, waves
from trainer.render.parts import Floats, Rng, Strands, across, floats, scattered, unit


@dataclass(frozen=True)
class Cut:
    """How a coat is worn. lift: 1 stands off the skin, 0 lies along the comb. fall:
    gravity. clumps: how many strands share one. pull: how tightly. curl, turns: size and number of its coils.
    frizz: restlessness of a single strand. stray: share of flyaways.
    """

    width: float
    joints: int
    lift: float
    fall: float
    clumps: float
    pull: float
    curl: float
    turns: float
    frizz: float
    stray: float


def _leaders(rng: Rng, root: Floats, size: float) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """For each root [S, 3] the strand that leads its clump, int [S]."""
    chosen = rng.choice(len(root), max(1, int(len(root) / size)), replace=False)
    at = root[chosen]
    nearness = root @ at.T - (at**2).sum(1) / 2
    out: np.ndarray[tuple[int], np.dtype[np.intp]] = chosen[nearness.argmax(1)]
    return out


def _grown(
    rng: Rng, body: Body, root: Floats, comb: Floats, length: Floats, cut: Cut, loose: Floats
) -> Floats:
    """The strands' joints [S, K, 3], from roots and comb directions [S, 3], lengths and looseness [S]."""
    count, joints = len(root), cut.joints
    normal = body.normal(root)
    lift = np.maximum(floats(cut.lift), loose * 0.6)[:, None]
    fall = (cut.fall * (1 - 0.75 * loose))[:, None] * floats([0, 0, 1])
    heading = unit(normal * lift + comb * (1 - lift) + rng.normal(0, 0.12, (count, 3)).astype(np.float32))
    drift = sum(
        (waves(rng, root, 3)[:, None] * floats(rng.normal(0, 0.25, 3)) for _ in range(2)), start=0 * root
    )
    pulled = 1.2 * drift - 2 * fall
    step = (length / (joints - 1))[:, None]
    at, line = root - normal * 0.015, []
    for k in range(joints):
        line.append(at)
        heading = unit(floats(heading + pulled * step))
        at = at + heading * step
        if k and k % 2:  # hair rests on the skin that it falls on
            inside = np.maximum(0.02 - body.distance(at), 0)
            touching = inside > 0
            if touching.any():
                out = body.normal(at[touching])
                at = at.copy()
                at[touching] += out * inside[touching, None]
                bound = heading[touching]
                heading[touching] = unit(bound - np.minimum((bound * out).sum(1, keepdims=True), 0) * out)
    return floats(np.stack(line, 1))


def _styled(rng: Rng, points: Floats, cut: Cut, loose: Floats) -> Floats:
    """Clumped, curled and frizzed; loose: float32 [S], 1 where a strand goes its own way."""
    count, joints = len(points), cut.joints
    s = np.linspace(0, 1, joints, dtype=np.float32)
    leader = _leaders(rng, points[:, 0], cut.clumps)
    hold = cut.pull * rng.uniform(0.6, 1.1, count) * (1 - 0.85 * loose)
    points = points + (points[leader] - points) * (hold[:, None] * s**1.2)[..., None].astype(np.float32)
    first, second = across(unit(floats(points[:, -1] - points[:, 0])))
    own = rng.uniform(0, 6.3, count)
    phase = np.where(loose > 0, own, own[leader] + rng.normal(0, 0.35, count))
    turn = cut.turns * rng.uniform(0.8, 1.25, count)[leader][:, None] * 6.3 * s + phase[:, None]
    size = (cut.curl * rng.uniform(0.5, 1.3, count))[:, None] * np.minimum(s * 3, 1)
    points = points + first[:, None] * floats(size * np.cos(turn))[..., None]
    points = points + second[:, None] * floats(size * np.sin(turn))[..., None]
    rest = rng.standard_normal((count, joints, 3), np.float32) * np.float32(cut.frizz)
    rest[:, 0] = 0
    return floats(points + np.cumsum(rest, 1) * (0.4 + loose)[:, None, None])


def coat(
    rng: Rng, body: Body, root: Floats, comb: Floats, length: Floats, cut: Cut, base: Floats, tip: Floats
) -> Strands:
    """Strands on roots [S, 3], combed along [S, 3], as long as [S], coloured [S, 3] from base to tip."""
    count, joints = len(root), cut.joints
    loose = floats((rng.random(count) < cut.stray) * rng.random(count) ** 0.7)
    length = length * floats(rng.uniform(0.55, 1.1, count)) * (1 + 0.3 * loose)
    comb = unit(comb + 0.35 * loose[:, None] * scattered(rng, count))
    points = _grown(rng, body, root, comb, length, cut, loose)
    points = _styled(rng, points, cut, loose)
    s = np.linspace(0, 1, joints, dtype=np.float32)
    taper = np.sqrt(np.maximum(1 - s**2.5, 0.02))
    width = cut.width * rng.uniform(0.6, 1.2, count) * (1 - 0.35 * loose)
    shade = s[None, :, None] ** np.float32(rng.uniform(0.6, 2.5))
    value = float(rng.uniform(0.12, 0.4))
    base, tip = varied(rng, base, value, 0.05), varied(rng, tip, value, 0.05)
    colour = base[:, None] * (1 - shade) + tip[:, None] * shade
    give = length[:, None] * s**1.6 * floats(rng.uniform(0.5, 1, count))[:, None]
    return Strands(
        points, floats(width[:, None] * taper), floats(colour), floats(give), float(rng.uniform(0.02, 0.25))
    )
