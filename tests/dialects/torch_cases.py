"""What the PyTorch tests share: random calls, the live scheduler of a call, and what it does."""

from typing import Any

import torch
from hypothesis import strategies as st
from torch.optim import lr_scheduler, swa_utils

from glidepath.dialects.calls import Call

STEPS = 48
FORMULAS = [
    "lambda t: 0.95**t",
    "lambda t: 1 / (1 + t)",
    "lambda t: min(1.0, (t + 1) / 10)",
    "lambda t: 1 - 0.01 * t",
    "lambda t: 0.9 if t < 7 else 1.01",
    "lambda t: 0.65 ** (t // 10)",
]

lengths = st.integers(1, 30)
factors = st.floats(0.01, 1.0)
gammas = st.floats(0.05, 1.3)
rates = st.floats(1e-5, 2.0)


def call(name: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Call]:
    return st.fixed_dictionaries(arguments).map(lambda found: Call(name, found))


SINGLE: dict[str, st.SearchStrategy[Call]] = {
    "StepLR": call("StepLR", step_size=lengths, gamma=gammas),
    "MultiStepLR": call("MultiStepLR", milestones=st.lists(st.integers(0, 40), max_size=6), gamma=gammas),
    "ConstantLR": call("ConstantLR", factor=factors, total_iters=lengths),
    "LinearLR": call("LinearLR", start_factor=factors, end_factor=st.floats(0, 1), total_iters=lengths),
    "ExponentialLR": call("ExponentialLR", gamma=gammas),
    "PolynomialLR": call("PolynomialLR", total_iters=lengths, power=st.floats(0.25, 4)),
    "CosineAnnealingLR": call("CosineAnnealingLR", T_max=lengths, eta_min=st.floats(0, 0.5)),
    "CosineAnnealingWarmRestarts": call(
        "CosineAnnealingWarmRestarts", T_0=lengths, T_mult=st.integers(1, 4), eta_min=st.floats(0, 0.5)
    ),
    "LambdaLR": call("LambdaLR", lr_lambda=st.sampled_from(FORMULAS)),
    "MultiplicativeLR": call("MultiplicativeLR", lr_lambda=st.sampled_from(FORMULAS)),
    "SWALR": call(
        "SWALR", swa_lr=rates, anneal_epochs=st.integers(0, 30), anneal_strategy=st.sampled_from(["cos", "linear"])
    ),
    "CyclicLR": st.fixed_dictionaries(
        {
            "base_lr": rates,
            "max_lr": rates,
            "step_size_up": lengths,
            "mode": st.sampled_from(["triangular", "triangular2", "exp_range"]),
            "gamma": st.floats(0.8, 1.0),
            "base_momentum": st.floats(0.5, 0.9),
            "max_momentum": st.floats(0.5, 0.99),
        },
        optional={
            "step_size_down": lengths,
            "scale_fn": st.sampled_from(["lambda x: 0.9**x", "lambda x: 1 / (5 + x)"]),
            "scale_mode": st.sampled_from(["cycle", "iterations"]),
        },
    ).map(lambda found: Call("CyclicLR", found)),
    "OneCycleLR": call(
        "OneCycleLR",
        max_lr=rates,
        total_steps=st.integers(2, 60),
        pct_start=st.floats(0, 1),
        anneal_strategy=st.sampled_from(["cos", "linear"]),
        div_factor=st.floats(1, 50),
        final_div_factor=st.floats(1, 1e5),
        three_phase=st.booleans(),
        base_momentum=st.floats(0.5, 0.9),
        max_momentum=st.floats(0.5, 0.99),
    ),
}
children = st.one_of(*(SINGLE[name] for name in SINGLE if name not in ("CyclicLR", "OneCycleLR")))
peaked = st.one_of(*SINGLE.values())


def sequences(inside: st.SearchStrategy[Call]) -> st.SearchStrategy[Call]:
    """Return SequentialLR of one to four schedulers."""
    marks = st.lists(st.integers(1, 40), max_size=3, unique=True).map(sorted)
    return marks.flatmap(
        lambda found: st.lists(inside, min_size=len(found) + 1, max_size=len(found) + 1).map(
            lambda made: Call("SequentialLR", {"schedulers": made, "milestones": found})
        )
    )


def chains(inside: st.SearchStrategy[Call]) -> st.SearchStrategy[Call]:
    """Return ChainedScheduler of one to three schedulers."""
    return st.lists(inside, min_size=1, max_size=3).map(lambda made: Call("ChainedScheduler", {"schedulers": made}))


def make(made: Call, optimizer: torch.optim.Optimizer) -> Any:
    """Return the live scheduler of a call."""
    arguments = {
        key: eval(value) if isinstance(value, str) and value.startswith("lambda") else value
        for key, value in made.arguments.items()
    }
    if "schedulers" in arguments:
        arguments["schedulers"] = [make(child, optimizer) for child in arguments["schedulers"]]
    kind = swa_utils.SWALR if made.name == "SWALR" else getattr(lr_scheduler, made.name)
    return kind(arguments["schedulers"]) if made.name == "ChainedScheduler" else kind(optimizer, **arguments)


def optimizer(base: float, momentum: float = 0.9) -> torch.optim.SGD:
    """Return an optimizer of one parameter that has already been stepped, so that PyTorch does not warn."""
    made = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base, momentum=momentum)
    made.step()
    return made


def values(made: Call, base: float, steps: int = STEPS, key: str = "lr") -> list[float]:
    """Return what a live scheduler gives at each step, as far as it can be stepped."""
    group = optimizer(base)
    found: list[float] = []
    try:
        scheduler = make(made, group)
        found.append(group.param_groups[0][key])
        for _ in range(steps):
            group._opt_called = True
            scheduler.step()
            found.append(group.param_groups[0][key])
    except (ArithmeticError, ValueError, NotImplementedError, TypeError, AttributeError):
        pass
    return found
