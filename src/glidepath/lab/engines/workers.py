"""The engines of worker processes on this machine: a dead worker is replaced, and the job it held starts again.

Each worker is a fresh Python that reads and writes JSON lines (`glidepath.lab.engines.worker`), with one thread for arithmetic:
several small trainings on several threads each slow one another down by an order of magnitude.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import json
import os
import queue
import subprocess
import sys
import sysconfig
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import glidepath

from ...core import GlidepathError, Problem, installing, refuse, settle
from ...core.fields import Count
from ..records.jobs import Job, job_to_dict
from ..records.runs import RunSpec
from ..tasks.declared import CharTransformer, Cnn1d, Digits, Mlp, Mnist1d, Prose
from .engine import Capacity, Dispatch, Event
from .machine import VARIABLE, devices_of
from .worker import TRAINING

_STILLBORN = 3
_FAREWELL_SECONDS = 5.0
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_JAX_THREADS = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
_JAX_CAN = ((Mlp | Cnn1d, Mnist1d | Digits), (CharTransformer, Prose))


def available_cpus() -> int:
    """Processors that this process may use; at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Workers:
    """Worker processes on this machine. A job whose worker dies is started three times, before it is given up.

    Args:
        count: How many; None for one per processor that this process may use, or one a GPU; never more than there are jobs.
        device: What they compute on: see `glidepath.lab.engines.machine.devices_of`.

    Raises:
        GlidepathError: If an argument breaks its rule above.
    """

    count: Count | None = None
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
        _Crew(self.count, specs, emit, devices=devices_of(self.device, specs)).work()


@dataclass(frozen=True)
class Jax:
    """Worker processes that train with JAX on the processor: the perceptrons, the small convolutional network, the text.

    A worker compiles a task once, whatever the schedules, rates, seeds and budgets of its runs; that takes as long as two
    to five runs in torch. A record stands for the run whichever engine made it, and names JAX among its versions.

    Args:
        count: How many; None for one per processor that this process may use, never more than there are runs.

    Raises:
        GlidepathError: If an argument breaks its rule above.
    """

    count: Count | None = None

    def __post_init__(self) -> None:
        settle(self, "jax").done()

    def refuse(self, specs: Sequence[Job[Any]]) -> None:
        """Refuse what this engine cannot carry out.

        Args:
            specs: What is to be run.

        Raises:
            GlidepathError: If JAX is missing, or a job is no run of a task that it can train; all problems at once.
        """
        missing = importlib.util.find_spec("jax") is None
        package = Problem("jax", "package", "installed", "no jax", installing("jax")) if missing else None
        refuse([package, *dict.fromkeys(map(_no_job_of_jax, specs))])

    def execute(self, specs: Sequence[Job[Any]], emit: Callable[[Event], None]) -> None:
        """Carry out runs. See `glidepath.lab.engines.engine.Engine.execute`.

        Raises:
            GlidepathError: As `refuse`, before anything runs; or if several workers in a row die before they are ready.
        """
        self.refuse(specs)
        _Crew(self.count, specs, emit, environment=jax_environment()).work()


def jax_environment() -> dict[str, str]:
    """What a process has to be started with to train as the workers of `Jax` do: on one thread of the processor, in float32."""
    return {
        TRAINING: "glidepath.lab.engines.jax.training",
        "XLA_FLAGS": " ".join(filter(None, (os.environ.get("XLA_FLAGS"), _JAX_THREADS))),
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "false",
        "JAX_CPU_ENABLE_ASYNC_DISPATCH": "false",  # a chunk runs in the thread that asks for it: nothing to hand over
    }


def _no_job_of_jax(job: Job[Any]) -> Problem | None:
    task, remedy = job.task, "`--engine workers` runs it"
    if not isinstance(job, RunSpec):
        return Problem("jax", "job", "a run", f"{job.kind} of {task.name}", remedy)
    if any(isinstance(task.model, models) and isinstance(task.data, data) for models, data in _JAX_CAN):
        return None
    told = f"{task.name} ({task.model.kind} on {task.data.kind})"
    return Problem("jax", "task", "one that it can train", told, remedy)


class _Worker:
    """One process, the job it holds, and the threads that read what it writes to `inbox`."""

    def __init__(self, inbox: _Inbox, environment: Mapping[str, str], device: str) -> None:
        self.inbox, self.device, self.ready = inbox, device, False
        self.spec: Job[Any] | None = None
        self.last_words: deque[str] = deque(maxlen=12)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "glidepath.lab.engines.worker"],
            **dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE),
            env={**_environment(), VARIABLE: device, **environment},
            start_new_session=True,  # Ctrl-C in the terminal is the driver's to answer
        )
        pipes: list[IO[bytes]] = [getattr(self.process, name) for name in ("stdin", "stdout", "stderr")]
        self.stdin, self.stdout, self.stderr = pipes
        self.threads = [threading.Thread(target=read, daemon=True) for read in (self._messages, self._errors)]
        for thread in self.threads:
            thread.start()

    def give(self, spec: Job[Any]) -> None:
        """Hand over a job; if the process is already dead, its end of output will tell."""
        self.spec = spec
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.stdin.write(json.dumps(job_to_dict(spec)).encode() + b"\n")
            self.stdin.flush()

    def dismiss(self) -> None:
        """Close its input, which ends it."""
        with contextlib.suppress(OSError):
            self.stdin.close()

    def bury(self) -> None:
        """Wait until it has ended, by force if need be, and close its pipes."""
        with self.process:
            try:
                self.process.wait(_FAREWELL_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
            for thread in self.threads:
                thread.join(_FAREWELL_SECONDS)

    def epitaph(self) -> str:
        """How it ended, with its last lines on standard error."""
        code = self.process.returncode
        how = f"killed by signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        words = "\n".join(self.last_words).strip()
        return f"worker {self.process.pid} died ({how})" + (f":\n{words}" if words else "")

    def _messages(self) -> None:
        for line in self.stdout:
            with contextlib.suppress(ValueError):  # what is cut off by death is followed by the end of output
                self.inbox.put((self, json.loads(line)))
        self.inbox.put((self, None))

    def _errors(self) -> None:
        for line in self.stderr:
            self.last_words.append(line.decode("utf-8", "replace").rstrip())


_Inbox = queue.SimpleQueue[tuple[_Worker, dict[str, Any] | None]]


class _Crew(Dispatch):
    """The driver's side: which worker holds which job, what waits, what was tried how often.

    Args:
        count: Processes; None for one per processor that this process may use, or one a GPU.
        specs: The jobs.
        emit: Hears the events.
        environment: Variables of the workers, besides those of this process and one thread for arithmetic.
        devices: What they compute on, as equally many of them on each as can be.
    """

    def __init__(
        self,
        count: int | None,
        *given: Any,
        environment: Mapping[str, str] | None = None,
        devices: Sequence[str] = ("cpu",),
    ) -> None:
        super().__init__(*given)
        self.environment, self.devices, self.stillborn = environment or {}, devices, 0
        self.size = min(count or (available_cpus() if "cpu" in devices else len(devices)), self.open)
        self.inbox, self.workers = _Inbox(), list[_Worker]()

    def work(self) -> None:
        """Until every job has ended; whatever happens, no worker outlives this call."""
        try:
            self.emit(Capacity(max(1, self.size)))
            self._hire(self.size)
            while self.open:
                worker, message = self.inbox.get()
                if message is None:
                    self._replace(worker)
                elif "ready" in message:
                    worker.ready, self.stillborn = True, 0
                elif worker.spec is not None:
                    files = {name: base64.b64decode(file) for name, file in message.get("files", {}).items()}
                    if self.hear(worker.spec, {**message, "files": files}):
                        worker.spec = None
                for idle in self.workers:
                    if self.waiting and idle.ready and idle.spec is None:
                        idle.give(self.waiting.popleft())
        finally:
            self._end(self.workers)

    def _hire(self, most: int) -> None:
        while len(self.workers) < most:
            taken = Counter(worker.device for worker in self.workers)
            free = min(self.devices, key=taken.__getitem__)
            self.workers.append(_Worker(self.inbox, self.environment, free))

    def _replace(self, worker: _Worker) -> None:
        self.workers.remove(worker)
        self._end([worker])
        self.stillborn += not worker.ready
        if self.stillborn >= _STILLBORN:
            deaths = f"{self.stillborn} deaths in a row; the last: {worker.epitaph()}"
            raise GlidepathError(Problem("workers", "processes", "able to start", deaths))
        if worker.spec is not None:
            self.again(worker.spec, worker.epitaph())
        self._hire(min(self.size, self.open))

    def _end(self, workers: Iterable[_Worker]) -> None:
        for worker in workers:
            worker.dismiss()
        for worker in workers:
            worker.bury()


def _environment() -> dict[str, str]:
    """This process's environment, one thread for arithmetic, and this `glidepath` where it is not the installed one."""
    home = str(Path(glidepath.__file__).resolve().parent.parent)
    installed = {str(Path(sysconfig.get_path(name)).resolve()) for name in ("purelib", "platlib")}
    path = [*({home} - installed), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, **dict.fromkeys(_THREAD_VARIABLES, "1"), "PYTHONPATH": os.pathsep.join(path)}
