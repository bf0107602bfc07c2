"""The compiled parts of a run: some updates in one call, and a measurement. One compilation serves every run of a task."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from ...tasks.declared import AdamW, AnyModel, CharTransformer, Sgd
from .networks import Weights, network
from .updates import Moments, UpdateRule, rule

__all__ = ["CHUNK", "Program", "State", "program"]

CHUNK = 512
"""Updates in one call at most. Shapes are those of a whole chunk, so that budgets of any length share one compilation."""

State = tuple[Weights, Moments]


@dataclass(frozen=True)
class Program:
    """What a task compiles to.

    Args:
        rule: The update rule.
        advance: From state, training data (two arrays), places `CHUNK b`, numbers `CHUNK n` and the count of updates to make
            to the new state and the loss of every update, in nats.
        measure: From weights and blocks of inputs and targets to the loss of every target, in nats, and whether the
            prediction was right.
    """

    rule: UpdateRule
    advance: Callable[[State, tuple[Array, Array], ArrayLike, ArrayLike, int], tuple[State, Array]]
    measure: Callable[[Weights, tuple[Array, Array]], tuple[Array, Array]]


@functools.lru_cache(maxsize=8)
def program(model: AnyModel, optimizer: Sgd | AdamW) -> Program:
    """The program of a model and an optimizer; the second call for equal ones returns the same.

    Args:
        model: The model part of a task.
        optimizer: Its optimizer part.
    """
    function, updating, pick = network(model), rule(optimizer), _picker(model)

    def losses(weights: Weights, inputs: Array, targets: Array) -> tuple[Array, Array]:
        logits = function(weights, inputs)
        hit = jnp.arange(logits.shape[-1]) == targets[..., None]
        return -jnp.where(hit, jax.nn.log_softmax(logits), 0.0).sum(-1), logits

    def mean_loss(weights: Weights, inputs: Array, targets: Array) -> Array:
        return losses(weights, inputs, targets)[0].mean()

    def advance(
        state: State, data: tuple[Array, Array], places: Array, numbers: Array, count: int
    ) -> tuple[State, Array]:
        def one(k: Array, carried: tuple[State, Array]) -> tuple[State, Array]:
            (weights, moments), found = carried
            loss, slopes = jax.value_and_grad(mean_loss)(weights, *pick(data, places[k]))
            return updating.update(weights, moments, slopes, numbers[k]), found.at[k].set(loss)

        return lax.fori_loop(0, count, one, (state, jnp.zeros(len(numbers))))

    def measure(weights: Weights, blocks: tuple[Array, Array]) -> tuple[Array, Array]:
        def one(block: tuple[Array, Array]) -> tuple[Array, Array]:
            inputs, targets = block
            found, logits = losses(weights, inputs, targets)
            return found, jnp.argmax(logits, -1) == targets

        return lax.map(one, blocks)

    return Program(updating, jax.jit(advance), jax.jit(measure))


def _picker(model: AnyModel) -> Callable[[tuple[Array, Array], Array], tuple[Array, Array]]:
    """How inputs and targets of an update come from the training data and its places."""
    if not isinstance(model, CharTransformer):
        return lambda data, rows: (data[0][rows], data[1][rows])
    window = jnp.arange(model.context)
    return lambda data, starts: (data[0][starts[:, None] + window], data[1][starts[:, None] + window])
