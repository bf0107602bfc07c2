"""TensorBoard event files, read without TensorBoard: a frame of bytes, a message inside, the scalars of it.

The format is TFRecord (length, checksum, data, checksum) around the protocol buffer `Event`. Nothing but numbers and tags is taken out;
lengths are checked against what is there before anything is read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

from ..core import GlidepathError

_MOST_RECORD = 64 * 2**20
_MOST_RECORDS = 10_000_000


def scalars(path: Path) -> Iterator[tuple[str, int, float]]:
    """Yields (tag, step, value) of every scalar in an event file, in the order written; a file cut off at its end is read as far as it goes.

    Args:
        path: The file.

    Raises:
        GlidepathError: If it is no event file, or damaged in the middle.

    Source:
        TensorFlow's `core/lib/io/record_writer.h` and `core/util/event.proto`, `core/framework/summary.proto`.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        for record in range(_MOST_RECORDS):
            head = file.read(12)
            if len(head) < 12:
                return
            (length,) = struct.unpack("<Q", head[:8])
            if _masked(head[:8]) != struct.unpack("<I", head[8:])[0]:
                raise GlidepathError.of("log", "event file", "whole", path.name, f"record {record} is damaged")
            if length > _MOST_RECORD:
                rule = f"made of records of at most {_MOST_RECORD} bytes"
                raise GlidepathError.of("log", "event file", rule, f"{length} bytes")
            if file.tell() + length + 4 > size:
                return
            data = file.read(length)
            file.read(4)
            yield from _event(data, path.name)


def _event(data: bytes, name: str) -> Iterator[tuple[str, int, float]]:
    step, summaries = 0, list[bytes]()
    try:
        for field, value in _fields(data):
            if field == 2 and isinstance(value, int):
                step = value
            elif field == 5 and isinstance(value, bytes):
                summaries.append(value)
        for field, value in (each for summary in summaries for each in _fields(summary)):
            found = _value(value) if field == 1 and isinstance(value, bytes) else None
            if found is not None and 0 <= step < 2**53:
                yield found[0], step, found[1]
    except (IndexError, struct.error, UnicodeDecodeError):
        raise GlidepathError.of("log", "event file", "made of whole messages", name) from None


def _value(data: bytes) -> tuple[str, float] | None:
    """Returns the tag and the number of a value that is one: plain, or a tensor of one float32 or float64."""
    held = dict(_fields(data))
    tag, tensor = held.get(1, b""), held.get(8)
    if isinstance(tensor, bytes):
        held = dict(_fields(tensor))
        kind = held.get(1)
        places = ((4, "<f", kind == 1), (4, "<d", kind == 2), (6, "<d", True), (5, "<f", kind != 2))
    else:
        places = ((2, "<f", True),)
    for field, form, fits in places if tag and isinstance(tag, bytes) else ():
        number = held.get(field)
        if fits and isinstance(number, bytes) and len(number) == struct.calcsize(form):
            return tag.decode(), struct.unpack(form, number)[0]
    return None


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Yields the number and the value of each field of a message: an int for a varint, bytes for everything else."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == 2:
            length, at = _varint(data, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise IndexError
        if at + length > len(data):
            raise IndexError
        yield key >> 3, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return (value if value < 2**63 else value - 2**64), at
    raise IndexError


_CRC = [reduce(lambda crc, _: (crc >> 1) ^ (0x82F63B78 * (crc & 1)), range(8), byte) for byte in range(256)]


def _masked(data: bytes) -> int:
    """Returns TFRecord's masked CRC-32C."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 255] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
