"""The claims: what was published, how it is tried here, and what has to come out. Fixed before anything is run.

The rates, budgets and numbers of seeds were chosen on seeds 0 to 3; the seeds of a claim are its first one and those that
follow it, and were not looked at before. Every grid of rates was laid out to be open on both sides of the best rate of the schedule that
the claim is against, so that the grid cannot make that one look worse than it is.
"""

from dataclasses import dataclass

from glidepath import Exponential, MultiStep, Schedule, recipes
from glidepath.core.errors import GlidepathError, Problem, shown
from glidepath.lab.claims.criteria import Ascending, Carried, Flatter, Growing, Lower, NotAbove
from glidepath.lab.claims.forecasts import Designed, Forecasts, PublicCurves
from glidepath.lab.claims.trials import Ensembles, Exact, Trainings, Trial
from glidepath.lab.claims.tried import Limits
from glidepath.lab.defaults import DEFAULT_SCHEDULES, default_schedule

__all__ = ["CLAIMS", "Claim", "find_claims"]


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


def _decays(budget: int) -> dict[str, Schedule]:
    return {
        "step": _steps(budget),
        "cosine": recipes.warmup_cosine(budget),
        "linear": recipes.warmup_linear(budget),
        "one_cycle": recipes.one_cycle(budget),
        "wsd": recipes.wsd(budget, cooldown=budget // 5),
        "sgdr": recipes.sgdr(-(-budget // 7), growth=2, cycles=3),  # cycles of 1, 2 and 4 sevenths
        "rex": recipes.warmup_rex(budget),
    }


def _decay_against_constant(task: str, rates: tuple[float, ...], seeds: int, margin: float) -> Trainings:
    decays = _decays(2000)
    return Trainings(
        task=task,
        schedules={"constant": recipes.constant(), **decays},
        rates=rates,
        seeds=seeds,
        budget=2000,
        criteria=(Lower(rows=tuple(decays), than=("constant",), margin=margin, corrected=True),),
    )


def _short_budget(task: str, budget: int, rates: tuple[float, ...]) -> Trainings:
    return Trainings(
        task=task,
        schedules={
            "linear": recipes.warmup_linear(budget),
            "step": _steps(budget),
            "exponential": Exponential(0.01, budget),
        },
        rates=rates,
        seeds=16,
        budget=budget,
        criteria=(Lower(rows=("linear",), than=("step", "exponential")),),
    )


def _two_floors(task: str, budget: int, warmup: int, rates: tuple[float, ...], seeds: int, lower: str) -> Trainings:
    floors = {"to zero": 0.0, "to a tenth": 0.1}
    return Trainings(
        task=task,
        schedules={name: recipes.warmup_linear(budget, warmup=warmup, floor=floor) for name, floor in floors.items()},
        rates=rates,
        seeds=seeds,
        budget=budget,
        criteria=(Lower(rows=(lower,), than=tuple(name for name in floors if name != lower)),),
    )


def _flatness(task: str) -> Trainings:
    return Trainings(
        task=task,
        schedules={"constant": recipes.constant(), "linear": recipes.warmup_linear(2000)},
        rates=(0.025, 0.05, 0.1, 0.2),
        seeds=8,
        budget=2000,
        criteria=(Flatter(row="linear", than="constant", ratio=0.5),),
    )


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


def _carried(task: str, budget: int, warmup: int, rates: tuple[float, ...], seeds: int) -> Trainings:
    schedules = {name: default_schedule(name, budget, warmup) for name in DEFAULT_SCHEDULES}
    return Trainings(
        task=task,
        schedules=schedules,
        rates=rates,
        seeds=seeds,
        budget=budget,
        criteria=(Carried(source="wsd", schedules=schedules, budget=budget),),
    )


_FINE = (0.01, 0.015, 0.022, 0.033, 0.05, 0.075, 0.11, 0.17, 0.25, 0.38)

CLAIMS: dict[str, Claim] = {
    claim.name: claim
    for claim in (
        Claim(
            name="C1",
            title="Every decay beats the tuned constant",
            statement="Each of seven decaying schedules ends with a lower test error than a constant rate, each at its own "
            "best peak rate.",
            source="Defazio et al. 2023, When, why and how much? Adaptive learning rate scheduling by refinement",
            url="https://arxiv.org/abs/2310.07831",
            trials=(
                _decay_against_constant("mnist1d", (0.02, 0.04, 0.1, 0.2), seeds=8, margin=2.0),
                _decay_against_constant("mnist1d-cnn", (0.02, 0.03, 0.05, 0.1, 0.2), seeds=16, margin=0.0),
            ),
            # On seeds from 1000 on the second grid was tried without 0.03, which is where the constant is best; on those from
            # 2000 on both ended at 0.1, below what a linear decay is best at.
            first_seed=3000,
            short=(
                Trainings(
                    task="mnist1d",
                    schedules={
                        "constant": recipes.constant(),
                        "cosine": recipes.warmup_cosine(2000),
                        "linear": recipes.warmup_linear(2000),
                    },
                    rates=(0.04, 0.1),
                    seeds=5,
                    budget=2000,
                    criteria=(Lower(rows=("cosine", "linear"), than=("constant",)),),
                ),
            ),
        ),
        Claim(
            name="C2",
            title="Linear beats step and exponential under small budgets",
            statement="With 5 % and with 25 % of 2000 updates, linear decay to zero ends with a lower test error than a step "
            "schedule and than exponential decay to 1 %, each at its own best peak rate.",
            source="Li et al. 2020, Budgeted training",
            url="https://arxiv.org/abs/1905.04753",
            trials=tuple(
                _short_budget(task, budget, rates)
                for task in ("mnist1d", "mnist1d-cnn")
                for budget, rates in ((100, (0.1, 0.2, 0.4, 0.8, 1.6)), (500, (0.05, 0.1, 0.2, 0.4)))
            ),
        ),
        Claim(
            name="C3",
            title="A snapshot ensemble beats single models at the same cost",
            statement="Five snapshots of one cyclic run, averaged, end with a lower test error than one model under steps or "
            "under one cosine, than snapshots without cycles, and than five short runs averaged, all at one cost in updates.",
            source="Huang et al. 2017, Snapshot ensembles: train 1, get M for free",
            url="https://arxiv.org/abs/1704.00109",
            trials=(
                Ensembles(
                    task="mnist1d",
                    cycles=5,
                    rates=(0.04, 0.08, 0.16, 0.24),
                    seeds=16,
                    budget=6000,
                    criteria=(
                        Lower(rows=("snapshot ensemble",), than=("single model",), margin=1.5),
                        Lower(rows=("snapshot ensemble",), than=("single cosine", "no cycle", "single cycle")),
                    ),
                ),
            ),
        ),
        Claim(
            name="C6",
            title="Decay to zero beats decay to a tenth, unless the run is short",
            statement="A small transformer trained on 77 tokens a parameter ends with a lower test loss when its rate falls "
            "to zero than when it falls to a tenth; in a short run of a perceptron it is the other way round.",
            source="Bergsma et al. 2025, Straight to zero: why linearly decaying the learning rate to zero works best for LLMs",
            url="https://arxiv.org/abs/2502.15938",
            trials=(
                _two_floors("text", 3000, 150, (0.005, 0.015, 0.045), seeds=8, lower="to zero"),
                _two_floors("mnist1d", 500, 0, (0.05, 0.1, 0.2), seeds=16, lower="to a tenth"),
            ),
        ),
        Claim(
            name="C7",
            title="Linear decay forgives a wrong peak rate",
            statement="Over peak rates from 0.025 to 0.2 the validation loss of linear decay varies at most half as much as "
            "that of a constant rate.",
            source="Bergsma et al. 2025, Straight to zero: why linearly decaying the learning rate to zero works best for LLMs",
            url="https://arxiv.org/abs/2502.15938",
            trials=(_flatness("mnist1d"), _flatness("mnist1d-cnn")),
        ),
        Claim(
            name="C10",
            title="The order of schedules on the noisy quadratic",
            statement="On the noisy quadratic model, each at its own best rate, linear ends below cosine, cosine below "
            "warmup-stable-decay and that below the constant, and decay gains more the longer the run.",
            source="Zhang et al. 2019, Which algorithmic choices matter at which batch sizes? (the model)",
            url="https://arxiv.org/abs/1907.04164",
            trials=(_quadratic(50, 200, 1000, 5000),),
            short=(_quadratic(50, 200),),
        ),
        Claim(
            name="F1",
            title="Losses are forecast from one log or two",
            statement="On a small transformer, laws fitted to a run of warmup, plateau and cooldown, and to that and a step, "
            "tell what fifteen other schedules end with, two of them twice as long.",
            source="glidepath, after Tissue et al. 2024 and Luo et al. 2025",
            url="https://arxiv.org/abs/2503.12811",
            trials=(
                Forecasts(
                    slug="text-forecasts",
                    seeds=3,
                    fits={"WSD": (_WSD,), "WSD + step": (_WSD, _STEP)},
                    held=_HELD,
                    limits=Limits(error=0.05, regret=0.01),
                ),
            ),
            first_seed=5000,
        ),
        Claim(
            name="F2",
            title="The curves of language models that others published are forecast",
            statement="On the published curves of 25, 100 and 400 million parameters the published law and its coefficients give "
            "the published errors, and the median of three laws forecasts the other curves, from the authors' three and from one.",
            source="Luo et al. 2025, A multi-power law for loss curve prediction across learning rate schedules",
            url="https://arxiv.org/abs/2503.12811",
            trials=(
                PublicCurves(
                    slug="public",
                    fits={
                        "the authors' three": ("cosine_24000", "constant_24000", "wsdcon_9"),
                        "one WSD run": ("wsd_20000_24000",),
                    },
                    published=True,
                    limits=Limits(error=0.012, regret=0.005, along=0.012),
                ),
            ),
        ),
        Claim(
            name="F3",
            title="Full-length decays alone are refused",
            statement="Laws are not fitted to logs of nothing but cosines or straight lines over the whole run, or their intervals hold.",
            source="glidepath",
            url="https://arxiv.org/abs/2503.12811",
            trials=(
                Forecasts(
                    slug="text-cosines",
                    seeds=2,
                    fits={
                        "a cosine": (_COSINE,),
                        "two cosines": (_COSINE, _LONG),
                        "a cosine and a line": (_COSINE, _LINEAR),
                    },
                    held=(_WSD, _STEP),
                ),
                PublicCurves(
                    slug="public-cosines",
                    fits={"a cosine": ("cosine_24000",), "two cosines": ("cosine_24000", "cosine_72000")},
                ),
            ),
            first_seed=5500,
        ),
        Claim(
            name="F4",
            title="A designed schedule against the defaults",
            statement="The schedule designed from two logs of one seed ends lower on eight others than five of the six default schedules, "
            "and no higher than the sixth, a plateau with a straight cooldown over the last fifth.",
            source="glidepath",
            url="https://arxiv.org/abs/2503.12811",
            trials=(
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
            first_seed=6000,
        ),
        Claim(
            name="F5",
            title="The convex bound carries a tuned peak",
            statement="The peak rate tuned for a plateau with a cooldown over the last fifth, carried by the convex bound, is as good for "
            "the other default schedules as the best of a fine grid of their own.",
            source="Defazio et al. 2023; Schaipp et al. 2025, The surprising agreement between convex optimization theory and schedules",
            url="https://arxiv.org/abs/2501.18965",
            trials=(
                _carried("mnist1d", 2000, 0, _FINE, seeds=6),
                _carried("mnist1d-cnn", 2000, 0, _FINE, seeds=6),
                _carried("text", 1000, 50, (0.003, 0.0047, 0.0075, 0.012, 0.019, 0.03), seeds=5),
            ),
            first_seed=7000,
        ),
    )
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
