"""The state of a driven transformation, and what can be read from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import optax
from jax.tree_util import DictKey

from ..core.errors import GlidepathError

__all__ = ["ONLY", "DrivenState", "changed", "count", "found", "learning_rates"]

ONLY = "0"  # the group where there are no labels, by the name that `attach` gives it


class DrivenState(NamedTuple):
    """The state of a driven transformation: arrays only.

    Args:
        count: int32, the updates made; the next one uses the value at `count`.
        identity: uint32, of the plan with its bases: a state that another plan made is noticed.
        hyperparams: The values of the last update (before the first: of the first), by name; by label and name where there are labels.
        multipliers: What the plan's controllers decided, as ramps over updates; empty without controllers.
        inner: The state of the optimizer itself.
    """

    count: Any
    identity: Any
    hyperparams: dict[str, Any]
    multipliers: dict[str, Any]
    inner: Any


def count(state: Any) -> int:
    """Returns the updates made, read from any optax state.

    Raises:
        GlidepathError: If it has no count, or counts that disagree.
    """
    counts = [s.count for s in _driven_states(state)]
    counts = counts or [value for path, value in optax.tree.get_all_with_path(state, "count") if path]
    seen = sorted({int(value) for value in counts})
    if len(seen) != 1:
        remedy = "wrap what steps at its own pace by itself, or read its own state"
        got = "none" if not seen else ", ".join(map(str, seen))
        raise GlidepathError.worded(
            "count", "state", "one that counts updates, in one count or in equal ones", got, remedy
        )
    return seen[0]


def learning_rates(state: Any, name: str = "learning_rate") -> dict[str, float]:
    """Returns the learning rate that each group's last update was made with (before the first: will be), by label; `"0"` without labels.

    Of several transformations, as in `optax.multi_transform`, each is called by the words of its place in the state.

    Args:
        state: Of a transformation made by `plan` or `optimizer`, also one that it is a part of.
        name: Another hyper-parameter, by optax's name.

    Raises:
        GlidepathError: If there is none, or one belongs to another plan than the one that made the update.
    """
    driven = [(path, part) for path, part in _placed(state) if isinstance(part, DrivenState)] or [((), found(state))]
    values: dict[str, float] = {}
    for path, part in driven:
        held, place = part.hyperparams, "/".join(str(key.key) for key in path if isinstance(key, DictKey))
        rows = held if all(isinstance(row, dict) for row in held.values()) else {ONLY: held}
        alone = len(driven) == 1 or not place
        for label, row in rows.items():
            if name in row:
                values[label if alone else place if rows is not held else f"{place}/{label}"] = float(row[name])
    if any(value != value for value in values.values()):
        rule = "that of the plan it was updated with"
        raise GlidepathError.worded(
            "learning_rates", "state", rule, "another's: NaN", "go on with resumed(state, saved, resume=…)"
        )
    return values


def _placed(state: Any) -> list[tuple[Any, Any]]:
    return jax.tree.leaves_with_path(state, is_leaf=lambda x: isinstance(x, DrivenState))


def _driven_states(state: Any) -> list[DrivenState]:
    return [leaf for _, leaf in _placed(state) if isinstance(leaf, DrivenState)]


def found(state: Any) -> DrivenState:
    """Returns the one state of a driven transformation in a tree.

    Raises:
        GlidepathError: If there is none, or more than one.
    """
    states = _driven_states(state)
    if len(states) != 1:
        rule = "that of one transformation made by plan() or optimizer(), also inside another's"
        remedy = "restore into a template: the state that init(params) returns"
        raise GlidepathError.worded("glidepath.jax", "state", rule, f"{len(states)} of them", remedy)
    return states[0]


def changed(state: Any, change: Callable[[DrivenState], DrivenState]) -> Any:
    """Returns a tree with the one state of a driven transformation changed."""
    own = found(state)
    return jax.tree.map(lambda x: change(x) if x is own else x, state, is_leaf=lambda x: x is own)
