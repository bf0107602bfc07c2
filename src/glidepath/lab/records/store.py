"""A folder of records: written whole, checked when read, one writer at a time.

Each record is one JSON file named by the hash of its job. A record may have files, whose checksums it holds; they are
written before it. What was cut off, altered or renamed is found by its checksum and counts as missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import socket
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...core import GlidepathError, Problem, canonical_json, digest, write_whole
from .jobs import Job, Kept, RecordT

_FORMAT = 1
_LARGEST = 64 * 2**20
_LONGEST_HOLDER = 2000
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")


class Store:
    """The records in one folder.

    Args:
        folder: Where they are; made with the first record.
        files: Folder for the files of records; None for the same.
    """

    def __init__(self, folder: Path, files: Path | None = None) -> None:
        self.folder = folder
        self.files = files or folder

    def path(self, spec: Job[Any]) -> Path:
        """Where the record of a job is, or would be."""
        return self.folder / f"{spec.hash}.json"

    def write(self, record: Kept, files: Mapping[str, bytes] | None = None) -> None:
        """Put a record in its place, whole or not at all, after its files.

        Nobody waits for the disk: a loss of power, and nothing less, costs the records of the last seconds, which are found
        by their checksums and made again.

        Args:
            record: What to keep.
            files: Its files, by name: those that the record lists.

        Raises:
            GlidepathError: If these are not the files that the record lists, or a name is no plain file name.
            OSError: If something cannot be written; no part of a file is left behind, and no record.
        """
        given = {name: hashlib.sha256(data).hexdigest() for name, data in (files or {}).items()}
        if given != dict(record.files) or not all(_PLAIN.fullmatch(name) for name in given):
            raise GlidepathError.of("record", "files", f"those it lists ({', '.join(record.files)})", ", ".join(given))
        for name, data in (files or {}).items():
            self.files.mkdir(parents=True, exist_ok=True)
            write_whole(self.files / name, data, lasting=False)
        self.folder.mkdir(parents=True, exist_ok=True)
        body = canonical_json(record.to_dict())
        checksum = hashlib.sha256(body.encode()).hexdigest()
        # The canonical JSON of the whole, put together: the body, nearly all of it, is turned into text once.
        text = f'{{"format":{_FORMAT},"record":{body},"run":"{record.spec.hash}","sha256":"{checksum}"}}\n'
        write_whole(self.path(record.spec), text, lasting=False)

    def read(self, spec: Job[RecordT]) -> RecordT | None:
        """The record of a job.

        Args:
            spec: The job.

        Returns:
            The record, or None if there is no file.

        Raises:
            GlidepathError: If there is a file that is not a whole, unaltered record of this job, or one of the record's
                own files is missing or altered.
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
            if document["sha256"] != _checksum_in(text) and document["sha256"] != digest(body):
                raise _damaged(path, "equal to its checksum", "other content")
            record = spec.record_from_dict(body)
        except GlidepathError:
            raise
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _damaged(path, "a whole JSON record", f"{type(error).__name__}: {error}") from None
        if record.spec.hash != spec.hash:
            raise _damaged(path, "the run that its name says", f"run {record.spec.hash[:12]}")
        for name, sha256 in record.files.items():
            self._check(path, name, sha256)
        return record

    def _check(self, path: Path, name: str, sha256: str) -> None:
        if not _PLAIN.fullmatch(name):
            raise _damaged(path, "a record whose files have plain names", repr(name))
        try:
            with (self.files / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _damaged(path, f"beside its file {name}", error.strerror or str(error)) from None
        if found != sha256:
            raise _damaged(path, f"of the same checksum as its file {name}", "other content there")

    def sweep(self) -> None:
        """Remove what a killed writer left: unfinished temporary files. Only the one writer may call this."""
        for folder in {self.folder, self.files}:
            for leftover in folder.glob(".*.tmp"):
                leftover.unlink(missing_ok=True)


@contextlib.contextmanager
def only_writer(folder: Path, where: str = "compare") -> Generator[None]:
    """Hold a folder for this process; the system lets go of it when the process ends, however it ends.

    Args:
        folder: Made if missing.
        where: Name of the command, for the error.

    Raises:
        GlidepathError: If another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # a system without POSIX locks: two writers do double work there, but damage nothing
        yield
        return
    with (folder / ".lock").open("a+", encoding="utf-8") as lock:
        lock.seek(0)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            rule = "a folder that no other glidepath process uses"
            holder, remedy = _holder(lock.read(_LONGEST_HOLDER))
            raise GlidepathError.worded(where, "out", rule, f"{folder}, {holder}", remedy) from None
        lock.truncate(0)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        said = {"process": os.getpid(), "machine": socket.gethostname(), "since": now, "command": where}
        lock.write(json.dumps(said))
        lock.flush()
        yield


def _holder(text: str) -> tuple[str, str]:
    """Who holds a folder, from what its lock says, and what to do about it."""
    try:
        found: dict[str, Any] = json.loads(text)
        process, machine = int(found["process"]), str(found["machine"])[:80]
        held = f"held by process {process} ({str(found['command'])[:40]}) on {machine} since {str(found['since'])[:40]}"
    except (ValueError, KeyError, TypeError):
        return "held by a process that did not say who it is", "wait for it or choose another"
    there = "" if machine == socket.gethostname() else f" on {machine}"
    return held, f"wait for it, choose another, or end it{there} with: kill {process}"


def _checksum_in(text: str) -> str | None:
    """Of the record as it stands in the text, which is canonical as it was written; None where it stands otherwise."""
    head, tail = f'{{"format":{_FORMAT},"record":', text.rfind(',"run":"')
    return hashlib.sha256(text[len(head) : tail].encode()).hexdigest() if text.startswith(head) and tail > 0 else None


def _damaged(path: Path, rule: str, value: str) -> GlidepathError:
    return GlidepathError(Problem(f"record {path.name[:12]}", "file", rule, value[:200]))
