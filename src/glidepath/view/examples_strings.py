"""Examples as text: of recipes and phases, of comparisons, and of the schedulers of other libraries."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, str] = {
    # Whole schedules
    "constant": "constant()",
    "exp_range": "exp_range(500, 0.9997)",
    "knee": "knee(10000, 500, 5000)",
    "noam": "noam(512, 4000)",
    "one_cycle": "one_cycle(10000)",
    "piecewise_constant": "piecewise_constant([3000, 6000, 9000], [1, 0.3, 0.1, 0.03])",
    "sgdr": "sgdr(1000, growth=2, decay=0.8, cycles=3)",
    "trapezoid": "trapezoid(10000, 500, 2000)",
    "triangular": "triangular(1000)",
    "triangular2": "triangular2(1000)",
    "warmup_cosine": "warmup_cosine(10000, warmup=500)",
    "warmup_hold_cosine": "warmup_hold_cosine(10000, 500, 2000)",
    "warmup_inverse_sqrt": "warmup_inverse_sqrt(10000, 1000, cooldown=1000)",
    "warmup_linear": "warmup_linear(10000, warmup=500)",
    "warmup_polynomial": "warmup_polynomial(10000, power=2, warmup=500)",
    "warmup_rex": "warmup_rex(10000, warmup=500)",
    "with_warmup": "with_warmup(step(3000, 0.3), 500)",
    "wsd": "wsd(10000, warmup=500, cooldown=2000)",
    # Phases
    "cosine": "cosine(10000)",
    "geometric": "geometric(10000, floor=0.01)",
    "linear": "linear(10000)",
    "one_minus_sqrt": "one_minus_sqrt(10000)",
    "polynomial": "polynomial(10000, power=2)",
    "rex": "rex(10000)",
    "sqrt": "sqrt(10000)",
    "warmup": "warmup(500)",
}
"""By recipe and phase: a schedule as text, of about 10,000 steps where it has an end; kinds have their own."""


# The shapes that the page offers first, for the budget that it begins with.
SHAPES = {
    "constant": "constant()",
    "step": "step(2500, factor=0.5)",
    "exponential": "exponential(0.5, steps=2500)",
    "linear": "linear(10000)",
    "cosine": "cosine(10000)",
    "warmup_cosine": "warmup_cosine(10000, warmup=500)",
    "one_cycle": "one_cycle(10000)",
    "restarts": "sgdr(2500)",
    "wsd": "wsd(10000, warmup=500, cooldown=2000)",
    "inverse_sqrt": "warmup_inverse_sqrt(10000, 500)",
    "polynomial": "polynomial(10000, power=2)",
    "triangular": "triangular(2500)",
}

COMPARISONS: Mapping[str, tuple[str, Mapping[str, str], int, str, str]] = {
    "step-exponential-cosine": (
        "Step, exponential and cosine with a restart at half way: 50 epochs from 0.1",
        {
            "step: a third every 12 epochs": "0.1 * step(12, 0.3333)",
            "exponential: times 0.9 each epoch": "0.1 * exponential(0.9)",
            "cosine, restarted at epoch 25": "0.1 * repeat(cosine(25, floor=0.01), cycles=2)",
        },
        50,
        "epoch",
        "learning rate",
    ),
    "warmup-cosine": (
        "Warmup and cosine: what the warmup, a hold and a floor change",
        {
            "cosine alone": "cosine(10000)",
            "warmup of 500": "warmup_cosine(10000, warmup=500)",
            "warmup, held for 3,000": "warmup_hold_cosine(10000, 500, 3000)",
            "warmup of 2,000, floor 0.1": "warmup_cosine(10000, warmup=2000, floor=0.1)",
        },
        10_000,
        "step",
        "factor",
    ),
    "cosine-family": (
        "The cosine family: decay, annealing, restarts that grow, shrink and end",
        {
            "decay": "cosine(10000)",
            "annealing, up again": 'cosine(5000) >> ramp(0, 1, 5000, "cosine")',
            "restarts, each twice as long": "repeat(cosine(1430), growth=2, cycles=3)",
            "restarts, each 0.6 as high": "repeat(cosine(2500), decay=0.6, cycles=4)",
            "three restarts, then held": "repeat(cosine(2000, floor=0.1), cycles=3)",
        },
        10_000,
        "step",
        "factor",
    ),
}
"""By file name: title, schedules as text by label, last step, axis, unit."""

CALLS: Mapping[str, str] = {
    "SequentialLR": 'schedulers="[LinearLR(start_factor=0.1, total_iters=500), CosineAnnealingLR(T_max=9500)]", milestones=[500]',
    "ChainedScheduler": 'schedulers="[LinearLR(start_factor=0.1, total_iters=500), ExponentialLR(gamma=0.9997)]"',
    "CosineDecay": "decay_steps=10000",
    "CosineDecayLR": "decay_steps=10000",
    "CosineDecayRestarts": "first_decay_steps=2500",
    "CosineAnnealingLR": "T_max=5000",
    "CosineAnnealingDecay": "T_max=5000",
    "CosineAnnealingWarmRestarts": "T_0=2500",
    "ExponentialLR": "gamma=0.9995",
    "ExponentialDecay": "decay_steps=10000, decay_rate=0.5",
    "MultiStepStateScheduler": "initial_value=0.1, gamma=0.9995, milestones=[3000, 6000, 9000]",
    "NoamDecay": "d_model=512, warmup_steps=1000",
    "PolynomialDecay": "decay_steps=10000",
    "StepDecay": "step_size=3000",
    "StepLR": "step_size=3000",
    "StepParamScheduler": "step_size=3000",
    "StepStateScheduler": "initial_value=0.1, gamma=0.9995, step_size=3000",
    "SWALR": "swa_lr=0.05",
    "exponential_decay": "decay_steps=10000, decay_rate=0.5",
    "train.exponential_decay": "decay_steps=10000, decay_rate=0.5",
    "train.inverse_time_decay": "decay_steps=10000, decay_rate=0.5",
    "train.natural_exp_decay": "decay_steps=10000, decay_rate=0.5",
    "train.polynomial_decay": "decay_steps=10000",
    "train.cosine_decay": "decay_steps=10000",
    "train.cosine_decay_restarts": "first_decay_steps=2500",
    "train.linear_cosine_decay": "decay_steps=10000",
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
"""By the name of another library's scheduler: arguments that show it."""

CALLS_HERE: Mapping[tuple[str, str], str] = {
    ("oneflow", "PolynomialLR"): "decay_batch=10000, power=2.0",
    ("paddle", "CyclicLR"): "base_learning_rate=0.001, max_learning_rate=0.1, step_size_up=1000",
    ("paddle", "InverseTimeDecay"): "gamma=0.9995",
    ("paddle", "OneCycleLR"): "max_learning_rate=0.1, total_steps=10000",
}
"""By library and name, where libraries differ."""
