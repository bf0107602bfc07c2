"""One example of every recipe and kind: what the gallery shows, and what the page begins with."""

from __future__ import annotations

import inspect
from typing import Any

from ..core.schedule import Schedule
from ..core.text import vocabulary
from .examples_strings import COMPARISONS, EXAMPLES

__all__ = ["COMPARISONS", "EXAMPLES", "example"]


def example(word: str) -> str:
    """Returns an example of a word as text; a word without one of its own, such as a registered formula, is called without arguments.

    Words that say nothing by themselves, such as a replayed recurrence, have an empty one.

    Args:
        word: A word of the text form.

    Examples:
        >>> example("cosine")
        'cosine(10000)'
    """
    make: Any = vocabulary().get(word)
    own = EXAMPLES.get(word) or getattr(Schedule.registry.get(word), "example", "")
    if make is None or own or word in Schedule.registry:
        return own
    needed = [p for p in inspect.signature(make).parameters.values() if p.default is p.empty]
    return "" if needed else f"{word}()"
