"""The tab of range tests: traces from a file, from a sweep made here, or with a known answer; what is drawn of them, and what they say."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from ..core import Checks, GlidepathError, each_of, plain_data, shown, taken
from ..core.fields import Check, Index, choice, integer, real
from ..core.language import said, worded
from ..core.zh_strings import FINDINGS
from ..finder import RULES, Refusal, Suggestion, Trace, Verification, suggest
from ..view.examples import about
from ..view.range_test import parts
from .asked import Asked, Text, several, typed, words
from .jobs import Work
from .runs import TaskName, prepare
from .sweeps import SWEEPS

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
_loss = Check(lambda value: None if value is None else _finite.func(value))


class _Whole(Asked):
    """Whole trainings, as a file tells of them."""

    rates: Annotated[tuple[float, ...], several(_finite, 100)]
    losses: Annotated[tuple[tuple[float | None, ...], ...], several(several(_loss, 100), 100)]
    seeds: Annotated[tuple[int, ...], several(integer(0), 100)]
    best: Annotated[float, _finite] | None
    verdict: Text
    trainings: Index
    seconds: Annotated[float, _finite]


def known() -> list[dict[str, Any]]:
    """Returns the range tests with a known answer, for the page's list."""
    return [{"key": key, "name": one.name, "zh": {"name": said(one.name, "zh")}} for key, one in SWEEPS.items()]


def range_test(request: Range) -> dict[str, Any]:
    """Returns what is drawn of a range test, and what it says. The answer is computed anew from the traces.

    Args:
        request: What the page asks.

    Raises:
        GlidepathError: If the file is refused, or there is no such known range test.
    """
    if request.known:
        one = SWEEPS[taken("range test", "known", request.known, choice(*SWEEPS))]
        chinese = {"title": said(one.name, "zh"), "known": said(one.known, "zh")}
        return {"title": one.name, "known": one.known, "zh": chinese, **_answer(one.make())}
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
    drawn = parts(traces, result)
    data: dict[str, Any] = result.to_dict()
    del data["rules"]
    answer = {
        "usable": isinstance(result, Suggestion),
        "result": _in_both(data | {"sentence": _sentence(result)}),
        "drawn": None if drawn is None else drawn | {"ticks": [_told(tick) for tick in drawn["ticks"]]},
        "verification": None
        if verification is None
        else _in_both(verification.to_dict() | {"sentence": str(verification)}),
        "stops": [trace.stop for trace in traces],
    }
    return plain_data(answer)


def _in_both(data: dict[str, Any]) -> dict[str, Any]:
    """Returns data whose sentences are said in Chinese too."""
    return data | {"zh": {name: worded(text, FINDINGS, "zh") for name, text in data.items() if isinstance(text, str)}}


def _told(tick: dict[str, Any]) -> dict[str, Any]:
    chinese = said(about(RULES[tick["name"]]), "zh")
    return tick | ({"zh": {"about": chinese}} if not chinese.startswith("Returns ") else {})


def _sentence(result: Suggestion | Refusal) -> str:
    return str(result) if isinstance(result, Suggestion) else f"{result.reason}: {result.evidence}"


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
    try:
        known = _Whole.field_names()
        seen = _Whole.of({name: data[name] for name in known if name in data} if isinstance(data, dict) else data)
        losses = tuple(tuple(math.inf if loss is None else loss for loss in row) for row in seen.losses)
        if len(seen.rates) == len(losses):
            verdict = seen.verdict[:80]
            return Verification(seen.rates, losses, seen.seeds, seen.best, (), verdict, seen.trainings, seen.seconds)
    except GlidepathError:
        pass
    rule = "an object with verdict, rates, losses and seeds, as many losses as rates"
    raise GlidepathError.of("file", "verification", rule, data)
