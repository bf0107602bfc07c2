"""The claims: what was published, how it is tried here, and what has to come out. Fixed before anything is run.

The rates, budgets and numbers of seeds were chosen on seeds 0 to 3; the seeds of a claim are its first one and those that
follow it, and were not looked at before. Every grid of rates was laid out to be open on both sides of the best rate of the schedule that
the claim is against, so that the grid cannot make that one look worse than it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from glidepath import Exponential, MultiStep, Schedule, recipes
from glidepath.core import GlidepathError, Problem, shown
from glidepath.lab.tasks.schedules import DEFAULT_SCHEDULES, default_schedule

from .criteria import Ascending, CarriedPeak, Criterion, Flatter, Growing, Lower, NotAbove
from .declared_strings import WORDS
from .forecasts import THEIRS, Designed, Forecasts, PublicCurves
from .known_forecasts import ForecastLimits
from .trials import Ensembles, Exact, Trainings, Trial


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A published finding and how it is tried here.

    Args:
        name: Short name, as on the command line.
        title: The finding in a few words.
        statement: The finding as it is tried here, in one sentence.
        source: Where it was published.
        url: Its address.
        trials: What is run and what has to come out, in whole.
        short: The same smaller, with criteria of its own; empty if nothing smaller could show anything.
        first_seed: The seeds of every trial are this one and those that follow it. In [0, 2^32).
    """

    name: str
    title: str
    statement: str
    source: str
    url: str
    trials: tuple[Trial, ...]
    short: tuple[Trial, ...] = ()
    first_seed: int = 1000


def _steps(budget: int) -> Schedule:
    """A tenth from half of the run on, a hundredth from three quarters on, as in the papers on residual networks."""
    return MultiStep((budget // 2, 3 * budget // 4), 0.1)


_CONSTANT = {"constant": recipes.constant()}
_DECAYS: dict[str, Schedule] = {
    "step": _steps(2000),
    "cosine": recipes.warmup_cosine(2000),
    "linear": recipes.warmup_linear(2000),
    "one_cycle": recipes.one_cycle(2000),
    "wsd": recipes.wsd(2000, cooldown=400),
    "sgdr": recipes.sgdr(-(-2000 // 7), growth=2, cycles=3),  # cycles of 1, 2 and 4 sevenths
    "rex": recipes.warmup_rex(2000),
}


def _trained(
    task: str, budget: int, seeds: int, rates: tuple[float, ...], schedules: dict[str, Schedule], *criteria: Criterion
) -> Trainings:
    return Trainings(task=task, budget=budget, seeds=seeds, rates=rates, schedules=schedules, criteria=criteria)


def _against_constant(task: str, seeds: int, margin: float, *rates: float) -> Trainings:
    rule = Lower(rows=tuple(_DECAYS), than=("constant",), margin=margin, corrected=True)
    return _trained(task, 2000, seeds, rates, _CONSTANT | _DECAYS, rule)


def _short_budget(task: str, budget: int, *rates: float) -> Trainings:
    schedules = {"linear": recipes.warmup_linear(budget), "step": _steps(budget)}
    schedules |= {"exponential": Exponential(0.01, budget)}
    return _trained(task, budget, 16, rates, schedules, Lower(rows=("linear",), than=("step", "exponential")))


def _two_floors(task: str, budget: int, warmup: int, seeds: int, lower: str, higher: str, *rates: float) -> Trainings:
    floors = {"to zero": 0.0, "to a tenth": 0.1}
    schedules = {name: recipes.warmup_linear(budget, warmup=warmup, floor=floor) for name, floor in floors.items()}
    return _trained(task, budget, seeds, rates, schedules, Lower(rows=(lower,), than=(higher,)))


def _flatness(task: str) -> Trainings:
    schedules = _CONSTANT | {"linear": _DECAYS["linear"]}
    rule = Flatter(row="linear", than="constant", ratio=0.5)
    return _trained(task, 2000, 8, (0.025, 0.05, 0.1, 0.2), schedules, rule)


def _carried(task: str, budget: int, warmup: int, seeds: int, *rates: float) -> Trainings:
    schedules = {name: default_schedule(name, budget, warmup) for name in DEFAULT_SCHEDULES}
    rule = CarriedPeak(source="wsd", schedules=schedules, budget=budget)
    return _trained(task, budget, seeds, rates, schedules, rule)


def _quadratic(*budgets: int) -> Exact:
    return Exact(
        schedules={
            "constant": lambda budget: recipes.constant(),
            "wsd": lambda budget: recipes.wsd(budget, cooldown=budget // 5),
            "cosine": recipes.warmup_cosine,
            "linear": recipes.warmup_linear,
        },
        budgets=budgets,
        criteria=(Ascending(rows=("linear", "cosine", "wsd", "constant")), Growing(row="linear", than="constant")),
    )


_WSD = "warmup(100) >> hold(1500) >> linear(400)"
_STEP = "warmup(100) >> hold(900) >> 0.3 * hold(1000)"
_COSINE, _LINEAR = "warmup(100) >> cosine(1900)", "warmup(100) >> linear(1900)"
_LONG = "warmup(100) >> cosine(3900)"
_HELD = (
    _STEP,
    "warmup(100) >> hold(1900)",
    _COSINE,
    "warmup(100) >> cosine(1900, floor=0.1)",
    _LINEAR,
    "warmup(100) >> hold(1500) >> one_minus_sqrt(400)",
    "warmup(100) >> hold(1700) >> linear(200)",
    "warmup(100) >> hold(1100) >> linear(800)",
    "warmup(100) >> hold(900) >> 0.3 * hold(500) >> 0.1 * hold(500)",
    "warmup(100) >> geometric(1900, floor=0.01)",
    "warmup(400) >> linear(1600)",
    "warmup(100) >> linear(600) >> linear(1300)",
    "warmup(100) >> hold(900) >> linear(1000)",
    "warmup(100) >> hold(3100) >> linear(800)",
    _LONG,
)


_FINE = (0.01, 0.015, 0.022, 0.033, 0.05, 0.075, 0.11, 0.17, 0.25, 0.38)
_ENSEMBLE = ("snapshot ensemble",)
_SHORT_C1 = _trained(
    "mnist1d",
    2000,
    5,
    (0.04, 0.1),
    _CONSTANT | {name: _DECAYS[name] for name in ("cosine", "linear")},
    Lower(rows=("cosine", "linear"), than=("constant",)),
)

_TRIALS: dict[str, tuple[Trial, ...]] = {
    "C1": (
        _against_constant("mnist1d", 8, 2.0, 0.02, 0.04, 0.1, 0.2),
        _against_constant("mnist1d-cnn", 16, 0.0, 0.02, 0.03, 0.05, 0.1, 0.2),
    ),
    "C2": tuple(
        _short_budget(task, budget, *rates)
        for task in ("mnist1d", "mnist1d-cnn")
        for budget, rates in ((100, (0.1, 0.2, 0.4, 0.8, 1.6)), (500, (0.05, 0.1, 0.2, 0.4)))
    ),
    "C3": (
        Ensembles(
            task="mnist1d",
            cycles=5,
            rates=(0.04, 0.08, 0.16, 0.24),
            seeds=16,
            budget=6000,
            criteria=(
                Lower(rows=_ENSEMBLE, than=("single model",), margin=1.5),
                Lower(rows=_ENSEMBLE, than=("single cosine", "no cycle", "single cycle")),
            ),
        ),
    ),
    "C6": (
        _two_floors("text", 3000, 150, 8, "to zero", "to a tenth", 0.005, 0.015, 0.045),
        _two_floors("mnist1d", 500, 0, 16, "to a tenth", "to zero", 0.05, 0.1, 0.2),
    ),
    "C7": (_flatness("mnist1d"), _flatness("mnist1d-cnn")),
    "C10": (_quadratic(50, 200, 1000, 5000),),
    "F1": (
        Forecasts(
            slug="text-forecasts",
            seeds=3,
            fits={"WSD": (_WSD,), "WSD + step": (_WSD, _STEP)},
            held=_HELD,
            limits=ForecastLimits(error=0.05, regret=0.01),
        ),
    ),
    "F2": (
        PublicCurves(
            slug="public",
            fits={"the authors' three": THEIRS, "one WSD run": ("wsd_20000_24000",)},
            published=True,
            limits=ForecastLimits(error=0.012, regret=0.005, along=0.012),
        ),
    ),
    "F3": (
        Forecasts(
            slug="text-cosines",
            seeds=2,
            fits={"a cosine": (_COSINE,), "two cosines": (_COSINE, _LONG), "a cosine and a line": (_COSINE, _LINEAR)},
            held=(_WSD, _STEP),
        ),
        PublicCurves(
            slug="public-cosines",
            fits={"a cosine": ("cosine_24000",), "two cosines": ("cosine_24000", "cosine_72000")},
        ),
    ),
    "F4": (
        Designed(
            slug="text-design",
            seeds=8,
            budget=1500,
            logs=("wsd", "step"),
            criteria=(
                Lower(rows=("designed",), than=("constant", "step", "cosine", "linear", "one_cycle")),
                NotAbove(row="designed", than=("wsd",)),
            ),
        ),
    ),
    "F5": (
        _carried("mnist1d", 2000, 0, 6, *_FINE),
        _carried("mnist1d-cnn", 2000, 0, 6, *_FINE),
        _carried("text", 1000, 50, 5, 0.003, 0.0047, 0.0075, 0.012, 0.019, 0.03),
    ),
}
# C1: on seeds from 1000 on the second grid was tried without 0.03, which is where the constant is best; on those from 2000 on both ended
# at 0.1, below what a linear decay is best at.
_FIRST_SEEDS = {"C1": 3000, "F1": 5000, "F3": 5500, "F4": 6000, "F5": 7000}
_SHORT: dict[str, tuple[Trial, ...]] = {"C1": (_SHORT_C1,), "C10": (_quadratic(50, 200),)}

CLAIMS: dict[str, Claim] = {
    name: Claim(
        name=name, **WORDS[name], trials=trials, short=_SHORT.get(name, ()), first_seed=_FIRST_SEEDS.get(name, 1000)
    )
    for name, trials in _TRIALS.items()
}
"""By name, in order."""

_ELSEWHERE = {
    "C4": "glidepath branches measures it",
    "C5": "measured and not claimed: see the page on claims",
    "C8": "measured and not claimed: see the page on claims",
    "C9": "glidepath find --verify measures it",
}


def find_claims(names: tuple[str, ...] | list[str], *, short: bool = False) -> list[Claim]:
    """The claims of these names, in the order of `CLAIMS`.

    Args:
        names: Names in any case, or `all`.
        short: Only claims with a short form are meant.

    Raises:
        GlidepathError: If no name is given, there is no claim of a name, or it has no short form; all problems in one.

    Examples:
        >>> [claim.name for claim in find_claims(["c7", "C1"])]
        ['C1', 'C7']
    """
    known = {name: claim for name, claim in CLAIMS.items() if claim.short or not short}
    wanted = [name for given in names for name in (known if given.lower() == "all" else [given.upper()])]
    rule = f"all or one of the claims {'with a short form, ' if short else ''}{', '.join(known)}"
    problems = [
        Problem("reproduce", "NAME", rule, shown(name), _ELSEWHERE.get(name, ""))
        for name in wanted
        if name not in known
    ]
    problems += [] if wanted else [Problem("reproduce", "NAME", rule, "none")]
    if problems:
        raise GlidepathError(problems)
    return [claim for name, claim in known.items() if name in wanted]
