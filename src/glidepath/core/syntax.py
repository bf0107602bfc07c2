"""Python's parser, for text that is read and never executed."""

from __future__ import annotations

import ast
import threading
import warnings
from typing import Any

_LOCK = threading.Lock()
_TRIES = 100  # somebody else's threads may parse at the same time


def syntax(text: str, mode: str = "eval") -> Any:
    """Returns the syntax tree of one expression; of a module's statements where `mode` is `exec`.

    One thread at a time: CPython 3.11 counts the depth of what it parses in one place for all threads, and fails with a SystemError where two
    of them meet. Warnings about odd syntax are left out.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: If it cannot be parsed.
    """
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        for _ in range(_TRIES):
            try:
                tree: Any = ast.parse(text, mode=mode)
            except SystemError:
                continue
            return tree.body if mode == "eval" else tree
    raise MemoryError("the parser is in use")
