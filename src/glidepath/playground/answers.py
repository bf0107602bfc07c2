"""What the page is answered, wherever its Python runs: in the server on this machine, or in a worker of the browser."""

from __future__ import annotations

import functools
from typing import Any

from . import code, look, plateau
from .budget import Budget
from .catalogue import catalogue

__all__ = ["SHAPES", "start", "words"]

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
        {"name": name, "text": text, "look": look.look(look.Look(text=text, sampled=False))}
        for name, text in SHAPES.items()
    ]
    return {
        "catalogue": words(),
        "shapes": shapes,
        "budget": Budget().settled().to_dict(),
        "picture": picture(SHAPES[_FIRST]),
    }


def picture(text: str) -> str:
    """Returns a curve as an SVG without axes, 1000 by 400, which stretches with its box.

    Args:
        text: The schedule.
    """
    schedule = look.read(text, None, Budget().settled()).built.schedule
    if schedule is None:
        return ""
    last = Budget().settled().updates
    steps = [last * k // 250 for k in range(251)]
    points = " ".join(f"{1000 * step / last:g},{round(400 - 400 * schedule(step), 1):g}" for step in steps)
    return (
        '<svg class="first" viewBox="0 -8 1000 416" preserveAspectRatio="none" aria-hidden="true">'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="2" vector-effect="non-scaling-stroke"/></svg>'
    )
