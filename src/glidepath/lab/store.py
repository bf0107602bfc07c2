"""A folder of records: written whole, checked when read, one writer at a time.

Each record is one JSON file named by the hash of its specification. A file that was cut off, altered or renamed is
found by its checksum and counts as missing.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

from glidepath.core.errors import GlidepathError, Problem
from glidepath.lab.runs import Record, RunSpec, canonical_json

__all__ = ["Store", "only_writer", "write_atomically"]

_FORMAT = 1
_LARGEST = 64 * 2**20


def write_atomically(path: Path, text: str | bytes) -> None:
    """Write a file so that, whatever happens, its name holds the old text or the new one, never a part.

    Args:
        path: The file. Its folder exists.
        text: The whole text, written in UTF-8, or the whole bytes.

    Raises:
        OSError: If the disk is full or the folder cannot be written; the old file is as before.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


class Store:
    """The records in one folder.

    Args:
        folder: Where they are; made with the first record.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, spec: RunSpec) -> Path:
        """Where the record of a run is, or would be."""
        return self.folder / f"{spec.hash}.json"

    def write(self, record: Record) -> None:
        """Put a record in its place, whole or not at all.

        Args:
            record: What to keep.

        Raises:
            OSError: If it cannot be written; nothing is left behind.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        body = record.to_dict()
        document = {"format": _FORMAT, "run": record.spec.hash, "sha256": _checksum(body), "record": body}
        write_atomically(self.path(record.spec), canonical_json(document) + "\n")

    def read(self, spec: RunSpec) -> Record | None:
        """The record of a run.

        Args:
            spec: The run.

        Returns:
            The record, or None if there is no file.

        Raises:
            GlidepathError: If there is a file that is not a whole, unaltered record of this run.
        """
        path = self.path(spec)
        try:
            if path.stat().st_size > _LARGEST:
                raise _damaged(path, f"at most {_LARGEST} bytes", "more")
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise _damaged(path, "readable UTF-8", str(error)) from None
        try:
            document = json.loads(text)  # NaN passes here, and the checksum's canonical JSON refuses it
            body = document["record"]
            if document["format"] != _FORMAT:
                raise _damaged(path, f"of format {_FORMAT}", repr(document["format"]))
            if document["sha256"] != _checksum(body):
                raise _damaged(path, "equal to its checksum", "other content")
            record = Record.from_dict(body)
        except GlidepathError:
            raise
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _damaged(path, "a whole JSON record", f"{type(error).__name__}: {error}") from None
        if record.spec.hash != spec.hash:
            raise _damaged(path, "the run that its name says", f"run {record.spec.hash[:12]}")
        return record

    def sweep(self) -> None:
        """Remove what a killed writer left: unfinished temporary files. Only the one writer may call this."""
        for leftover in self.folder.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)


@contextlib.contextmanager
def only_writer(folder: Path) -> Generator[None]:
    """Hold a folder for this process; the system lets go of it when the process ends, however it ends.

    Args:
        folder: Made if missing.

    Raises:
        GlidepathError: If another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # a system without POSIX locks: two writers do double work there, but damage nothing
        yield
        return
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            rule, remedy = "a folder that no running comparison uses", "wait for it or choose another"
            raise GlidepathError.of("compare", "out", rule, str(folder), remedy) from None
        yield


def _checksum(body: object) -> str:
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()


def _damaged(path: Path, rule: str, value: str) -> GlidepathError:
    return GlidepathError(Problem(f"record {path.name[:12]}", "file", rule, value[:200]))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
