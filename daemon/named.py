"""A clip that a person names on the command line, with what lies beside it."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from daemon.asked import Asked, AskedError
from daemon.clip import Clip, stamp_of
from daemon.clip_folder import ROLES, Beside
from daemon.config import ClipSettings, Format, LimitSettings, OutputSettings, clip_settings
from daemon.inbox import clip_in, many, scan, sidecars_of
from daemon.job import Job
from daemon.media import MediaError, MediaRef, locate
from daemon.storage import bits_fault, compression_fault

MAX_PIXELS = LimitSettings().max_pixels
"""Pixels of a frame, where no config says; more is refused before memory is taken."""


def named_sidecars(asked: Asked, background: str | None) -> list[MediaRef | None]:
    """The media that the options name. Raises AskedError."""
    named = {"--trimap": asked.trimap, "--mask": asked.mask, "--clean": asked.clean}
    if len(asked.inputs) > 1 and any(named.values()):
        raise AskedError(
            "--trimap, --mask and --clean belong to one clip; give one INPUT, or put NAME_trimap beside each."
        )
    named["--background"] = background
    return [_located(option, where) if where else None for option, where in named.items()]


def _located(option: str, where: str) -> MediaRef:
    try:
        return locate(where)
    except MediaError as error:
        if option == "--background" and not Path(where).exists():
            raise AskedError(
                f"{option}: {where!r} is neither a file nor a colour; give '#rrggbb', checker or media."
            ) from error
        raise AskedError(f"{option}: {error}") from error


def named_clip(where: str, sidecars: Sequence[MediaRef | None], given: ClipSettings) -> Clip:
    """The clip that a person named, with what lies beside it under its name, unless that was named too.

    where: a folder, as a scan takes it, or what else `daemon.media.locate` does. given: whose background, if
    it is set, goes before one that lies beside the clip.

    Raises MediaError.
    """
    found: Clip | None
    if Path(where).is_dir():
        held = _clip_of(Path(where))
        found, plate, name = held, held.plate, held.name
    else:
        plate = _absolute(locate(where))
        name = re.sub(r"[._]?#+$", "", plate.path.stem) or plate.path.parent.name
        there_are = scan(plate.path.parent, follow_links=True)
        found = next((clip for clip in there_are if clip.plate.files == plate.files), None)
    if found is not None:
        beside: Sequence[MediaRef | None] = (found.trimap, found.mask, found.clean, found.bg)
        settings = found.settings
    else:  # one picture of what a scan takes for a sequence, or a clip that is not to be told apart
        beside, settings = _only(sidecars_of(plate.path.parent, name), name, sidecars)
    trimap, mask, clean, bg = (
        _absolute(named) if named else other for named, other in zip(sidecars, beside, strict=True)
    )
    # What was asked for is not to lose to what lies about.
    if (sidecars[1] or sidecars[2]) and not sidecars[0]:
        trimap = None
    if sidecars[2] and not sidecars[1]:
        mask = None
    if "background" in given.model_fields_set:
        bg = None
    folder = Path("/")
    try:
        stamp = stamp_of(folder, (plate, trimap, mask, clean, bg), settings, bound=False)
    except OSError as error:
        raise MediaError(
            f"{error.filename}: cannot be looked at ({error.strerror}); bring it, or take the link away."
        ) from error
    return Clip(name, folder, plate, trimap, mask, clean, bg, settings, stamp)


def _only(
    beside: Beside, name: str, named: Sequence[MediaRef | None]
) -> tuple[list[MediaRef | None], Path | None]:
    """Of each role the one there is, and the settings. Raises MediaError where there are several, and none of
    them was ``named``: what is left out in silence is found late.
    """
    found = [beside.media[role] for role in ROLES]
    for role, refs, other in zip(ROLES, found, named, strict=True):
        if len(refs) > 1 and other is None:
            raise MediaError(many(name, f"files for {role}", [ref.path for ref in refs]))
    if len(beside.settings) > 1:
        raise MediaError(many(name, "settings files", beside.settings))
    return [refs[0] if refs else None for refs in found], next(iter(beside.settings), None)


def _clip_of(folder: Path) -> Clip:
    """Raises MediaError where it does not hold one clip."""
    remarks: list[str] = []
    found = clip_in(folder.resolve() if folder.name == ".." else folder.absolute(), remarks.append)
    if found is None:
        plates = folder / "plate"
        locate(plates if plates.is_dir() else folder)  # a person can name one of several
        raise MediaError(remarks[-1] if remarks else f"{folder}: was changed just now; start again.")
    return found


def settings_of(clip: Clip, given: ClipSettings, form: Format | None) -> ClipSettings:
    """What the clip's own file says, but for what is set in ``given``, of whose trimap only a source goes
    before the file. form: of whichever outputs the clip has; None: as the file says.

    Raises ConfigError.
    """
    own = clip_settings(given, clip.settings)
    asked = {key: getattr(given, key) for key in given.model_fields_set - {"trimap"}}
    if "source" in given.trimap.model_fields_set:
        asked["trimap"] = own.trimap.model_copy(update={"source": given.trimap.source})
    if form is not None:
        # Layers are an EXR whatever the others are.
        asked["outputs"] = {
            name: how if name == "layers" else _stored_as(form, how) for name, how in own.outputs.items()
        }
    return own.model_copy(update=asked)


def _stored_as(form: Format, how: OutputSettings) -> OutputSettings:
    """The bits and compression of a clip's file are for its own format: they go where ``form`` lacks them."""
    bits, compression = how.bits, how.compression
    if bits is not None and bits_fault(form, bits):
        bits = None
    if compression is not None and compression_fault(form, compression):
        compression = None
    return how.model_copy(update={"format": form, "bits": bits, "compression": compression})


def _absolute(ref: MediaRef) -> MediaRef:
    return replace(ref, path=ref.path.absolute())


def told_as(number: int, name: str) -> Job:
    """A clip as a job, for a reporter, which tells people of jobs."""
    now = time.time()
    return Job(
        id=number, key="", name=name, folder="", source="", state="running", attempts=1, frames_done=0,
        frames_total=None, fps=None, error=None, plan=None, result=None, retry_at=None, created=now,
        started=now, finished=None,
    )  # fmt: skip
