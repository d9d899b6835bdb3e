"""``python -m tests.fuzz.run N [SEED] [FIRST]``: N damaged inputs, each in a process of its own.

That process is a fork of this one, which has all libraries loaded, so it costs milliseconds; a crash, a hang
or a bomb ends it and nothing else. Ends with 1 where there was a finding; ``python -m tests.fuzz.run 1 SEED
FIRST`` does one again, and leaves it in the folder that it names.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random

import torch

from tests.fuzz import trial
from tests.fuzz.corpus import Seed, build
from tests.fuzz.mutate import mutated

CONFIG = Path(__file__).parents[2] / "config.yaml"

SECONDS = 20
"""Of the processor, not of the clock: another job on the machine is no hang."""

MEMORY = 512 << 20
"""Bytes that a case may come to hold, of pictures that `trial.MAX_PIXELS` bounds: 48 MiB each in floats."""

_FINE, _REFUSED, _FINDING = 0, 1, 2

_SHARES = ("still", "still", "still", "video", "video", "video", "sidecar", "settings", "config", "weights")


def damage(seed: Seed, place: Path, rng: Random) -> None:
    """A copy of a seed in ``place``, with one of its files damaged."""
    shutil.copytree(seed.folder, place)
    name = rng.choice(seed.files)
    data = (place / name).read_bytes()
    (place / name).write_bytes(mutated(data, rng, text=name.endswith((".yaml", ".json"))))
    if seed.kind == "weights" and name.endswith(".safetensors") and rng.random() < 0.9:
        _agree(place / "one")


def _agree(folder: Path) -> None:
    """The card's sha256 is that of the damaged file, so that the damage is reached."""
    import hashlib
    import json

    card = json.loads((folder / "card.json").read_text())
    card["sha256"] = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    (folder / "card.json").write_text(json.dumps(card))


def _child(seed: Seed, place: Path, told: Path) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable(told.open("w"))
    faulthandler.dump_traceback_later(SECONDS * 20, exit=True, file=told.open("a"))
    try:
        sentence = trial.tried(seed.kind, place)
    except BaseException:  # noqa: BLE001  (whatever it is, it is a finding)
        told.write_text(traceback.format_exc())
        return _FINDING
    if sentence is None:
        return _FINE
    wrong = trial.fault(sentence)
    told.write_text(wrong or sentence)
    return _FINDING if wrong else _REFUSED


def case(seed: Seed, place: Path, before: int) -> tuple[int, str]:
    """How one went: its code, and what is told of it. before: bytes that an idle one holds."""
    told = place.parent / "told"
    told.unlink(missing_ok=True)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = _FINDING
        try:
            null = os.open(os.devnull, os.O_RDWR)  # libraries complain there, each in its own way
            for number in (0, 1, 2):
                os.dup2(null, number)
            code = _child(seed, place, told)
        finally:
            os._exit(code)
    _, status, usage = os.wait4(child, 0)
    text = told.read_text(errors="replace") if told.exists() else ""
    grown = usage.ru_maxrss * 1024 - before
    if os.WIFSIGNALED(status):
        name = f"died of signal {os.WTERMSIG(status)} after {usage.ru_utime:.0f} s of processor time"
        return _FINDING, f"{name}\n{text}"
    if grown > MEMORY:
        return _FINDING, f"came to hold {grown >> 20} MiB\n{text}"
    return os.WEXITSTATUS(status), text


def _resident() -> int:
    """Bytes that a fork holds which does nothing: it is not handed this process's pages of files."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    _, _, usage = os.wait4(child, 0)
    return usage.ru_maxrss * 1024


def main(count: int, first_seed: int = 1, first: int = 0) -> int:
    """Do it; returns how many findings there were."""
    torch.set_num_threads(1)  # a fork has no other threads
    begun, tally, findings = time.monotonic(), Counter[tuple[str, str]](), 0
    work = Path(tempfile.mkdtemp(prefix="dimd-fuzz-"))
    seeds = build(work / "seeds", CONFIG)
    for seed in seeds:  # the sound ones are taken, and what is loaded on first use is loaded
        place = work / "sound"
        shutil.copytree(seed.folder, place)
        sentence = trial.tried(seed.kind, place)
        assert sentence is None, (seed.folder, sentence)
        shutil.rmtree(place)
    before = _resident()
    for number in range(first, first + count):
        rng = Random(f"{first_seed}/{number}")
        kind = _SHARES[number % len(_SHARES)]
        seed = rng.choice([each for each in seeds if each.kind == kind])
        place = work / "case"
        damage(seed, place, rng)
        code, text = case(seed, place, before)
        tally[kind, ("fine", "refused", "finding")[code]] += 1
        if code == _FINDING:
            findings += 1
            kept = work / f"finding-{number}"
            place.rename(kept)
            print(
                f"FINDING {first_seed}/{number} ({seed.kind}/{seed.folder.name}), kept in {kept}:\n{text}\n"
            )
        else:
            shutil.rmtree(place)
    for kind in dict.fromkeys(_SHARES):
        row = ", ".join(f"{tally[kind, how]} {how}" for how in ("refused", "fine", "finding"))
        print(f"{kind:9} {row}")
    print(f"{count} inputs, {findings} findings, {time.monotonic() - begun:.0f} s")
    if not findings:
        shutil.rmtree(work)
    return findings


if __name__ == "__main__":
    sys.exit(1 if main(*(int(word) for word in sys.argv[1:])) else 0)
