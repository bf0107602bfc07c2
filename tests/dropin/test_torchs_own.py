"""PyTorch's own constructor, formula and last bits serve; what it once printed is printed; nonsense is refused before anything is changed."""

import copy
import inspect
import warnings
from typing import Any

import pytest
import torch
from runs import rates, run
from test_relied_on import RECIPES, SINGLE
from torch.optim import swa_utils
from twins import built, make, optimizer, theirs

from glidepath import GlidepathError
from glidepath.dialects import from_live
from glidepath.torch import lr_scheduler as ours
from glidepath.torch import oneflow


def torchs(name: str) -> Any:
    return swa_utils.SWALR if name == "SWALR" else getattr(theirs, name)


@pytest.mark.parametrize("name", SINGLE)
def test_torchs_class_stands_before_our_mechanism(name: str):
    kind = getattr(ours, name)
    mechanism = next(base for base in kind.__mro__ if base.__name__ == "DropIn")
    assert kind.__mro__.index(torchs(name)) < kind.__mro__.index(mechanism)
    assert kind._formula is torchs(name).get_lr


def moved(group: dict[str, Any]) -> Any:
    """Return all that a scheduler moves in a group, as numbers."""
    return float(group["lr"]), group.get("momentum"), tuple(map(float, group.get("betas", ())))


@pytest.mark.parametrize("tensor", [False, True])
@pytest.mark.parametrize("groups", [1, 3, 30])
@pytest.mark.parametrize("name", RECIPES)
def test_the_last_bits_are_torchs(name: str, groups: int, tensor: bool):
    """Numbers, and tensors of float64; a few groups are asked about one by one, many at once."""
    recipe = copy.deepcopy(RECIPES[name][0])
    kind = torch.optim.Adam if name == "CyclicLR" and groups == 30 else torch.optim.SGD
    legs = [optimizer(groups, tensor, kind) for _ in range(2)]
    made = [built((name, recipe), held, module) for held, module in zip(legs, (theirs, ours), strict=True)]
    for i in range(130):
        metric = [0.5 + 0.1 * (i % 7)] if name == "ReduceLROnPlateau" else []
        for held, scheduler in zip(legs, made, strict=True):
            held._opt_called = True
            scheduler.step(*metric)
        assert [moved(group) for group in legs[1].param_groups] == [moved(group) for group in legs[0].param_groups]


def test_a_tensor_of_low_precision_does_not_gather_roundings():
    """PyTorch's moves on the rounded rate; ours rounds the rate that a number would have."""
    found = []
    for module in (theirs, ours):
        held = optimizer(3)
        for group in held.param_groups:
            group["lr"] = torch.tensor(group["lr"], dtype=torch.bfloat16)
        bases = [float(group["lr"]) for group in held.param_groups]
        run(held, module.LinearLR(held, 0.25, 1.0, 200), 200)
        found.append([rate / base for rate, base in zip(rates(held), bases, strict=True)])
    assert found[1] == [1.0] * 3
    assert max(abs(share - 1) for share in found[0]) > 0.01


@pytest.mark.parametrize("keyword", [True, False])
def test_verbose_prints_what_torch_printed(keyword: bool, capsys: pytest.CaptureFixture[str]):
    held = optimizer(2)
    made = ours.StepLR(held, 1, 0.5, verbose=True) if keyword else ours.StepLR(held, 1, 0.5, -1, True)
    run(held, made, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.step(3)
    assert capsys.readouterr().out.splitlines() == [
        "Adjusting learning rate of group 0 to 1.0000e-01.",
        "Adjusting learning rate of group 1 to 2.0000e-01.",
        "Adjusting learning rate of group 0 to 5.0000e-02.",
        "Adjusting learning rate of group 1 to 1.0000e-01.",
        "Epoch 00003: adjusting learning rate of group 0 to 1.2500e-02.",
        "Epoch 00003: adjusting learning rate of group 1 to 2.5000e-02.",
    ]
    plateau = ours.ReduceLROnPlateau(held, patience=0, factor=0.5, verbose=True)
    plateau.step(1.0), plateau.step(2.0)
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 00002: reducing learning rate of group 0 to 6.2500e-03.",
        "Epoch 00002: reducing learning rate of group 1 to 1.2500e-02.",
    ]


@pytest.mark.parametrize("value", [False, "deprecated"])
@pytest.mark.parametrize("name", RECIPES)
def test_verbose_is_accepted_everywhere_and_may_say_nothing(name: str, value: Any, capsys: pytest.CaptureFixture[str]):
    held = optimizer()
    recipe = {**copy.deepcopy(RECIPES[name][0]), "verbose": value}
    scheduler = built((name, recipe), held, ours)
    scheduler.step(*([1.0] if name == "ReduceLROnPlateau" else []))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "arguments", "field"),
    [
        ("OneCycleLR", {"max_lr": -1, "total_steps": 10}, "max_lr"),
        ("OneCycleLR", {"max_lr": [0.1, -1, 0.1], "total_steps": 10}, "max_lr"),
        ("CyclicLR", {"base_lr": 0.5, "max_lr": -1}, "max_lr"),
        ("CyclicLR", {"base_lr": -0.5, "max_lr": 1}, "base_lr"),
        ("CosineAnnealingLR", {"T_max": 5, "eta_min": -1}, "eta_min"),
        ("CosineAnnealingWarmRestarts", {"T_0": 5, "eta_min": -0.1}, "eta_min"),
        ("SWALR", {"swa_lr": -1}, "swa_lr"),
        ("ReduceLROnPlateau", {"min_lr": -1}, "min_lr"),
    ],
)
def test_a_rate_below_0_is_refused_and_changes_nothing(name: str, arguments: dict[str, Any], field: str):
    held = optimizer()
    before = [dict(group) for group in held.param_groups]
    make(theirs, name, optimizer(), **arguments)
    with pytest.raises(GlidepathError, match=f"{field} must be a finite number from 0 .*, got -") as caught:
        make(ours, name, held, **arguments)
    assert [problem.field for problem in caught.value.problems] == [field]
    assert held.param_groups == before


@pytest.mark.parametrize("name", SINGLE)
def test_what_is_no_optimizer_is_the_error_that_torch_raises(name: str):
    first = RECIPES[name][0]
    found = []
    for kind in (torchs(name), getattr(ours, name)):
        with pytest.raises((TypeError, AttributeError)) as caught:  # PyTorch's own words
            kind(3.5, **copy.deepcopy(first))
        found.append((caught.type, str(caught.value)))
    assert found[0] == found[1]


def test_the_state_of_a_kin_kind_is_refused():
    state = ours.ExponentialLR(optimizer(), 0.9).state_dict()
    made = ours.StepLR(optimizer(), 3)
    with pytest.raises(GlidepathError, match="of the same kind, with gamma, step_size"):
        made.load_state_dict(state)


def test_an_average_has_torchs_anneal_func_and_may_be_given_another():
    held = optimizer(1)
    made = ours.SWALR(held, 0.02, 8, "linear")
    assert made.anneal_func is swa_utils.SWALR._linear_anneal
    made.load_state_dict(ours.SWALR(optimizer(1), 0.02, 8).state_dict())
    assert made.anneal_func is swa_utils.SWALR._cosine_anneal
    made.anneal_func = lambda share: share**2
    assert run(held, made, 4)[-1] == pytest.approx([0.1 + (0.02 - 0.1) / 4])


def test_an_average_goes_to_an_epoch_from_where_it_stands():
    """PyTorch's takes the next step of its own count, whatever the epoch."""
    held, walked = optimizer(1), optimizer(1)
    made = ours.SWALR(held, 0.02, 8)
    path = run(walked, ours.SWALR(walked, 0.02, 8), 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for epoch in (3, 6, 2):
            made.step(epoch)
            assert rates(held) == pytest.approx(path[epoch - 1], rel=1e-12)
        other = optimizer(1)
        swa_utils.SWALR(other, 0.02, 8).step(5)
    assert rates(other) == pytest.approx(path[0])
    assert run(held, made, 1)[-1] == pytest.approx(path[2], rel=1e-12)


def test_oneflows_polynomial_takes_its_length_by_its_old_name():
    old, new = oneflow.PolynomialLR(optimizer(), steps=10), oneflow.PolynomialLR(optimizer(), 10)
    assert [old.get_lr(0.1, step) for step in range(12)] == [new.get_lr(0.1, step) for step in range(12)]
    with pytest.raises(TypeError, match="decay_batch"):
        oneflow.PolynomialLR(optimizer())
    with pytest.raises(TypeError, match="decay_batch"):
        oneflow.PolynomialLR(optimizer(), 10, steps=10)


def test_a_subclass_with_a_formula_of_its_own_is_stepped_by_it():
    class Halved(ours.StepLR):
        def get_lr(self) -> Any:
            return [rate / 2 for rate in super().get_lr()]

    held = optimizer(2)
    assert run(held, Halved(held, 1, 0.5), 1)[-1] == pytest.approx([0.1 / 2 / 4, 0.2 / 2 / 4])
    assert list(inspect.signature(Halved).parameters) == ["optimizer", "step_size", "gamma", "last_epoch"]


def test_what_a_scheduler_in_memory_is_read_as_is_what_it_does():
    """Ours stays at its end, whatever PyTorch's would do; OneFlow's functions and its polynomial are read by their attributes."""
    held = optimizer(1)
    cycle = ours.OneCycleLR(held, 0.1, 10)
    found = from_live(cycle, strict=False)
    assert run(held, cycle, 10) == [[pytest.approx(found(step), rel=1e-12)] for step in range(1, 11)]
    for made in (
        oneflow.LambdaLR(held, lambda step: 1 / (1 + step)),
        oneflow.PolynomialLR(held, 8, 0.01, 2.0),
        oneflow.StepLR(held, 3, 0.5),
    ):
        found = from_live(made)
        assert [made.get_lr(found.base, step) for step in range(12)] == pytest.approx([found(s) for s in range(12)])
