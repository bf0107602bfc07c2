"""Search the peak rate and the parameters of schedules for one task, with Optuna, and say honestly what that gained.

The search looks at validation data only, on a few seeds. What it found is then trained on fresh seeds beside the defaults
that it began with, and the paired difference on test data is reported: the best of many trials is a lucky one too.

Source:
    Akiba et al. 2019, "Optuna: a next-generation hyperparameter optimization framework", https://arxiv.org/abs/1907.10902
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from ...core import Checks, GlidepathError, refuse
from ...core.fields import Count, Index, Seed
from ..engines.engine import Engine
from ..engines.progress import CommandPart, CommandProgress, Silent, Watcher
from ..engines.session import Session, opened, put, session_problems, writing
from ..records.runs import Record, RunSpec
from ..report.statistics import left, paired
from ..report.statistics import whole as all_of
from ..report.verdict import number
from ..tasks.declared import Task
from .drivers import SearchDriver, storage_at
from .planning import Grid, facts_of, notes_of, one_row, plan_runs
from .space import RATE, SHAPE, Dimension, Family, families, readable, search_space, written
from .tuned import SearchTrial, Tuned

DEFAULT_FAMILIES = ("warmup_cosine", "warmup_linear", "wsd")
_AT_ONCE = 8
_UNPRUNED = 8
_LOOK_SECONDS = 0.5


def tune(
    task: str | Task = "mnist1d",
    schedules: Sequence[str] = DEFAULT_FAMILIES,
    *,
    trials: int = 40,
    seeds: int = 3,
    fresh: int = 5,
    budget: int | None = None,
    fixed: Mapping[str, str] | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    prune: bool = True,
    seed: int = 0,
    storage: str | None = None,
    out: str | Path,
    engine: Engine | None = None,
    progress: Watcher | None = None,
    command: str = "",
) -> Tuned:
    """Search for the peak rate, the schedule and its parameters that do best on a task.

    Everything is checked before anything is written or trained. In `out` come to stand `study.journal` (Optuna's own, with
    every trial), `records/<hash>.json`, `tuned.json` and `table.txt`. The same call on the same folder goes on where the
    last one was stopped, and with a higher number of trials goes on from its end.

    Args:
        task: Name or task.
        schedules: Recipes with a whole length, such as `warmup_cosine`; of a schedule or a library's scheduler call as text, or of
            `constant` and `step`, the rate alone is searched. Which one is best is searched too.
        trials: How many points to try, the defaults (the task's own rate and the recipe's defaults) first.
        seeds: Seeds of every trial, 0, 1, …
        fresh: Seeds after those on which the best is trained against the defaults; 0 for none.
        budget: Updates of a run; None for the task's default. A shorter one is another question.
        fixed: Parameters given and not searched, by name, as text; lengths in updates.
        ranges: Ends of the search by parameter, in place of the usual ones; lengths as shares of the budget.
        prune: Whether to give up, after each seed, a trial that is behind the median of the others on the same seeds.
        seed: Of Optuna's sampler.
        storage: Where several drivers keep one search, each with a folder of its own: a database as Optuna names it, such as
            `sqlite:///search.db`, or the file of a journal. None for `study.journal` in `out`, with one driver.
        out: Folder for the results; made if missing.
        engine: What carries out the runs; None for one worker process a processor.
        progress: Who hears how far it is; None for nobody.
        command: What makes this search again, for the cheaper one that is proposed.

    Returns:
        What was found, as written to `tuned.json`.

    Raises:
        GlidepathError: If an argument breaks its rule, all problems in one message and nothing written; if the folder
            holds another search; if another process writes to it; if runs failed; or if no trial was complete.
        KeyboardInterrupt: On Ctrl-C, after the workers have ended; the same call goes on.
    """
    checks = Checks("tune")
    trials, seeds = checks.take("trials", trials, Count), checks.take("seeds", seeds, Count)
    seed, fresh = checks.take("seed", seed, Seed), checks.take("fresh", fresh, Index)
    chosen: list[Family] = []
    grid: Grid = {}
    with checks.kept():
        chosen = families(list(schedules), fixed=fixed or {}, ranges=ranges or {})
    with checks.kept():
        known = ["constant", *(one for one in written(schedules) if one != "constant")]
        grid = plan_runs(task, known, 1, budget=budget, where="tune")
    folder = Path(out)
    refuse([*checks.problems, *session_problems("tune", folder, engine)])
    base = next(iter(grid.values()))["constant"][0]
    part = CommandPart(1, base.budget, base.budget)
    whole = CommandProgress(progress or Silent(), [part] * (trials * seeds + 2 * fresh))
    with opened("tune", folder, engine, progress and whole, command=command) as session, _quiet_optuna():
        for note in notes_of(grid):
            session.watcher.note(note)
        space = {one.name: one for one in search_space(chosen, base.task.peak_rate, ranges or {})}
        kept, unseen = list(range(seeds)), list(range(seeds, seeds + fresh))
        search = _Search(base, {one.name: one for one in chosen}, space, kept, unseen, trials, whole, session)
        with writing("tune", folder):
            driver = search.driver(folder, storage, seed, prune)
        return put("tune", folder, search.carried_out(driver), "tuned.json", "table.txt")


@dataclass
class _Search:
    """One search: asks Optuna for points, has them trained seed by seed, tells Optuna what came out."""

    base: RunSpec
    families: dict[str, Family]
    space: dict[str, Dimension]
    seeds: list[int]
    fresh: list[int]
    trials: int
    whole: CommandProgress
    session: Session

    def __post_init__(self) -> None:
        first, self.task = next(iter(self.families.values())), self.base.task
        usual = {**first.usual(), RATE: self.task.peak_rate, SHAPE: first.name}
        usual |= {"warmup": self.task.warmup} if "warmup" in usual else {}
        self.defaults = {name: one.inside(usual[name]) for name, one in self.space.items() if name in usual}

    def driver(self, folder: Path, place: str | None, seed: int, prune: bool) -> SearchDriver:
        """The search as it is kept, begun or gone on with."""
        fixed = {name: {k: str(v) for k, v in one.fixed.items()} for name, one in self.families.items()}
        question = {"task": self.task.identity(), "budget": self.base.budget, "seeds": len(self.seeds), "seed": seed}
        question |= {"space": [*map(str, self.space.values())], "fixed": fixed}
        storage = storage_at(place or folder / "study.journal")
        better = "minimize" if self.task.metric.direction == "lower" else "maximize"
        study = self.study = optuna.create_study(
            study_name="tune", storage=storage, direction=better, load_if_exists=True
        )
        before = study.user_attrs.get("question")
        if before is None:
            study.set_user_attr("question", question)
            study.enqueue_trial(self.defaults, skip_if_exists=True)
        elif differs := [name for name, asked in question.items() if before.get(name) != asked]:
            rule, remedy = "a folder of the same search or of none", "choose another with --out"
            raise GlidepathError.worded("tune", "out", rule, f"{folder}: another {', '.join(differs)}", remedy)
        driver = SearchDriver(study, folder, alone=place is None)
        driver.unfinished()
        # A sampler begins where its seed says: after a restart, or in another driver, it must not propose the same points again.
        study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials) + driver.salt)
        startup = min(_UNPRUNED, self.trials)
        study.pruner = optuna.pruners.MedianPruner(startup) if prune else optuna.pruners.NopPruner()
        return driver

    def carried_out(self, driver: SearchDriver) -> Tuned:
        """Search, or go on with it, until all trials are over, those of other drivers too."""
        with driver.beating():
            while (missing := self.trials - len(self._told())) > 0:
                if (missing := missing - driver.unfinished()) > 0:
                    self._generation(driver.ask(min(missing, _AT_ONCE), self.trials))
                else:
                    time.sleep(_LOOK_SECONDS)
        return self._tuned()

    def _told(self) -> list[FrozenTrial]:
        """The trials that are over, in order; those whose process died were asked for again."""
        return self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))

    def _generation(self, trials: Iterable[optuna.Trial]) -> None:
        """Some trials, side by side: all of them with the first seed, those left with the second, and so on."""
        alive: list[tuple[optuna.Trial, RunSpec]] = []
        for asked in trials:
            try:
                alive.append((asked, self._suggested(asked)))
            except GlidepathError as error:  # values that do not go together say something about the space
                asked.set_user_attr("why", str(error))
                self._over(asked, "refused")
                self.whole.skip(len(self.seeds))
        for at, seed in enumerate(self.seeds):
            records = self._records([replace(spec, seed=seed) for _, spec in alive], more=True)
            on = [one for one, record in zip(alive, records, strict=True) if self._goes_on(one[0], record, at)]
            self.whole.skip((len(alive) - len(on)) * (len(self.seeds) - at - 1))
            alive = on
        if best := [trial.value for trial in self.study.best_trials if trial.value is not None]:
            metric, done = self.task.metric, f"{len(self._told())} of {self.trials} trials"
            self.whole.note(f"{done}; best validation {metric.name} so far {number(best[0], metric.unit)}")

    def _records(self, jobs: Sequence[RunSpec], more: bool = False) -> list[Record]:
        self.whole.begin(len(jobs))
        self.session.later = self.whole.later if more else 0
        records = self.session.records(jobs)
        return [records[job.hash] for job in jobs]

    def _goes_on(self, asked: optuna.Trial, record: Record, at: int) -> bool:
        """Whether a trial gets its next seed; what is over is told to Optuna."""
        values: list[Any] = [*asked.user_attrs.get("validation", ()), record.last]
        asked.set_user_attr("validation", values)
        if record.last is None:
            return self._over(asked, "diverged")
        mean = sum(values) / len(values)
        asked.report(mean, at)
        if at + 1 == len(self.seeds):
            return self._over(asked, "complete", mean)
        return asked.params == self.defaults or not asked.should_prune() or self._over(asked, "pruned")

    def _over(self, asked: optuna.Trial, state: str, mean: float | None = None) -> bool:
        asked.set_user_attr("state", state)
        self.study.tell(asked, mean, TrialState.PRUNED if mean is None else TrialState.COMPLETE)
        return False

    def _suggested(self, asked: optuna.Trial) -> RunSpec:
        """The run that a trial stands for, with the first seed."""
        values = {name: self.space[name].suggested(asked) for name in (RATE, SHAPE) if name in self.space}
        return self._run(values | {name: self.space[name].suggested(asked) for name in self._family(values).dimensions})

    def _family(self, values: Mapping[str, Any]) -> Family:
        return self.families[str(values.get(SHAPE, next(iter(self.families))))]

    def _run(self, values: Mapping[str, Any]) -> RunSpec:
        """The run, with the first seed, that these values stand for."""
        budget, rate = self.base.budget, readable(values[RATE])
        schedule = self._family(values).schedule(budget, values)
        return one_row(self.task, schedule, self.seeds[:1], peak_rate=rate, budget=budget, where="tune")[0]

    def _tuned(self) -> Tuned:
        trials = tuple(self._trial(at, found) for at, found in enumerate(self._told()))
        complete = [trial for trial in trials if trial.mean is not None]
        if not complete:
            rule, remedy = "complete in at least one case", "try a lower --range peak_rate=LOW:HIGH, or more trials"
            raise GlidepathError.of("tune", "trials", rule, f"{len(trials)} given up", remedy)
        sign = 1.0 if self.task.metric.direction == "lower" else -1.0
        best = min(complete, key=lambda trial: sign * (trial.mean or 0.0))
        usual = next((trial for trial in trials if trial.values == self.defaults), trials[0])
        gained = best is not usual and usual.schedule
        self.whole.skip(0 if gained else len(self.fresh))
        test = self._fresh(best)
        default = self._fresh(usual) if gained else test
        facts = facts_of([replace(self.base, seed=seed) for seed in self.seeds])
        facts |= {"budget": self.base.budget, "trials": trials, "default": usual.number, "best": best.number}
        facts |= {"space": tuple(map(str, self.space.values())), "fresh_seeds": tuple(self.fresh)}
        ends = [left(each) if all_of(each) else None for each in (test, default)]
        facts |= {"test": ends[0], "default_test": ends[1], "gain": paired(test, default) if gained else None}
        return Tuned(
            edges=tuple(name for name, value in best.values.items() if self.space[name].at_edge(value)),
            importance=_importance(self.study),
            **facts,
        )

    def _trial(self, number: int, found: FrozenTrial) -> SearchTrial:
        state, values = found.user_attrs.get("state", "refused"), dict(found.params)
        run = None if state == "refused" else self._run(values)
        text = "" if run is None else self._family(values).name if run.controller else str(run.schedule)
        seen, rate = tuple(found.user_attrs.get("validation", ())), readable(values[RATE])
        return SearchTrial(number, values, text, rate, seen, state)

    def _fresh(self, trial: SearchTrial) -> list[float | None]:
        """Test metric on the fresh seeds."""
        jobs = [replace(self._run(trial.values), seed=seed) for seed in self.fresh]
        return [one.test and one.test.metric for one in self._records(jobs)]


def _importance(study: optuna.Study) -> dict[str, float]:
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    try:
        found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    except (RuntimeError, ValueError):  # too few trials, or all alike
        return {}
    return {name: round(float(share), 4) for name, share in found.items() if share == share}


@contextmanager
def _quiet_optuna() -> Generator[None]:
    """Optuna's log lines and notices of experimental parts are not the user's; its level is put back."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning):
            yield
    finally:
        optuna.logging.set_verbosity(level)
