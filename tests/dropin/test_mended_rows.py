"""The smaller defects of PyTorch's schedulers in the table of docs/drop-in.md: PyTorch's class shows each, ours has none."""

import copy
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from runs import rates
from torch.optim import swa_utils
from twins import optimizer, theirs

from glidepath import GlidepathError
from glidepath.torch import lr_scheduler as ours


@pytest.fixture
def _no_warnings() -> Iterator[None]:
    """`step(epoch)` and get_lr outside a step warn, as PyTorch's do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_a_state_has_the_rates_of_the_moment():
    found = []
    for module in (theirs, ours):
        held = optimizer(1)
        scheduler = module.StepLR(held, 3)
        scheduler.step()
        held.param_groups[0]["lr"] = 0.07
        found.append(scheduler.state_dict()["_last_lr"])
    assert found == [[0.1], [0.07]]


def test_a_state_of_another_number_of_groups_is_refused():
    state = theirs.StepLR(optimizer(2), 3).state_dict()
    theirs.StepLR(optimizer(3), 3).load_state_dict(copy.deepcopy(state))
    held = optimizer(3)
    with pytest.raises(GlidepathError, match="of 3 groups, got '2 groups'"):
        ours.StepLR(held, 3).load_state_dict(state)


@pytest.mark.usefixtures("_no_warnings")
def test_an_epoch_before_the_first_is_the_first_and_one_between_two_is_between_them():
    def at(module: Any, name: str, epoch: float, **arguments: Any) -> float:
        held = optimizer(1)
        getattr(module, name)(held, **arguments).step(epoch)
        return rates(held)[0]

    assert at(theirs, "StepLR", -2, step_size=3) == pytest.approx(1.0)
    assert at(ours, "StepLR", -2, step_size=3) == 0.1
    assert at(theirs, "PolynomialLR", -2, total_iters=4) == pytest.approx(0.15)
    assert at(ours, "PolynomialLR", -2, total_iters=4) == 0.1
    assert at(ours, "PolynomialLR", 2.5, total_iters=4) == pytest.approx(0.1 * 1.5 / 4)


def test_an_average_goes_by_its_epoch():
    held = optimizer(1)
    whole = ours.SWALR(held, 0.02, anneal_epochs=8)
    found = []
    for _ in range(8):
        whole.step()
        found += rates(held)
    resumed = []
    for kind in (swa_utils.SWALR, ours.SWALR):
        again = optimizer(1)
        again.param_groups[0].update(initial_lr=0.1, lr=found[3])
        scheduler = kind(again, 0.02, anneal_epochs=8, last_epoch=3)
        for _ in range(4):
            scheduler.step()
        resumed.append(rates(again)[0])
    assert resumed[1] == pytest.approx(found[7])
    assert resumed[0] > 1.9 * found[7]


def test_a_function_for_all_groups_is_called_once_a_step():
    calls = []
    for module in (theirs, ours):
        seen: list[int] = []
        scheduler = module.LambdaLR(optimizer(3), lambda step, seen=seen: seen.append(step) or 0.5)
        scheduler.step()
        calls.append(seen)
    assert calls == [[0, 0, 0, 1, 1, 1], [0, 1]]


def test_a_function_that_returns_a_tensor_leaves_the_rate_a_number():
    kinds = []
    for module in (theirs, ours):
        held = optimizer(1)
        module.LambdaLR(held, lambda step: torch.tensor(0.5)).step()
        kinds.append(type(held.param_groups[0]["lr"]))
    assert kinds == [torch.Tensor, float]


def test_a_wave_after_another_scheduler_begins_at_its_own_base():
    found = []
    for module in (theirs, ours):
        held = optimizer(1)
        module.StepLR(held, 3)
        module.CyclicLR(held, 0.01, 0.2, 3)
        found += rates(held)
    assert found == pytest.approx([0.1, 0.01])


def test_a_wave_leaves_the_state_that_it_loads_alone():
    for module, whole in ((theirs, False), (ours, True)):
        scheduler = module.CyclicLR(optimizer(1), 0.01, 0.2, 3)
        state = scheduler.state_dict()
        before = dict(state)
        scheduler.load_state_dict(state)
        assert (state == before) is whole


@pytest.mark.usefixtures("_no_warnings")
def test_a_polynomial_before_its_first_step_has_the_rate_it_finds():
    found = [module.PolynomialLR(optimizer(1), 4).get_lr()[0] for module in (theirs, ours)]
    assert found == pytest.approx([0.08, 0.1])


def test_a_sequence_is_resumed_through_its_epoch():
    def sequence(module: Any, held: torch.optim.Optimizer, last_epoch: int = -1) -> Any:
        parts = [module.ConstantLR(held, 0.5, 3), module.ExponentialLR(held, 0.9)]
        return module.SequentialLR(held, parts, [2], last_epoch=last_epoch)

    whole = optimizer(1)
    scheduler = sequence(ours, whole)
    for _ in range(6):
        scheduler.step()
    found = []
    for module in (theirs, ours):
        held = optimizer(1)
        resumed = sequence(module, held, 5)
        assert resumed.last_epoch == 6
        found += rates(held)
    assert found == pytest.approx(
        [0.05, *rates(whole)]
    )  # PyTorch's begins with the first scheduler, whatever the epoch
    assert rates(whole) == pytest.approx([0.1 * 0.9**4])


LISTED: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 3},
    "ConstantLR": {"factor": 0.5, "total_iters": 9},
    "CosineAnnealingWarmRestarts": {"T_0": 9},
    "LambdaLR": {"lr_lambda": [lambda step, by=by: by**step for by in (0.9, 0.8, 0.7)]},
    "CyclicLR": {"base_lr": [0.1, 0.2, 0.3], "max_lr": [1.0, 2.0, 3.0], "step_size_up": 5},
    "OneCycleLR": {"max_lr": [0.1, 0.2, 0.3], "total_steps": 20},
}


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize(
    "moment", ["before it is saved", "after it is loaded", "before it is copied", "after it is copied"]
)
def test_groups_keep_their_own_rates_beside_a_state_or_a_copy(name: str, moment: str):
    held, still = optimizer(), optimizer()
    scheduler, other = (getattr(ours, name)(one, **LISTED[name]) for one in (held, still))
    scheduler.step(), other.step(), other.step()
    if moment.startswith("before"):
        held.param_groups.reverse()
    if "copied" in moment:
        scheduler = copy.deepcopy(scheduler)
        held = scheduler.optimizer
        held._opt_called = True
    else:
        state = scheduler.state_dict()
        order = (
            -1 if moment.startswith("before") else 1
        )  # arguments with one item for each group are in the groups' order
        again = {k: v[::order] if isinstance(v, list) else v for k, v in LISTED[name].items()}
        scheduler = getattr(ours, name)(held, **again)
        scheduler.load_state_dict(state)
    if moment.startswith("after"):
        held.param_groups.reverse()
    scheduler.step()
    assert rates(held)[::-1] == pytest.approx(rates(still), rel=1e-12)


def test_a_group_that_joins_gets_the_factor_of_the_moment_though_it_is_looked_at_first():
    found = []
    for look in (lambda _: None, lambda scheduler: scheduler.state_dict()):
        held = optimizer(1)
        scheduler = ours.ConstantLR(held, 0.5, 5)
        scheduler.step()
        held.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.8})
        look(scheduler)
        scheduler.step()
        found.append(rates(held))
    assert found == [[0.05, 0.4], [0.05, 0.4]]
