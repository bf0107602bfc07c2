"""Train one run with JAX: the counterpart of `glidepath.lab.engines.training.run`, sharing with it all that is not arithmetic.

Initial weights, the order of the minibatches, the rates and the protocol are those of the torch loop, made by its own
functions. Rates are formed in float64 and rounded once to float32, as torch's fused optimizers do.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from itertools import chain, islice, pairwise
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import torch
from jax import Array
from torch import Tensor

from ....torch import attach
from ...records.runs import Evaluation, Record, RunSpec
from ...tasks.data import Examples, Text, load
from ...tasks.declared import Task
from ..engine import Finished
from ..machine import begun
from ..training import evaluation, evaluation_steps, examples_of, fresh_model, places, summary
from ..training import run as run_in_torch
from .program import CHUNK, Pair, Program, State, Weights, program

_PROGRESS_SECONDS = 0.1
_BLOCK = 128
Rows = npt.NDArray[Any]
Blocks = tuple[Pair, int]


def run(spec: RunSpec, on_progress: Callable[[int], None] | None = None) -> Record:
    """Train one specification from fresh weights and measure it, as `glidepath.lab.engines.training.run` does.

    The first run of a task in a process compiles it, which takes seconds and counts into its times. Torch's random state
    is as before when this returns.

    Args:
        spec: What to run.
        on_progress: Called with the updates made so far, at most ten times a second.

    Returns:
        The record; its versions name `jax`, and its machine the engine. A loss that is not finite ends the run and is
        recorded, not raised.

    Raises:
        TypeError: If the model cannot read the data of its task, or JAX has no such model.
        GlidepathError: If `attach` refuses the schedule.
    """
    if spec.controller:  # it listens to validations between two updates: PyTorch drives it
        return run_in_torch(spec, on_progress)
    data, (train, validation, test), rate_at = load(spec.task.data), _arrays(spec.task), _rates(spec)
    spent, made = begun(), program(spec.task.model, spec.task.optimizer)
    with torch.random.fork_rng(devices=[]):
        weights = {name: _array(weight.detach()) for name, weight in fresh_model(spec, data).named_parameters()}
    state: State = weights, tuple(jax.tree.map(jnp.zeros_like, weights) for _ in range(made.moments))
    rows = chain.from_iterable(block.numpy() for block in places(spec, data))
    due = evaluation_steps(spec.budget, spec.task.evaluations)
    rates, losses, evaluations, final = list[float](), list[float](), list[Evaluation](), None
    told = time.perf_counter()
    for first, last in pairwise(sorted({*range(0, spec.budget, CHUNK), *due, spec.budget})):
        now = [rate_at(update) for update in range(first, last)]
        where = np.array([*islice(rows, last - first)], dtype=np.int32)
        state, found = made.advance(state, train, _whole(where), _whole(made.numbers(now, first)), last - first)
        fine = np.isfinite(found := np.asarray(found)[: last - first])
        many = last - first if fine.all() else int(fine.argmin()) + 1
        rates += now[:many]
        losses += found[:many].tolist()
        if not fine.all():
            break
        if last in due:
            evaluations.append(_measure(spec.task, made, state[0], validation, last))
        if on_progress and time.perf_counter() - told > _PROGRESS_SECONDS:
            told = time.perf_counter()
            on_progress(last)
    else:
        final = _measure(spec.task, made, state[0], test, spec.budget)
    origin = spent(data.sha256)
    origin["versions"] |= {"jax": jax.__version__}
    origin["machine"] |= {"threads": 1, "engine": "jax"}
    return Record(spec=spec, **origin, **summary(spec, rates, losses, evaluations, final))


def carry_out(job: RunSpec, on_progress: Callable[[int], None]) -> Finished:
    """Does a run, which is all that `Jax` lets through."""
    return Finished(run(job, on_progress))


@functools.lru_cache(maxsize=4)
def _arrays(task: Task) -> tuple[Pair, Blocks, Blocks]:
    """What a task is trained on, where JAX wants it, and what it is measured on while training and at the end.

    Of a text, the tokens and the same shifted by one: windows of both begin at the same places.
    """
    data = load(task.data)
    inputs, targets = data.train if isinstance(data, Examples) else (data.train[:-1], data.train[1:])
    train = _array(torch.from_numpy(inputs)), _array(torch.from_numpy(targets))
    return train, _blocks(task, data, "validation"), _blocks(task, data, "test")


def _blocks(task: Task, data: Examples | Text, part: Literal["validation", "test"]) -> Blocks:
    """Inputs and targets in blocks whose intermediate results stay in the cache of one processor, the last filled up; how many count."""
    inputs, targets = examples_of(task, data, part)
    missing = -len(targets) % _BLOCK
    whole = (torch.cat([one, one[:1].expand(missing, *one.shape[1:])]) for one in (inputs, targets))
    blocks = (_array(one.unflatten(0, (-1, _BLOCK))) for one in whole)
    return (next(blocks), next(blocks)), targets.numel()


def _array(tensor: Tensor) -> Array:
    """A copy of a tensor; whole numbers as int32."""
    return jnp.array(tensor.numpy(), dtype=jnp.float32 if tensor.is_floating_point() else jnp.int32)


def _rates(spec: RunSpec) -> Callable[[int], float]:
    """The learning rate of an update, as `attach` writes it; what `attach` refuses is refused here too."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=spec.peak_rate)
    attach(optimizer, spec.schedule, rebase=True).detach()
    factor, base = spec.schedule.scalar, 1.0 if spec.schedule.absolute else spec.peak_rate
    return lambda update: base * factor(update)


def _whole(rows: Rows) -> Rows:
    """As many rows as a whole chunk has; the last ones, if any are missing, are 0 and never looked at."""
    whole = np.zeros((CHUNK, *rows.shape[1:]), rows.dtype)
    whole[: len(rows)] = rows
    return whole


def _measure(task: Task, made: Program, weights: Weights, part: Blocks, updates: int) -> Evaluation:
    losses, right = (np.asarray(found).reshape(-1)[: part[1]] for found in made.measure(weights, part[0]))
    return evaluation(task, updates, float(losses.mean(dtype=np.float64)), np.count_nonzero(right) / part[1])
