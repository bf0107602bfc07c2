"""Files that are there whole or not at all, and the canonical JSON behind checksums and fingerprints."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from .errors import GlidepathError

__all__ = ["canonical_json", "digest", "read_json", "synced", "write_whole"]


def canonical_json(data: object) -> str:
    """Returns plain data as JSON in the one way that checksums are taken of: sorted, without spaces.

    Raises:
        ValueError: If a number is not finite.

    Examples:
        >>> canonical_json({"b": 1, "a": [0.1, None]})
        '{"a":[0.1,null],"b":1}'
    """
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(data: object) -> str:
    """Returns the SHA-256, in hexadecimal, of the canonical JSON of plain data."""
    return hashlib.sha256(canonical_json(data).encode()).hexdigest()


def write_whole(
    path: str | os.PathLike[str], content: str | bytes, *, lasting: bool = True, where: str | None = None
) -> Path:
    """Writes a file so that, whatever happens, its name holds what was there or what is new, never a part; returns its path.

    Args:
        path: The file. Its folder exists.
        content: All of it; a text is written in UTF-8.
        lasting: Whether to wait until it is on the disk. Without it a loss of power, and nothing less, may take the file back.
        where: What was called, for the error of a folder that cannot be written to; None leaves that error as it is.

    Raises:
        OSError: If the disk is full or the folder cannot be written; the old file is as before.
        GlidepathError: In its place, if the folder cannot be written and `where` is given.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.", suffix=".tmp")
    except OSError as error:
        if where is None:
            raise
        rule = "in a folder that can be written to"
        raise GlidepathError.of(where, "path", rule, str(path), str(error.strerror)) from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if lasting:
        synced(target.parent)
    return target


def synced(path: Path) -> None:
    """Has a file or a folder on the disk; a system that cannot do this for folders does without."""
    if path.is_dir() and not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_json(path: Path) -> Any:
    """Returns the data of a JSON file.

    Raises:
        GlidepathError: If there is no such file, or it is not JSON.
    """
    from .codec import parsed

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise GlidepathError.of(path.name, "", "a file that can be read", error.strerror) from None
    try:
        return parsed(raw)
    except GlidepathError as error:
        raise GlidepathError.of(path.name, "", "a JSON file", raw, error.problems[0].remedy) from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
