"""The engine of a Ray cluster: jobs on many machines, records back to the driver, which alone writes.

Jobs go out as tasks of a few each, which hand back every record as soon as it is there. So a node that dies costs the
jobs in its hands and nothing else: they start again elsewhere. Ray's own retries are off: what is tried again, and how
often, is decided here.
"""

from __future__ import annotations

import contextlib
import importlib.util
import math
import os
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from ...core import Checks, GlidepathError, Problem, installing, settle
from ...core.fields import Count, Positive, Rate
from ..records.jobs import Job, job_to_dict
from ..tasks.declared import Own
from .engine import Capacity, Dispatch, Event
from .ray_worker import carry_out_chunk
from .workers import available_cpus

_LARGEST_CHUNK = 8
_CHUNKS_A_SLOT = 4
_IN_FLIGHT = 1.5  # tasks a slot: what waits in Ray's row is the demand that an autoscaler sees
_REPORTS_A_SECOND = 100.0  # of all runs together: one driver reads them
_STORE_BYTES = 128 * 2**20
_LOOK_SECONDS = 2.0
_NO_NODE_SECONDS = 600.0  # a cloud takes minutes to start a machine
_NAMED = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory"}
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_AUTHENTICATION = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}


@dataclass(frozen=True)
class Ray:
    """The nodes of a Ray cluster, one training a processor, or for whatever a training is given of each node.

    Needs the extra `ray`, on every node in the same versions. A connection to a cluster that this process
    has already is used, and left as it is.

    Args:
        address: Of the cluster, as `host:port`, or `auto` for the one that Ray finds (its variable `RAY_ADDRESS`, or one
            on this machine). None for the one that `RAY_ADDRESS` names (`ray job submit` sets it); where it is not set,
            one is started on this machine, for loopback connections only, and ended afterwards.
        count: Trainings side by side; None for as many as the cluster has resources for.
        tries: How often a job is started whose worker or node dies, before it is given up. At least 1.
        seconds: How long to wait for an answer of the address. Above 0.
        resources: What one training takes of its node, in Ray's names: `CPU`, `GPU`, `memory` in bytes, or a name of your
            own. A processor unless it says otherwise. A cluster started here has what its machine has.
        device: `cuda` is a GPU for each training besides, and `auto` one where `resources` ask for some; `cpu` is none.
        runtime_env: Ray's description of what the nodes need (`pip`, `env_vars`, `working_dir`, …); None for theirs as it is.

    Raises:
        GlidepathError: If an argument breaks its rule above.
    """

    address: str | None = None
    count: Count | None = None
    tries: Count = 3
    seconds: Positive = 10.0
    resources: Mapping[str, float] = field(default_factory=dict[str, float])
    runtime_env: Mapping[str, Any] | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        checks = settle(self, "ray")
        _check_address(checks, self.address)
        given = self.resources if isinstance(self.resources, Mapping) else None
        if given is None:
            checks.refuse("resources", "a mapping of Ray's names to amounts, such as {'GPU': 1}", self.resources)
        for name, amount in (given or {}).items():
            checks.take(f"resources[{name!r}]", amount, Rate)
        checks.choice("device", self.device, ("auto", "cpu", "cuda"))  # which GPU, Ray says
        checks.done()

    @property
    def cluster(self) -> str | None:
        """Address of the cluster that is used: as given, else as `RAY_ADDRESS` says; None for one of its own."""
        named = self.address if self.address is not None else os.environ.get("RAY_ADDRESS")
        return None if named in ("", "local") else named

    @property
    def needs(self) -> dict[str, float]:
        """What one training takes of its node, by Ray's names, the processor included."""
        return {"CPU": 1.0, **({"GPU": 1.0} if self.device == "cuda" else {}), **self.resources}

    def refuse(self, specs: Sequence[Job[Any]]) -> None:
        """Refuse where ray is missing or nothing answers at the address; every kind of job can be carried out.

        Raises:
            GlidepathError: If ray is not installed, or the address does not answer in time.
        """
        del specs
        if importlib.util.find_spec("ray") is None:
            raise GlidepathError(Problem("ray", "package", "installed", "no ray", installing("ray")))
        loaded = sys.modules.get("ray")
        if loaded and loaded.is_initialized():
            return
        checks = Checks("ray")
        _check_address(checks, self.cluster)
        checks.done()
        if self.cluster not in (None, "auto"):
            _check_answers(self.cluster, self.seconds)

    def execute(self, specs: Sequence[Job[Any]], emit: Callable[[Event], None]) -> None:
        """Carry out jobs. See `glidepath.lab.engines.engine.Engine.execute`.

        Raises:
            GlidepathError: If ray is not installed, the address does not answer in time, the cluster has no processor,
                or its nodes cannot run the package.
        """
        self.refuse(specs)
        with _connected(self) as ray:
            _RayDispatch(ray, self, specs, emit).work()


class _RayDispatch(Dispatch):
    """The driver's side: which jobs wait, which are out, what was tried how often."""

    def __init__(self, ray: ModuleType, engine: Ray, specs: Sequence[Job[Any]], emit: Callable[[Event], None]) -> None:
        super().__init__(specs, emit, engine.tries)
        self.ray, self.engine, self.slots = ray, engine, 0
        self.flights: dict[Any, dict[int, Job[Any]]] = {}  # by task, the jobs without an outcome
        self.looked = self.seen = time.monotonic()
        self.task = ray.remote(**_options(engine))(carry_out_chunk)
        self.device = "cuda" if engine.device != "cpu" and engine.needs.get("GPU") else "cpu"
        self.modules = _users_modules(specs)

    def work(self) -> None:
        """Until every job has ended; whatever happens, no task of ours outlives this call."""
        try:
            self._look()
            while self.open:
                if time.monotonic() - self.looked > _LOOK_SECONDS:
                    self._look()
                self._send()
                ready, _ = self.ray.wait(list(self.flights), num_returns=1, timeout=_LOOK_SECONDS)
                if ready:  # with it all others that have something to say: hundreds of runs report side by side
                    ready, _ = self.ray.wait(list(self.flights), num_returns=len(self.flights), timeout=0)
                self._hear(ready)
            # Every outcome is here, but the tasks are not quite over: Ray may abort if a task is cancelled as it ends.
            while self.flights:
                stream, _ = self.flights.popitem()
                with contextlib.suppress(self.ray.exceptions.RayError):
                    self.ray.get(list(stream))
        finally:
            for stream in self.flights:
                with contextlib.suppress(Exception):
                    self.ray.cancel(stream, force=True)

    def _look(self) -> None:
        """Nodes come and go: counts how many trainings they have room for."""
        self.looked = time.monotonic()
        total: dict[str, float] = self.ray.cluster_resources()
        found = int(min(total.get(name, 0.0) / amount for name, amount in self.engine.needs.items() if amount))
        if found:
            self.seen = self.looked
        elif self.looked - self.seen > _NO_NODE_SECONDS:
            rule = f"of at least one node with {_listed(self.engine.needs)} for a training"
            has = f"{_listed(total) or 'none'} in all for {_NO_NODE_SECONDS:g} s"
            raise GlidepathError.worded("ray", "cluster", rule, has, "add a node")
        slots = max(1, min(found, self.engine.count or found))
        if slots != self.slots:
            self.slots = slots
            self.emit(Capacity(slots))

    def _send(self) -> None:
        most = min(math.ceil(_IN_FLIGHT * self.slots), self.engine.count or sys.maxsize)
        while self.waiting and len(self.flights) < max(most, self.slots):
            # Large chunks while much is left, single jobs at the end: all nodes stay busy until the last moment.
            size = max(1, min(_LARGEST_CHUNK, len(self.waiting) // (self.slots * _CHUNKS_A_SLOT)))
            jobs = [self.waiting.popleft() for _ in range(size)]
            told, every = [job_to_dict(job) for job in jobs], self.slots / _REPORTS_A_SECOND
            stream = self.task.remote(told, self.modules, every, self.device)
            self.flights[stream] = dict(enumerate(jobs))

    def _hear(self, ready: Iterable[Any]) -> None:
        """One message of every stream that has one."""
        errors = self.ray.exceptions
        for stream in ready:
            try:
                position, message = self.ray.get(next(stream))
            except StopIteration:
                self._lost(stream, "its task ended early")
            except (errors.RayTaskError, errors.RuntimeEnvSetupError) as error:
                rule, remedy = "able to run glidepath", "the same versions of glidepath and its packages on every node"
                raise GlidepathError.worded("ray", "nodes", rule, _last_line(error), remedy) from None
            except errors.RayError as error:
                with contextlib.suppress(Exception):
                    self.ray.cancel(stream, force=True)
                self._lost(stream, f"its worker or node died ({type(error).__name__})")
            else:
                if self.hear(self.flights[stream][position], message):
                    del self.flights[stream][position]

    def _lost(self, stream: Any, reason: str) -> None:
        """Jobs without an outcome wait again, in front; the first of them was in hand, which counts as a try."""
        left = list(self.flights.pop(stream).values())
        if left:
            self.waiting.extendleft(reversed(left[1:]))
            self.again(left[0], reason)


@contextlib.contextmanager
def _connected(engine: Ray) -> Generator[ModuleType]:
    """Ray, connected; afterwards as it was before."""
    address = engine.cluster
    host = address.rpartition(":")[0] if address is not None else "localhost"
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if host in _LOOPBACK:
        # Read by Ray when it is imported: without it, loopback addresses are replaced by those of the network.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    import ray

    if ray.is_initialized():
        at = ray.get_runtime_context().gcs_address
        if engine.address not in (None, "auto", at):
            rule = f"None, auto or {at}, to which this process is connected already"
            raise GlidepathError.of("ray", "address", rule, engine.address, "call ray.shutdown() first")
        yield ray
        return
    with contextlib.ExitStack() as ending:
        if address is not None:
            _join(ray, address)
        else:
            if not any(name in os.environ for name in _AUTHENTICATION):
                ending.enter_context(_own_token())
            folder = tempfile.TemporaryDirectory(prefix="glidepath-ray-", ignore_cleanup_errors=True)
            ray.init(
                "local",
                num_cpus=math.ceil(engine.count * engine.needs["CPU"]) if engine.count else available_cpus(),
                include_dashboard=False,
                object_store_memory=_STORE_BYTES,
                _node_ip_address="127.0.0.1",
                _temp_dir=ending.enter_context(folder),
                **_QUIET,
            )
        ending.callback(ray.shutdown)
        yield ray


@contextlib.contextmanager
def _own_token() -> Generator[None]:
    """A token for this cluster alone, in the environment.

    Ray would write one into the home folder, and from then on `ray start --head` there makes clusters that ask for it.
    """
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    try:
        yield
    finally:
        for name in _AUTHENTICATION:  # the mode was set by Ray
            os.environ.pop(name, None)
        with contextlib.suppress(ImportError, AttributeError):  # what Ray keeps of both: the next cluster has its own
            ray: Any = importlib.import_module("ray._raylet")
            ray.Config.initialize("")
            ray.AuthenticationTokenLoader.instance().reset_cache()


def _join(ray: ModuleType, address: str) -> None:
    with contextlib.suppress(ImportError):  # what Ray does by itself for `auto`: a token that is there is used
        from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available

        maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
    try:
        ray.init(address, **_QUIET)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - Ray leaves the program where its own time limit has passed
        # Something answered there, or `refuse` had ended it: what is left is mostly a token that is not the cluster's.
        token = os.environ.get("RAY_AUTH_MODE") == "token" or "AuthToken" in str(error)
        raise _unreached(address, _last_line(error), token) from None


def _unreached(address: str, reason: str, token: bool = False) -> GlidepathError:
    rule, remedy = "that of a running Ray cluster", "start one with: ray start --head"
    if token:
        rule += " whose token this machine has"
        remedy = "copy ~/.ray/auth_token from its first machine, or set RAY_AUTH_MODE=disabled where it has none"
    return GlidepathError.worded("ray", "address", rule, f"{address}: {reason}", remedy)


def _check_answers(address: str, seconds: float) -> None:
    """Asks for the greeting of HTTP/2, which every Ray cluster speaks: Ray itself waits for more than a minute."""
    host, _, port = address.rpartition(":")
    hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    try:
        with socket.create_connection((host.strip("[]"), int(port)), seconds) as line, line.makefile("rb") as said:
            line.sendall(hello)
            reason = "" if said.read(4)[3:] == b"\4" else "something else answers there"
    except OSError as error:
        late = isinstance(error, TimeoutError)
        reason = f"no answer in {seconds:g} s" if late else error.strerror or str(error)
    if reason:
        raise _unreached(address, reason)


def _check_address(checks: Checks, address: object) -> None:
    if address is None or address == "auto":
        return
    host, _, port = address.rpartition(":") if isinstance(address, str) and "://" not in address else ("", "", "")
    if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        checks.refuse("address", "host:port, such as 10.0.0.1:6379, or auto", address)


def _options(engine: Ray) -> dict[str, Any]:
    """How Ray is to run a task of this engine."""
    options: dict[str, Any] = {"max_retries": 0, "num_returns": "streaming", "resources": {}}
    for name, most in engine.needs.items():
        where, key = (options, _NAMED[name]) if name in _NAMED else (options["resources"], name)
        where[key] = int(most) if name == "memory" else most
    return options if engine.runtime_env is None else options | {"runtime_env": dict(engine.runtime_env)}


def _listed(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={amount:g}" for name, amount in resources.items() if ":" not in name)


def _users_modules(specs: Sequence[Job[Any]]) -> dict[str, bytes]:
    """Sources of the users' own tasks that are a single file each, for nodes that do not have it."""
    found: dict[str, bytes] = {}
    for name in {job.task.data.place.partition(":")[0] for job in specs if isinstance(job.task.data, Own)}:
        spec = importlib.util.find_spec(name)
        if "." not in name and spec is not None and spec.origin is not None and not spec.submodule_search_locations:
            found[name] = Path(spec.origin).read_bytes()
    return found


def _last_line(error: BaseException) -> str:
    return str(error).strip().rpartition("\n")[2] or type(error).__name__
