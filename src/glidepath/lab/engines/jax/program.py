"""The compiled parts of a run: the network of a task, its update rule, some updates in one call, and a measurement.

One compilation serves every run of a task. Networks are functions of their weights, which keep the names and shapes that torch gives them;
update rules are those of `torch.optim`, fused form, with their arithmetic: what depends on the update alone is float64, the rest float32.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import Array, lax
from jax.typing import ArrayLike

from ...tasks.declared import AdamW, AnyModel, CharTransformer, Cnn1d, Mlp, Sgd

Weights = dict[str, Array]
Moments = tuple[Weights, ...]
State = tuple[Weights, Moments]
Pair = tuple[Array, Array]
_Numbers = Callable[[list[float], int], npt.NDArray[np.float32]]
_Update = Callable[[Weights, Moments, Weights, Array], State]
_NORM_EPSILON = 1e-5
_EPSILON = 1e-8
CHUNK = 512  # updates in one call at most; shapes are those of a whole chunk, so that budgets of any length share one compilation


def _network(declared: AnyModel) -> Callable[[Weights, Array], Array]:
    """The function from weights and inputs to logits, as of the module that `glidepath.lab.tasks.models.build` makes.

    Args:
        declared: The model part of a task.

    Returns:
        A function of weights and inputs `b features` (or tokens `b t`) to logits `b classes` (or `b t symbols`).

    Raises:
        TypeError: If the model is of another kind.
    """
    if isinstance(declared, Cnn1d):
        return _convolutions
    if isinstance(declared, CharTransformer):
        return functools.partial(_transformer, declared)
    if isinstance(declared, Mlp):
        return functools.partial(_perceptron, len(declared.hidden))
    raise TypeError(f"model: no {declared.kind} in JAX")


def _perceptron(hidden: int, weights: Weights, inputs: Array) -> Array:
    for layer in range(hidden):
        inputs = jax.nn.relu(_linear(weights, f"{2 * layer}", inputs))
    return _linear(weights, f"{2 * hidden}", inputs)


def _convolutions(weights: Weights, inputs: Array) -> Array:
    signal = inputs.T[:, :, None]
    for layer in ("1", "3", "5"):
        signal = jax.nn.relu(_convolution(weights, layer, signal))
    flat = signal.transpose(1, 2, 0).reshape(len(inputs), -1)
    return _linear(weights, "8", flat)


def _convolution(weights: Weights, name: str, signal: Array) -> Array:
    """A convolution of stride 2 and padding 1, `length b channels` -> `length b channels`, as one product of matrices.

    XLA's own convolutions on a processor are made for large images: they take six times as long here.
    """
    kernel = weights[f"{name}.weight"]
    out, into, width = kernel.shape
    padded = jnp.pad(signal, ((1, 1), (0, 0), (0, 0)))
    last = 2 * ((len(padded) - width) // 2) + 1
    seen = jnp.concatenate([padded[tap : tap + last : 2] for tap in range(width)], axis=2)
    return seen @ kernel.transpose(2, 1, 0).reshape(width * into, out) + weights[f"{name}.bias"]


def _transformer(declared: CharTransformer, weights: Weights, tokens: Array) -> Array:
    x = weights["symbols.weight"][tokens] + weights["positions"][: tokens.shape[1]]
    for block in range(declared.layers):
        x = _block(declared.heads, weights, f"blocks.{block}.", x)
    return _linear(weights, "logits", _normed(weights, "norm", x))


def _block(heads: int, weights: Weights, name: str, x: Array) -> Array:
    batch, length, width = x.shape
    together = _linear(weights, name + "queries_keys_values", _normed(weights, name + "norm_attention", x))
    queries, keys, values = jnp.moveaxis(together.reshape(batch, length, 3, heads, width // heads), 2, 0)
    seen = jax.nn.dot_product_attention(queries, keys, values, is_causal=True).reshape(batch, length, width)
    x = x + _linear(weights, name + "mixed", seen)
    wide = jax.nn.gelu(_linear(weights, name + "wide", _normed(weights, name + "norm_mlp", x)), approximate=False)
    return x + _linear(weights, name + "narrow", wide)


def _linear(weights: Weights, name: str, inputs: Array) -> Array:
    return inputs @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _normed(weights: Weights, name: str, x: Array) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred * jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + _NORM_EPSILON)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


# An update rule: how many running means each weight has, all of which begin at 0; what updates need besides, one row an
# update, from the rates of some updates and the number of the first; and from weights, moments, gradients and a row to
# new weights and moments.
def _sgd(declared: Sgd) -> tuple[int, _Numbers, _Update]:
    def update(weights: Weights, moments: Moments, slopes: Weights, row: Array) -> State:
        if declared.weight_decay:
            slopes = _each(lambda slope, weight: slope + declared.weight_decay * weight, slopes, weights)
        momentum = _each(lambda mean, slope: declared.momentum * mean + slope, moments[0], slopes)
        return _each(lambda weight, mean: weight - row[0] * mean, weights, momentum), (momentum,)

    return 1, lambda rates, first: np.asarray(rates, dtype=np.float32)[:, None], update


def _adamw(declared: AdamW) -> tuple[int, _Numbers, _Update]:
    beta1, beta2, decay = declared.beta1, declared.beta2, declared.weight_decay

    def numbers(rates: list[float], first: int) -> npt.NDArray[np.float32]:
        rate, count = np.asarray(rates), np.arange(first + 1, first + len(rates) + 1)
        columns = (1.0 - rate * decay, rate / (1.0 - beta1**count), np.sqrt(1.0 - beta2**count))
        return np.stack(columns, axis=1, dtype=np.float32)

    def update(weights: Weights, moments: Moments, slopes: Weights, row: Array) -> State:
        mean = _each(lambda mean, slope: mean + (1.0 - beta1) * (slope - mean), moments[0], slopes)
        square = _each(lambda square, slope: beta2 * square + (1.0 - beta2) * slope * slope, moments[1], slopes)
        step = _each(lambda mean, square: row[1] * mean / (jnp.sqrt(square) / row[2] + _EPSILON), mean, square)
        return _each(lambda weight, step: row[0] * weight - step, weights, step), (mean, square)

    return 2, numbers, update


_each: Callable[..., Any] = jax.tree.map


@dataclass(frozen=True)
class Program:
    """What a task compiles to.

    Args:
        moments: How many running means the update rule has of each weight; all begin at 0.
        numbers: What updates need besides, one row an update: from the rates of some updates and the number of the first.
        advance: From state, training data (two arrays), places `CHUNK b`, numbers `CHUNK n` and the count of updates to make
            to the new state and the loss of every update, in nats.
        measure: From weights and blocks of inputs and targets to the loss of every target, in nats, and whether the
            prediction was right.
    """

    moments: int
    numbers: _Numbers
    advance: Callable[[State, Pair, ArrayLike, ArrayLike, int], tuple[State, Array]]
    measure: Callable[[Weights, Pair], Pair]


@functools.lru_cache(maxsize=8)
def program(model: AnyModel, optimizer: Sgd | AdamW) -> Program:
    """The program of a model and an optimizer; the second call for equal ones returns the same.

    Args:
        model: The model part of a task.
        optimizer: Its optimizer part.
    """
    function, pick = _network(model), _picker(model)
    moments, numbers, update = _sgd(optimizer) if isinstance(optimizer, Sgd) else _adamw(optimizer)

    def losses(weights: Weights, inputs: Array, targets: Array) -> Pair:
        logits = function(weights, inputs)
        hit = jnp.arange(logits.shape[-1]) == targets[..., None]
        return -jnp.where(hit, jax.nn.log_softmax(logits), 0.0).sum(-1), logits

    def advance(state: State, data: Pair, places: Array, numbers: Array, count: int) -> tuple[State, Array]:
        def one(k: Array, carried: tuple[State, Array]) -> tuple[State, Array]:
            (weights, means), found = carried
            mean_loss = jax.value_and_grad(lambda weights: losses(weights, *pick(data, places[k]))[0].mean())
            loss, slopes = mean_loss(weights)
            return update(weights, means, slopes, numbers[k]), found.at[k].set(loss)

        return lax.fori_loop(0, count, one, (state, jnp.zeros(len(numbers))))

    def measure(weights: Weights, blocks: Pair) -> Pair:
        def one(block: Pair) -> Pair:
            found, logits = losses(weights, *block)
            return found, jnp.argmax(logits, -1) == block[1]

        return lax.map(one, blocks)

    return Program(moments, numbers, jax.jit(advance), jax.jit(measure))


def _picker(model: AnyModel) -> Callable[[Pair, Array], Pair]:
    """How inputs and targets of an update come from the training data and its places."""
    if not isinstance(model, CharTransformer):
        return lambda data, rows: (data[0][rows], data[1][rows])
    window = jnp.arange(model.context)
    return lambda data, starts: (data[0][starts[:, None] + window], data[1][starts[:, None] + window])
