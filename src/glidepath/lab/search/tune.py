"""Search the peak rate and the parameters of schedules for one task, with Optuna, and say honestly what that gained.

The search looks at validation data only, on a few seeds. What it found is then trained on fresh seeds beside the defaults
that it began with, and the paired difference on test data is reported: the best of many trials is a lucky one too.

Source:
    Akiba et al. 2019, "Optuna: a next-generation hyperparameter optimization framework", https://arxiv.org/abs/1907.10902
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ...core.checks import Checks, refuse
from ...core.errors import GlidepathError
from ...core.fields import Count, Index, Seed
from ..engines.engine import Engine
from ..engines.progress import Part, Silent, Watcher, Whole
from ..engines.session import Session, opened, put, session_problems, writing
from ..records.runs import Record, RunSpec
from ..report.statistics import left, paired, whole
from ..report.verdict import number
from ..tasks.declared import Task
from .drivers import Driver, storage_at
from .planning import notes_of, one_row, plan_runs
from .space import RATE, SHAPE, Dimension, Family, families, readable, search_space, written
from .tuned import Trial, Tuned

if TYPE_CHECKING:
    import optuna

__all__ = ["DEFAULT_FAMILIES", "tune"]

DEFAULT_FAMILIES = ("warmup_cosine", "warmup_linear", "wsd")
_AT_ONCE = 8
_UNPRUNED = 8
_EDGE = 0.02  # of a dimension's width


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
    row: list[RunSpec] = []
    notes: list[str] = []
    with checks.kept():
        chosen = families(list(schedules), fixed=fixed or {}, ranges=ranges or {})
    with checks.kept():
        grid = plan_runs(
            task,
            ["constant", *(one for one in written(schedules) if one != "constant")],
            1,
            budget=budget,
            where="tune",
        )
        row, notes = next(iter(grid.values()))["constant"], notes_of(grid)
    refuse([*checks.problems, *session_problems("tune", Path(out), engine)])
    space = search_space(chosen, row[0].task.peak_rate, ranges or {})
    search = _Search(row[0], chosen, space, seeds, trials, fresh, prune, seed, progress or Silent())
    with opened("tune", Path(out), engine, progress and search.watcher, command=command) as session, _quiet_optuna():
        for note in notes:
            session.watcher.note(note)
        made = search.carried_out(Path(out), session, storage)
        put("tune", Path(out), made, "tuned.json", "table.txt")
    return made


_QUESTION = {
    "task": "another task",
    "budget": "another budget",
    "seeds": "another number of seeds",
    "seed": "another seed of the search",
    "space": "other ranges",
    "fixed": "other given values",
}
"""What a search asks, in words for one that asks something else."""


def _other(before: Mapping[str, Any], question: Mapping[str, Any]) -> str:
    """In which ways one search is not the other."""
    differs = [name for name in _QUESTION if before.get(name) != question[name]]
    words = [_QUESTION[name] for name in differs]
    if "fixed" in differs and set(before.get("fixed", ())) != set(question["fixed"]):  # ranges and values follow
        words = [word for name, word in _QUESTION.items() if name in differs and name not in ("space", "fixed")]
        words.append("other recipes")
    return " and ".join(words)


@dataclass
class _Alive:
    """A trial that has not been given up."""

    asked: optuna.Trial
    spec: RunSpec
    values: list[float | None]


class _Search:
    """One search: asks Optuna for points, has them trained seed by seed, tells Optuna what came out."""

    def __init__(
        self,
        base: RunSpec,
        chosen: Sequence[Family],
        space: Sequence[Dimension],
        seeds: int,
        trials: int,
        fresh: int,
        prune: bool,
        seed: int,
        watcher: Watcher,
    ) -> None:
        self.base, self.task, self.budget = base, base.task, base.budget
        self.families = {family.name: family for family in chosen}
        self.space = {dimension.name: dimension for dimension in space}
        self.seeds, self.trials, self.fresh = list(range(seeds)), trials, list(range(seeds, seeds + fresh))
        self.prune, self.seed = prune, seed
        self.defaults = self._defaults()
        self.watcher = Whole(watcher, [Part(1, base.budget, base.budget)] * (trials * seeds + 2 * fresh))

    def carried_out(self, folder: Path, session: Session, storage: str | None = None) -> Tuned:
        """Search, or go on with it, until all trials are over, those of other drivers too."""
        driver = self._driver(folder, storage)
        study = driver.study
        with driver.beating():
            while (open_ := self.trials - len(_told(study))) > 0:
                missing = open_ - len(driver.unfinished())
                if missing > 0:
                    self._generation(driver, session, min(missing, _AT_ONCE))
                else:
                    driver.wait()
        return self._tuned(study, session)

    def _driver(self, folder: Path, place: str | None) -> Driver:
        import optuna

        question = {
            "task": self.task.identity(),
            "budget": self.budget,
            "seeds": len(self.seeds),
            "space": [str(dimension) for dimension in self.space.values()],
            "fixed": {
                name: {key: str(value) for key, value in one.fixed.items()} for name, one in self.families.items()
            },
            "seed": self.seed,
        }
        with writing("tune", folder):
            storage = storage_at(place or folder / "study.journal")
            better = "minimize" if self.task.metric.direction == "lower" else "maximize"
            study = optuna.create_study(study_name="tune", storage=storage, direction=better, load_if_exists=True)
            before = study.user_attrs.get("question")
            if before is not None and before != question:
                rule, remedy = "a folder of the same search or of none", "choose another with --out"
                raise GlidepathError.worded("tune", "out", rule, f"{folder}: one of {_other(before, question)}", remedy)
            if before is None:
                study.set_user_attr("question", question)
                study.enqueue_trial(self.defaults, user_attrs={"given": self.defaults}, skip_if_exists=True)
            driver = Driver(study, folder, alone=place is None)
            driver.unfinished()
        # A sampler begins where its seed says: after a restart, or in another driver, it must not propose the same points again.
        study.sampler = optuna.samplers.TPESampler(seed=self.seed + len(study.trials) + driver.salt)
        startup = min(_UNPRUNED, self.trials)
        study.pruner = optuna.pruners.MedianPruner(startup) if self.prune else optuna.pruners.NopPruner()
        return driver

    def _defaults(self) -> dict[str, Any]:
        family = next(iter(self.families.values()))
        usual = {**family.usual(), RATE: self.task.peak_rate, SHAPE: family.name}
        if "warmup" in usual:
            usual["warmup"] = self.task.warmup
        inside = {name: value for name, value in usual.items() if name in self.space}
        return {
            name: value if isinstance(value, str | bool) else _into(self.space[name], value)
            for name, value in inside.items()
        }

    def _generation(self, driver: Driver, session: Session, count: int) -> None:
        """Some trials, side by side: all of them with the first seed, those left with the second, and so on."""
        import optuna

        study, alive = driver.study, list[_Alive]()
        driver.trials.clear()
        for _ in range(count):
            asked = driver.ask(self.trials)
            if asked is None:
                break
            try:
                spec = self._spec(asked)
            except GlidepathError as error:  # values that do not go together say something about the space
                asked.set_user_attr("state", "refused")
                asked.set_user_attr("why", str(error))
                study.tell(asked, state=optuna.trial.TrialState.PRUNED)
                self.watcher.skip(len(self.seeds))
                continue
            alive.append(_Alive(asked, spec, []))
        for at, seed in enumerate(self.seeds):
            if not alive:
                break
            self.watcher.begin(len(alive))
            session.later = self.watcher.later
            records = session.records([_with_seed(one.spec, seed) for one in alive])
            left = [one for one in alive if self._goes_on(study, one, records[_with_seed(one.spec, seed).hash], at)]
            self.watcher.skip((len(alive) - len(left)) * (len(self.seeds) - at - 1))
            alive = left
        best = [trial.value for trial in study.best_trials if trial.value is not None]
        if best:
            told = len(_told(study))
            text = number(best[0], self.task.metric.unit)
            self.watcher.note(f"{told} of {self.trials} trials; best validation {self.task.metric.name} so far {text}")

    def _goes_on(self, study: optuna.Study, one: _Alive, record: Record, at: int) -> bool:
        """Whether a trial gets its next seed; what is over is told to Optuna."""
        last = record.last
        one.values.append(last)
        kept = [value for value in one.values if value is not None]
        if last is None:
            return self._over(study, one, "diverged")
        one.asked.report(sum(kept) / len(kept), at)
        if at + 1 == len(self.seeds):
            return self._over(study, one, "complete")
        if one.asked.params != self.defaults and one.asked.should_prune():
            return self._over(study, one, "pruned")
        return True

    def _over(self, study: optuna.Study, one: _Alive, state: str) -> Literal[False]:
        import optuna

        one.asked.set_user_attr("validation", one.values)
        one.asked.set_user_attr("state", state)
        if state == "complete":
            study.tell(one.asked, sum(value or 0.0 for value in one.values) / len(one.values))
        else:
            study.tell(one.asked, state=optuna.trial.TrialState.PRUNED)
        return False

    def _spec(self, asked: optuna.Trial) -> RunSpec:
        """The run that a trial stands for, with the first seed."""
        values = {RATE: self._suggested(asked, RATE)}
        if SHAPE in self.space:
            values[SHAPE] = self._suggested(asked, SHAPE)
        values |= {name: self._suggested(asked, name) for name in self._family(values).dimensions}
        return self._run(values)

    def _family(self, values: Mapping[str, Any]) -> Family:
        return self.families[str(values.get(SHAPE, next(iter(self.families))))]

    def _run(self, values: Mapping[str, Any]) -> RunSpec:
        """The run, with the first seed, that these values stand for."""
        schedule, rate = self._family(values).schedule(self.budget, values), readable(values[RATE])
        (spec,) = one_row(self.task, schedule, self.seeds[:1], peak_rate=rate, budget=self.budget, where="tune")
        return spec

    def _text(self, values: Mapping[str, Any], run: RunSpec) -> str:
        return self._family(values).name if run.controller else str(run.schedule)

    def _suggested(self, asked: optuna.Trial, name: str) -> Any:
        one = self.space[name]
        if one.low is None or one.high is None:
            return asked.suggest_categorical(name, list(one.choices))
        return asked.suggest_float(name, one.low, one.high, log=one.log)

    def _tuned(self, study: optuna.Study, session: Session) -> Tuned:
        trials = tuple(self._trial(at, found) for at, found in enumerate(_told(study)))
        complete = [trial for trial in trials if trial.mean is not None]
        if not complete:
            rule, remedy = "complete in at least one case", "try a lower --range peak_rate=LOW:HIGH, or more trials"
            raise GlidepathError.of("tune", "trials", rule, f"{len(trials)} given up", remedy)
        sign = 1.0 if self.task.metric.direction == "lower" else -1.0
        best = min(complete, key=lambda trial: sign * (trial.mean or 0.0))
        usual = next((trial for trial in trials if trial.values == self.defaults), trials[0])
        if best is usual:
            self.watcher.skip(len(self.fresh))
        test = default = self._fresh(session, best)
        gain = None
        if best is not usual and usual.schedule:
            default = self._fresh(session, usual)
            gain = paired(test, default)
        return Tuned(
            task=self.task.name,
            metric=self.task.metric.name,
            unit=self.task.metric.unit,
            budget=self.budget,
            space=tuple(str(dimension) for dimension in self.space.values()),
            seeds=tuple(self.seeds),
            trials=trials,
            default=usual.number,
            best=best.number,
            edges=tuple(name for name, value in best.values.items() if _at_edge(self.space[name], value)),
            importance=_importance(study),
            fresh_seeds=tuple(self.fresh),
            test=left(test) if whole(test) else None,
            default_test=left(default) if whole(default) else None,
            gain=gain,
            changed=self.task.changed,
        )

    def _trial(self, number: int, found: optuna.trial.FrozenTrial) -> Trial:
        attributes = found.user_attrs
        state = attributes.get("state", "refused")
        run = None if state == "refused" else self._run(found.params)
        return Trial(
            number=number,
            values=dict(found.params),
            schedule="" if run is None else self._text(found.params, run),
            peak_rate=readable(found.params[RATE]),
            validation=tuple(attributes.get("validation", ())),
            state=state,
        )

    def _fresh(self, session: Session, trial: Trial) -> list[float | None]:
        """Test metric on the fresh seeds."""
        jobs = [_with_seed(self._run(trial.values), seed) for seed in self.fresh]
        self.watcher.begin(len(jobs))
        session.later = 0
        records = session.records(jobs)
        finals = [records[job.hash].test for job in jobs]
        return [None if final is None else final.metric for final in finals]


def _told(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The trials that are over, in order; those whose process died were asked for again."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _with_seed(spec: RunSpec, seed: int) -> RunSpec:
    return replace(spec, seed=seed)


def _into(dimension: Dimension, value: float) -> float:
    return min(max(value, dimension.low or 0.0), dimension.high or 0.0)


def _at_edge(dimension: Dimension, value: Any) -> bool:
    """Whether a number lies at an end of its range that is not the end of what makes sense, such as no warmup at all."""
    if dimension.low is None or dimension.high is None:
        return False
    low, high, at = dimension.low, dimension.high, float(value)
    if dimension.log:
        low, high, at = math.log(low), math.log(high), math.log(at)
    width = _EDGE * (high - low)
    return at > high - width or (at < low + width and dimension.low > 0.0)


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
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(level)
