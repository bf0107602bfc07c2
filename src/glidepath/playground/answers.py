"""What the page is answered, wherever its Python runs: in the server on this machine, or in a worker of the browser."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import GlidepathError, Problem
from . import code, details, exports, limits, links, look, measures, plateau
from .asked import Asked, Base, Text, Texts, refused
from .budget import USUAL, Budget
from .catalogue import catalogue

__all__ = ["ANSWERS", "SHAPES", "Answer", "answer", "picture", "refusal", "start", "words"]

SHAPES = {
    "constant": "constant()",
    "step": "step(2500, factor=0.5)",
    "exponential": "exponential(0.5, steps=2500)",
    "linear": "linear(10000)",
    "cosine": "cosine(10000)",
    "warmup_cosine": "warmup_cosine(10000, warmup=500)",
    "one_cycle": "one_cycle(10000)",
    "restarts": "sgdr(2500)",
    "wsd": "wsd(10000, warmup=500, cooldown=2000)",
    "inverse_sqrt": "warmup_inverse_sqrt(10000, 500)",
    "polynomial": "polynomial(10000, power=2)",
    "triangular": "triangular(2500)",
}
"""The shapes that the page offers first, for the budget that it begins with."""
_FIRST = "warmup_cosine"


@functools.cache
def words() -> dict[str, Any]:
    """Returns everything the page offers by name."""
    return {**catalogue(), "plateau": plateau.controls(), "targets": code.TARGETS}


@functools.cache
def start() -> dict[str, Any]:
    """Returns what the page shows and does before anything was asked: the catalogue, the twelve shapes, the first curve as a picture."""
    shapes = [
        {"name": name, "text": text, "look": look.look(look.Look(text, sampled=False))} for name, text in SHAPES.items()
    ]
    return {
        "catalogue": words(),
        "shapes": shapes,
        "budget": USUAL.settled().to_dict(),
        "picture": picture(),
    }


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


@dataclass(frozen=True)
class Code(Asked):
    """A request for code."""

    text: Text
    target: Text
    base: Base = 1.0
    budget: Budget = USUAL


@dataclass(frozen=True)
class Link(Asked):
    """A request for the address of a page that shows these schedules, the first to be worked on."""

    texts: Texts
    base: Base = 1.0


def _code(request: Code) -> dict[str, str]:
    return {"code": code.code(look.readable(request.text, request.budget.settled()), request.target, request.base)}


def _link(request: Link) -> dict[str, str]:
    return {"fragment": links.fragment([("", text) for text in request.texts], request.base)}


@dataclass(frozen=True)
class Answer:
    """What is sent back.

    Args:
        body: JSON, or a file.
        media: Its media type.
        status: 200, or 422 where something was refused, or 404.
    """

    body: bytes
    media: str = "application/json"
    status: int = 200


Answers = Mapping[str, tuple[type[Any], Callable[[Any], Any]]]
ANSWERS: Answers = {
    "look": (look.Look, look.look),
    "at": (measures.At, measures.at),
    "measures": (measures.Measure, measures.measures),
    "details": (details.Details, details.details),
    "fit": (details.Fit, details.fit),
    "code": (Code, _code),
    "export": (exports.Export, exports.export),
    "plateau": (plateau.Feed, plateau.feed),
    "limits": (limits.Limits, limits.limits),
    "link": (Link, _link),
}
"""What is answered without a machine: the request and what answers it, by path."""


def answer(path: str, body: str | bytes = b"", known: Answers = ANSWERS) -> Answer:
    """Returns the answer to a request.

    Args:
        path: A key of `known`; or `catalogue`, which takes nothing.
        body: JSON.
        known: What there is to ask.
    """
    try:
        if path == "catalogue":
            return _json(words())
        if path not in known:
            return refusal([Problem("page", "path", f"one of {', '.join(known)}", repr(path[:60]))], 404)
        asked, answering = known[path]
        made = answering(asked.of(_read(body)))
    except GlidepathError as error:
        return refusal(error.problems)
    return Answer(made, exports.type_of(made)) if isinstance(made, bytes) else _json(made)


def _read(body: str | bytes) -> Any:
    def no_number(constant: str) -> Any:
        raise ValueError(f"{constant} is no number of JSON")

    try:
        return json.loads(body, parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        raise GlidepathError.worded("request", "body", "JSON", str(error)[:80]) from None


def _json(data: Any) -> Answer:
    return Answer(json.dumps(data, allow_nan=False, separators=(",", ":")).encode())


def refusal(problems: Sequence[Problem], status: int = 422) -> Answer:
    """Returns the answer that says what was refused.

    Args:
        problems: The broken rules, of which twenty are said.
        status: Of HTTP.
    """
    rows = [refused(problem) for problem in problems[:20]]
    return Answer(json.dumps({"problems": rows}).encode(), status=status)
