"""What the page begins with for the schedulers of other libraries, whose arguments declare no types."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import replace
from typing import Any

from ..core.errors import GlidepathError
from ..core.text import vocabulary
from ..view.foreign import BEGINNINGS, LIBRARIES, arguments_of

__all__ = ["call_of", "called", "kind_of"]


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


def called(text: str) -> str:
    """Returns a scheduler call as the page writes it, `pytorch.StepLR(step_size=30)`, of code as people write it; any other text as it is.

    Raises:
        GlidepathError: If the code holds several calls, or one that cannot be read.
    """
    begun = re.match(r"\s*([A-Za-z_]\w*)", text)
    if begun is None or begun[1] in LIBRARIES or begun[1] in vocabulary():
        return text  # the page's own text, without a look at other libraries
    from ..dialects.calls import stands_for_optimizer
    from ..dialects.snippets import mentioned, read_calls

    if not mentioned(text):
        return text
    found = read_calls(text)
    if len(found) != 1:
        lines = ", ".join(f"line {each.line}: {each.text[:60]}" for each in found[:5]) or "none"
        raise GlidepathError.worded("text", "", "one scheduler call", f"{len(found)} of them", lines)
    found[0].schedules()  # says what is missing
    call, library = found[0].call, found[0].library
    given = call.given[1:] if call.given and stands_for_optimizer(call.given[0]) else call.given
    return str(replace(call, name=f"{library.framework}.{library.named(call.name)}", given=given))


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
