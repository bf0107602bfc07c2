"""What the commands that train share: the options that choose an engine, the bar, and what is said on Ctrl-C."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ..core import GlidepathError
from ..core.fields import Count
from .common import beside, given_by, typed

if TYPE_CHECKING:
    from ..lab.engines.engine import Engine
    from ..lab.engines.progress import Watcher
    from ..lab.tasks.declared import Task

T = TypeVar("T")


@dataclass(frozen=True)
class EngineOptions:
    """The options that say what trains.

    Args:
        engine (--engine, -e): What trains: worker processes, this process alone, worker processes with JAX (small tasks, fast), or the nodes
            of a Ray cluster.
        workers (--workers, -w): Worker processes, of one thread each; with ray: trainings side by side. Default: one a processor, or one a
            GPU.
        address (--address): With ray: the cluster, as host:port or auto. Default: RAY_ADDRESS, or else one on this machine alone.
        resources (--resources): With ray: what one training takes of its node, in Ray's names, such as CPU=2,GPU=0.5. Default: CPU=1.
        device (--device): cpu, cuda (one training a GPU), cuda:1 (that one), or auto: GPUs for images and cifar100 where there are any.
    """

    engine: Literal["workers", "here", "jax", "ray"] = "workers"
    workers: Count | None = None
    address: str | None = None
    resources: str | None = None
    device: str = "auto"

    def made(self) -> Engine:
        """Returns the engine that the options name.

        Raises:
            GlidepathError: If an option does not go with the engine, or what the engine needs is not installed.
        """
        from .. import lab

        for option, value in (("--address", self.address), ("--resources", self.resources)):
            if value is not None and self.engine != "ray":
                raise GlidepathError.of(option, "", "given with --engine ray", value)
        if self.workers is not None and self.engine == "here":
            raise GlidepathError.of("--workers", "", "given with an engine of several processes", self.workers)
        if self.engine == "jax" and self.device not in ("auto", "cpu"):
            raise GlidepathError.of("--device", "", "cpu with --engine jax", self.device)
        taken: dict[str, Any] = {"resources": _amounts(self.resources), "device": self.device}
        made: dict[str, Callable[[], Engine]] = {
            "workers": lambda: lab.Workers(self.workers, device=self.device),
            "here": lambda: lab.InProcess(self.device),
            "jax": lambda: lab.Jax(self.workers),
            "ray": lambda: lab.Ray(self.address, self.workers, **taken),
        }
        return made[self.engine]()


@dataclass(frozen=True)
class Changes:
    """The options that change a task.

    Args:
        model (--model): For images: resnet18, resnet34, resnet50, or resnet8, a small one.
        augment (--augment/--no-augment): For images: move and mirror them at random.
        label_smoothing (--label-smoothing): Share of the target spread over all classes.
        weight_decay (--weight-decay): Of the optimizer. Default: the task's.
        epochs (--epochs): Length of each run in passes over the data.
        amp (--amp): Run the forward pass in bfloat16.
    """

    model: str | None = None
    augment: bool | None = None
    label_smoothing: float | None = None
    weight_decay: float | None = None
    epochs: Count | None = None
    amp: bool = False

    def typed(self) -> str:
        """Returns the same options as they are typed, with a space before each; the length of runs, which is a budget too, is left out."""
        switch = {None: "", True: "--augment", False: "--no-augment"}[self.augment]
        values = {"--model": self.model, "--label-smoothing": self.label_smoothing, "--weight-decay": self.weight_decay}
        given = [switch, *(f"{name} {one}" for name, one in values.items() if one is not None), "--amp" * self.amp]
        return "".join(f" {one}" for one in given if one)

    def of(self, task: str, budget: int | None = None) -> str | Task:
        """Returns the task with what is changed; its name where nothing is.

        Args:
            task: Its name.
            budget: What `--budget` gives.

        Raises:
            GlidepathError: If a change breaks its rule, or the length is given twice.
        """
        from ..lab.tasks.find import adjusted

        if budget is not None and self.epochs is not None:
            raise GlidepathError.of("--budget", "", "left out beside --epochs", budget)
        given: dict[str, Any] = {**vars(self), "precision": "bfloat16" if self.amp else None}
        given = {name: value for name, value in given.items() if name != "amp" and value is not None}
        return adjusted(task, **given) if given else task


def _amounts(text: str | None) -> dict[str, float]:
    """`CPU=2,GPU=0.5` as a mapping."""
    try:
        named = given_by(text.split(",") if text else None, "--resources")
        return {name: float(amount) for name, amount in named.items()}
    except ValueError:
        raise GlidepathError.of("--resources", "", "NAME=AMOUNT,… such as CPU=2,GPU=0.5", text) from None


@contextmanager
def trained(out: Path) -> Generator[Watcher]:
    """A progress bar for a command that keeps its records in a folder; on Ctrl-C it says what is kept.

    Until it is over, whatever a library prints goes to standard error: standard output is for the result.

    Args:
        out: The folder.
    """
    from .. import lab

    try:
        with redirect_stdout(sys.stderr), lab.Bar() as bar:
            yield bar
    except KeyboardInterrupt:
        kept = sum(path.parent.name == "records" for path in out.rglob("*.json"))
        runs = "1 run is" if kept == 1 else f"{kept} runs are"
        told = f"stopped; nothing is lost: {runs} kept, the same command goes on from {out}"
        beside(f"\n{told if kept else 'stopped before a run was over'}")
        sys.exit(130)


def made_by(make: Callable[..., T], out: Path, trainer: EngineOptions, *given: Any, **options: Any) -> T:
    """Calls what trains with the engine that the options name, a bar, and the command as it was typed; returns what it made.

    Args:
        make: Of the lab.
        out: The folder of its records.
        trainer: The options that say what trains.
        given: What it takes first.
        options: What else it takes.
    """
    engine = trainer.made()
    with trained(out) as progress:
        return make(*given, **options, out=out, engine=engine, progress=progress, command=typed())
