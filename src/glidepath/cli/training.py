"""Commands that train: compare, demo, branches, snapshots, tune, train."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import glidepath

from ..core import Checks, GlidepathError
from ..core.fields import Count, Steps, integer
from .common import beside, config_of, drawing_of, given_by, say, tell, typed
from .engines import Changes, EngineOptions, made_by
from .options import command

if TYPE_CHECKING:
    from ..lab.distributed import Ranks, Trained, Training


@command()
def compare(
    schedules: list[str] | None = None,
    task: list[str] | None = None,
    seeds: Count = 5,
    rate: list[float] | None = None,
    budget: int | None = None,
    out: Path = Path("runs/compare"),
    surface: bool = False,
    *,
    trainer: EngineOptions,
    changes: Changes,
    let: list[str] | None = None,
) -> None:
    """Train small networks under several schedules and write a report. The same command goes on where it was stopped.

    Args:
        schedules ([SCHEDULE]...): Names of recipes sized to the task, constant, step, cosine, linear, one_cycle and wsd, such as cosine:
            the task's warmup, then a cosine over the rest of the budget; or schedules as text, as long as they say. Default: the six.
        task (--task, -t): mnist1d, mnist1d-cnn, digits, text, images, cifar100 or your own module:object; may be repeated. Default: mnist1d,
            text.
        seeds (--seeds, -s): Runs of each schedule, with different data order and start.
        rate (--rate, -r): Peak learning rate shared by all; given twice or more, each one's own is chosen on validation. Default: the
            task's.
        out (--out, -o): Folder for records, table and report.
        surface: Draw the loss around the paths of the first seed into the report; those runs are trained once more.
    """
    from .. import lab
    from ..lab.report.table import table

    tasks = tuple(changes.of(one, budget) for one in task or ("mnist1d", "text"))
    texts = [_text(one, let) for one in schedules or ()] or None
    sizes: dict[str, Any] = {"peak_rate": rate, "budget": budget, "surface": surface}
    say(table(made_by(lab.compare, out, trainer, tasks, texts, seeds, **sizes)))
    beside(f"\nreport: {out / 'report.html'}")


def _text(given: str, let: list[str] | None) -> str:
    """Returns a schedule as one line of ours, where it is a configuration, a Python file, or code whose names `--let` gives."""
    from ..dialects.converting import foreign
    from ..dialects.plateaus import plateau_of

    file = given.endswith(".py") and Path(given).is_file()
    if (config := config_of(given, let)) is not None:
        return str(config.schedule)
    if not (file or let or "\n" in given.strip()):
        return given
    source = Path(given).read_text(encoding="utf-8") if file else given
    made = None if plateau_of(source) else foreign(source, given_by(let))
    return given if made is None else str(made)


@command()
def demo(out: Path = Path("runs/demo"), *, trainer: EngineOptions) -> None:
    """Watch real networks train under six schedules, on data that need no download (about 3 minutes on 2 cores).

    Args:
        out (--out, -o): Folder for records, table and report.
    """
    from .. import view

    schedule = glidepath.parse("warmup(500) >> cosine(9500, floor=0.1)")
    beside("A schedule is a value, written in one line:\n")
    beside(f"  {schedule}\n", "bold cyan")
    print(view.terminal(schedule, height=9, **drawing_of(sys.stderr, width=70)), file=sys.stderr)
    beside("\nNow six schedules train real networks: 2 tasks x 6 schedules x 5 seeds.\n")
    compare(out=out, trainer=trainer, changes=Changes())


@command()
def branches(
    points: list[int] | None = None,
    task: str = "mnist1d-cnn",
    schedule: str | None = None,
    share: float = 0.2,
    seeds: Count = 5,
    rate: float | None = None,
    out: Path = Path("runs/branches"),
    *,
    trainer: EngineOptions,
    changes: Changes,
) -> None:
    """Train once at a constant rate and branch linear cooldowns off it: several budgets for little more than one.

    Args:
        points ([POINT]...): Steps of the run where cooldowns branch off.
        schedule (--schedule SCHEDULE): What that run follows, as in compare, a plateau too. Default: warmup as the task has it, then constant.
        share: Length of a cooldown as a share of the whole.
        rate (--rate, -r): Peak learning rate. Default: the task's.
        out (--out, -o): Folder for the results.
    """
    from .. import lab

    at = tuple(points or (800, 1600, 3200))
    sizes: dict[str, Any] = {"schedule": schedule, "share": share, "seeds": seeds, "peak_rate": rate}
    say(made_by(lab.branches, out, trainer, changes.of(task), at, **sizes).table())


@command()
def snapshots(
    task: str = "mnist1d",
    cycles: Annotated[int, integer(2)] = 5,
    last: int | None = None,
    schedule: str | None = None,
    budget: int | None = None,
    seeds: Count = 5,
    rate: list[float] | None = None,
    out: Path = Path("runs/snapshots"),
    surface: bool = False,
    *,
    trainer: EngineOptions,
    changes: Changes,
) -> None:
    """Train with a cyclic cosine, keep a snapshot at each minimum, and compare their ensemble with single models.

    Args:
        cycles: Cosine cycles of a run, a snapshot at the end of each.
        last: Snapshots that are averaged, counted from the end. Default: all.
        schedule (--schedule SCHEDULE): What the single model follows, as in compare, a plateau too. Default: the steps of the paper.
        rate (--rate, -r): Peak learning rate shared by all; given twice or more, each one's own is chosen on validation. Default: the
            task's.
        out (--out, -o): Folder for the results.
        surface: Draw the loss around the first seed's run, with its snapshots, into surface.html; that run is trained once more.
    """
    from ..lab.search.snapshots import snapshots as made_of

    sizes: dict[str, Any] = {"cycles": cycles, "last": last, "budget": budget, "seeds": seeds}
    sizes |= {"schedule": schedule, "peak_rate": rate, "surface": surface}
    say(made_by(made_of, out, trainer, changes.of(task, budget), **sizes).table())
    if (out / "surface.html").exists() and surface:
        beside(f"\nsurface: {out / 'surface.html'}")


@command()
def tune(
    schedules: list[str] | None = None,
    task: str = "mnist1d",
    trials: Count = 40,
    seeds: Count = 3,
    fresh: Steps = 5,
    budget: int | None = None,
    fix: list[str] | None = None,
    ranges: list[str] | None = None,
    prune: bool = True,
    storage: str | None = None,
    out: Path = Path("runs/tune"),
    *,
    trainer: EngineOptions,
    changes: Changes,
    as_json: bool = False,
) -> None:
    """Search peak rate, schedule and its parameters for a task, then test what was found on fresh seeds.

    The same command goes on where it was stopped; with more --trials it goes on from its end.

    Args:
        schedules ([RECIPE]...): Recipes to choose between, such as warmup_cosine; also constant, step, schedules and scheduler calls as in
            compare, whose rate alone is searched. Default: warmup_cosine, warmup_linear, wsd.
        trials (--trials): Points to try; the defaults are the first.
        seeds (--seeds, -s): Seeds of each trial.
        fresh (--fresh): Fresh seeds on which the best is compared with the defaults.
        fix (--fix NAME=VALUE): Give a parameter instead of searching it; may be repeated.
        ranges (--range NAME=LOW:HIGH): Search between these ends; lengths are shares of the budget.
        prune (--prune/--no-prune): Give up trials that are behind the median of the others.
        storage (--storage): For several drivers of one search, each with its own --out: a database such as sqlite:///search.db, or a
            journal's file.
        out (--out, -o): Folder for the search, records and table.
    """
    from ..lab.search.tune import DEFAULT_FAMILIES
    from ..lab.search.tune import tune as search

    checks, fixed, ends = Checks("tune"), dict[str, str](), dict[str, tuple[float, float]]()
    with checks.kept():
        fixed = given_by(fix, "--fix", "floor=0.1")
    with checks.kept():
        ends = {name: _ends(text) for name, text in given_by(ranges, "--range", "floor=0:0.2").items()}
    checks.done()
    families = schedules or DEFAULT_FAMILIES
    sizes: dict[str, Any] = {"trials": trials, "seeds": seeds, "fresh": fresh}
    held: dict[str, Any] = {"budget": budget, "fixed": fixed, "ranges": ends, "prune": prune, "storage": storage}
    made = made_by(search, out, trainer, changes.of(task, budget), families, **sizes, **held)
    say(json.dumps(made.to_dict(), indent=2) if as_json else made.table())
    beside(f"compare it with a constant rate:\n  {made.command}{changes.typed()}")


def _ends(text: str) -> tuple[float, float]:
    low, _, high = text.partition(":")
    try:
        return float(low), float(high)
    except ValueError:
        raise GlidepathError.of("--range", "", "two numbers LOW:HIGH", text) from None


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
