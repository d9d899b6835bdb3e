"""Weights as data: safetensors and a card, a folder per version, ``current`` pointing at one of them.

    weights/
      swift-2026.11/  weights.safetensors  card.json
      current -> swift-2026.11
      previous -> swift-2026.10

A version is never changed once it is there, so whoever holds its name can come back to it. ``current`` is
replaced in one rename, so a reader finds the old version or the new one; ``previous`` keeps what it named
before. Pickles are never loaded: they can run code.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, isfinite, nn

from dim_model import nets

SHIPPED = Path(__file__).parent / "weights"
"""The versions that come with dimd."""

_TENSORS, _CARD = "weights.safetensors", "card.json"
CURRENT, PREVIOUS = "current", "previous"
"""The links to the version in use, and to what ``current`` named before it was moved."""

_LINKS = (CURRENT, PREVIOUS)
_CARD_BYTES = 4 << 20
_KINDS: dict[type, str] = {str: "text", list: "list", dict: "mapping"}
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class WeightsError(ValueError):
    """One sentence: which weights, what is wrong, how to mend it."""


@dataclass(frozen=True)
class Card:
    """What a studio asks before it uses weights.

    network: a name of ``dim_model.nets``. inputs: of ``dim_model.encode``. sources: what it was trained on,
    each with ``name`` and ``licence``. training: steps, hours and the like. figures: what it reached, by test
    set. sha256: of the safetensors file. canary: the answer to ``dim_model.canary``; {}: none is known.
    """

    version: str
    network: str
    inputs: str
    licence: str
    sources: list[dict[str, str]]
    training: dict[str, Any]
    figures: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""
    canary: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Weights:
    """A version that was read and verified. state: tensors by the network's own names, on the CPU."""

    card: Card
    folder: Path
    state: dict[str, Tensor]

    def network(self) -> nn.Module:
        """The network with these weights, for inference. Raises ``WeightsError`` where they do not fit."""
        model = nets.build(self.card.network)
        try:
            model.load_state_dict(self.state)
        except RuntimeError as error:
            raise WeightsError(
                f"{self.folder}: the tensors do not fit this version's network {self.card.network!r}; "
                "use weights that were made for it, or train these anew."
            ) from error
        return model.eval()


def versions(root: Path) -> list[str]:
    """The versions under ``root``, by name. An absent folder has none."""
    if not root.is_dir():
        return []
    named = (p for p in root.iterdir() if _VERSION.fullmatch(p.name) and p.name not in _LINKS)
    return sorted(p.name for p in named if (p / _CARD).is_file())


def resolve(root: Path, version: str = CURRENT) -> Path:
    """The folder of a version; ``current`` and ``previous`` are followed to the version they name, so a later
    move does not touch it. Raises ``WeightsError``.
    """
    folder = root / version
    try:
        if version in _LINKS and folder.is_symlink():
            folder = root / folder.readlink()
        elif version == CURRENT and (folder / _CARD).is_file():
            # A wheel cannot carry a link; what stands in its place says in its card which version it is.
            named = root / load_card(folder).version
            folder = named if named.is_dir() else folder
        found = _VERSION.fullmatch(version) and (folder / _CARD).is_file()
    except OSError as error:
        raise WeightsError(
            f"{folder}: cannot be looked at ({error.strerror}); bring it back, or give dimd's user access."
        ) from error
    if not found:
        there = ", ".join(versions(root)) or "none"
        raise WeightsError(
            f"{root}: has no weights {version!r} (there: {there}); "
            "train and publish some, or name another folder."
        )
    return folder


def load_card(folder: Path) -> Card:
    """The card alone. Raises ``WeightsError``."""
    path = folder / _CARD
    try:
        if path.stat().st_size > _CARD_BYTES:
            raise ValueError(f"it is larger than {_CARD_BYTES >> 20} MiB")
        data = json.loads(path.read_text(encoding="utf-8"))
        unknown = set(data) - {f.name for f in fields(Card)}
        if unknown:
            raise TypeError(f"unknown entries {sorted(unknown)}")
        card = Card(**data)
        _check_kinds(card)
    except OSError as error:
        raise WeightsError(
            f"{path}: cannot be read ({error.strerror}); publish the weights again."
        ) from error
    except (ValueError, TypeError, RecursionError) as error:
        reason = _brief(error)
        raise WeightsError(f"{path}: is no weights card ({reason}); publish the weights again.") from error
    if card.network not in nets.NETWORKS:
        raise WeightsError(
            f"{path}: names the network {card.network!r}, which this dimd does not have; update dimd."
        )
    return card


def _brief(error: Exception) -> str:
    """What went wrong, as a part of a sentence: a library may quote a whole damaged file."""
    return "".join(c if c.isprintable() else " " for c in textwrap.shorten(str(error), 200))


def _check_kinds(card: Card) -> None:
    """Raise TypeError for a card whose entries are not what they are called: it may be anybody's JSON."""
    kinds: dict[str, type] = dict.fromkeys(("version", "network", "inputs", "licence", "sha256"), str)
    kinds |= {"sources": list, "training": dict, "figures": dict, "canary": dict}
    for name, kind in kinds.items():
        if not isinstance(getattr(card, name), kind):
            raise TypeError(f"its {name} is no {_KINDS[kind]}")
    if not _VERSION.fullmatch(card.version):
        raise TypeError("its version is no name for one")


def load(folder: Path) -> Weights:
    """Read a version and verify it against its card. Raises ``WeightsError``."""
    card = load_card(folder)
    path = folder / _TENSORS
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"{path}: cannot be read ({error.strerror}); publish the weights again."
        ) from error
    if hashlib.sha256(data).hexdigest() != card.sha256:
        raise WeightsError(
            f"{path}: is not what its card describes (sha256 differs); copy the version again."
        )
    try:
        state = load_tensors(data)
    except (SafetensorError, KeyError, ValueError) as error:
        # A kind of number that torch lacks is a KeyError.
        reason = _brief(error)
        raise WeightsError(
            f"{path}: is not a safetensors file ({reason}); copy the version again."
        ) from error
    if not all(bool(isfinite(tensor).all()) for tensor in state.values()):
        raise WeightsError(f"{path}: holds numbers that are not finite; publish a sound checkpoint.")
    return Weights(card, folder, state)


def publish(
    root: Path, card: Card, state: Mapping[str, Tensor], beside: Mapping[str, bytes] | None = None
) -> Path:
    """Write a new version named ``card.version`` under ``root`` and return its folder. ``current`` stays as
    it is.

    beside: further files by name, which ``load`` never looks at: the same network for other programs. The
    folder appears whole in one rename. Raises ``WeightsError`` for a bad name or a version that is there
    already.
    """
    if not _VERSION.fullmatch(card.version) or card.version in _LINKS:
        raise WeightsError(
            f"{card.version!r}: is no name for a version; use letters, digits, '.', '_' and '-'."
        )
    folder = root / card.version
    if folder.exists():
        raise WeightsError(f"{folder}: is published already and never changed; choose another version.")
    data = save_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()})
    content = asdict(card) | {"sha256": hashlib.sha256(data).hexdigest()}
    root.mkdir(parents=True, exist_ok=True)
    draft = root / f".{card.version}.{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        for name, other in (beside or {}).items():
            _write(draft / name, other)
        _write(draft / _TENSORS, data)
        _write(draft / _CARD, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    _sync(root)
    return folder


def size(folder: Path) -> int:
    """Bytes of a version's tensors. Raises ``WeightsError``."""
    path = folder / _TENSORS
    try:
        return path.stat().st_size
    except OSError as error:
        raise WeightsError(
            f"{path}: cannot be read ({error.strerror}); publish the weights again."
        ) from error


def stamp(root: Path, folder: Path) -> tuple[object, ...]:
    """What is another as soon as a version, or ``current``, is not what it was."""
    told: list[object] = [folder]
    for path in (root / CURRENT, folder / _CARD, folder / _TENSORS):
        try:
            state = path.lstat()
            told.append((state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns))
        except OSError as error:
            told.append(error.errno)
    return tuple(told)


def point(root: Path, version: str) -> None:
    """Make ``current`` name ``version``, and ``previous`` what it named, each in one rename. Raises
    ``WeightsError`` where that version is not there, OSError where the folder cannot be written to.
    """
    version = resolve(root, version).name  # of a link what it names, for it is about to name something else
    try:
        before = resolve(root).name
    except WeightsError:
        before = version  # nothing that anybody could go back to
    if before not in (version, *_LINKS):
        _link(root, PREVIOUS, before)
    if not (root / CURRENT).is_symlink():
        shutil.rmtree(root / CURRENT, ignore_errors=True)  # a wheel's copy in the place of a link
    _link(root, CURRENT, version)
    _sync(root)


def _link(root: Path, name: str, version: str) -> None:
    draft = root / f".{name}.{os.getpid()}"
    draft.unlink(missing_ok=True)
    draft.symlink_to(version, target_is_directory=True)
    draft.replace(root / name)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """A rename is durable only once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
