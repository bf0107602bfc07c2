"""The engine of worker processes on this machine: a dead worker is replaced, and the job it held starts again.

Each worker is a fresh Python that reads and writes JSON lines (`glidepath.lab.engines.worker`), with one thread for arithmetic:
several small trainings on several threads each slow one another down by an order of magnitude.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import sysconfig
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import glidepath

from ...core import GlidepathError, Problem, settle
from ...core.fields import Count
from ..records.jobs import Job, job_to_dict
from .devices import VARIABLE, devices_of
from .engine import Advanced, Capacity, Dispatch, Event, Failed, Finished

_STILLBORN = 3
_FAREWELL_SECONDS = 5.0
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def available_cpus() -> int:
    """Processors that this process may use; at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Workers:
    """Worker processes on this machine.

    Args:
        count: How many; None for one per processor that this process may use, or one a GPU; never more than there are jobs.
        tries: How often a job is started whose worker dies, before it is given up. At least 1.
        device: What they compute on: see `glidepath.lab.engines.devices.devices_of`.

    Raises:
        GlidepathError: If an argument breaks its rule above.
    """

    count: Count | None = None
    tries: Count = 3
    device: str = "auto"

    def __post_init__(self) -> None:
        settle(self, "workers").done()

    def refuse(self, specs: Sequence[Job[Any]]) -> None:
        """Refuse a device that is not here."""
        devices_of(self.device, specs)

    def execute(self, specs: Sequence[Job[Any]], emit: Callable[[Event], None]) -> None:
        """Carry out jobs. See `glidepath.lab.engines.engine.Engine.execute`.

        Raises:
            GlidepathError: If several workers in a row die before they are ready; the message holds what they wrote.
        """
        devices = devices_of(self.device, specs)
        count = len(devices) if self.count is None and devices != ["cpu"] else self.count
        Crew(count, self.tries, specs, emit, devices=devices).work()


@dataclass(eq=False)
class _Worker:
    """One process, the job it holds, and the threads that read what it writes."""

    inbox: queue.SimpleQueue[tuple[_Worker, dict[str, Any] | None]]
    environment: Mapping[str, str]
    device: str
    spec: Job[Any] | None = None
    ready: bool = False
    last_words: deque[str] = field(default_factory=lambda: deque(maxlen=12))

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "glidepath.lab.engines.worker"],
            **dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE),
            env={**_environment(), VARIABLE: self.device, **self.environment},
            start_new_session=True,  # Ctrl-C in the terminal is the driver's to answer
        )
        self.threads = [threading.Thread(target=read, daemon=True) for read in (self._messages, self._errors)]
        for thread in self.threads:
            thread.start()

    def pipe(self, name: str) -> IO[bytes]:
        """One of its three pipes."""
        return getattr(self.process, name)

    def give(self, spec: Job[Any]) -> None:
        """Hand over a job; if the process is already dead, its end of output will tell."""
        self.spec = spec
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.pipe("stdin").write(json.dumps(job_to_dict(spec)).encode() + b"\n")
            self.pipe("stdin").flush()

    def dismiss(self) -> None:
        """Close its input, which ends it."""
        with contextlib.suppress(OSError):
            self.pipe("stdin").close()

    def bury(self) -> None:
        """Wait until it has ended, by force if need be, and close its pipes."""
        try:
            self.process.wait(_FAREWELL_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for thread in self.threads:
            thread.join(_FAREWELL_SECONDS)
        for name in ("stdout", "stderr"):
            self.pipe(name).close()

    def epitaph(self) -> str:
        """How it ended, with its last lines on standard error."""
        code = self.process.returncode
        how = f"killed by signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        words = "\n".join(self.last_words).strip()
        return f"worker {self.process.pid} died ({how})" + (f":\n{words}" if words else "")

    def _messages(self) -> None:
        pipe = self.pipe("stdout")
        for line in pipe:
            with contextlib.suppress(ValueError):  # what is cut off by death is followed by the end of output
                message = json.loads(line)
                files = {name: pipe.read(size) for name, size in message.get("files", {}).items()}
                if all(len(files[name]) == size for name, size in message.get("files", {}).items()):
                    self.inbox.put((self, {**message, "files": files}))
        self.inbox.put((self, None))

    def _errors(self) -> None:
        for line in self.pipe("stderr"):
            self.last_words.append(line.decode("utf-8", "replace").rstrip())


class Crew(Dispatch):
    """The driver's side: which worker holds which job, what waits, what was tried how often.

    Args:
        count: Processes; None for one per processor that this process may use.
        tries: How often a job is started whose worker dies.
        specs: The jobs.
        emit: Hears the events.
        environment: Variables of the workers, besides those of this process and one thread for arithmetic.
        devices: What they compute on, as equally many of them on each as can be.
    """

    def __init__(
        self,
        count: int | None,
        tries: int,
        specs: Sequence[Job[Any]],
        emit: Callable[[Event], None],
        *,
        environment: Mapping[str, str] | None = None,
        devices: Sequence[str] = ("cpu",),
    ) -> None:
        super().__init__(specs, tries, emit)
        self.environment, self.devices = environment or {}, devices
        self.size = min(count or available_cpus(), len(specs))
        self.stillborn = 0
        self.inbox: queue.SimpleQueue[tuple[_Worker, dict[str, Any] | None]] = queue.SimpleQueue()
        self.workers: list[_Worker] = []

    def work(self) -> None:
        """Until every job has ended; whatever happens, no worker outlives this call."""
        try:
            self.emit(Capacity(max(1, self.size)))
            for _ in range(self.size):
                self._hire()
            while self.open:
                worker, message = self.inbox.get()
                if message is None:
                    self._replace(worker)
                else:
                    self._hear(worker, message)
        finally:
            for worker in self.workers:
                worker.dismiss()
            for worker in self.workers:
                worker.bury()

    def _hire(self) -> None:
        taken = Counter(worker.device for worker in self.workers)
        free = min(self.devices, key=taken.__getitem__)
        self.workers.append(_Worker(self.inbox, self.environment, free))

    def _hear(self, worker: _Worker, message: dict[str, Any]) -> None:
        spec = worker.spec
        if "ready" in message:
            worker.ready, self.stillborn = True, 0
        elif spec is not None and "advanced" in message:
            self.emit(Advanced(spec, int(message["advanced"])))
        elif spec is not None:
            worker.spec = None
            if "failed" in message:
                self.close(Failed(spec, str(message["failed"]).strip()))
            else:
                self.close(Finished(spec.record_from_dict(message["finished"]), message["files"]))
        self._share()

    def _share(self) -> None:
        for worker in self.workers:
            if self.waiting and worker.ready and worker.spec is None:
                worker.give(self.waiting.popleft())

    def _replace(self, worker: _Worker) -> None:
        self.workers.remove(worker)
        worker.dismiss()
        worker.bury()
        if not worker.ready:
            self.stillborn += 1
            if self.stillborn >= _STILLBORN:
                deaths = f"{self.stillborn} deaths in a row; the last: {worker.epitaph()}"
                raise GlidepathError(Problem("workers", "processes", "able to start", deaths))
        if worker.spec is not None:
            self.again(worker.spec, worker.epitaph())
        if len(self.workers) < min(self.size, self.open):
            self._hire()
        self._share()


def _environment() -> dict[str, str]:
    """This process's environment, one thread for arithmetic, and this `glidepath` where it is not the installed one."""
    home = str(Path(glidepath.__file__).resolve().parent.parent)
    installed = {str(Path(sysconfig.get_path(name)).resolve()) for name in ("purelib", "platlib")}
    path = [*({home} - installed), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, **dict.fromkeys(_THREAD_VARIABLES, "1"), "PYTHONPATH": os.pathsep.join(path)}
