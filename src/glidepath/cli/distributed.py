"""The command that trains one model on several processes: train."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glidepath.core.errors import GlidepathError

from .common import app, tell

if TYPE_CHECKING:
    from glidepath.lab.distributed import Outcome, Ranks


@app.command()
def train(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[TASK]", help="text, cifar100, another task of the lab, or your own module:object. Default: text."
        ),
    ] = None,
    task: Annotated[str | None, typer.Option("--task", "-t", help="The same, as an option.")] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            "--schedule",
            "-s",
            metavar="SCHEDULE",
            help='Factors on the peak rate; lengths such as "5%", "1e6 tokens" or "rest" in quotes. '
            'Default: \'warmup("5%") >> cosine("rest")\'.',
        ),
    ] = None,
    length: Annotated[
        str | None,
        typer.Option("--length", "-n", help='Of the run: "2e6 tokens", "30000 samples", "3 epochs" or "1000 steps".'),
    ] = None,
    clock: Annotated[
        str | None, typer.Option(help="What the schedule counts: samples, tokens or updates. Default: as the length.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option("--plan", "-p", help="A .yaml or .json plan, instead of schedule, length and clock.")
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option("--batch", "-b", help="Samples of an update, split over the processes. Default: the task's."),
    ] = None,
    per_process: Annotated[
        bool, typer.Option("--per-process", help="The batch is each process's own: an update grows with their number.")
    ] = False,
    micro: Annotated[
        int | None, typer.Option(help="Samples a process takes at once; what is more is accumulated. Default: all.")
    ] = None,
    rate: Annotated[float | None, typer.Option("--rate", "-r", help="Peak learning rate. Default: the task's.")] = None,
    seed: Annotated[int, typer.Option(help="Of the first weights and of the order of the samples.", min=0)] = 0,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for checkpoints, record and plan.")] = Path(
        "runs/train"
    ),
    changed: Annotated[
        str,
        typer.Option(
            help="Where the checkpoint has another plan or rate: strict refuses, keep goes on with its, override takes this one, "
            "extend stretches what is left of its to this length."
        ),
    ] = "strict",
    checkpoint: Annotated[str, typer.Option(help='How often one is written: "5%", "500 steps", "1e6 tokens".')] = "5%",
    check: Annotated[
        int, typer.Option(help="Every so many updates all processes must agree on plan, progress and rate.")
    ] = 50,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    amp: Annotated[bool, typer.Option("--amp", help="Run the forward pass in bfloat16.")] = False,
    timeout: Annotated[
        float, typer.Option(help="Seconds that a process waits for another before it gives up.")
    ] = 600.0,
) -> None:
    """Train one model, on as many processes as torchrun starts. The same command goes on where it stopped, on any number of them."""
    from glidepath.lab import distributed
    from glidepath.plan import read

    def asked(ranks: Ranks) -> Outcome:
        training = ranks.together(
            lambda: distributed.training_of(
                _one(name, task),
                plan=None if plan is None else read(plan),
                schedule=schedule,
                length=length,
                clock=clock,
                batch=batch,
                per_process=per_process,
                processes=ranks.count,
                rate=rate,
                seed=seed,
                amp=amp,
            )
        )
        given: Any = changed
        return distributed.train(training, out, ranks, changed=given, checkpoint=checkpoint, check=check, micro=micro)

    with distributed.ranks(device, timeout) as ranks:
        ranks.leave(_code(asked, ranks, out))


def _one(name: str | None, task: str | None) -> str:
    """The task that was named as an argument or as an option."""
    if name is not None and task is not None and name != task:
        raise GlidepathError.of("train", "task", "named once", [name, task])
    return name or task or "text"


def _code(asked: Callable[[Ranks], Outcome], ranks: Ranks, out: Path) -> int:
    """Trains, says how it ended, and returns the exit code."""
    from glidepath.lab.distributed import Shared

    try:
        code = _tell(asked(ranks), out, quiet=ranks.rank > 0)
    except Shared as error:
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


def _tell(outcome: Outcome, out: Path, *, quiet: bool) -> int:
    progress, code = outcome.progress, {"finished": 0, "stopped": 130, "diverged": 1}[outcome.ended]
    if quiet:
        return code
    rows = [("ended", outcome.ended), ("updates", f"{progress.updates:,}"), ("samples", f"{progress.samples:,}")]
    rows += [("tokens", f"{progress.tokens:,}")] if progress.tokens else []
    for name, one in (("validation", outcome.validation), ("test", outcome.test)):
        if one is not None and one.loss is not None and one.metric is not None:
            same = one.metric == one.loss
            rows.append((name, f"loss {one.loss:.4f}" + ("" if same else f", error {one.metric:.2f} %")))
    rows.append(("record", str(out / "record.json")))
    print("\n".join(f"{name:<10}  {text}" for name, text in rows))
    if outcome.ended == "stopped":
        print("stopped; nothing is lost: the same command goes on, on any number of processes", file=sys.stderr)
    if outcome.ended == "diverged":
        said = f"the loss of update {outcome.diverged_at:,} was not finite; the update was not made on any process"
        print(f"{said}\nthe last checkpoint is from before: try --rate lower and --changed override", file=sys.stderr)
    return code
