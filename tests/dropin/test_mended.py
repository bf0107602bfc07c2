"""Every defect of torch's schedulers in the table of docs/drop-in.md, and that ours have none of them."""

import copy
import gc
import io
import itertools
import math
import pickle
import warnings
import weakref
from collections import Counter
from typing import Any

import pytest
import torch
from twins import make, optimizer, theirs

from glidepath import GlidepathError
from glidepath.torch import lr_scheduler as ours

PLAIN: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 3, "gamma": 0.5},
    "MultiStepLR": {"milestones": [3, 7, 7], "gamma": 0.5},
    "ConstantLR": {"factor": 0.25, "total_iters": 6},
    "LinearLR": {"start_factor": 0.25, "total_iters": 9},
    "ExponentialLR": {"gamma": 0.9},
    "PolynomialLR": {"total_iters": 20, "power": 2.0},
    "CosineAnnealingLR": {"T_max": 7, "eta_min": 0.01},
    "SWALR": {"swa_lr": 0.02, "anneal_epochs": 9},
    "CosineAnnealingWarmRestarts": {"T_0": 3, "T_mult": 2, "eta_min": 0.01},
    "LambdaLR": {"lr_lambda": lambda t: 1 / (1 + t)},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "step_size_down": 2},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 40},
}
SAVED = {**PLAIN, "MultiplicativeLR": {"lr_lambda": lambda t: 1 - 0.01 * t}}


def rates(held: torch.optim.Optimizer) -> list[float]:
    return [float(group["lr"]) for group in held.param_groups]


def run(held: torch.optim.Optimizer, scheduler: Any, steps: int) -> list[list[float]]:
    found = []
    for _ in range(steps):
        held._opt_called = True
        scheduler.step()
        found.append(rates(held))
    return found


@pytest.mark.parametrize("name", SAVED)
@pytest.mark.parametrize(
    "order",
    [
        ("build", "optimizer", "scheduler"),
        ("build", "scheduler", "optimizer"),
        ("optimizer", "build", "scheduler"),
    ],
)
def test_a_state_is_restored_in_any_order(name: str, order: tuple[str, ...]):
    held = optimizer()
    first = make(ours, name, held, **copy.copy(SAVED[name]))
    run(held, first, 5)
    saved, state = copy.deepcopy(held.state_dict()), first.state_dict()
    wanted = run(held, first, 8)
    again = optimizer()
    made: Any = None
    for part in order:
        if part == "build":
            made = make(ours, name, again, **copy.copy(SAVED[name]))
        elif part == "optimizer":
            again.load_state_dict(saved)
        else:
            made.load_state_dict(state)
    assert run(again, made, 8) == [pytest.approx(row, rel=1e-12) for row in wanted]


@pytest.mark.parametrize("name", SAVED)
def test_a_state_alone_brings_the_rates_back(name: str):
    held = optimizer()
    first = make(ours, name, held, **copy.copy(SAVED[name]))
    run(held, first, 5)
    again = optimizer()
    made = make(ours, name, again, **copy.copy(SAVED[name]))
    made.load_state_dict(first.state_dict())
    assert rates(again) == rates(held) == made.get_last_lr()


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("at", [4, 5, 6, 7])
@pytest.mark.parametrize("last", [0, -1])
def test_a_run_resumed_through_last_epoch_is_on_the_curve(name: str, at: int, last: int):
    """Both readings of `last_epoch`: the constructor takes one step from it."""
    held = optimizer()
    first = make(ours, name, held, **copy.copy(PLAIN[name]))
    found = [rates(held), *run(held, first, 20)]
    again = optimizer()
    run(again, make(ours, name, again, **copy.copy(PLAIN[name])), at)
    made = make(ours, name, again, **copy.copy(PLAIN[name]), last_epoch=at + last)
    assert made.last_epoch == at + last + 1
    wanted = found[at + last + 1 : at + last + 6]
    assert [rates(again), *run(again, made, 4)] == [pytest.approx(row, rel=1e-9) for row in wanted]


@pytest.mark.parametrize("name", SAVED)
def test_resuming_an_optimizer_that_never_had_a_scheduler_is_a_key_error(name: str):
    with pytest.raises(KeyError, match="initial_lr"):
        make(ours, name, optimizer(), **copy.copy(SAVED[name]), last_epoch=3)


@pytest.mark.parametrize("name", SAVED)
def test_groups_that_change_places_keep_their_own_rates(name: str):
    held, plain = optimizer(), optimizer()
    moved, still = (make(ours, name, one, **copy.copy(SAVED[name])) for one in (held, plain))
    run(held, moved, 3), run(plain, still, 3)
    held.param_groups.reverse()
    assert [row[::-1] for row in run(held, moved, 12)] == [pytest.approx(r, rel=1e-12) for r in run(plain, still, 12)]


@pytest.mark.parametrize("name", SAVED)
def test_a_group_that_leaves_takes_its_place_along(name: str):
    held, plain = optimizer(), optimizer()
    moved, still = (make(ours, name, one, **copy.copy(SAVED[name])) for one in (held, plain))
    run(held, moved, 3), run(plain, still, 3)
    del held.param_groups[1]
    assert run(held, moved, 12) == [pytest.approx([r[0], r[2]], rel=1e-12) for r in run(plain, still, 12)]


@pytest.mark.parametrize("name", SAVED)
def test_a_group_that_joins_is_driven_too(name: str):
    held = optimizer()
    scheduler = make(ours, name, held, **copy.copy(SAVED[name]))
    run(held, scheduler, 2)
    held.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.5})
    found = run(held, scheduler, 12)
    assert all(len(row) == 4 and all(map(math.isfinite, row)) for row in found)
    assert len(scheduler.get_last_lr()) == 4
    if name in ("ConstantLR", "LinearLR"):
        assert found[-1][3] == pytest.approx(0.5)  # torch's inflate it


def test_restarts_are_found_by_comparison():
    for begin, factor in itertools.product(range(1, 40), (2, 3, 5, 10)):
        held = optimizer(1)
        scheduler = ours.CosineAnnealingWarmRestarts(held, begin, factor)
        length = begin
        epoch = 0
        for _ in range(6):
            scheduler.step(epoch)
            assert rates(held) == [0.1]
            assert (scheduler.T_cur, scheduler.T_i) == (0, length)
            epoch, length = epoch + length, length * factor


def test_nothing_divides_by_zero_on_the_way():
    held = optimizer(1)
    assert run(held, ours.ConstantLR(held, 0.0, 3), 4) == [[0.0], [0.0], [pytest.approx(0.1)], [pytest.approx(0.1)]]
    held = optimizer(1)
    assert run(held, ours.ConstantLR(held, 0.5, 0), 2) == [[0.1], [0.1]]
    held = optimizer(1)
    assert run(held, ours.LinearLR(held, 0.5, 1.0, 0), 2) == [[0.1], [0.1]]
    held = optimizer(1)
    made = ours.OneCycleLR(held, 0.1, 10, pct_start=0.1)
    assert rates(held) == [0.1]
    assert run(held, made, 9)[-1] == [pytest.approx(0.1 / 25 / 1e4)]


def test_one_call_too_many_stays_at_the_end_and_two_are_refused():
    for strategy in ("cos", "linear"):
        held = optimizer(1)
        scheduler = ours.OneCycleLR(held, 0.1, 10, anneal_strategy=strategy)
        last = run(held, scheduler, 9)[-1]
        assert run(held, scheduler, 1) == [last]
        assert held.param_groups[0]["momentum"] == 0.95
        with pytest.raises(ValueError, match="at most 10 times"):
            scheduler.step()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("StepLR", {"step_size": 0}),
        ("StepLR", {"step_size": -3}),
        ("StepLR", {"step_size": 3, "gamma": math.nan}),
        ("MultiStepLR", {"milestones": [-1]}),
        ("MultiStepLR", {"milestones": [2.5]}),
        ("ConstantLR", {"factor": 2.0}),
        ("ConstantLR", {"total_iters": -1}),
        ("LinearLR", {"start_factor": 0.0}),
        ("LinearLR", {"total_iters": 2.5}),
        ("ExponentialLR", {"gamma": 0.0}),
        ("PolynomialLR", {"total_iters": 0}),
        ("PolynomialLR", {"power": -1}),
        ("CosineAnnealingLR", {"T_max": 0}),
        ("CosineAnnealingWarmRestarts", {"T_0": 10.0}),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.2, "step_size_up": 0}),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.2, "mode": "sawtooth"}),
        ("OneCycleLR", {"max_lr": 0.1}),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 0}),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "pct_start": 2.0}),
        ("SWALR", {"swa_lr": [0.1]}),
        ("LambdaLR", {"lr_lambda": [abs]}),
    ],
)
def test_nonsense_is_refused_when_it_is_made_and_changes_nothing(name: str, arguments: dict[str, Any]):
    held = optimizer()
    before = [dict(group) for group in held.param_groups]
    with pytest.raises(GlidepathError):
        make(ours, name, held, **arguments)
    assert held.param_groups == before


@pytest.mark.parametrize("name", ["LambdaLR", "MultiplicativeLR"])
def test_what_is_no_function_is_refused_when_it_is_made(name: str):
    with pytest.raises(TypeError, match="should be a function"):
        make(ours, name, optimizer(), lr_lambda=0.5)


@pytest.mark.parametrize("name", SAVED)
def test_another_kinds_state_is_refused_and_changes_nothing(name: str):
    held = optimizer()
    scheduler = make(ours, name, held, **copy.copy(SAVED[name]))
    before = copy.deepcopy(scheduler.state_dict())
    with pytest.raises(GlidepathError, match="state_dict"):
        scheduler.load_state_dict({"last_epoch": 3, "base_lrs": [1.0]})
    assert scheduler.state_dict() == before


# What other code relies on ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAVED)
def test_it_is_torchs_own_kind_its_state_is_plain_and_it_is_copied(name: str):
    held = optimizer()
    scheduler = make(ours, name, held, **copy.copy(SAVED[name]))
    run(held, scheduler, 3)
    assert isinstance(scheduler, theirs.LRScheduler)
    file = io.BytesIO()
    torch.save(scheduler.state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    assert not any(callable(value) for value in state.values())
    copied = copy.deepcopy(scheduler)
    wanted = run(held, scheduler, 5)
    assert run(copied.optimizer, copied, 5) == [pytest.approx(row, rel=1e-12) for row in wanted]
    if "lr_lambda" not in SAVED[name]:
        again = pickle.loads(pickle.dumps(scheduler))
        assert run(again.optimizer, again, 3) == [pytest.approx(row, rel=1e-12) for row in run(held, scheduler, 3)]


@pytest.mark.parametrize("name", SAVED)
def test_it_goes_without_the_garbage_collector(name: str):
    held = optimizer()
    scheduler = make(ours, name, held, **copy.copy(SAVED[name]))
    run(held, scheduler, 3)
    gone = weakref.ref(scheduler)
    gc.disable()
    try:
        del scheduler
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("name", PLAIN)
def test_torchs_warnings_come_where_torchs_come(name: str):
    def caught(module: Any, calls: list[Any]) -> list[str]:
        held = optimizer()
        held._opt_called = False
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            scheduler = make(module, name, held, **copy.copy(PLAIN[name]))
            for call in calls:
                if call == "optimizer":
                    held.step()
                elif call == "get_lr":
                    scheduler.get_lr()
                else:
                    scheduler.step(*call)
        return [str(warning.message)[:40] for warning in found]

    for calls in (["optimizer", ()], [(), ()], ["optimizer", (3,)], ["optimizer", "get_lr"]):
        assert caught(ours, calls) == caught(theirs, calls), calls


@pytest.mark.parametrize("name", PLAIN)
def test_get_lr_and_the_closed_form_can_be_asked_outside_a_step(name: str):
    found = []
    for module in (theirs, ours):
        held = optimizer()
        scheduler = make(module, name, held, **copy.copy(PLAIN[name]))
        run(held, scheduler, 3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            seen = [*scheduler.get_lr()]
        if hasattr(scheduler, "_get_closed_form_lr"):
            seen += scheduler._get_closed_form_lr()
        found.append(seen)
    assert found[1] == pytest.approx(found[0], rel=1e-12)


def test_what_is_assigned_is_used():
    held = optimizer(1)
    scheduler = ours.StepLR(held, 3, 0.5)
    scheduler.step_size = 1
    assert run(held, scheduler, 1) == [[0.05]]
    marks = ours.MultiStepLR(optimizer(1), [5])
    assert isinstance(marks.milestones, Counter)
    marks.milestones[1] += 1
    assert run(marks.optimizer, marks, 1) == [[pytest.approx(0.01)]]
    base = ours.LambdaLR(optimizer(1), lambda step: 0.5)
    base.base_lrs[0] = 1.0
    assert run(base.optimizer, base, 1) == [[pytest.approx(0.5)]]


def test_an_older_torchs_one_cycle_state_loads():
    held = optimizer()
    old = theirs.OneCycleLR(held, 0.1, 40, anneal_strategy="linear")
    run(held, old, 5)
    state = {**old.state_dict(), "anneal_func": theirs.OneCycleLR._annealing_linear}
    del state["_anneal_func_type"]
    again = optimizer()
    made = ours.OneCycleLR(again, 0.1, 40)
    made.load_state_dict(state)
    assert run(again, made, 20) == [pytest.approx(row, rel=1e-12) for row in run(held, old, 20)]
    assert "anneal_func" not in made.state_dict()
