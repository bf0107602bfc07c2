"""A state as a file: written whole or not at all, read without running anything."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from ..core.errors import GlidepathError, shown

__all__ = ["read_json", "write_json"]

_MAX_BYTES = 64 * 2**20


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Writes data as JSON: to a file beside `path`, then in one move to its place."""
    text = json.dumps(data, indent=1, allow_nan=False)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_json(path: Path) -> Any:
    """Returns the data of a JSON file.

    Raises:
        GlidepathError: If there is no such file, or it is not JSON.
    """
    where = path.name
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise GlidepathError.of(where, "", f"at most {_MAX_BYTES} bytes", path.stat().st_size)
        raw = path.read_bytes()
    except OSError as error:
        raise GlidepathError.of(where, "", "a file that can be read", error.strerror) from None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise GlidepathError.of(where, "", "a JSON file", shown(raw)) from None
