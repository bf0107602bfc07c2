"""What a docstring says besides its arguments: its first sentence, and where the thing comes from."""

from __future__ import annotations

import inspect
import re
from typing import Any


def about(thing: Any) -> str:
    """Returns the first line of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def source(thing: Any) -> str:
    """Returns the `Source:` section of a docstring on one line, or an empty string.

    Examples:
        >>> from glidepath.finder import minimum_tenth
        >>> source(minimum_tenth).partition(",")[0]
        "fastai's `lr_find(suggest_funcs=minimum)`"
    """
    found = re.search(r"^Source:\n((?:    .*\n?)+)", inspect.getdoc(thing) or "", re.MULTILINE)
    return " ".join(found.group(1).split()) if found else ""
