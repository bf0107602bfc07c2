"""The command that trains one model on several processes: train."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core import GlidepathError
from ..core.fields import Steps
from .common import tell, typed
from .engines import Changes
from .options import command

if TYPE_CHECKING:
    from ..lab.distributed import Ranks, Trained, Training


@dataclass(frozen=True)
class RunOptions:
    """The options that say what is trained, as `glidepath.lab.distributed.training_of` takes them.

    Args:
        schedule (--schedule SCHEDULE, -s): Factors on the peak rate; lengths such as "5%", "1e6 tokens" or "rest" in quotes. Default:
            'warmup("5%") >> cosine("rest")'. Or a library's scheduler call, a plateau too.
        length (--length, -n): Of the run: "2e6 tokens", "30000 samples", "3 epochs" or "1000 steps".
        clock: What the schedule counts: samples, tokens or updates. Default: as the length; updates for a scheduler call.
        plan (--plan, -p): A .yaml or .json plan, instead of schedule, length and clock.
        batch (--batch, -b): Samples of an update, split over the processes. Default: the task's.
        per_process (--per-process): The batch is each process's own: an update grows with their number.
        rate (--rate, -r): Peak learning rate. Default: the task's.
        seed: Of the first weights and of the order of the samples.
    """

    schedule: str | None = None
    length: str | None = None
    clock: str | None = None
    plan: Path | None = None
    batch: int | None = None
    per_process: bool = False
    rate: float | None = None
    seed: Steps = 0


@dataclass(frozen=True)
class How:
    """The options that say how it is trained, as `glidepath.lab.distributed.train` takes them.

    Args:
        micro: Samples a process takes at once; what is more is accumulated. Default: all.
        changed: Where the checkpoint has another plan or rate: strict refuses, keep goes on with its, override takes this one, extend
            stretches what is left of its to this length.
        checkpoint: How often one is written: "5%", "500 steps", "1e6 tokens".
        check: Every so many updates all processes must agree on plan, progress and rate.
    """

    micro: int | None = None
    changed: str = "strict"
    checkpoint: str = "5%"
    check: int = 50


@command()
def train(
    name: str | None = None,
    task: str | None = None,
    *,
    asked: RunOptions,
    out: Path = Path("runs/train"),
    how: How,
    device: str = "auto",
    timeout: float = 600.0,
    changes: Changes,
) -> None:
    """Train one model, on as many processes as torchrun starts. The same command goes on where it stopped, on any number of them.

    Args:
        name ([TASK]): text, images, cifar100, another task of the lab, or your own module:object. Default: text.
        task (--task, -t): The same, as an option.
        out (--out, -o): Folder for checkpoints, record and plan.
        device: auto, cpu or cuda, a GPU for each process; cuda:1 is that one, for one process.
        timeout: Seconds that a process waits for another before it gives up.
    """
    from ..lab import distributed
    from ..plan import read

    if asked.length is not None and changes.epochs is not None:
        raise GlidepathError.of("--length", "", "left out beside --epochs", asked.length)

    def trained(ranks: Ranks) -> Trained:
        def training() -> Training:
            if name is not None and task is not None and name != task:
                raise GlidepathError.of("train", "task", "named once", [name, task])
            plan = None if asked.plan is None else read(asked.plan)
            length = asked.length if changes.epochs is None else f"{changes.epochs} epochs"
            one = replace(changes, epochs=None, amp=False).of(name or task or "text")
            given: dict[str, Any] = vars(asked) | {"plan": plan, "length": length}
            return distributed.training_of(one, processes=ranks.count, amp=changes.amp, **given)

        return distributed.train(ranks.together(training), out, ranks, **vars(how), command=typed())

    with distributed.ranks(device, timeout) as ranks:
        ranks.leave(_code(trained, ranks, out))


def _code(asked: Callable[[Ranks], Trained], ranks: Ranks, out: Path) -> int:
    """Trains, says how it ended, and returns the exit code."""
    from ..lab.distributed import SharedError

    try:
        code = _tell(asked(ranks), out, quiet=ranks.rank > 0)
    except SharedError as error:
        if ranks.rank == 0:
            tell(error)
        code = 2
    except GlidepathError as error:
        tell(error.inside(f"rank {ranks.rank}") if ranks.count > 1 else error)
        return 2
    except Exception:  # noqa: BLE001 - the others learn of it by the end of this process
        traceback.print_exc()
        return 1
    ranks.texts("")  # nobody leaves before rank 0 has said everything: torchrun would end it
    return code


def _tell(outcome: Trained, out: Path, *, quiet: bool) -> int:
    progress, code = outcome.progress, {"finished": 0, "stopped": 130, "diverged": 1}[outcome.ended]
    if quiet:
        return code
    rows = [("ended", outcome.ended), ("updates", f"{progress.updates:,}"), ("samples", f"{progress.samples:,}")]
    rows += [("tokens", f"{progress.tokens:,}")] if progress.tokens else []
    for name, one in (("validation", outcome.validation), ("test", outcome.test)):
        if one is not None and one.loss is not None and one.metric is not None:
            same = one.metric == one.loss
            five = "" if one.top5 is None else f", top-5 error {one.top5:.2f} %"
            rows.append((name, f"loss {one.loss:.4f}" + ("" if same else f", error {one.metric:.2f} %") + five))
    rows.append(("record", str(out / "record.json")))
    print("\n".join(f"{name:<10}  {text}" for name, text in rows))
    if outcome.ended == "stopped":
        print("stopped; nothing is lost: the same command goes on, on any number of processes", file=sys.stderr)
    if outcome.ended == "diverged":
        said = f"the loss of update {outcome.diverged_at:,} was not finite; the update was not made on any process"
        print(f"{said}\nthe last checkpoint is from before: try --rate lower and --changed override", file=sys.stderr)
    return code
