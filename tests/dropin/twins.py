"""A live torch scheduler and ours with the same arguments, each with an optimizer of its own, to be led through the same calls."""

import copy
import warnings
from typing import Any

import pytest
import torch
from hypothesis import strategies as st
from torch.optim import lr_scheduler as theirs
from torch.optim import swa_utils

from glidepath.torch import lr_scheduler as ours

RELATIVE = ["StepLR", "MultiStepLR", "ExponentialLR", "PolynomialLR", "ConstantLR", "LinearLR", "CosineAnnealingLR"]
CARRY_ON = ["StepLR", "MultiStepLR", "ExponentialLR", "PolynomialLR"]  # torch's carry on with a group that joins
lengths, factors = st.integers(1, 12), st.floats(0.05, 1.0)
ARGUMENTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "StepLR": {"step_size": lengths, "gamma": st.floats(0.1, 1.2)},
    "MultiStepLR": {"milestones": st.lists(st.integers(0, 20), max_size=5), "gamma": st.floats(0.1, 1.2)},
    "ConstantLR": {"factor": factors, "total_iters": lengths},
    "LinearLR": {"start_factor": factors, "end_factor": st.floats(0.0, 1.0), "total_iters": lengths},
    "ExponentialLR": {"gamma": st.floats(0.2, 1.1)},
    "PolynomialLR": {"total_iters": lengths, "power": st.floats(0.5, 3)},
    "CosineAnnealingLR": {"T_max": lengths, "eta_min": st.floats(0, 0.05)},
    "SWALR": {
        "swa_lr": st.floats(0.01, 1),
        "anneal_epochs": lengths,
        "anneal_strategy": st.sampled_from(["cos", "linear"]),
    },
    "MultiplicativeLR": {"lr_lambda": st.sampled_from([lambda t: 0.9, lambda t: 1 - 0.01 * t])},
    "LambdaLR": {"lr_lambda": st.sampled_from([lambda t: 0.9**t, lambda t: 1 / (1 + t)])},
    "CosineAnnealingWarmRestarts": {"T_0": lengths, "T_mult": st.just(1), "eta_min": st.floats(0, 0.5)},
    "CyclicLR": {
        "base_lr": st.floats(0.01, 0.1),
        "max_lr": st.floats(0.1, 1),
        "step_size_up": lengths,
        "step_size_down": st.none() | lengths,
        "mode": st.sampled_from(["triangular", "triangular2", "exp_range"]),
        "gamma": st.floats(0.8, 1),
        "scale_fn": st.none() | st.just(lambda x: 0.9**x),
        "scale_mode": st.sampled_from(["cycle", "iterations"]),
    },
    "OneCycleLR": {
        "max_lr": st.floats(0.1, 1),
        "total_steps": st.integers(60, 90),
        "pct_start": st.floats(0.1, 0.9),
        "anneal_strategy": st.sampled_from(["cos", "linear"]),
        "three_phase": st.booleans(),
    },
}


def optimizer(
    groups: int = 3, tensor: bool = False, kind: Any = torch.optim.SGD, **extra: Any
) -> torch.optim.Optimizer:
    rates = [0.1 * (i + 1) for i in range(groups)]
    made = [
        {
            "params": [torch.nn.Parameter(torch.zeros(1))],
            "lr": torch.tensor(rate, dtype=torch.float64) if tensor else rate,
        }
        for rate in rates
    ]
    if kind is torch.optim.SGD:
        extra.setdefault("momentum", 0.9)
    found = kind(made, lr=0.1, **extra)
    found._opt_called = True
    return found


def make(module: Any, name: str, held: torch.optim.Optimizer, **arguments: Any) -> Any:
    kind = swa_utils.SWALR if module is theirs and name == "SWALR" else getattr(module, name)
    return kind(held, **arguments)


class Twins:
    """A torch scheduler and ours, led through the same calls."""

    def __init__(self, name: str, arguments: dict[str, Any], tensor: bool = False, kind: Any = torch.optim.SGD):
        self.name, self.arguments = name, arguments
        extra = {"capturable": True, "foreach": False} if kind is torch.optim.Adam and tensor else {}
        self.pairs = []
        for module in (theirs, ours):
            held = optimizer(tensor=tensor, kind=kind, **extra)
            self.pairs.append((module, held, [make(module, name, held, **copy.copy(arguments))]))

    def each(self, action: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for module, held, made in self.pairs:
                action(module, held, made)

    def act(self, action: tuple[Any, ...]) -> None:
        what, *values = action
        self.each(lambda module, held, made: getattr(self, what)(module, held, made, *values))

    def step(self, module: Any, held: Any, made: Any) -> None:
        for one in made:
            held._opt_called = True
            one.step()

    def edit(self, module: Any, held: Any, made: Any, at: int, factor: float) -> None:
        group = held.param_groups[at % len(held.param_groups)]
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].mul_(factor)
        else:
            group["lr"] *= factor

    def go(self, module: Any, held: Any, made: Any, epoch: int) -> None:
        made[0].step(epoch)

    def second(self, module: Any, held: Any, made: Any) -> None:
        if len(made) == 1:
            made.append(module.ExponentialLR(held, 0.95))

    def join(self, module: Any, held: Any, made: Any) -> None:
        held.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.7})

    def reload(self, module: Any, held: Any, made: Any) -> None:
        saved, state = held.state_dict(), made[0].state_dict()
        if len(made) > 1:
            return
        fresh = make(module, self.name, held, **copy.copy(self.arguments))
        held.load_state_dict(copy.deepcopy(saved))
        fresh.load_state_dict(copy.deepcopy(state))
        made[0] = fresh

    def swap(self) -> None:
        """Give each the other's state."""
        if len(self.pairs[0][2]) > 1:
            return
        states = [(held.state_dict(), made[0].state_dict()) for _, held, made in self.pairs]
        for (module, held, made), (saved, state) in zip(self.pairs, reversed(states), strict=True):
            fresh = make(module, self.name, held, **copy.copy(self.arguments))
            held.load_state_dict(copy.deepcopy(saved))
            fresh.load_state_dict(copy.deepcopy(state))
            made[0] = fresh

    def agree(self, moved: bool = False) -> None:
        (_, a, left), (_, b, right) = self.pairs
        for key in ("lr", "momentum", "betas"):
            if key in a.param_groups[0]:
                assert _numbers(g[key] for g in b.param_groups) == pytest.approx(
                    _numbers(g[key] for g in a.param_groups), rel=1e-9, abs=1e-14
                ), key
        assert [type(g["lr"]) for g in a.param_groups] == [type(g["lr"]) for g in b.param_groups]
        for x, y in zip(left, right, strict=True):
            assert moved or _numbers(y.get_last_lr()) == pytest.approx(_numbers(x.get_last_lr()), rel=1e-9, abs=1e-14)
            assert y.last_epoch == x.last_epoch
            assert y._step_count == x._step_count


def _numbers(values: Any) -> list[float]:
    found = []
    for value in values:
        found += [float(item) for item in value] if isinstance(value, tuple) else [float(value)]
    return found
