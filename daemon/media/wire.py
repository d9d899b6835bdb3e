"""What goes between the daemon and a process that decodes for it: messages over a socket, in JSON.

JSON, because a decoder that was taken over must not be able to send anything but data: no pickle. What it
says is made into the classes named here and into no others; every number comes over to its last bit.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import socket
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from daemon.media.base import ClipInfo, ColourTags, PictureTags, VideoTags
from daemon.media.find import MediaRef

Message = dict[str, Any]

_LARGEST = 1 << 28
"""Bytes of a message: the frames of a clip of days, each with its number and its time, take less."""

_HEAD = struct.Struct("!I")
_CLASSES = {each.__name__: each for each in (ClipInfo, ColourTags, MediaRef, PictureTags, VideoTags)}


class WireError(ValueError):
    """What came is no message."""


def send(to: socket.socket, message: Message, handle: int | None = None) -> None:
    """A message, and with it an open file. Raises OSError."""
    data = json.dumps(_plain(message)).encode()
    data = _HEAD.pack(len(data)) + data
    if handle is not None:
        data = data[socket.send_fds(to, [data], [handle]) :]
    to.sendall(data)


def receive(of: socket.socket, until: float | None = None) -> Message:
    """The next message. until: on the monotonic clock.

    Raises EOFError where the other end is gone, TimeoutError, WireError.
    """
    return receive_with_file(of, until)[0]


def receive_with_file(
    of: socket.socket, until: float | None = None, most: int = 0
) -> tuple[Message, int | None]:
    """As `receive`, with the file that came with it, if `most` is 1: none is taken else."""
    head, handle = _exactly(of, _HEAD.size, until, most)
    (size,) = _HEAD.unpack(head)
    if size > _LARGEST:
        raise WireError(f"a message of {size} bytes")
    data, _ = _exactly(of, size, until, 0)
    try:
        message = _made(json.loads(data))
    except (LookupError, TypeError, ValueError, RecursionError, ArithmeticError) as error:
        raise WireError(f"{type(error).__name__}: {error}") from error
    if not isinstance(message, dict):
        raise WireError(f"a message that is {type(message).__name__}")
    return message, handle


def _exactly(of: socket.socket, size: int, until: float | None, files: int) -> tuple[bytearray, int | None]:
    data, handle = bytearray(), None
    while len(data) < size:
        if until is not None:
            of.settimeout(max(1e-3, until - time.monotonic()))
        wanted = min(size - len(data), 1 << 20)
        if files and not data:
            part, handles, _, _ = socket.recv_fds(of, wanted, files)
            handle = handles[0] if handles else None
        else:
            part = of.recv(wanted)
        if not part:
            raise EOFError
        data += part
    return data, handle


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {"is": "dict", "of": {str(key): _plain(each) for key, each in value.items()}}
    if isinstance(value, Fraction):
        return {"is": "Fraction", "of": [value.numerator, value.denominator]}
    if isinstance(value, Path):
        return {"is": "Path", "of": str(value)}
    if isinstance(value, bytes):
        return {"is": "bytes", "of": base64.b64encode(value).decode()}
    if isinstance(value, np.ndarray):
        return {"is": "array", "of": [value.dtype.str, list(value.shape), _plain(value.tobytes())]}
    if isinstance(value, oiio.TypeDesc):
        kinds = [int(each.value) for each in (value.basetype, value.aggregate, value.vecsemantics)]
        return {"is": "TypeDesc", "of": [*kinds, value.arraylen]}
    assert type(value).__name__ in _CLASSES, value
    told = {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    return {"is": type(value).__name__, "of": told}


def _made(plain: Any) -> Any:
    """What `_plain` was made of; a list has become a tuple."""
    if isinstance(plain, list):
        return tuple(_made(each) for each in plain)
    if not isinstance(plain, dict):
        return plain
    name, of = plain["is"], plain["of"]
    if name in _MAKERS:
        return _MAKERS[name](of)
    return _CLASSES[name](**{key: _made(each) for key, each in of.items()})


def _array(of: Any) -> Any:
    kind, shape, data = of
    if np.dtype(kind).kind not in "biuf":
        raise WireError(f"an array of {kind}")
    return np.frombuffer(_made(data), kind).reshape(shape).copy()


def _type(of: Any) -> oiio.TypeDesc:
    base, aggregate, meaning, length = of
    return oiio.TypeDesc(
        oiio.BASETYPE(base), oiio.AGGREGATE(aggregate), oiio.VECSEMANTICS(meaning), int(length)
    )


_MAKERS: Mapping[str, Callable[[Any], Any]] = {
    "dict": lambda of: {key: _made(each) for key, each in of.items()},
    "Fraction": lambda of: Fraction(int(of[0]), int(of[1])),
    "Path": lambda of: Path(of),
    "bytes": base64.b64decode,
    "array": _array,
    "TypeDesc": _type,
}
