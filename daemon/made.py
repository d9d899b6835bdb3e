"""A frame of a run on its way: what was read of it, and what is made of that, with its figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import cv2
from torch import Tensor

from daemon import layers
from daemon.compose import compose
from daemon.media import Frame, PictureTags, Pixels
from daemon.media.picture_tags import OF_ONE_FRAME, without
from daemon.plan import Plan
from daemon.trimaps import Trimap
from dim_model.temporal import Steady
from dim_model.trimap import coded

Figures = dict[str, Any]


@dataclass
class Work:
    """A frame that waits for its matte. index: its position in the whole plate. mended: pixels in it that
    were filled. trimap: uint8 [1, H, W] of 0, 1 and 2, for several wait; unknown: the share of it that is 1;
    confidence: of it.
    """

    index: int
    number: int
    pts: int | None
    tags: PictureTags | None
    mended: int
    plate: Tensor
    trimap: Tensor
    unknown: float
    confidence: float

    @classmethod
    def of(cls, index: int, frame: Frame, plate: Tensor, trimap: Trimap) -> Self:
        codes, unknown = coded(trimap.values)
        sure = round(trimap.confidence, 3)
        return cls(
            index, frame.number, frame.pts, frame.tags, frame.mended, plate, codes, round(unknown, 6), sure
        )


@dataclass
class Made:
    """A frame that waits to be written. pictures: float32 [H, W, C], by the name of the output."""

    index: int
    number: int
    pts: int | None
    tags: PictureTags | None
    pictures: dict[str, Pixels]
    figures: Figures

    @classmethod
    def of(cls, work: Work, steady: Steady, plan: Plan) -> Self:
        """Every output of ``plan``; raises what reading the background raises."""
        made = _made(work, steady.alpha, plan)
        figures = {
            "frame": work.number,
            "unknown": work.unknown,
            "confidence": work.confidence,
            "alpha": round(cv2.mean(made["alpha"])[0], 6),
            "flicker": round(steady.flicker, 5),
        }
        if steady.cut:
            figures["cut"] = True
        if work.mended:
            figures["mended"] = work.mended
        pictures: dict[str, Pixels] = {output.name: made[output.name] for output in plan.outputs}
        return cls(work.index, work.number, work.pts, work.tags, pictures, figures)

    def frames(self, plan: Plan) -> Iterator[list[Frame]]:
        """What each output is given: the frame itself, and one for each that is missing after it."""
        yield [Frame(self.number, self.pictures[o.name], self.pts, o.tags(self.tags)) for o in plan.outputs]
        for number in plan.gaps.after(self.index - plan.part.start):
            pictures, tags = plan.gaps.pictures(self.pictures), without(self.tags, OF_ONE_FRAME)
            yield [Frame(number, pictures[o.name], None, o.tags(tags)) for o in plan.outputs]


def _made(work: Work, alpha: Tensor, plan: Plan) -> dict[str, Pixels]:
    """Every output of ``plan`` and, whether it is one or not, alpha."""
    names = {output.name for output in plan.outputs}
    space, into = plan.colours.plate.space, dict(plan.colours.outputs)
    parts: dict[str, str] = {}
    if "layers" in names:
        own = into.get("layers")
        for kind in layers.NEEDS:
            is_there = kind in names and into.get(kind) == own
            parts[kind] = kind if is_there else f"layers.{kind}"
            if own and not is_there:
                into[parts[kind]] = own
    background = plan.background.at(work.number, work.index) if "composite" in names else None
    wanted = {"alpha"} | names - {"layers"} | set(parts.values())
    made = compose(
        work.plate, alpha, background, space, wanted, into, plan.treatment, plan.settings.mixing
    )
    if parts:
        of_layers = {kind: made[part] for kind, part in parts.items()}
        made["layers"] = layers.stacked(of_layers, work.trimap / 2)
    return made
