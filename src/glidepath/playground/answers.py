"""What the page is answered, wherever its Python runs: in the server on this machine, or in a worker of the browser."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple, get_type_hints

from ..core import GlidepathError, Problem
from ..view.examples_strings import SHAPES
from . import details, exports, look, plateau
from .asked import USUAL, refused
from .catalogue import catalogue

_FIRST = "warmup_cosine"


@functools.cache
def words() -> dict[str, Any]:
    """Returns everything the page offers by name."""
    return {**catalogue(), "plateau": plateau.controls(), "targets": exports.TARGETS}


@functools.cache
def start() -> dict[str, Any]:
    """Returns what the page shows and does before anything was asked: the catalogue, the twelve shapes, the first curve as a picture."""
    shapes = [{"name": n, "text": t, "look": look.look(look.Look(t, sampled=False))} for n, t in SHAPES.items()]
    return {"catalogue": words(), "shapes": shapes, "budget": USUAL.settled().to_dict(), "picture": picture()}


def picture() -> str:
    """Returns the first curve as an SVG without axes, 1000 by 400, which stretches with its box."""
    budget = USUAL.settled()
    schedule, last = look.readable(SHAPES[_FIRST], budget), budget.updates
    steps = [last * k // 250 for k in range(251)]
    points = " ".join(f"{1000 * step / last:g},{round(400 - 400 * schedule(step), 1):g}" for step in steps)
    return (
        '<svg class="first" viewBox="0 -24 1000 430" preserveAspectRatio="none" aria-hidden="true">'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="3" vector-effect="non-scaling-stroke"/></svg>'
    )


class Reply(NamedTuple):
    """What is sent back.

    Args:
        body: JSON, or a file.
        media: Its media type.
        status: 200, or 422 where something was refused, or 404.
    """

    body: bytes
    media: str = "application/json"
    status: int = 200


Answers = Mapping[str, Callable[[Any], Any] | str]
# What is answered without a machine, by path.
ANSWERS: Answers = {
    "look": look.look,
    "at": look.at,
    "measures": look.measures,
    "details": details.details,
    "fit": details.fit,
    "code": exports.coded,
    "export": exports.export,
    "plateau": plateau.feed,
    "limits": details.limits,
    "link": exports.linked,
}


def answer(path: str, body: str | bytes = b"", known: Answers = ANSWERS) -> Reply:
    """Returns the answer to a request.

    Args:
        path: A key of `known`; or `catalogue`, which takes nothing.
        body: JSON.
        known: What there is to ask: functions of a request of their own type, or where one is found that is imported when it is first asked.
    """
    try:
        if path == "catalogue":
            return told(words())
        if path not in known:
            return refusal([Problem("page", "path", f"one of {', '.join(known)}", repr(path[:60]))], 404)
        answering = found(known[path])
        request = get_type_hints(answering)["request"].of(_read(body))
        made = answering(request)
    except GlidepathError as error:
        return refusal(error.problems)
    return Reply(made, exports.TYPES[request.format]) if isinstance(made, bytes) else told(made)


def found(answering: Callable[[Any], Any] | str) -> Callable[[Any], Any]:
    """Returns a function, or the one of a module of this room that `module.name` says."""
    if not isinstance(answering, str):
        return answering
    module, _, name = answering.partition(".")
    return getattr(import_module(f".{module}", __package__), name)


def _read(body: str | bytes) -> Any:
    def no_number(constant: str) -> Any:
        raise ValueError(f"{constant} is no number of JSON")

    try:
        return json.loads(body, parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        raise GlidepathError.worded("request", "body", "JSON", str(error)[:80]) from None


def told(data: Any, status: int = 200) -> Reply:
    """Returns JSON data as an answer."""
    return Reply(json.dumps(data, allow_nan=False, separators=(",", ":")).encode(), status=status)


def refusal(problems: Sequence[Problem], status: int = 422) -> Reply:
    """Returns the answer that says what was refused.

    Args:
        problems: The broken rules, of which twenty are said.
        status: Of HTTP.
    """
    return told({"problems": [refused(problem) for problem in problems[:20]]}, status)
