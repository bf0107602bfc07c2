"""The networks of `glidepath.lab.tasks.models` as functions of their weights, which keep the names and shapes that torch gives them."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from ...tasks.declared import AnyModel, CharTransformer, Cnn1d, Mlp

__all__ = ["Network", "Weights", "network"]

Weights = dict[str, Array]
Network = Callable[[Weights, Array], Array]
_NORM_EPSILON = 1e-5


def network(declared: AnyModel) -> Network:
    """The function from weights and inputs to logits, as of the module that `glidepath.lab.tasks.models.build` makes.

    Args:
        declared: The model part of a task.

    Returns:
        A function of weights and inputs `b features` (or tokens `b t`) to logits `b classes` (or `b t symbols`).

    Raises:
        TypeError: If the model is of another kind.
    """
    match declared:
        case Mlp(hidden=hidden):
            return lambda weights, inputs: _perceptron(weights, inputs, len(hidden))
        case Cnn1d():
            return _convolutions
        case CharTransformer():
            return lambda weights, tokens: _transformer(declared, weights, tokens)
        case _:
            msg = f"model: no {declared.kind} in JAX"
            raise TypeError(msg)


def _perceptron(weights: Weights, inputs: Array, hidden: int) -> Array:
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
