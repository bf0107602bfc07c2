"""An example call of every scheduler of the other libraries: what the gallery draws and the page begins with."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from glidepath.core.errors import GlidepathError
from glidepath.core.syntax import syntax
from glidepath.dialects import libraries, load, names
from glidepath.dialects.reading import known

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
_SPECIAL: Mapping[str, str] = {
    "SequentialLR": 'schedulers="[LinearLR(start_factor=0.1, total_iters=500), CosineAnnealingLR(T_max=9500)]", milestones=[500]',
    "ChainedScheduler": 'schedulers="[LinearLR(start_factor=0.1, total_iters=500), ExponentialLR(gamma=0.9997)]"',
    "CosineDecay": "decay_steps=10000",
    "LinearWarmup": 'learning_rate="CosineAnnealingDecay(learning_rate=0.1, T_max=9500)", warmup_steps=500, start_lr=0, end_lr=0.1',
    "LambdaDecay": 'lr_lambda="lambda step: 0.9997**step"',
    "MultiplicativeDecay": 'lr_lambda="lambda step: 0.9997"',
    "MultiplicativeLR": 'lr_lambda="lambda step: 0.9997"',
    "NaturalExpDecay": "gamma=0.0005",
    "natural_exp_decay": "decay_steps=3000, decay_rate=1.0",
    "inverse_time_decay": "decay_steps=3000, decay_rate=1.0",
    "InverseTimeDecay": "decay_steps=3000, decay_rate=1.0",
    "PiecewiseConstantDecay": "boundaries=[3000, 6000, 9000], values=[0.1, 0.03, 0.01, 0.003]",
    "PiecewiseDecay": "boundaries=[3000, 6000, 9000], values=[0.1, 0.03, 0.01, 0.003]",
    "PiecewiseConstantConf": "boundaries=[3000, 6000, 9000], values=[0.1, 0.03, 0.01, 0.003]",
    "PiecewiseScalingConf": "boundaries=[3000, 6000, 9000], scales=[1.0, 0.3, 0.1, 0.03]",
    "ConstantLR": "factor=0.3, total_iters=3000",
    "LinearLR": "start_factor=0.1, total_iters=3000",
    "CyclicLR": "base_lr=0.001, max_lr=0.1, step_size_up=1000",
    "OneCycleLR": "max_lr=0.1, total_steps=10000",
    "ExponentialDecayConf": "decay_batches=3000, decay_rate=0.5",
    "InverseTimeDecayConf": "decay_batches=3000, decay_rate=1.0",
    "NaturalExpDecayConf": "decay_batches=3000, decay_rate=1.0",
    "LinearCosineDecayConf": "decay_batches=10000, num_periods=2.5",
    "PolynomialLR": "total_iters=10000, power=2",
    "WarmupLR": 'scheduler_or_optimizer="CosineAnnealingLR(T_max=9500)", warmup_factor=0.1, warmup_iters=500',
    "WarmUpLR": 'scheduler_or_optimizer="CosineAnnealingLR(T_max=9500)", warmup_factor=0.1, warmup_iters=500',
    "train.piecewise_constant": "boundaries=[3000, 6000, 9000], values=[0.1, 0.03, 0.01, 0.003]",
    "train.piecewise_constant_decay": "boundaries=[3000, 6000, 9000], values=[0.1, 0.03, 0.01, 0.003]",
}
_SPECIAL_HERE: Mapping[tuple[str, str], str] = {
    ("oneflow", "PolynomialLR"): "decay_batch=10000, power=2.0",
    ("paddle", "CyclicLR"): "base_learning_rate=0.001, max_learning_rate=0.1, step_size_up=1000",
    ("paddle", "OneCycleLR"): "max_learning_rate=0.1, total_steps=10000",
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
    needed = [p.name for p in known(library).parameters(name) if p.default is p.empty]
    types = known(library).types(name)
    begun = {**{field: kind.begin for field, kind in types.items()}, **BEGINNINGS}
    inside = {field: begun[field] for field in needed if begun.get(field) is not None}
    texts = (known(library).examples[name], _SPECIAL_HERE.get((library, name)), _SPECIAL.get(name))
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
