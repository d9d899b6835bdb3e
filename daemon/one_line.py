"""What a person reads of names that somebody else gave to files: one line, whatever is in them."""

from __future__ import annotations

_UNPRINTABLE = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    for code in (
        *range(0x20),
        *range(0x7F, 0xA0),
        0x2028,
        0x2029,
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    )
}
"""Characters that begin a new line, move a terminal's cursor or turn the reading direction."""


def on_one_line(text: str) -> str:
    """A file's name may hold what draws a line of its own on a terminal: it is shown, not obeyed."""
    return text.translate(_UNPRINTABLE)
