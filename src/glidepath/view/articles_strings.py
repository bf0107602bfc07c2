"""Calls of the classic libraries' classes as articles write them: see `glidepath.view.examples`."""

from __future__ import annotations

from collections.abc import Mapping

_TWO = 'schedulers="[ConstantLR(0.1, total_iters=2), ExponentialLR(0.9)]"'
_LEVELS = "boundaries=[2000, 4000], values=[0.01, 0.001, 0.0001]"
_STAIRS = (0.01, 20_000, "decay_steps=2000, decay_rate=0.98, staircase=True")
_INVERSE = (0.01, 50, "decay_steps=1, decay_rate=0.1")
_NATURAL = (0.1, 10, "decay_steps=1, decay_rate=0.5")
_CYCLE = (0.05, 30, "decay_steps=10, end_learning_rate=0.005, power=2.0, cycle=True")
_RESTARTS = (0.1, 70, "first_decay_steps=10, t_mul=2.0, m_mul=0.5")
_WAVES = (0.1, 50, "decay_steps=50, num_periods=2.5")
_COSINE = (0.01, 12, "T_max=3")
_WARM = (0.1, 30, 'scheduler_or_optimizer="CosineAnnealingLR(T_max=25)", warmup_factor=0.1, warmup_iters=5')
_PLATEAU = (1.0, 20, "patience=2, cooldown=2")

ARTICLES: Mapping[str, tuple[float, int, str]] = {
    "StepLR": (0.05, 10, "step_size=3"),
    "StepDecay": (0.05, 10, "step_size=3"),
    "MultiStepLR": (0.05, 10, "milestones=[2, 5, 8]"),
    "MultiStepDecay": (0.05, 10, "milestones=[2, 5, 8]"),
    "ConstantLR": (0.05, 8, "factor=0.5, total_iters=4"),
    "LinearLR": (0.05, 8, "start_factor=0.5, total_iters=4"),
    "paddle.LinearLR": (0.05, 8, "total_steps=4, start_factor=0.5"),
    "ExponentialLR": (0.05, 10, "gamma=0.1"),
    "paddle.ExponentialDecay": (0.1, 50, "gamma=0.9"),
    "PolynomialLR": (0.05, 12, "total_iters=10, power=2.0"),
    "oneflow.PolynomialLR": (0.05, 30, "steps=10, end_learning_rate=0.005, power=2.0, cycle=True"),
    "PolynomialDecay": _CYCLE,
    "paddle.PolynomialDecay": (0.05, 30, "decay_steps=10, end_lr=0.005, power=2.0, cycle=True"),
    "train.polynomial_decay": _CYCLE,
    "LambdaLR": (0.05, 30, 'lr_lambda="lambda step: step / 30"'),
    "LambdaDecay": (0.05, 30, 'lr_lambda="lambda step: step / 30"'),
    "MultiplicativeLR": (0.05, 20, 'lr_lambda="lambda step: 0.9"'),
    "MultiplicativeDecay": (0.05, 20, 'lr_lambda="lambda step: 0.9"'),
    "CosineAnnealingLR": _COSINE,
    "CosineAnnealingDecay": _COSINE,
    "CosineDecayLR": (0.1, 12, "decay_steps=10, alpha=0.1"),
    "CosineDecay": (0.1, 12, "decay_steps=10, alpha=0.1"),
    "train.cosine_decay": (0.1, 12, "decay_steps=10, alpha=0.1"),
    "CosineAnnealingWarmRestarts": (0.1, 70, "T_0=10, T_mult=2"),
    "oneflow.CosineAnnealingWarmRestarts": (0.1, 80, "T_0=10, T_mult=2, decay_rate=0.5, restart_limit=3"),
    "CosineDecayRestarts": _RESTARTS,
    "train.cosine_decay_restarts": _RESTARTS,
    "CyclicLR": (0.1, 40, "base_lr=0.01, max_lr=0.1, step_size_up=5"),
    "paddle.CyclicLR": (0.1, 40, "base_learning_rate=0.01, max_learning_rate=0.1, step_size_up=5"),
    "OneCycleLR": (0.01, 100, "max_lr=0.01, epochs=10, steps_per_epoch=10"),
    "paddle.OneCycleLR": (0.01, 100, "max_learning_rate=0.01, total_steps=100"),
    "SWALR": (0.1, 10, "swa_lr=0.05, anneal_epochs=5"),
    "SequentialLR": (1.0, 10, f"{_TWO}, milestones=[2]"),
    "ChainedScheduler": (1.0, 10, _TWO),
    "WarmupLR": _WARM,
    "WarmUpLR": _WARM,
    "LinearWarmup": (
        0.1,
        30,
        'learning_rate="CosineAnnealingDecay(learning_rate=0.1, T_max=25)", warmup_steps=5, start_lr=0.01, end_lr=0.1',
    ),
    "NoamDecay": (1.0, 12_000, "d_model=512, warmup_steps=3000"),
    "PiecewiseConstantDecay": (0.01, 6000, _LEVELS),
    "PiecewiseDecay": (0.01, 6000, _LEVELS),
    "PiecewiseConstantConf": (0.01, 6000, _LEVELS),
    "PiecewiseScalingConf": (0.01, 6000, "boundaries=[2000, 4000], scales=[1.0, 0.1, 0.01]"),
    "train.piecewise_constant": (0.01, 6000, _LEVELS),
    "train.piecewise_constant_decay": (0.01, 6000, _LEVELS),
    "keras.ExponentialDecay": _STAIRS,
    "exponential_decay": _STAIRS,
    "train.exponential_decay": _STAIRS,
    "ExponentialDecayConf": (0.01, 20_000, "decay_batches=2000, decay_rate=0.98, staircase=True"),
    "InverseTimeDecay": _INVERSE,
    "paddle.InverseTimeDecay": (0.01, 50, "gamma=0.1"),
    "inverse_time_decay": _INVERSE,
    "train.inverse_time_decay": _INVERSE,
    "InverseTimeDecayConf": (0.01, 50, "decay_batches=1, decay_rate=0.1"),
    "NaturalExpDecay": (0.1, 10, "gamma=0.5"),
    "natural_exp_decay": _NATURAL,
    "train.natural_exp_decay": _NATURAL,
    "NaturalExpDecayConf": (0.1, 10, "decay_batches=1, decay_rate=0.5"),
    "LinearCosineDecayConf": (0.1, 50, "decay_batches=50, num_periods=2.5"),
    "train.linear_cosine_decay": _WAVES,
    "train.noisy_linear_cosine_decay": (0.1, 50, "decay_steps=50, initial_variance=0.0, num_periods=2.5"),
    "ReduceLROnPlateau": _PLATEAU,
    "ReduceOnPlateau": _PLATEAU,
}
"""By class, with its library in front where libraries differ: the base rate, the last step, the arguments."""
