"""What the lines of 3 x 3 pixels leave of alpha: a matting Laplacian applied, without a matrix.

In each window alpha is fitted by a linear function of colour; what the fits of all windows that hold a pixel
leave of it, negated and over nine, is -L alpha / 9, with Levin's L ("A Closed-Form Solution to Natural Image
Matting", 2008, eq. 12; ``laplacian`` makes its rows). A window's colours are looked at once, alpha as often
as it is asked for. Frames are worked on in strips, and of these what lies around mixed pixels.

Kernels release the GIL. None of them is left to reorder sums (``fastmath``): with strips' rows laid as here
they are as fast, and give the same bits in the process that compiles them as out of numba's cache.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import numba
import numpy as np

from dim_model.symmetric import cofactors

RIDGE = 1e-6
"""Added to the variance of a window's colours: a step of 8 bits has as much."""

STRIP = 64
"""Columns that are worked on at once: what belongs to their rows stays in the nearest cache."""

# Numbers of a strip's row, one a pixel, lie a constant apart from those of the next kind, so that a compiler
# sees that none lies in another, and takes eight pixels at once: ten times as fast.
BESIDE = 4
"""Columns of a row before those of the strip."""
ROW = STRIP + 2 * BESIDE
_1, _2, _3, _4, _5, _6, _7, _8 = (np.uintp(k * ROW) for k in range(1, 9))
_LINES, _SUMS, _ROWS, _INSIDE = 4 * ROW, 8 * ROW, 4 * ROW, 20 * ROW
ROOM = _INSIDE + ROW
"""Numbers of a strip's working memory. Where in it, which begins with the sums of three rows, the lines of a
row of windows are; the sums of three of these side by side, of each of three rows, each as long as ``_ROWS``;
and what share of a column's windows lies within the frame.
"""


@numba.njit(nogil=True, cache=True)
def spans(mixed, width, pixels):
    """From which column of a strip to which, not itself, anything is mixed, of each strip's rows: into
    ``pixels``, zeros [S, H, 2]. mixed: flat indices, in order.
    """
    y, start = 0, 0
    for n in range(mixed.size):
        while mixed[n] >= start + width:  # a division would cost more
            y, start = y + 1, start + width
        x = mixed[n] - start
        strip, i = x // STRIP, x % STRIP
        if not pixels[strip, y, 1]:
            pixels[strip, y, 0] = i
        pixels[strip, y, 1] = i + 1


@numba.njit(nogil=True, cache=True)
def _hull(spans, y):
    """From the first column to the last, not itself, of what a row and those beside it have, of each row
    [H, 2]; none where that does not come after the first.
    """
    first, end = STRIP, 0
    for near in range(max(0, y - 1), min(len(spans), y + 2)):
        if spans[near, 1] > spans[near, 0]:
            first, end = min(first, spans[near, 0]), max(end, spans[near, 1])
    return first, end


@numba.njit(nogil=True, cache=True)
def reach(width, left, pixels, windows):
    """From which column to which, not itself, windows that hold anything mixed have their middles, of each
    row, [H, 2]. No window reaches beyond the frame.
    """
    for y in range(1, len(pixels) - 1):
        first, end = _hull(pixels, y)
        first, end = max(first - 1, 1 - left), min(end + 1, width - 1 - left)
        if first < end:
            windows[y, 0], windows[y, 1] = first, end


@numba.njit(nogil=True, cache=True)
def number_rows(windows, number, count):
    """Number the rows of a strip that windows hold, from ``count`` on; returns how many there are now."""
    for y in range(len(windows)):
        first, end = _hull(windows, y)
        if first < end:
            number[y] = count
            count += 1
    return count


@numba.njit(nogil=True, cache=True)
def read(rgb, left, windows, number, colours):
    """Lay the colours that windows see, each channel by itself."""
    for y in range(len(number)):
        if number[y] < 0:
            continue
        first, end = _hull(windows, y)
        p, x = np.uintp(number[y] * 3 * ROW + BESIDE + first - 1), np.uintp(left + first - 1)
        for i in range(np.uintp(end - first + 2)):
            r, g, b = rgb[y, x + i, 0], rgb[y, x + i, 1], rgb[y, x + i, 2]
            colours[p + i], colours[p + _1 + i], colours[p + _2 + i] = r, g, b


@numba.njit(nogil=True, cache=True)
def measure(windows, number, colours, fits):
    """Of each window the mean colour and the inverse of the colours' covariance."""
    sums = np.zeros(9 * ROW)
    for y in range(len(windows)):
        first, size = windows[y, 0], windows[y, 1] - windows[y, 0]
        if size > 0:
            _add_moments(colours, number, y, sums, first, size)
            _invert(sums, fits, number[y], first, size)


@numba.njit(nogil=True, cache=True)
def _add_moments(colours, number, y, sums, first, size):
    """Sums over three rows of colours and their products, for windows from ``first`` on."""
    start = np.uintp(BESIDE + first - 1)
    p0 = start + np.uintp(3 * ROW * number[y - 1])
    p1, p2 = start + np.uintp(3 * ROW * number[y]), start + np.uintp(3 * ROW * number[y + 1])
    for i in range(np.uintp(size + 2)):
        r0, g0, b0 = (
            np.float64(colours[p0 + i]),
            np.float64(colours[p0 + _1 + i]),
            np.float64(colours[p0 + _2 + i]),
        )
        r1, g1, b1 = (
            np.float64(colours[p1 + i]),
            np.float64(colours[p1 + _1 + i]),
            np.float64(colours[p1 + _2 + i]),
        )
        r2, g2, b2 = (
            np.float64(colours[p2 + i]),
            np.float64(colours[p2 + _1 + i]),
            np.float64(colours[p2 + _2 + i]),
        )
        q = start + i
        sums[q], sums[q + _1], sums[q + _2] = r0 + r1 + r2, g0 + g1 + g2, b0 + b1 + b2
        sums[q + _3] = r0 * r0 + r1 * r1 + r2 * r2
        sums[q + _4] = r0 * g0 + r1 * g1 + r2 * g2
        sums[q + _5] = r0 * b0 + r1 * b1 + r2 * b2
        sums[q + _6] = g0 * g0 + g1 * g1 + g2 * g2
        sums[q + _7] = g0 * b0 + g1 * b1 + g2 * b2
        sums[q + _8] = b0 * b0 + b1 * b1 + b2 * b2


@numba.njit(nogil=True, cache=True, inline="always")
def _mean(sums, q):
    return (sums[q - np.uintp(1)] + sums[q] + sums[q + np.uintp(1)]) * (1.0 / 9.0)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _invert(sums, fits, number, first, size):
    start = np.uintp(BESIDE + first)
    row = np.uintp(9 * ROW * number) + start
    for i in range(np.uintp(size)):
        q, p = start + i, row + i
        m0, m1, m2 = _mean(sums, q), _mean(sums, q + _1), _mean(sums, q + _2)
        s00, s01 = _mean(sums, q + _3) - m0 * m0 + RIDGE, _mean(sums, q + _4) - m0 * m1
        s02, s11 = _mean(sums, q + _5) - m0 * m2, _mean(sums, q + _6) - m1 * m1 + RIDGE
        s12, s22 = _mean(sums, q + _7) - m1 * m2, _mean(sums, q + _8) - m2 * m2 + RIDGE
        c00, c01, c02, c11, c12, c22, determinant = cofactors(s00, s01, s02, s11, s12, s22)
        scale = 1.0 / determinant
        fits[p], fits[p + _1], fits[p + _2] = m0, m1, m2
        fits[p + _3], fits[p + _4], fits[p + _5] = c00 * scale, c01 * scale, c02 * scale
        fits[p + _6], fits[p + _7], fits[p + _8] = c11 * scale, c12 * scale, c22 * scale


@numba.njit(nogil=True, cache=True)
def residuals(flat, width, left, pixels, windows, number, colours, fits, room, left_over):
    """-L alpha / 9 of a strip's pixels, from each row's first mixed one to its last: into ``left_over``.

    flat: the frame's alpha, float32 [H * W]; ``width``: W; left: the strip's first column. pixels, windows,
    number: see ``spans``, ``reach``, ``number_rows``; colours, fits: what ``read`` and ``measure`` laid.
    room: float32 [ROOM], finite; left_over: float32 [N * ROW], by numbered rows.
    """
    height = len(pixels)
    for k in range(_SUMS, _SUMS + 3 * _ROWS):
        room[k] = 0.0
    for i in range(STRIP):
        inside = min(left + i + 1, width - 2) - max(left + i - 1, 1) + 1
        room[_INSIDE + BESIDE + i] = np.float32(inside / 9)
    for y in range(1, height + 1):
        sums = _SUMS + y % 3 * _ROWS
        if y >= height - 1:  # there are no windows
            for k in range(sums, sums + _ROWS):
                room[k] = 0.0
        elif windows[y, 1] > windows[y, 0]:
            first, size = windows[y, 0], windows[y, 1] - windows[y, 0]
            start = (y - 1) * width + left + first - 1
            _add_rows(flat, start, width, number, y, colours, room, first, size)
            _fit(fits, number[y], room, first, size)
            _add_lines(room, sums, first, size)
        above, (first, end) = y - 1, pixels[y - 1]
        if end:
            rows = min(y, height - 2) - max(y - 2, 1) + 1
            start = above * width + left + first
            _compare(flat, start, number[above], colours, room, rows, first, end - first, left_over)


@numba.njit(nogil=True, cache=True)
def _add_rows(flat, start, width, number, y, colours, room, first, size):
    """Sums over three rows of alpha, and of its products with the colours, for windows from ``first`` on."""
    a0, a1, a2 = np.uintp(start), np.uintp(start + width), np.uintp(start + 2 * width)
    p = np.uintp(BESIDE + first - 1)
    r0 = p + np.uintp(3 * ROW * number[y - 1])
    r1, r2 = p + np.uintp(3 * ROW * number[y]), p + np.uintp(3 * ROW * number[y + 1])
    for i in range(np.uintp(size + 2)):
        a, b, c = flat[a0 + i], flat[a1 + i], flat[a2 + i]
        q = p + i
        room[q] = a + b + c
        room[q + _1] = colours[r0 + i] * a + colours[r1 + i] * b + colours[r2 + i] * c
        room[q + _2] = colours[r0 + _1 + i] * a + colours[r1 + _1 + i] * b + colours[r2 + _1 + i] * c
        room[q + _3] = colours[r0 + _2 + i] * a + colours[r1 + _2 + i] * b + colours[r2 + _2 + i] * c


@numba.njit(nogil=True, cache=True)
def _fit(fits, number, room, first, size):
    """The line of each window from ``first`` on; there are none beside them."""
    ninth, one = np.float32(1.0 / 9.0), np.uintp(1)
    start = np.uintp(BESIDE + first)
    w, lines = np.uintp(9 * ROW * number) + start, np.uintp(_LINES) + start
    for j in range(np.uintp(size)):
        q, i, p = start + j, w + j, lines + j
        m0, m1, m2 = fits[i], fits[i + _1], fits[i + _2]
        s = (room[q - one] + room[q] + room[q + one]) * ninth
        v0 = (room[q + _1 - one] + room[q + _1] + room[q + _1 + one]) * ninth - m0 * s
        v1 = (room[q + _2 - one] + room[q + _2] + room[q + _2 + one]) * ninth - m1 * s
        v2 = (room[q + _3 - one] + room[q + _3] + room[q + _3 + one]) * ninth - m2 * s
        k0 = fits[i + _3] * v0 + fits[i + _4] * v1 + fits[i + _5] * v2
        k1 = fits[i + _4] * v0 + fits[i + _6] * v1 + fits[i + _7] * v2
        k2 = fits[i + _5] * v0 + fits[i + _7] * v1 + fits[i + _8] * v2
        room[p], room[p + _1], room[p + _2], room[p + _3] = k0, k1, k2, s - k0 * m0 - k1 * m1 - k2 * m2
    for k in range(4):
        place = _LINES + k * ROW + BESIDE + first
        for beside in (place - 2, place - 1, place + size, place + size + 1):
            room[beside] = 0.0


@numba.njit(nogil=True, cache=True)
def _add_lines(room, sums, first, size):
    """Sums of three neighbours' lines, from the window before ``first`` to the one behind the last."""
    one = np.uintp(1)
    start = np.uintp(BESIDE + first - 1)
    lines, out = np.uintp(_LINES) + start, np.uintp(sums) + start
    for i in range(np.uintp(size + 2)):
        p, q = lines + i, out + i
        room[q] = room[p - one] + room[p] + room[p + one]
        room[q + _1] = room[p + _1 - one] + room[p + _1] + room[p + _1 + one]
        room[q + _2] = room[p + _2 - one] + room[p + _2] + room[p + _2 + one]
        room[q + _3] = room[p + _3 - one] + room[p + _3] + room[p + _3 + one]


@numba.njit(nogil=True, cache=True)
def _compare(flat, start, number, colours, room, rows, first, size, left_over):
    """What a row's lines say, the mean of nine, less its alpha. rows: of how many rows there are windows."""
    ninth, rows, begin = np.float32(1.0 / 9.0), np.float32(rows), np.uintp(BESIDE + first)
    at, row = np.uintp(start), np.uintp(number * ROW) + begin
    c, inside, s = np.uintp(3 * ROW * number) + begin, np.uintp(_INSIDE) + begin, np.uintp(_SUMS) + begin
    for i in range(np.uintp(size)):
        p, q = s + i, c + i
        k0 = room[p] + room[p + _4] + room[p + _8]
        k1 = room[p + _1] + room[p + _5] + room[p + _8 + _1]
        k2 = room[p + _2] + room[p + _6] + room[p + _8 + _2]
        d = room[p + _3] + room[p + _7] + room[p + _8 + _3]
        said = k0 * colours[q] + k1 * colours[q + _1] + k2 * colours[q + _2] + d
        left_over[row + i] = said * ninth - rows * room[inside + i] * flat[at + i]
