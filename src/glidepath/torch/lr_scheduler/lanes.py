"""The quick ways of a step, for schedulers that find everything as their last step left it.

A lane is called with the scheduler, its cache, its attributes and the step. It writes the rates and returns True; or it returns False,
with everything as it was, where a rate, a group or an end is not as the last step left it, and the scheduler takes the careful way. Lanes
hold no scheduler and no cache: they would never be freed.

Each rate that is written is a float of its own, or one for all groups that have the same ends. Whether the groups still hold those very
objects tells at once that nobody has moved a rate and that no two groups with ends of their own have changed places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter, is_
from typing import Any

import numpy as np
import torch

from .cache import Cache, Lane
from .tensors import Elsewhere, Memory, plain

__all__ = ["Rates", "between", "drifting", "filling", "floats", "following", "scaling"]

Unit = Callable[[Any], Any]
Rates = Callable[[Any, dict[str, Any], Any], "list[float] | None"]
"""From a scheduler, its attributes and a weight to the rates on the curve, or None where its ends are not as they were."""

_FEW = 6  # up to so many groups, plain Python is faster than NumPy
_VERSION = attrgetter("_version")


def between(
    lows: Callable[[Any], Sequence[float] | None] | None,
    highs: Callable[[Any], list[Any]] | None,
    low: Sequence[float] | None,
    high: list[Any],
) -> Rates:
    """Returns the way from a weight to the rates between two ends.

    Args:
        lows: What reads the ends for a weight of 0 off a scheduler; None if they are 0.
        highs: What reads the ends for a weight of 1 off a scheduler; None if they are its base rates.
        low: What the first one gives now.
        high: What the second one gives now.
    """
    known, most = list(high), [plain(end) for end in high]
    begun, least = (None, None) if low is None else (list(low), [plain(end) for end in low])
    tensors = [end for end in (*known, *(begun or ())) if isinstance(end, torch.Tensor)]
    versions = list(map(_VERSION, tensors))
    parts = most if least is None else [b - a for a, b in zip(least, most, strict=True)]
    start, part = least[0] if least else 0.0, parts[0] if parts else 0.0
    if len(parts) == 1 and lows is None and highs is None and not tensors:

        def one(scheduler: Any, state: dict[str, Any], weight: float) -> list[float] | None:
            del scheduler
            return [start + part * weight] if state["base_lrs"] == known else None

        return one
    same, few = len(set(parts)) == 1 and len(set(least or [0.0])) == 1, len(parts) <= _FEW
    count, spans, begins = len(parts), np.array(parts), np.array(least or 0.0)

    def several(scheduler: Any, state: dict[str, Any], weight: float) -> list[float] | None:
        if (state["base_lrs"] if highs is None else highs(scheduler)) != known:
            return None
        if (lows is not None and lows(scheduler) != begun) or (tensors and list(map(_VERSION, tensors)) != versions):
            return None
        if same:
            return [start + part * weight] * count
        if least is None:
            return [part * weight for part in parts] if few else (spans * weight).tolist()
        if few:
            return [start + part * weight for start, part in zip(least, parts)]  # noqa: B905  (as long as the groups)
        return (begins + spans * weight).tolist()

    return several


def following(count: int, unit: Unit, rates: Rates, relative: bool) -> Lane:
    """Returns the way along the curve.

    Args:
        count: How many groups there are.
        unit: The weight at a step.
        rates: The rates for a weight.
        relative: Whether a rate that somebody has moved must be noticed; else it is overwritten.
    """
    if count == 1:

        def one(scheduler: Any, cache: Cache, state: dict[str, Any], at: Any) -> bool:
            groups = state["optimizer"].param_groups
            group = groups[0]
            if group["lr"] is not cache.written[0] and (
                relative or group is not cache.groups[0] or type(group["lr"]) is not float
            ):
                return False
            weight = unit(at)
            values = rates(scheduler, state, weight)
            if values is None or len(groups) != 1:
                return False
            group["lr"] = values[0]
            cache.weight = weight
            cache.written = state["_last_lr"] = values
            return True

        return one

    def several(scheduler: Any, cache: Cache, state: dict[str, Any], at: Any) -> bool:
        groups, written = state["optimizer"].param_groups, cache.written
        if len(groups) != count:
            return False
        weight = unit(at)
        if relative and weight == cache.weight:
            return all(map(is_, [group["lr"] for group in groups], written))
        values = rates(scheduler, state, weight)
        if values is None:
            return False
        for group, last, value in zip(groups, written, values):  # noqa: B905  (all are `count` long)
            if group["lr"] is not last:
                if relative or not _overwritten(groups, cache.groups, values):
                    _take_back(groups, written, values)
                    return False
                break
            group["lr"] = value
        cache.weight = weight
        cache.written = state["_last_lr"] = values
        return True

    return several


def _overwritten(groups: list[Any], known: list[Any], values: list[float]) -> bool:
    """Writes rates over what somebody else has written, if the groups are the same and no rate is a tensor."""
    if not all(map(is_, groups, known)) or not floats([group["lr"] for group in groups]):
        return False
    for group, value in zip(groups, values, strict=True):
        group["lr"] = value
    return True


def _take_back(groups: list[Any], written: list[float], values: list[float]) -> None:
    for group, last, value in zip(groups, written, values, strict=True):
        if group["lr"] is not value:
            return
        group["lr"] = last


def _scaled(groups: list[Any], written: list[float], values: list[float], change: float) -> bool:
    """Writes the rates that are left, those that somebody has moved from where they are; returns False for a tensor, with none written."""
    left = [(i, group) for i, group in enumerate(groups) if group["lr"] is not values[i]]
    if any(type(group["lr"]) is not float for _, group in left):
        return False
    for i, group in left:
        if group["lr"] is not written[i]:
            values[i] = group["lr"] * change
        group["lr"] = values[i]
    return True


def floats(rates: list[Any]) -> bool:
    """Returns whether rates are Python numbers: a tensor or an array among them would make their sum one."""
    return type(sum(rates)) is float


def scaling(count: int, last: Any, unit: Unit, factor: Callable[[Any, Any, Any], float]) -> Lane:
    """Returns the way of rates that all are multiplied by one number, whatever they are.

    Args:
        count: How many groups there are.
        last: The last of them; one that joins stands after it.
        unit: The weight at a step.
        factor: The number, given the weights of the last step and of this one and the step.
    """
    row, known = np.empty(0), None  # the rates of the last step, and the list they were written from

    def scale(scheduler: Any, cache: Cache, state: dict[str, Any], at: Any) -> bool:
        nonlocal row, known
        del scheduler
        groups, before, written = state["optimizer"].param_groups, cache.weight, cache.written
        if before == 0 or len(groups) != count or groups[-1] is not last:
            return False
        if groups[0]["lr"] is not written[0]:  # somebody else moves them too
            now = [group["lr"] for group in groups]
            if not floats(now):
                return False
            weight = unit(at)
            change = factor(before, weight, at)
            values = [rate * change for rate in now]
            for group, value in zip(groups, values):  # noqa: B905  (both are `count` long)
                group["lr"] = value
            cache.weight = weight
            cache.written = state["_last_lr"] = values
            return True
        weight = unit(at)
        change = factor(before, weight, at)
        row = (row if written is known else np.array(written)) * change
        known = values = row.tolist()
        for group, found, value in zip(groups, written, values):  # noqa: B905  (all are `count` long)
            if group["lr"] is not found:
                if not _scaled(groups, written, values, change):
                    _take_back(groups, written, values)
                    return False
                known = None  # the row has not what was found
                break
            group["lr"] = value
        cache.weight = weight
        cache.written = state["_last_lr"] = values
        return True

    return scale


def drifting(count: int, last: Any, unit: Unit) -> Lane:
    """Returns the way of rates that somebody else moves too: what is found, moved on by the change of the weight.

    Args:
        count: How many groups there are.
        last: The last of them; one that joins stands after it.
        unit: The weight at a step.
    """
    if count == 1:

        def one(scheduler: Any, cache: Cache, state: dict[str, Any], at: Any) -> bool:
            groups, before = state["optimizer"].param_groups, cache.weight
            group = groups[0]
            if before == 0 or len(groups) != 1 or group is not last or type(group["lr"]) is not float:
                return False
            cache.weight = weight = unit(at)
            cache.written = state["_last_lr"] = values = scheduler._changed([group["lr"]], before, weight)
            group["lr"] = values[0]
            return True

        return one

    def move(scheduler: Any, cache: Cache, state: dict[str, Any], at: Any) -> bool:
        groups, before = state["optimizer"].param_groups, cache.weight
        if before == 0 or len(groups) != count or groups[-1] is not last:
            return False
        now = [group["lr"] for group in groups]
        if not floats(now):
            return False
        weight = unit(at)
        values = scheduler._changed(now, before, weight)
        if values is not now:
            for group, value in zip(groups, values):  # noqa: B905  (one for each group)
                group["lr"] = value
        cache.weight = weight
        cache.written = state["_last_lr"] = values
        return True

    return move


def filling(memory: Memory | Elsewhere, unit: Unit, rates: Rates, relative: bool, anchored: bool) -> Lane:
    """Returns the way of tensors.

    Args:
        memory: The tensors.
        unit: The weight at a step.
        rates: The rates for a weight.
        relative: Whether a rate that somebody has moved must be noticed; else it is overwritten.
        anchored: Whether the rates are on the curve.
    """

    def fill(scheduler: Any, cache: Cache, state: dict[str, Any], at: Any) -> bool:
        groups, before = state["optimizer"].param_groups, cache.weight
        if not memory.holds([group["lr"] for group in groups]):
            return False
        touched = relative and memory.touched()
        if touched if anchored else before == 0:
            return False
        weight = unit(at)
        if anchored:
            values = rates(scheduler, state, weight) if weight != before or not relative else cache.written
        else:
            values = scheduler._changed(memory.values() if touched else cache.written, before, weight)
        if values is None:
            return False
        cache.weight, cache.written = weight, values
        state["_last_lr"] = memory.write(values)
        return True

    return fill
