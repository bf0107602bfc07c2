"""One call of a command that trains: find the records that are there, have the missing ones made, keep each at once.

Whatever the command and the engine, so: what is on disk is not made again, damage is found and made good, Ctrl-C loses
nothing but the jobs in hand, and a full disk is an error that names the place.
"""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core import GlidepathError, Problem, canonical_json, refuse, shown, write_whole
from ..records.jobs import Job, RecordT
from ..records.store import Store, only_writer
from .engine import Advanced, Capacity, Engine, Event, Failed, Finished, Retried
from .progress import Meter, Silent, Watcher

_STATUS_SECONDS = 0.1
_GOES_ON = "the other runs are kept; the same call goes on"


class Session:
    """Finds, has made and keeps the records of jobs.

    Args:
        store: Where records are found and kept.
        engine: What carries out jobs.
        watcher: Who hears how far it is; None for nobody.
        where: Name of the command, for errors.
        command: What makes it again, for the cheaper one that is proposed; empty for the command of that name on the task.
    """

    def __init__(
        self, store: Store, engine: Engine, watcher: Watcher | None = None, where: str = "session", command: str = ""
    ) -> None:
        self.store, self.engine, self.watcher = store, engine, watcher or Silent()
        self.where, self.command, self.estimated = where, command, set[str]()
        self.later = 0  # updates of jobs that will be asked for later, as far as that is known, for the estimate

    def records(self, jobs: Sequence[Job[RecordT]]) -> dict[str, RecordT]:
        """A record for every job, by hash.

        Args:
            jobs: What is wanted; equal ones are made once. All of one kind, or of several.

        Raises:
            GlidepathError: If jobs failed, after all others have ended and been kept; or if a record cannot be written,
                after every worker has ended.
            KeyboardInterrupt: On Ctrl-C, after every worker has ended.
        """
        unique = list({job.hash: job for job in jobs}.values())
        records = self._found(unique)
        made = self._made(unique, records)
        # What was made now shows which data this machine has; older records from other data cannot stand beside it.
        current = {record.spec.task.name: record.data_sha256 for record in made.values()}
        both = records | made
        old = {key for key, one in both.items() if current.get(one.spec.task.name, one.data_sha256) != one.data_sha256}
        if not old:
            return both
        self.watcher.note(f"{len(old)} records were made from other data than this machine has; they run again.")
        kept = {key: one for key, one in both.items() if key not in old}
        return kept | self._made(unique, kept)

    def _found(self, jobs: Sequence[Job[RecordT]]) -> dict[str, RecordT]:
        records: dict[str, RecordT] = {}
        for job in jobs:
            try:
                if (record := self.store.read(job)) is not None:
                    records[job.hash] = record
            except GlidepathError as error:
                self.watcher.note(f"{error}; it runs again.")
        return records

    def _made(self, jobs: Sequence[Job[RecordT]], found: Mapping[str, RecordT]) -> dict[str, RecordT]:
        """Records of the jobs that are not among those found: listens to the engine, keeps what it finishes, and tells the watcher."""
        command = self.command or f"glidepath {self.where} -t {jobs[0].task.name if jobs else ''}"
        meter = Meter(jobs, [one.spec for one in found.values()], command, self.estimated, self.later)
        made, failures = dict[str, RecordT](), dict[str, list[Job[Any]]]()  # the latter by what went wrong
        capacity, told, note = 1, 0.0, self.watcher.note

        def tell() -> None:
            nonlocal told
            told = time.monotonic()
            self.watcher.status(meter.status(capacity))

        def hear(event: Event) -> None:
            nonlocal capacity
            match event:
                case Capacity(capacity):
                    pass
                case Advanced(spec, updates):
                    meter.advanced(spec, updates)
                    if text := meter.foretold(spec, capacity):
                        note(text)
                case Finished(record, files):
                    with writing(self.where, self.store.folder):
                        self.store.write(record, files)
                    made[record.spec.hash] = record
                    meter.ended(record.spec, record.wall_seconds, record.updates)
                case Retried(spec, reason):
                    meter.advanced(spec, 0)
                    note(f"{_title(spec)}: {reason}\nIt runs again.")
                case Failed(spec, reason):
                    alike = failures.setdefault(reason, [])
                    alike.append(spec)
                    meter.ended(spec)
                    note(f"{_title(spec)} failed{' likewise' if len(alike) > 1 else f': {reason}'}")
            if not isinstance(event, Advanced | Finished) or time.monotonic() - told > _STATUS_SECONDS:
                tell()

        tell()
        if missing := [job for job in jobs if job.hash not in found]:
            self.engine.execute(missing, hear)
            tell()
        titles = {
            why: _title(jobs[0]) + f" and {len(jobs) - 1} more" * (len(jobs) > 1) for why, jobs in failures.items()
        }
        refuse(Problem(self.where, told, "able to run", why, _GOES_ON) for why, told in titles.items())
        return made


def session_problems(where: str, out: Path, engine: object, jobs: Sequence[Job[Any]] = ()) -> list[Problem]:
    """What is wrong with the folder and the engine of a command, before anything is written.

    Args:
        where: Name of the command.
        out: Its folder, which need not exist.
        engine: None or an engine.
        jobs: What it would carry out; an engine that has a method `refuse` is asked.
    """
    found: list[Problem] = []
    place = next(place for place in (out, *out.absolute().parents) if place.exists())
    if not place.is_dir():
        found.append(Problem(where, "out", "a folder", f"{shown(str(out))}: {place} is a file"))
    if engine is not None and not isinstance(engine, Engine):
        found.append(Problem(where, "engine", "an engine such as Workers() or InProcess()", shown(engine)))
    elif (ask := getattr(engine, "refuse", None)) is not None:
        try:
            ask(jobs)
        except GlidepathError as error:
            found += error.problems
    return found


@contextlib.contextmanager
def opened(
    where: str, out: Path, engine: Engine | None, watcher: Watcher | None, files: Path | None = None, command: str = ""
) -> Generator[Session]:
    """A session on a folder that this process alone writes to: its records are in `out/records`.

    Args:
        where: Name of the command.
        out: Folder of the command, made if missing.
        engine: What carries out jobs; None for one worker process a processor.
        watcher: Who hears how far it is.
        files: Folder for the files of records; None for the folder of the records.
        command: What makes it again, for the cheaper one that is proposed.

    Raises:
        GlidepathError: If another process holds the folder, or it cannot be written.
    """
    from .workers import Workers

    with contextlib.ExitStack() as held:
        with writing(where, out):
            held.enter_context(only_writer(out, where))
            store = Store(out / "records", files)
            store.sweep()
        yield Session(store, engine or Workers(), watcher, where, command)


@contextlib.contextmanager
def writing(where: str, place: Path) -> Generator[None]:
    """Turns what the system says when something cannot be written into an error that names the place.

    Args:
        where: Name of the command.
        place: The folder written to.

    Raises:
        GlidepathError: If the disk is full, the folder cannot be written, or the like.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        named = Path(error.filename2 or error.filename or place).name
        cure = f"{named} is a folder: move it away" if isinstance(error, IsADirectoryError) else f"free {named}"
        cure = "make room" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else cure
        remedy = f"what is there is whole; {cure}, or choose another folder: the same call goes on"
        rule, got = "a place that can be written", f"{place}: {reason}"
        raise GlidepathError.worded(where, "out", rule, got, remedy) from error


def put(where: str, folder: Path, made: Any, data: str, table: str) -> Any:
    """Writes what a command answered, as data and as a table, each file whole; returns it.

    Args:
        where: Name of the command.
        folder: Where to.
        made: The answer.
        data: Name of the file of its data.
        table: Name of the file of its table.
    """
    with writing(where, folder):
        write_whole(folder / data, canonical_json(made.to_dict()) + "\n")
        write_whole(folder / table, made.table())
    return made


def _title(job: Job[Any]) -> str:
    schedule = getattr(job, "schedule", None)
    what = f"{job.task.name}, {shown(schedule)}" if schedule is not None else job.task.name
    return f"{job.kind} {job.hash[:12]} ({what}, seed {job.seed})"
