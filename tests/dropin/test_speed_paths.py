"""The quick ways of a step give what PyTorch gives, and notice at once when anything is not as they left it."""

import copy
import warnings
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler as theirs
from torch.optim import swa_utils

from glidepath import GlidepathError
from glidepath.torch import lr_scheduler as ours
from glidepath.torch.rows import Elsewhere, Memory, Numbers

CASES: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 3, "gamma": 0.5},
    "MultiStepLR": {"milestones": [3, 7, 7, 12], "gamma": 0.5},
    "ConstantLR": {"factor": 0.25, "total_iters": 9},
    "LinearLR": {"start_factor": 0.25, "total_iters": 15},
    "ExponentialLR": {"gamma": 0.9},
    "PolynomialLR": {"total_iters": 40, "power": 2.0},
    "CosineAnnealingLR": {"T_max": 17, "eta_min": 0.01},
    "SWALR": {"swa_lr": 0.02, "anneal_epochs": 15},
    "MultiplicativeLR": {"lr_lambda": lambda step: 1 - 0.01 * step},
    "LambdaLR": {"lr_lambda": lambda step: 1 / (1 + step)},
    "CosineAnnealingWarmRestarts": {"T_0": 5, "eta_min": 0.01},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "step_size_down": 2},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 60},
}
MULTIPLY = [name for name in CASES if name not in ("LambdaLR", "CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR")]
SIZES = [1, 2, 30]  # one group, plain Python, NumPy


def optimizer(groups: int, *, tensor: Any = None, shared: bool = False) -> torch.optim.Optimizer:
    rates = [0.1 if shared else 0.1 + 0.01 * i for i in range(groups)]
    made = [
        {"params": [torch.nn.Parameter(torch.zeros(1))], "lr": torch.tensor(rate, dtype=tensor) if tensor else rate}
        for rate in rates
    ]
    found = torch.optim.SGD(made, lr=0.1, momentum=0.9)
    found._opt_called = True
    return found


def make(module: Any, name: str, held: torch.optim.Optimizer, **more: Any) -> Any:
    kind = swa_utils.SWALR if module is theirs and name == "SWALR" else getattr(module, name)
    return kind(held, **{**copy.copy(CASES[name]), **more})


class Pair:
    """PyTorch's class and ours, each on an optimizer of its own, and what both do together."""

    def __init__(self, name: str, groups: int, **options: Any):
        self.held = [optimizer(groups, **options) for _ in range(2)]
        self.made = [make(module, name, held) for module, held in zip((theirs, ours), self.held, strict=True)]

    def steps(self, count: int) -> None:
        for _ in range(count):
            for held, made in zip(self.held, self.made, strict=True):
                held._opt_called = True
                made.step()
            self.agree()

    def each(self, change: Any) -> None:
        for held, made in zip(self.held, self.made, strict=True):
            change(held, made)

    def agree(self) -> None:
        wanted, found = ([float(g["lr"]) for g in held.param_groups] for held in self.held)
        single = self.held[0].param_groups[0]["lr"]
        low = isinstance(single, torch.Tensor) and single.dtype != torch.float64
        assert found == pytest.approx(wanted, rel=1e-5 if low else 1e-12, abs=1e-7 if low else 1e-15)
        assert [float(rate) for rate in self.made[1].get_last_lr()] == found
        assert [g["momentum"] for g in self.held[1].param_groups] == pytest.approx(
            [g["momentum"] for g in self.held[0].param_groups], rel=1e-12
        )


def halve(at: int) -> Any:
    def change(held: Any, made: Any) -> None:
        del made
        group = held.param_groups[at]
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].mul_(0.5)
        else:
            group["lr"] *= 0.5

    return change


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("groups", SIZES)
@pytest.mark.parametrize("shared", [False, True])
def test_steps_are_torchs_before_and_after_a_rate_is_moved(name: str, groups: int, shared: bool):
    pair = Pair(name, groups, shared=shared)
    pair.steps(6)
    assert type(pair.made[1]._row) is Numbers
    pair.each(halve(groups - 1))
    pair.steps(4)
    pair.each(halve(0))
    pair.each(halve(groups // 2))
    pair.steps(8)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("groups", SIZES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_steps_on_tensors_are_torchs_before_and_after_a_rate_is_moved(name: str, groups: int, dtype: torch.dtype):
    pair = Pair(name, groups, tensor=dtype)
    held = [group["lr"] for group in pair.held[1].param_groups]
    pair.steps(6)
    assert type(pair.made[1]._row) is Memory
    pair.each(halve(groups - 1))
    pair.steps(4)
    pair.each(halve(0))
    pair.steps(6)
    assert all(group["lr"] is rate for group, rate in zip(pair.held[1].param_groups, held, strict=True))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("groups", SIZES)
def test_a_number_that_becomes_a_tensor_is_filled_from_then_on(name: str, groups: int):
    """Even one that equals the number it replaces."""
    pair = Pair(name, groups)
    pair.steps(5)

    def swap(held: Any, made: Any) -> None:
        del made
        group = held.param_groups[-1]
        group["lr"] = torch.tensor(group["lr"], dtype=torch.float64)

    pair.each(swap)
    rate = pair.held[1].param_groups[-1]["lr"]
    pair.steps(5)
    assert pair.held[1].param_groups[-1]["lr"] is rate


@pytest.mark.parametrize("name", CASES)
def test_a_tensor_with_other_memory_or_another_tensor_is_noticed(name: str):
    pair = Pair(name, 3, tensor=torch.float64)
    pair.steps(4)

    def move(held: Any, made: Any) -> None:
        del made
        held.param_groups[0]["lr"].data = held.param_groups[0]["lr"].data.clone()

    def replace(held: Any, made: Any) -> None:
        del made
        held.param_groups[1]["lr"] = held.param_groups[1]["lr"] * 0.5

    pair.each(move)
    pair.steps(2)
    pair.each(replace)
    pair.steps(3)


@pytest.mark.parametrize("name", MULTIPLY)
@pytest.mark.parametrize("groups", SIZES)
@pytest.mark.parametrize("tensor", [None, torch.float64], ids=str)
def test_base_rates_that_are_changed_move_nothing_that_multiplies(name: str, groups: int, tensor: Any):
    pair = Pair(name, groups, tensor=tensor)
    pair.steps(3)

    def change(held: Any, made: Any) -> None:
        del held
        made.base_lrs[-1] = made.base_lrs[-1] * 2

    pair.each(change)
    pair.steps(8)


@pytest.mark.parametrize("groups", SIZES)
@pytest.mark.parametrize("name", ["LambdaLR", "CosineAnnealingWarmRestarts", "CyclicLR"])
def test_base_rates_that_are_changed_are_used_by_what_overwrites(name: str, groups: int):
    pair = Pair(name, groups)
    pair.steps(3)
    pair.each(lambda held, made: made.base_lrs.__setitem__(-1, made.base_lrs[-1] * 0.5))
    pair.steps(4)
    pair.each(lambda held, made: setattr(made, "base_lrs", [rate * 0.5 for rate in made.base_lrs]))
    pair.steps(4)


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [
        ("StepLR", "gamma", 0.3),
        ("StepLR", "step_size", 2),
        ("MultiStepLR", "gamma", 0.3),
        ("ExponentialLR", "gamma", 0.5),
        ("PolynomialLR", "power", 1.0),
        ("LinearLR", "total_iters", 20),
        ("CosineAnnealingLR", "eta_min", 0.02),
        ("CosineAnnealingLR", "T_max", 30),
        ("CosineAnnealingWarmRestarts", "eta_min", 0.02),
        ("CyclicLR", "max_lrs", [0.2]),
        ("CyclicLR", "max_momentums", [0.99]),
    ],
)
@pytest.mark.parametrize("groups", SIZES)
def test_an_argument_that_is_assigned_acts_from_its_step_on(name: str, attribute: str, value: Any, groups: int):
    pair = Pair(name, groups)
    pair.steps(5)
    new = value * groups if isinstance(value, list) else value
    pair.each(lambda held, made: setattr(made, attribute, copy.copy(new)))
    pair.steps(8)


@pytest.mark.parametrize("groups", SIZES)
def test_what_is_changed_in_place_acts_from_its_step_on(groups: int):
    for name, change in {
        "MultiStepLR": lambda made: made.milestones.update([9, 10]),
        "LambdaLR": lambda made: made.lr_lambdas.__setitem__(-1, lambda step: 0.5**step),
        "MultiplicativeLR": lambda made: made.lr_lambdas.__setitem__(-1, lambda step: 0.5),
        "CyclicLR": lambda made: made.max_lrs.__setitem__(-1, 0.3),
        "OneCycleLR": lambda made: made.optimizer.param_groups[-1].update(max_lr=0.3, max_momentum=0.99),
        "SWALR": lambda made: made.optimizer.param_groups[-1].update(swa_lr=0.5),
    }.items():
        pair = Pair(name, groups)
        pair.steps(5)
        pair.each(lambda held, made, change=change: change(made))
        pair.steps(8)


@pytest.mark.parametrize("name", CASES)
def test_a_lane_that_is_left_half_way_leaves_no_rate_behind(name: str):
    """The last of many groups is another: those before it have been written by the time that it is seen."""
    pair = Pair(name, 30)
    pair.steps(4)
    if name in MULTIPLY:
        pair.each(halve(29))
        pair.steps(1)
        pair.each(halve(29))
        pair.steps(1)
    pair.each(lambda held, made: held.param_groups[29].update(lr=torch.tensor(0.2, dtype=torch.float64)))
    pair.steps(3)


def test_last_rates_of_tensors_are_copies_from_each_step_on():
    held = optimizer(3, tensor=torch.float32)
    scheduler = ours.ExponentialLR(held, 0.5)
    scheduler.step()
    scheduler.step()
    before = scheduler.get_last_lr()
    assert scheduler.get_last_lr() is before
    values = [rate.item() for rate in before]
    held.param_groups[0]["lr"].fill_(7.0)
    scheduler.step()
    assert [rate.item() for rate in before] == values
    after = scheduler.get_last_lr()
    after[1].fill_(9.0)
    assert [g["lr"].item() for g in held.param_groups] == pytest.approx([3.5, values[1] / 2, values[2] / 2])
    assert all(rate.ndim == 0 and rate.dtype == torch.float32 and not rate.requires_grad for rate in after)
    assert copy.deepcopy(scheduler).get_last_lr() == after


def test_there_are_no_last_rates_before_the_first_step():
    bare = ours.StepLR.__new__(ours.StepLR)
    with pytest.raises(AttributeError, match="no _last_lr before its first step"):
        bare.get_last_lr()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_tensors_that_numpy_does_not_round_as_torch_are_filled_by_torch(dtype: torch.dtype):
    held = optimizer(3, tensor=dtype)
    kept = [group["lr"] for group in held.param_groups]
    scheduler = ours.LinearLR(held, 0.5, 1.0, 10)
    assert type(scheduler._row) is Elsewhere
    plain = optimizer(3)
    for group, base in zip(plain.param_groups, scheduler.base_lrs, strict=True):
        group["lr"] = float(base)
    exact = ours.LinearLR(plain, 0.5, 1.0, 10)
    for _ in range(6):
        plain._opt_called = held._opt_called = True
        scheduler.step(), exact.step()
        assert [group["lr"] for group in held.param_groups] == [
            torch.tensor(group["lr"], dtype=dtype) for group in plain.param_groups
        ]
        assert scheduler.get_last_lr() == kept
    kept[1].mul_(0.5)
    scheduler.step(), exact.step()
    assert float(kept[1]) == pytest.approx(plain.param_groups[1]["lr"] / 2, rel=0.01)


@pytest.mark.parametrize("at", [0, 2, 3, 4, 9])
@pytest.mark.parametrize("module", [theirs, ours])
def test_a_sequence_that_is_resumed_through_last_epoch_goes_on_where_it_was(at: int, module: Any):
    def made(held: torch.optim.Optimizer, last: int) -> Any:
        parts = [module.LinearLR(held, 0.1, 1.0, 3), module.MultiplicativeLR(held, lambda step: 0.9)]
        return ours.SequentialLR(held, [*parts, module.CosineAnnealingWarmRestarts(held, 3)], [3, 7], last_epoch=last)

    held, again = optimizer(2), optimizer(2)
    first = made(held, -1)
    for _ in range(at + 1):
        first.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is no fault that the optimizer has not been stepped yet
        again._opt_called = False
        resumed = made(again, at)
    again._opt_called = True
    for _ in range(8):
        assert [g["lr"] for g in again.param_groups] == [g["lr"] for g in held.param_groups]
        assert resumed.last_epoch == first.last_epoch
        assert resumed.get_last_lr() == first.get_last_lr()
        first.step(), resumed.step()


def test_a_sequence_is_resumed_from_a_step_only():
    held = optimizer(1)
    with pytest.raises(GlidepathError, match="last_epoch must be an integer from -1 on, got -2"):
        ours.SequentialLR(held, [ours.StepLR(held, 2), ours.StepLR(held, 3)], [2], last_epoch=-2)


def test_a_changed_import_finds_whatever_torchs_module_has():
    assert ours.EPOCH_DEPRECATION_WARNING is theirs.EPOCH_DEPRECATION_WARNING
    assert ours._LRScheduler is theirs._LRScheduler
    with pytest.raises(AttributeError, match="no attribute 'NoSuchLR'"):
        _ = ours.NoSuchLR


@pytest.mark.parametrize("name", CASES)
def test_every_class_is_torchs_too(name: str):
    kind = swa_utils.SWALR if name == "SWALR" else getattr(theirs, name)
    assert isinstance(make(ours, name, optimizer(2)), kind)


def test_numbers_may_be_tensors():
    held = optimizer(2)
    rate = torch.tensor(0.05)
    made = ours.SWALR(held, rate)
    rate.mul_(0.5)
    assert held.param_groups[0]["swa_lr"] == pytest.approx(0.05)
    assert made.optimizer is held
    peer, mine = Pair("ExponentialLR", 2), torch.tensor(0.5, dtype=torch.float64)
    peer.each(lambda held, made: setattr(made, "gamma", mine.item() if made is peer.made[0] else mine))
    peer.steps(4)
    scheduler = ours.ReduceLROnPlateau(optimizer(1), factor=0.5, patience=0, min_lr=torch.tensor(0.08))
    for _ in range(3):
        scheduler.step(1.0)
    assert scheduler.optimizer.param_groups[0]["lr"] == pytest.approx(0.08)
