"""The state of a driven transformation, what can be read from it, what belongs beside it in a checkpoint, and how a run goes on from that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import optax
from jax.tree_util import DictKey

from ..core import GlidepathError
from ..core.codec import parsed
from ..core.fields import number
from ..plan import Plan, Progress

if TYPE_CHECKING:
    from .driven import Driven

FORMAT = 1

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
    counts = [own.count for _, own in _driven(state)]
    counts = counts or [value for path, value in optax.tree.get_all_with_path(state, "count") if path]
    seen = sorted({int(value) for value in counts})
    if len(seen) != 1:
        rule, got = "one that counts updates, in one count or in equal ones", ", ".join(map(str, seen)) or "none"
        remedy = "wrap what steps at its own pace by itself, or read its own state"
        raise GlidepathError.worded("count", "state", rule, got, remedy)
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
    driven = _driven(state) or [((), found(state))]
    values: dict[str, float] = {}
    for path, part in driven:
        held, place = part.hyperparams, "/".join(str(key.key) for key in path if isinstance(key, DictKey))
        rows = held if all(isinstance(row, dict) for row in held.values()) else {ONLY: held}
        alone = len(driven) == 1 or not place
        for label, row in rows.items():
            if name in row:
                values[label if alone else place if rows is not held else f"{place}/{label}"] = float(row[name])
    if any(value != value for value in values.values()):
        rule, remedy = "that of the plan it was updated with", "go on with resumed(state, saved, resume=…)"
        raise GlidepathError.worded("learning_rates", "state", rule, "another's: NaN", remedy)
    return values


def _driven(state: Any) -> list[tuple[Any, DrivenState]]:
    """Returns the states of driven transformations in a tree, each with its place."""
    leaves: Any = jax.tree.leaves_with_path(state, is_leaf=lambda x: isinstance(x, DrivenState))
    return [(path, leaf) for path, leaf in leaves if isinstance(leaf, DrivenState)]


def found(state: Any) -> DrivenState:
    """Returns the one state of a driven transformation in a tree.

    Raises:
        GlidepathError: If there is none, or more than one.
    """
    states = _driven(state)
    if len(states) != 1:
        rule = "that of one transformation made by plan() or optimizer(), also inside another's"
        remedy = "restore into a template: the state that init(params) returns"
        raise GlidepathError.worded("glidepath.jax", "state", rule, f"{len(states)} of them", remedy)
    return states[0][1]


def changed(state: Any, change: Callable[[DrivenState], DrivenState]) -> Any:
    """Returns a tree with the one state of a driven transformation changed."""
    own = found(state)
    return jax.tree.map(lambda x: change(x) if x is own else x, state, is_leaf=lambda x: x is own)


class Resumed(NamedTuple):
    """How a run goes on.

    Args:
        optimizer: The transformation to go on with.
        state: Its state, in the place of the one that was restored.
        progress: The plan's progress.
        differences: What differs between the saved plan and the present one, a sentence each.
        seams: For every value that is driven, what the saved plan gives the next update and what is used.
    """

    optimizer: Driven
    state: Any
    progress: Progress
    differences: tuple[str, ...]
    seams: dict[str, tuple[float, float]]

    @property
    def jump(self) -> float:
        """The largest relative change of a value at the seam; 0.0 for none."""
        return max((abs(b - a) / max(abs(a), abs(b)) for a, b in self.seams.values() if a != b), default=0.0)


def read(saved: Any) -> tuple[Plan, dict[str, dict[str, float]], Progress]:
    """Returns plan, bases and progress of a document.

    Raises:
        GlidepathError: If it is none.
    """
    data = parsed(saved) if isinstance(saved, str | bytes) else saved
    keys = {"glidepath", "plan", "bases", "progress"}
    if not isinstance(data, Mapping) or set(data) != keys or data["glidepath"] != FORMAT:
        rule = "what saved() returned, an object with glidepath, plan, bases and progress"
        raise GlidepathError.of("resumed", "saved", rule, saved)
    bases = data["bases"]
    rows = bases.values() if isinstance(bases, Mapping) else [None]
    if not all(isinstance(row, Mapping) and all(number(base) is not None for base in row.values()) for row in rows):
        raise GlidepathError.of("resumed", "saved.bases", "a base for each label and hyper-parameter", bases)
    plan = Plan.of(data["plan"])
    return plan, {label: dict(row) for label, row in bases.items()}, Progress.from_dict(data["progress"], plan)


def moved(before: dict[str, dict[str, float]], now: dict[str, dict[str, float]]) -> list[str]:
    """Returns the bases that differ, a sentence each."""
    rows = sorted({(label, name) for bases in (before, now) for label, row in bases.items() for name in row})
    values = [[bases.get(label, {}).get(name) for bases in (before, now)] for label, name in rows]
    told = [(f"base of {name} in {label}", *pair) for (label, name), pair in zip(rows, values, strict=True)]
    return [f"{what}: saved {old}, now {new}" for what, old, new in told if old != new]
