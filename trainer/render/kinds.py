"""The kinds of subject, each with its share and its maker."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trainer.render.body import SHAPES, Body, make_body, roots
from trainer.render.coat import Cut, coat
from trainer.render.palette import dyed, hair, pattern, plume, skin, unit_axis, waves
from trainer.render.parts import Floats, Ints, Rng, Strands, Subject, Surface, floats, scattered, unit
from trainer.render.plants import clock, grass, leafy, needles
from trainer.render.plumes import fan, plumes


def _skin(vertices: Floats, triangles: Ints, colour: Floats) -> Surface:
    tint = floats(np.broadcast_to(colour, vertices.shape))
    return Surface(vertices, triangles, tint, floats(np.zeros(len(vertices))))


def _body(rng: Rng) -> tuple[Body, Floats, Ints]:
    body = make_body(rng, str(rng.choice(list(SHAPES))))
    return body, *body.skin()


def _combed(rng: Rng, body: Body, root: Floats) -> Floats:
    """Along the skin, away from a pole: down, back, or wherever this animal's wind comes from."""
    normal = body.normal(root)
    way = floats([0.5, 0, -0.8]) if rng.random() < 0.5 else unit_axis(rng)
    way = way + floats(np.stack([waves(rng, root, 2.5) for _ in range(3)], -1)) * np.float32(
        rng.uniform(0, 0.6)
    )
    return unit(way - (way * normal).sum(1, keepdims=True) * normal)


def _fur(rng: Rng, *, fluffy: bool = False) -> Subject:
    body, vertices, triangles = _body(rng)
    count = int(rng.integers(14000, 30000))
    root = roots(rng, vertices, triangles, count)
    first, second = hair(rng), hair(rng)
    base = pattern(rng, root, first, second)
    length = rng.uniform(0.12, 0.45) * (1 + 0.35 * waves(rng, root, 2))
    if body.name in ("beast", "face"):
        length *= 0.6
    cut = Cut(
        width=rng.uniform(0.0014, 0.0036), joints=12 if fluffy else 8, lift=rng.uniform(0.25, 0.8),
        fall=rng.uniform(0, 1.5), clumps=rng.uniform(6, 40), pull=rng.uniform(0.1, 0.9),
        curl=rng.uniform(0.015, 0.05) if fluffy else rng.uniform(0, 0.012), turns=rng.uniform(1, 4),
        frizz=rng.uniform(0.003, 0.008) if fluffy else rng.uniform(0, 0.002), stray=rng.uniform(0.01, 0.08),
    )  # fmt: skip
    tip = base * np.float32(rng.uniform(0.6, 1.2)) if rng.random() < 0.6 else 0.5 * base + 0.5 * hair(rng)
    under = base * np.float32(rng.uniform(0.35, 0.9))
    grown = coat(
        rng, body, root, _combed(rng, body, root), floats(np.maximum(length, 0.05)), cut, under, floats(tip)
    )
    return Subject("wool" if fluffy else "fur", (grown,), (_skin(vertices, triangles, under.mean(0) * 0.6),))


def _wool(rng: Rng) -> Subject:
    return _fur(rng, fluffy=True)


def _hair(rng: Rng) -> Subject:
    """A head of hair: parted, cropped, curly, blown or standing on end."""
    body = make_body(rng, "bust")
    vertices, triangles = body.skin()
    everywhere = roots(rng, vertices, triangles, 110000)
    _, y, z = everywhere.T
    scalp = (z > 0.25 - 0.25 * np.clip(y * 3, -1, 1)) & (z > 0.52 - 1.2 * (y + 0.2))
    root = everywhere[scalp][: int(rng.integers(16000, 30000))]
    part = np.float32(rng.uniform(-0.2, 0.2))
    side = np.tanh((root[:, 0] - part) * 12 + rng.normal(0, 0.8, len(root)))
    comb = np.stack([0.9 * side, np.full(len(root), rng.uniform(-0.3, 0.6)), np.full(len(root), -0.35)], -1)
    style = rng.choice(["long", "crop", "curls", "blown", "spikes"])
    lengths = {
        "long": (0.8, 1.5),
        "crop": (0.12, 0.35),
        "curls": (0.5, 0.9),
        "blown": (0.6, 1.1),
        "spikes": (0.3, 0.6),
    }
    length = rng.uniform(*lengths[style]) * (1 + 0.2 * waves(rng, root, 2))
    curly = style == "curls"
    if style == "blown":
        comb = comb * 0.3 + unit_axis(rng) * [1.5, 0.6, 0.4]
    lift, fall = {"spikes": (0.85, 0.1), "crop": (0.5, 2.6), "blown": (0.35, 0.5)}.get(style, (0.35, 2.6))
    cut = Cut(
        width=rng.uniform(0.0012, 0.0026), joints=20 if curly else 13,
        lift=lift, fall=fall,
        clumps=rng.uniform(15, 90), pull=rng.uniform(0.35, 0.9),
        curl=rng.uniform(0.03, 0.07) if curly else rng.uniform(0.002, 0.02),
        turns=rng.uniform(2, 6) if curly else 1.2,
        frizz=rng.uniform(0.0005, 0.004), stray=rng.uniform(0.04, 0.2),
    )  # fmt: skip
    colour = hair(rng)
    tip = colour * np.float32(1.25) if rng.random() < 0.75 else dyed(rng)
    many = np.repeat(colour[None], len(root), 0)
    grown = coat(
        rng,
        body,
        root,
        unit(floats(comb)),
        floats(np.maximum(length, 0.06)),
        cut,
        many,
        floats(tip + 0 * many),
    )
    return Subject("hair", (grown,), (_skin(vertices, triangles, skin(rng)),))


def _plumage(rng: Rng) -> Subject:
    body, vertices, triangles = _body(rng)
    root = roots(rng, vertices, triangles, int(rng.integers(350, 900)))
    normal, comb = body.normal(root), _combed(rng, body, root)
    lift = np.float32(rng.uniform(0.15, 0.7))
    heading = unit(comb + lift * normal + 0.2 * scattered(rng, len(root)))
    length = floats(rng.uniform(0.7, 1.2, len(root))) * np.float32(rng.uniform(0.2, 0.5))
    base, tip = pattern(rng, root, plume(rng), plume(rng)), pattern(rng, root, plume(rng), plume(rng))
    made = plumes(rng, root, heading, normal, length, base, tip, 30, float(rng.uniform(0.12, 0.3)))
    return Subject("plumage", made, (_skin(vertices, triangles, base.mean(0) * 0.5),))


def _feathers(rng: Rng) -> Subject:
    count = int(rng.integers(1, 7))
    root, heading, facing, length = fan(rng, count)
    base, tip = (np.repeat(plume(rng)[None], count, 0) for _ in range(2))
    made: tuple[Strands, ...] = plumes(
        rng,
        root,
        heading,
        facing,
        length,
        base,
        tip,
        int(rng.integers(120, 260)),
        float(rng.uniform(0.1, 0.28)),
    )
    return Subject("feathers", made)


KINDS: dict[str, tuple[float, Callable[[Rng], Subject]]] = {
    "hair": (0.26, _hair),
    "fur": (0.24, _fur),
    "wool": (0.1, _wool),
    "plumage": (0.08, _plumage),
    "feathers": (0.09, _feathers),
    "leaves": (0.08, leafy),
    "grass": (0.05, grass),
    "needles": (0.05, needles),
    "clock": (0.05, clock),
}
"""Most of what a matte is cut for is hair."""


def make_subject(rng: Rng) -> Subject:
    """A subject of a random kind."""
    shares = np.array([share for share, _ in KINDS.values()])
    return list(KINDS.values())[rng.choice(len(KINDS), p=shares / shares.sum())][1](rng)
