"""The processes that train together: who this one is, what all of them say, one failure for all, and the wish that they stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, NoReturn, TypeVar

import torch
from torch import Tensor, distributed
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from ...core import GlidepathError, Problem
from ...torch.agreement import count, named, number
from ..engines.machine import gpus, no_device

T = TypeVar("T")
_LOOK_SECONDS = 0.5


class SharedError(GlidepathError):
    """An error that every process raises at the same moment, with the same text."""


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together. Every method is called on every one of them.

    Args:
        rank: Its number.
        count: How many there are.
        device: What it computes on.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def texts(self, mine: T) -> list[T]:
        """What every process says, plain data, in the order of their ranks."""
        said: list[Any] = [mine] * self.count
        if self.count > 1:
            distributed.all_gather_object(said, mine)
        return said

    def together(self, work: Callable[[], T], workers: int | None = None) -> T:
        """Does some work on every process; what one refuses all refuse. The work itself must not wait for other processes.

        Args:
            work: What each does.
            workers: On how many of them it is anything; None for all.

        Raises:
            Shared: If it raised a `GlidepathError` anywhere; says on which ranks, if not on all.
        """
        made, mine = list[T](), tuple[Problem, ...]()
        try:
            made.append(work())
        except GlidepathError as error:
            mine = error.problems
        said, found = self.texts(mine), list[Problem]()
        if made and not any(said):
            return made[0]
        for told in dict.fromkeys(filter(None, said)):
            who = [rank for rank, other in enumerate(said) if other == told]
            everywhere = len(who) == (workers or self.count)
            found += told if everywhere else GlidepathError(told).inside(named(who)).problems
        raise SharedError(found)

    def first(self, work: Callable[[], T]) -> T | None:
        """Does some work on rank 0 only, such as reading and writing files; if it fails there, all fail.

        Returns:
            Its result on rank 0, None on the others.

        Raises:
            Shared: If it raised a `GlidepathError` or an `OSError`.
        """

        def alone() -> T | None:
            try:
                return work() if self.rank == 0 else None
            except OSError as error:
                raise GlidepathError.worded("train", "the folder", "writable", str(error)) from None

        return self.together(alone, 1)

    def told(self, given: T | None) -> T | None:
        """What rank 0 gives, plain data and tensors on the CPU, on every process; what the others give does not count."""
        held = [given]
        if self.count > 1:
            distributed.broadcast_object_list(held, 0, device=self.device)
        return held[0]

    def sums(self, values: Tensor) -> Tensor:
        """The sums over all processes of some numbers, float64 on the CPU; the same bits on each process."""
        if self.count == 1:
            return values
        values = values.to(self.device)
        distributed.all_reduce(values)
        return values.cpu()

    def leave(self, code: int) -> NoReturn:
        """Ends the process."""
        if self.count == 1:
            sys.exit(code)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # gloo's threads can outlive the interpreter's end, which aborts the process


@contextmanager
def ranks(device: str = "auto", timeout: float = 600.0) -> Generator[Ranks]:
    """Joins the processes that `torchrun` started; alone where it did not start this one.

    Args:
        device: `auto` is a GPU for each process where there is CUDA (nccl), else the CPU (gloo); `cpu` or `cuda` ask for one, `cuda:1`
            for that GPU, by one process alone.
        timeout: How long a process waits for another one, in seconds, before it gives up.

    Raises:
        GlidepathError: If the device is unknown or missing, or there are fewer GPUs than processes.
    """
    local, side = int(os.environ.get("LOCAL_RANK", "0")), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    chosen = _device(device, local, side)
    if "RANK" not in os.environ or distributed.is_initialized():
        yield Ranks(number(), count(), chosen)
        return
    options: dict[str, Any] = {"backend": "gloo"}
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
        options = {"backend": "nccl", "device_id": chosen}
    wait = timedelta(seconds=timeout)
    store, rank, world = next(rendezvous("env://", timeout=wait))
    if os.environ.get("GROUP_WORLD_SIZE") == "1":
        # After a restart torchrun hands out the same store: without this, ranks may find the addresses of dead processes.
        store = PrefixStore(f"start-{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
    distributed.init_process_group(timeout=wait, store=store, rank=rank, world_size=world, **options)
    try:
        yield Ranks(rank, world, chosen)
    finally:
        distributed.destroy_process_group()


def _device(name: str, local: int, side: int) -> torch.device:
    there = gpus()
    if name == "cpu" or (name in there and side == 1) or (name == "auto" and not there):
        return torch.device("cpu" if name == "auto" else name)
    if name not in ("auto", "cuda") or not there:
        raise no_device("train", name, there, side > 1)
    if len(there) < side:
        remedy = f"start at most {len(there)} processes here, or give --device cpu"
        raise GlidepathError.worded(
            "train", "device", f"a GPU for each of {side} processes", f"{len(there)} GPUs", remedy
        )
    return torch.device("cuda", local)


@contextmanager
def hearing() -> Generator[SimpleNamespace]:
    """Takes SIGINT and SIGTERM as a wish to `stop`, until the end of the block; outside the main thread, where Python allows none, never.

    `torchrun` hands a signal on to processes that may have got it already, so that a second one says nothing new. Its death
    is a wish too: ranks that nobody can stop would keep their folder for ever.
    """
    # No `threading.Event`: its lock would be asked for twice where a second signal comes in the middle of the first.
    wish, over, launcher = SimpleNamespace(stop=False), threading.Event(), os.getppid()

    def look() -> None:
        while not (over.wait(_LOOK_SECONDS) or wish.stop):
            wish.stop = os.getppid() != launcher

    if "TORCHELASTIC_RUN_ID" in os.environ:
        threading.Thread(target=look, daemon=True).start()
    heard = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.signal(number, lambda *_: setattr(wish, "stop", True)) for number in heard}
    try:
        yield wish
    finally:
        over.set()
        for number, handler in before.items():
            signal.signal(number, handler)
