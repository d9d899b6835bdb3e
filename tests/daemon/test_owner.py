"""Whether the holder of a claim still lives."""

from __future__ import annotations

import pytest

from daemon.owner import is_gone, owner_name


def test_living_owner_is_not_taken_for_gone() -> None:
    own = owner_name()

    assert not is_gone(own)
    assert own != owner_name()


@pytest.mark.parametrize("part", [1, 3])
def test_owner_elsewhere_is_never_taken_for_gone(part: int) -> None:
    parts = owner_name().split("/")
    parts[2] = str(2**22 + 1)  # above the kernel's highest pid
    assert is_gone("/".join(parts))
    parts[part] = "?"

    assert not is_gone("/".join(parts))
    assert not is_gone("some other name")


def test_reused_pid_does_not_keep_a_claim() -> None:
    parts = owner_name().split("/")
    parts[3] = "1"

    assert is_gone("/".join(parts))
