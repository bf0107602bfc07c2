"""The tab of range tests: traces from a file, from a sweep made here, or with a known answer; what is drawn of them, and what they say."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from ..core import Answer, Checks, GlidepathError, each_of, plain_data, shown, taken
from ..core.fields import Check, Index, choice, integer, real
from ..core.language import said, worded
from ..core.zh_strings import FINDINGS
from ..finder import RULES, Refusal, Suggestion, Trace, Verification, suggest
from ..view.examples import about
from ..view.range_test import parts
from .asked import Asked, several, typed, words
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
