"""What a column is, by its name: a counter, a rate, a loss, a loss on held-out data, a norm of gradients."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

# Counters of updates; an earlier group is believed before a later one. `[i/n]` in a line of text is `i_n`.
_STEPS = (
    ("global_step", "global_steps", "num_updates", "num_update", "optimizer_step"),
    ("step", "steps", "iteration", "iterations", "iter", "iters", "it", "update", "updates", "n_iter", "num_steps"),
    ("batch", "batch_idx", "batches", "minibatch", "i_n"),
)


def named(text: str) -> set[str]:
    """Returns the words of a list of them."""
    return set(re.findall(r"\w+", text))


_HELD_OUT = named("val valid validation eval evaluation test dev heldout tel")
_TRAIN = named("train training trainer charts x metrics model progress current cur optim perf")
_PLAIN = _TRAIN | named(
    "loss losses total lm reduced step epoch iter batch all overall mean cross entropy ce nll xent trl tel inner value"
)
_SMOOTHED = named("avg average running smooth smoothed ema moving global median epoch")
_NEVER = named(
    "scale scaler weight weights ratio coef momentum min max decay mult multiplier factor warmup init initial final target std best iters "
    "scheduler drop policy type patience power gamma end epochs lower upper bound ppl name seconds time beta beta1 beta2 eps"
)


class Role(NamedTuple):
    """What a column is.

    Args:
        name: `step`, `epoch`, `rate`, `loss`, `validation_loss` or `gradient_norm`.
        rank: Of several columns of one role the lowest is taken; from 100 on a loss is a part of the whole one.
    """

    name: str
    rank: int


def words(column: str) -> list[str]:
    """Returns the words of a column's name in lower case: `TrainLoss`, `train/loss` and `train_loss` have the same."""
    return re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column).lower())


@lru_cache(maxsize=4096)
def role(column: str) -> Role | None:
    """Returns what a column is, or None where its name says nothing."""
    parts = words(re.sub(r"(?i)(train|val|valid|test|eval)loss\b", r"\1_loss", column))
    if not parts or len(column) > 200:
        return None
    own = [part for part in parts if part not in _TRAIN] or parts
    plain = "_".join(own)
    rank = next((rank for rank, names in enumerate(_STEPS) if plain in names), None)
    if rank is not None:
        return Role("step", rank + 10 * column.startswith("_"))
    if plain in ("epoch", "epochs"):
        return Role("epoch", len(parts))
    if _NEVER & set(parts):
        return None
    if "gnorm" in parts or ("norm" in parts and (len(parts) == 1 or {"grad", "gradient", "gradients"} & set(parts))):
        return Role("gradient_norm", len(parts))
    rate = [k for k, part in enumerate(parts) if re.fullmatch(r"lrs?\d*", part)]
    rate += [k for k in range(len(parts) - 1) if parts[k] == "learning" and re.fullmatch(r"rates?\d*", parts[k + 1])]
    if rate or parts == ["rate"]:
        return Role("rate", len(parts) + 10 * ("base" in parts))
    if not any(re.fullmatch(r"loss(es)?|trl|tel|nll|xent|entropy", part) for part in parts):
        return None
    held = bool(_HELD_OUT & set(parts))
    extra = set(parts) - _PLAIN - _SMOOTHED - _HELD_OUT
    rank = 100 if extra else 20 * len(_SMOOTHED & set(parts)) + ("total" not in parts) + 5 * (held and "test" in parts)
    if rank < 100 and not any(re.fullmatch(r"loss(es)?|t[re]l", part) for part in parts):
        rank += 2  # an entropy is the loss where there is no other
    return Role("validation_loss" if held else "loss", rank)


def kind(column: str) -> str:
    """Returns the name of a column's role, or an empty string."""
    found = role(column)
    return found.name if found is not None else ""
