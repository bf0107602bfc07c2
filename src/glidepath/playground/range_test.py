"""The tab of range tests: traces from a file, from a sweep made here, or with a known answer; what is drawn of them, and what they say."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import sys
from collections.abc import Callable, Sequence
from itertools import count
from typing import Annotated, Any

import numpy as np

from ..core import Answer, Checks, GlidepathError, each_of, plain_data, shown, taken
from ..core.fields import Check, Index, choice, integer, real
from ..core.language import said, worded
from ..core.zh_strings import FINDINGS
from ..finder import RULES, Refusal, Suggestion, Trace, Verification, rising, suggest, sweep
from ..view.examples import about
from ..view.range_test import parts
from .asked import Asked, several, typed, words
from .jobs import Work
from .runs import TaskName, prepare

MAX_FILE = 2_000_000
MAX_TRACES = 12
MAX_POINTS = 2_000  # smoothing takes memory and time by the square
_Rate = Annotated[float, typed(real(above=0, high=1e6))]


class Range(Asked):
    """What the page asks: the traces of a file, or those of a known range test.

    Args:
        text: The content of a file that `glidepath find -o found.json` wrote, or `Found.to_json`, or a list of traces; or
        known: a key of the known ones.
    """

    text: Annotated[str, words(MAX_FILE)] = ""
    known: Annotated[str, words(40)] = ""


class Sweep(Asked):
    """A range test to be made here.

    Args:
        task: What is trained.
        low: First rate.
        high: Last rate.
        steps: Updates of a sweep.
        repeats: Sweeps, at least 3: fewer say nothing.
    """

    task: TaskName = "mnist1d"
    low: _Rate = 1e-6
    high: _Rate = 10.0
    steps: Annotated[int, integer(40, 1_000)] = 240
    repeats: Annotated[int, integer(3, MAX_TRACES)] = 3


_finite = real(-sys.float_info.max, sys.float_info.max)
_loss = Check(lambda value: math.inf if value is None else _finite.func(value))


class _Whole(Asked):
    """Whole trainings, as a file tells of them."""

    rates: Annotated[tuple[float, ...], several(_finite, 100)]
    losses: Annotated[tuple[tuple[float, ...], ...], several(several(_loss, 100), 100)]
    seeds: Annotated[tuple[int, ...], several(integer(0), 100)]
    best: Annotated[float, _finite] | None
    verdict: Annotated[str, words(80)]
    trainings: Index
    seconds: Annotated[float, _finite]


def known() -> list[dict[str, Any]]:
    """Returns the range tests with a known answer, for the page's list."""
    return [{"key": key, "name": name, "zh": {"name": said(name, "zh")}} for key, (name, _, _) in SWEEPS.items()]


def range_test(request: Range) -> dict[str, Any]:
    """Returns what is drawn of a range test, and what it says. The answer is computed anew from the traces.

    Args:
        request: What the page asks.

    Raises:
        GlidepathError: If the file is refused, or there is no such known range test.
    """
    if request.known:
        name, told, make = SWEEPS[taken("range test", "known", request.known, choice(*SWEEPS))]
        chinese = {"title": said(name, "zh"), "known": said(told, "zh")}
        return {"title": name, "known": told, "zh": chinese, **_answer(make())}
    title, traces, verification = read_file(request.text)
    return {"title": title, "known": "", **_answer(traces, verification)}


def sweeping(request: Sweep) -> Callable[[Work], None]:
    """Returns the work of a job that sweeps; each sweep is said as soon as it has ended.

    Args:
        request: What to sweep.

    Raises:
        GlidepathError: If the rates are not rising; from the work, if a package is missing.
    """
    if not request.low < request.high:
        raise GlidepathError.of("range test", "high", f"above low, {request.low}", request.high)

    def work(job: Work) -> None:
        prepare("range test")
        from ..lab.search.range_test import find_rates

        traces: list[Trace] = []

        def swept(trace: Trace) -> None:
            traces.append(trace)
            job.say(type="sweep", title=request.task, known="", **_answer(traces))

        sizes = {name: getattr(request, name) for name in ("low", "high", "steps", "repeats")}
        made = find_rates(request.task, **sizes, progress=job.advance, swept=swept)
        seconds = round(made.found.seconds, 1)
        job.say(type="end", title=request.task, known="", seconds=seconds, **_answer(made.found.traces))

    return work


def _answer(traces: Sequence[Trace], verification: Verification | None = None) -> dict[str, Any]:
    """Returns the answer of some traces with all that is drawn of it, as JSON data."""
    result = suggest(traces)
    drawn, usable = parts(traces, result), isinstance(result, Suggestion)
    sentence = f"{result.reason}: {result.evidence}" if isinstance(result, Refusal) else str(result)
    for tick in drawn["ticks"] if drawn else ():
        chinese = said(about(RULES[tick["name"]]), "zh")
        tick |= {"zh": {"about": chinese}} if not chinese.startswith("Returns ") else {}
    answer = {
        "usable": usable,
        "result": _in_both(result, sentence),
        "drawn": drawn,
        "verification": verification and _in_both(verification, str(verification)),
        "stops": [trace.stop for trace in traces],
    }
    return plain_data(answer)


def _in_both(answer: Answer, sentence: str) -> dict[str, Any]:
    """Returns the data of an answer with its sentence; what is a sentence in it is said in Chinese too."""
    data = {name: value for name, value in answer.to_dict().items() if name != "rules"} | {"sentence": sentence}
    return data | {"zh": {name: worded(text, FINDINGS, "zh") for name, text in data.items() if isinstance(text, str)}}


# Files --------------------------------------------------------------------------------------------------------------------------------


def read_file(text: str) -> tuple[str, list[Trace], Verification | None]:
    """Returns the name, the traces and the whole trainings of a file that a range test wrote.

    Args:
        text: Its content: an object with `traces`, a list of traces, or one trace.

    Raises:
        GlidepathError: If it is none of these; every problem of every trace is listed.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        rule = "JSON as `glidepath find TASK -o found.json` writes it"
        raise GlidepathError.of("file", "", rule, text[:60]) from None
    whole: dict[str, Any] = data if isinstance(data, dict) else {}
    rows = whole.get("traces", [data]) if whole else data
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_TRACES:
        given = f"{len(rows)} of them" if isinstance(rows, list) else shown(rows)
        raise GlidepathError.worded("file", "traces", f"a list of 1 to {MAX_TRACES} traces", given)
    checks, traces, verification = Checks("file"), tuple[Trace, ...](), None
    with checks.kept():
        traces = each_of(rows, _trace, "file, traces[{}]".format)
    with checks.kept():
        verification = _verification(whole.get("verification"))
    checks.done()
    title = whole.get("task")
    return (title[:80] if isinstance(title, str) else ""), list(traces), verification


def _trace(row: Any) -> Trace:
    points = row.get("rates") if isinstance(row, dict) else None
    if isinstance(points, list) and len(points) > MAX_POINTS:
        raise GlidepathError.worded("trace", "rates", f"at most {MAX_POINTS} of them", f"{len(points)} of them")
    return Trace.from_dict(row)


def _verification(data: Any) -> Verification | None:
    """Returns the whole trainings that a file tells of, or None."""
    if data is None:
        return None
    with contextlib.suppress(GlidepathError):
        known = _Whole.field_names()
        seen = _Whole.of({name: data[name] for name in known if name in data} if isinstance(data, dict) else data)
        if len(seen.rates) == len(seen.losses):
            return Verification(good=(), **{name: getattr(seen, name) for name in known})
    rule = "an object with verdict, rates, losses and seeds, as many losses as rates"
    raise GlidepathError.of("file", "verification", rule, data)


# Range tests whose answer is known beforehand: to see at once what a good one looks like, and each way that one can say nothing -----------

_CURVATURES = np.linspace(1.0, 10.0, 30)  # gradient descent diverges from 2 / 10


def _descents(
    low: float = 1e-5,
    high: float = 10.0,
    *,
    start: float = 1.0,
    shaking: float = 0.0,
    noise: float = 0.0,
    spike: float = 1.0,
    least: float = 0.0,
) -> tuple[Trace, ...]:
    """Returns sweeps of gradient descent on a quadratic bowl, each from another place.

    Args:
        low: First rate.
        high: Last rate.
        start: How far from the minimum they begin.
        shaking: Standard deviation of the noise on the gradients, as of minibatches; a sixth of it is that of the loss's logarithm.
        noise: Standard deviation of the noise on the loss that is reported.
        spike: What one loss of the second repeat is multiplied by.
        least: The loss at the minimum.
    """

    def training(seed: int) -> Callable[[float], float]:
        """Returns a function that makes an update at a rate and returns the loss before it."""
        chance, made = np.random.default_rng(seed), count(1)
        weights = start * (1 + 0.1 * chance.normal(size=len(_CURVATURES)))

        def update(rate: float) -> float:
            nonlocal weights
            loss = 0.5 * float((_CURVATURES * weights**2).mean()) + least + noise * chance.normal()
            loss *= float(np.exp(shaking / 6 * chance.normal()))
            shaken = shaking * chance.normal(size=len(_CURVATURES))
            weights = weights - rate * (_CURVATURES * weights + shaken)
            return loss * (spike if next(made) == 40 and seed == 1 else 1.0)

        return update

    rates = rising(low, high, 160)
    return tuple(sweep(training(k), rates, label=f"repeat {k + 1}") for k in range(3))


_BOWL = "Gradient descent on a quadratic bowl whose largest curvature is 10 diverges from 2/10 = 0.2; here with the noise of minibatches."
_CLEAN = "As before, without noise: the textbook's answer, 0.2."
_SPIKE = "As the bowl, but one loss of repeat 2 is 20 times too high."
_EARLY = "The bowl again, swept only up to 0.01: nothing shows where it diverges."
_LATE = "The bowl again, swept from 0.15: too late to see the loss fall."
_FLAT = "Begun at the minimum: no rate makes the loss fall."
_KNOWN: dict[str, tuple[str, str, dict[str, float]]] = {
    "shaken": ("A bowl, minibatches", _BOWL, {"shaking": 1.0}),
    "clean": ("A bowl, no noise", _CLEAN, {}),
    "spike": ("One spike", _SPIKE, {"shaking": 1.0, "spike": 20.0}),
    "early": ("Ended too early", _EARLY, {"high": 0.01}),
    "late": ("Begun too high", _LATE, {"low": 0.15}),
    "flat": ("Trained already", _FLAT, {"start": 1e-4, "least": 0.3, "noise": 0.001, "high": 0.1}),
    "wild": ("Too noisy", "The bowl again, its losses drowned in noise.", {"noise": 12.0, "high": 0.15}),
}
# The range tests by key, in the order of the page: what each is called there, what is known of it, and what makes its traces.
SWEEPS = {
    key: (name, known, functools.cache(functools.partial(_descents, **options)))
    for key, (name, known, options) in _KNOWN.items()
}
