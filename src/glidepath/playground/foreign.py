"""What the page begins with for the schedulers of other libraries, whose arguments declare no types."""

from __future__ import annotations

import functools
import json
from typing import Any

from glidepath.view.foreign import BEGINNINGS, arguments_of

__all__ = ["call_of", "kind_of"]


@functools.cache
def call_of(lib: str, word: str) -> str:
    """Returns a call that the library's reader accepts, or an empty string.

    Args:
        lib: The library.
        word: The scheduler's name.
    """
    arguments = arguments_of(lib, word)
    if arguments is None:
        return ""
    inside = ", ".join(f"{name}={_written(value)}" for name, value in arguments.items())
    return f"{lib}.{word}({inside})"


def _written(value: Any) -> str:
    """Returns an argument as the page's text has it: what its controls have no form for stands in a string."""
    plain = not isinstance(value, dict | str) and not (isinstance(value, list) and isinstance(value[0], dict | tuple))
    return repr(value) if plain else json.dumps(value if isinstance(value, str) else repr(value))


def kind_of(name: str, default: Any) -> str:
    """Returns the type of a library's argument, which declares none, by what it begins with.

    Args:
        name: The argument.
        default: Its default, or None.
    """
    value = BEGINNINGS.get(name, default)
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, list | tuple):
        return "lengths" if all(isinstance(item, int) for item in value) else "numbers"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int) and not isinstance(value, bool):
        lengths = ("steps", "iters", "period", "T_", "epochs", "batch", "size", "until", "step")
        return "length" if any(part in name for part in lengths) and name not in ("T_mult", "d_model") else "integer"
    if value is None:
        return "integer" if any(part in name for part in ("steps", "iters", "epochs")) else "auto"
    return "number"
