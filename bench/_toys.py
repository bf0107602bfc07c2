"""Small networks in NumPy, trained many at once: problems whose best rate can be found by trying them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

__all__ = ["GRID", "TOYS", "Toy", "beginning", "sweeps", "truth"]

GRID = 10.0 ** (np.arange(29) * 0.25 - 6)
"""The rates that are tried: from 1e-6 to 10, four a decade."""


@dataclass(frozen=True)
class Toy:
    """A perceptron 32-64-64 that learns from another network.

    Args:
        name: As printed.
        classes: Of a classification; 0 for a regression.
        optimizer: `sgd` or `adam`.
        data: Seed of teacher and data.
        pretrained: Updates on a similar task before; 0 for fresh weights.
        batch: Examples in a minibatch.
        steps: Updates of a whole training.
    """

    name: str
    classes: int = 0
    optimizer: str = "sgd"
    data: int = 0
    pretrained: int = 0
    batch: int = 64
    steps: int = 600


TOYS = (
    Toy("classes, SGD", 10),
    Toy("classes, Adam", 10, "adam"),
    Toy("regression, SGD"),
    Toy("regression, Adam", 0, "adam"),
    Toy("fine-tuning, Adam", 10, "adam", pretrained=2000),
)

_EXAMPLES, _HELD_OUT, _SHIFT = 4096, 2048, 0.15
Weights = list[np.ndarray]


def fresh(toy: Toy, rng: np.random.Generator, width: int = 64) -> Weights:
    """He's initial weights of one network."""
    sizes = [32, width, width, toy.classes or 1]
    weights: Weights = []
    for a, b in pairwise(sizes):
        weights += [rng.standard_normal((1, a, b)).astype(np.float32) * np.float32((2 / a) ** 0.5)]
        weights += [np.zeros((1, 1, b), np.float32)]
    return weights


def data_of(toy: Toy, shift: float = 0.0):
    """Training and held-out examples, labelled by a random network; `shift` mixes another one in."""
    rng = np.random.default_rng([toy.data, 77])
    inputs = rng.standard_normal((_EXAMPLES + _HELD_OUT, 32)).astype(np.float32)
    teacher = fresh(toy, rng, 32)
    if shift:
        teacher = [np.sqrt(1 - shift**2) * a + shift * b for a, b in zip(teacher, fresh(toy, rng, 32), strict=True)]
    out = forward(teacher, inputs[None])[-1][0]
    out = (out - out.mean(0)) / out.std()
    if toy.classes:
        targets = (out + 0.1 * rng.gumbel(size=out.shape)).argmax(-1)
    else:
        targets = (out + 0.05 * rng.standard_normal(out.shape)).astype(np.float32)
    return (inputs[:_EXAMPLES], targets[:_EXAMPLES]), (inputs[_EXAMPLES:], targets[_EXAMPLES:])


def forward(weights: Weights, inputs: np.ndarray) -> list[np.ndarray]:
    """The inputs of every layer, and the output."""
    acts = [inputs]
    for i in range(0, len(weights), 2):
        z = acts[-1] @ weights[i] + weights[i + 1]
        acts.append(np.maximum(z, 0) if i < len(weights) - 2 else z)
    return acts


def loss_of(toy: Toy, out: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean loss of every run, and its gradient."""
    if not toy.classes:
        d = out - targets
        return (d * d).mean((1, 2)), 2 * d / out.shape[1]
    z = out - out.max(-1, keepdims=True)
    e = np.exp(z)
    total = e.sum(-1, keepdims=True)
    gradient = e / total
    chosen = targets[..., None]
    log = np.take_along_axis(z - np.log(total), chosen, -1)
    np.put_along_axis(gradient, chosen, np.take_along_axis(gradient, chosen, -1) - 1, -1)
    return -log.mean((1, 2)), gradient / out.shape[1]


def gradients_of(toy: Toy, weights: Weights, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, Weights]:
    """The loss of every run, and the gradients of its weights."""
    acts = forward(weights, inputs)
    loss, g = loss_of(toy, acts[-1], targets)
    gradients: Weights = [g] * len(weights)
    for i in range(len(weights) - 2, -1, -2):
        gradients[i] = acts[i // 2].transpose(0, 2, 1) @ g
        gradients[i + 1] = g.sum(1, keepdims=True)
        if i:
            g = (g @ weights[i].transpose(0, 2, 1)) * (acts[i // 2] > 0)
    return loss, gradients


def train(toy: Toy, weights: Weights, orders: Sequence[Sequence[int]], rates: np.ndarray, shift: float = 0.0):
    """Train one run a column of `rates` (updates by runs); return the losses before every update and the held-out loss."""
    (inputs, targets), held_out = data_of(toy, shift)
    steps = len(rates)
    rows = np.stack([np.random.default_rng([*o, 2]).integers(len(inputs), size=(steps, toy.batch)) for o in orders], 1)
    weights = [np.array(w) for w in weights]
    first, second = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    losses = np.empty(rates.shape)
    with np.errstate(all="ignore"):
        for t in range(steps):
            losses[t], gradients = gradients_of(toy, weights, inputs[rows[t]], targets[rows[t]])
            rate = rates[t].astype(np.float32)[:, None, None]
            for i, g in enumerate(gradients):
                if toy.optimizer == "adam":
                    first[i] += 0.1 * (g - first[i])
                    second[i] += 0.001 * (g * g - second[i])
                    scale = np.sqrt(second[i] / (1 - 0.999 ** (t + 1))) + 1e-8
                    weights[i] -= rate * (first[i] / (1 - 0.9 ** (t + 1))) / scale
                else:
                    weights[i] -= rate * g
        out = forward(weights, held_out[0][None])[-1]
        final = loss_of(toy, out, np.broadcast_to(held_out[1], (len(out), *held_out[1].shape)))[0]
    return losses, final, weights


def factors(steps: int) -> np.ndarray:
    """A short warmup, then a cosine to 0: the schedule that the best rate is the best for."""
    warm, t = steps // 20, np.arange(steps)
    return np.where(t < warm, (t + 1) / (warm + 1), 0.5 * (1 + np.cos(np.pi * (t - warm) / (steps - warm))))


def beginning(toy: Toy, seeds: Sequence[int]) -> Weights:
    """The weights that runs with these seeds start from."""
    if toy.pretrained:
        start = fresh(toy, np.random.default_rng([toy.data, 55]))
        _, _, start = train(toy, start, [(toy.data, 56)], 3e-3 * factors(toy.pretrained)[:, None])
        return [np.repeat(w, len(seeds), 0) for w in start]
    each = [fresh(toy, np.random.default_rng([seed, 1])) for seed in seeds]
    return [np.concatenate(parts) for parts in zip(*each, strict=True)]


def truth(toy: Toy, seeds: Sequence[int]) -> np.ndarray:
    """The held-out loss after a whole training at each rate of the grid, mean over seeds; infinite where one diverged."""
    runs = [(seed, k) for k in range(len(GRID)) for seed in seeds]
    rates = factors(toy.steps)[:, None] * np.repeat(GRID, len(seeds))
    _, final, _ = train(toy, beginning(toy, [seed for seed, _ in runs]), [(s,) for s, _ in runs], rates, _of(toy))
    return np.where(np.isfinite(final), final, np.inf).reshape(len(GRID), -1).mean(1)


def sweeps(toy: Toy, seeds: Sequence[int], repeats: int, rates: np.ndarray) -> np.ndarray:
    """The losses of range tests, updates by seeds by repeats: one start for each seed, another order for each repeat."""
    runs = [(seed, k) for seed in seeds for k in range(repeats)]
    columns = np.repeat(rates[:, None], len(runs), 1)
    losses, _, _ = train(toy, beginning(toy, [seed for seed, _ in runs]), runs, columns, _of(toy))
    return losses.reshape(len(rates), len(seeds), repeats)


def _of(toy: Toy) -> float:
    return _SHIFT if toy.pretrained else 0.0
