"""An example call of every scheduler of the other libraries: what the gallery draws and the page begins with."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from ..core.errors import GlidepathError
from ..core.syntax import syntax
from ..dialects import libraries, load, names
from ..dialects.table import known
from .examples_strings import CALLS, CALLS_HERE

__all__ = ["BEGINNINGS", "LIBRARIES", "arguments_of"]

LIBRARIES = tuple(name for name in libraries() if name.isidentifier())
"""The libraries whose schedulers are shown by their own names."""

# What a required argument of another library's scheduler begins with.
BEGINNINGS: Mapping[str, Any] = {
    "T_0": 2500,
    "T_max": 5000,
    "anneal_epochs": 10000,
    "base_lr": 0.001,
    "boundaries": [3000, 6000, 9000],
    "d_model": 512,
    "decay_batch": 10000,
    "decay_batches": 10000,
    "decay_rate": 0.5,
    "decay_steps": 10000,
    "end_lr": 0.1,
    "first_decay_steps": 2500,
    "gamma": 0.9995,
    "lr_lambda": "lambda step: 0.9997**step",
    "max_lr": 0.1,
    "max_learning_rate": 0.1,
    "milestones": [3000, 6000, 9000],
    "start_lr": 0.001,
    "step_size": 3000,
    "step_size_up": 1000,
    "swa_lr": 0.05,
    "total_steps": 10000,
    "warmup_steps": 1000,
}


def arguments_of(library: str, name: str) -> dict[str, Any] | None:
    """Returns arguments that a library's scheduler accepts, about 10,000 steps long; None for one that shows nothing by itself.

    Args:
        library: One of `LIBRARIES`.
        name: The scheduler's own name.

    Examples:
        >>> arguments_of("pytorch", "CosineAnnealingLR")
        {'T_max': 5000}
    """
    if name not in names(library):
        return None
    row = known(library).readers[name]
    needed = [p.name for p in row.parameters if p.default is p.empty]
    begun = {**{field: kind.begin for field, kind in row.types.items()}, **BEGINNINGS}
    inside = {field: begun[field] for field in needed if begun.get(field) is not None}
    texts = (row.example, CALLS_HERE.get((library, name)), CALLS.get(name))
    for arguments in (*(_read(text) for text in texts if text), inside):
        try:
            load(library, name, arguments)
        except GlidepathError:
            continue
        return arguments
    return None


def _read(text: str) -> dict[str, Any]:
    call: Any = syntax(f"f({text})")
    return {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
