"""What a sidecar without a plate waits for, in words: a plate that has not come yet, or one that lies there
and was taken as a frame of a sequence, because its neighbours are numbered as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from daemon.clip import Role
from daemon.file_names import plain
from daemon.media import MediaRef
from daemon.media.numbered import numbered


class Waiting:
    """plates: what lies in one folder, each by the name that its sidecars carry."""

    def __init__(self, plates: Iterable[tuple[str, MediaRef]]) -> None:
        self._taken = {
            plain(frame.rpartition(".")[0]): (frame, name, ref.path.name)
            for name, ref in plates
            for frame in ref.frames
        }

    def words(self, owner: str, suffix: str, role: Role | None) -> str:
        """A sentence but for the name before it. owner: whose the file is. role: of a still, which may be one
        frame's; None: of what may not.
        """
        frame, name, sequence = self._taken.get(owner, ("", "", ""))
        parts = numbered(frame)
        if parts is None:
            return f"waits for its plate {owner!r}; bring that, or rename this if it is a plate."
        stem = frame.removesuffix(parts.suffix)
        mend = f"rename the pictures if they are single, as {stem}a{parts.suffix}"
        if role is not None:
            mend += f", or call the {role} {name}_{role}.{stem[-parts.digits :]}{suffix}"
        return f"its plate {frame} was taken as frame {parts.number} of the sequence {sequence}; {mend}."
