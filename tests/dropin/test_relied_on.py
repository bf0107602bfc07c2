"""What other code relies on, in every class: each step of a long run, warnings and where they point, states, copies, memory."""

import copy
import gc
import inspect
import io
import pickle
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from twins import Factor, Leg, Recipe, Twins, built, leaves, optimizer, slowly_less, theirs

from glidepath import GlidepathError
from glidepath.torch import lr_scheduler as ours

INSIDE: list[Recipe] = [("LinearLR", {"start_factor": 0.25, "total_iters": 40}), ("CosineAnnealingLR", {"T_max": 110})]
OTHER: list[Recipe] = [("LinearLR", {"start_factor": 0.5, "total_iters": 30}), ("CosineAnnealingLR", {"T_max": 50})]
# Every class with its arguments, and with others for a scheduler that then takes the state of the first.
RECIPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "StepLR": ({"step_size": 40, "gamma": 0.5}, {"step_size": 7, "gamma": 0.9}),
    "MultiStepLR": ({"milestones": [30, 70, 70, 120], "gamma": 0.5}, {"milestones": [5], "gamma": 0.9}),
    "ConstantLR": ({"factor": 0.25, "total_iters": 90}, {"factor": 0.5, "total_iters": 10}),
    "LinearLR": ({"start_factor": 0.25, "end_factor": 0.5, "total_iters": 90}, {"start_factor": 0.9, "total_iters": 7}),
    "ExponentialLR": ({"gamma": 0.98}, {"gamma": 0.5}),
    "PolynomialLR": ({"total_iters": 130, "power": 2.0}, {"total_iters": 9, "power": 1.0}),
    "CosineAnnealingLR": ({"T_max": 60, "eta_min": 0.01}, {"T_max": 9, "eta_min": 0.0}),
    "SWALR": ({"swa_lr": 0.02, "anneal_epochs": 120}, {"swa_lr": 0.05, "anneal_epochs": 9, "anneal_strategy": "linear"}),
    "MultiplicativeLR": ({"lr_lambda": Factor(0.9999)}, {"lr_lambda": Factor(0.5)}),
    "LambdaLR": ({"lr_lambda": Factor(0.98)}, {"lr_lambda": Factor(0.5)}),
    "CosineAnnealingWarmRestarts": ({"T_0": 20, "T_mult": 2, "eta_min": 0.01}, {"T_0": 7, "T_mult": 1, "eta_min": 0.0}),
    "CyclicLR": (
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 30, "step_size_down": 20, "mode": "exp_range", "gamma": 0.99},
        {"base_lr": 0.02, "max_lr": 0.3, "step_size_up": 5, "mode": "triangular2"},
    ),
    "OneCycleLR": ({"max_lr": 0.1, "total_steps": 160}, {"max_lr": 0.3, "total_steps": 200, "anneal_strategy": "linear", "three_phase": True}),
    "ReduceLROnPlateau": (
        {"factor": 0.5, "patience": 3, "cooldown": 2, "min_lr": 0.001, "threshold_mode": "abs"},
        {"mode": "max", "factor": 0.9, "patience": 9},
    ),
    "SequentialLR": ({"schedulers": INSIDE, "milestones": [40]}, {"schedulers": OTHER, "milestones": [20]}),
    "ChainedScheduler": ({"schedulers": INSIDE}, {"schedulers": OTHER}),
}  # fmt: skip
SINGLE = [name for name in RECIPES if name not in ("SequentialLR", "ChainedScheduler", "ReduceLROnPlateau")]


def scheduler_of(name: str, held: torch.optim.Optimizer, module: Any = ours, which: int = 0) -> Any:
    return built((name, RECIPES[name][which]), held, module)


def stepped(held: torch.optim.Optimizer, scheduler: Any, times: int) -> list[list[float]]:
    found = []
    for i in range(times):
        held.step()
        scheduler.step(*([[1.0, 0.5, 0.6][i % 3]] if isinstance(scheduler, theirs.ReduceLROnPlateau) else []))
        found.append([float(group["lr"]) for group in held.param_groups])
    return found


@pytest.mark.parametrize("tensor", [False, True])
@pytest.mark.parametrize("name", RECIPES)
def test_every_step_of_a_long_run_is_torchs(name: str, tensor: bool):
    twins = Twins((name, RECIPES[name][0]), tensor=tensor)
    tensors = [group["lr"] for group in twins.own.groups]
    for i in range(150):
        metric = [0.5 + 0.1 * (i % 7)] if name == "ReduceLROnPlateau" else []
        twins.both(lambda leg: leg.held.step())
        twins.both(lambda leg, metric=metric: leg.made[0].step(*metric))
        twins.agree()
    assert not tensor or all(group["lr"] is first for group, first in zip(twins.own.groups, tensors, strict=True))


@pytest.mark.parametrize("name", RECIPES)
def test_a_state_brings_the_whole_configuration(name: str):
    """Whatever arguments the scheduler was made with, it goes on as the one that saved."""
    held, again = optimizer(), optimizer()
    first = scheduler_of(name, held)
    stepped(held, first, 25)
    file = Leg.saved(_leg(held, first))
    wanted = stepped(held, first, 120)
    fresh = scheduler_of(name, again, which=1)
    found = torch.load(io.BytesIO(file), weights_only=True)
    again.load_state_dict(found["optimizer"])
    fresh.load_state_dict(found["schedulers"][0])
    assert stepped(again, fresh, 120) == [pytest.approx(row, rel=1e-12) for row in wanted]


def _leg(held: Any, made: Any) -> Leg:
    leg = object.__new__(Leg)
    leg.held, leg.made = held, [made]
    return leg


@pytest.mark.parametrize("name", RECIPES)
def test_a_state_has_the_names_of_torchs_and_nothing_that_runs(name: str):
    kept = []
    for module in (theirs, ours):
        held = optimizer()
        scheduler = scheduler_of(name, held, module)
        stepped(held, scheduler, 3)
        kept.append(scheduler.state_dict())
    assert _names(kept[1]) == _names(kept[0])
    assert not any(callable(value) for value in kept[1].values())


def _names(state: dict[str, Any]) -> Any:
    return [sorted(state), *(_names(child) for child in state.get("_schedulers", ()))]


@pytest.mark.parametrize("name", RECIPES)
def test_it_is_freed_without_the_garbage_collector(name: str):
    held = optimizer()
    scheduler = scheduler_of(name, held)
    stepped(held, scheduler, 3)
    scheduler.load_state_dict(scheduler.state_dict())
    gone = [weakref.ref(part) for part in (scheduler, *leaves(scheduler))]
    gc.collect()
    gc.disable()
    try:
        del scheduler
        assert [part() for part in gone] == [None] * len(gone)
    finally:
        gc.enable()


@pytest.mark.parametrize("name", RECIPES)
def test_copies_and_pickles_go_on_alone(name: str):
    held = optimizer()
    scheduler = scheduler_of(name, held)
    stepped(held, scheduler, 7)
    twins = [copy.deepcopy((held, scheduler)), pickle.loads(pickle.dumps((held, scheduler)))]
    wanted = stepped(held, scheduler, 20)
    for pair in twins:
        assert stepped(*pair, 20) == wanted


# Warnings -----------------------------------------------------------------------------------------------------------------------------


def warned(name: str, module: Any, calls: Callable[[Any, Any], None]) -> list[tuple[str, str]]:
    """Returns what calls warn of, and the file that each warning points to."""
    held = optimizer()
    held._opt_called = False
    scheduler = scheduler_of(name, held, module)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        calls(held, scheduler)
    return [(str(warning.message), warning.filename) for warning in found]


def metrics(scheduler: Any) -> list[float]:
    return [0.5] if isinstance(scheduler, theirs.ReduceLROnPlateau) else []


def wrong_order(held: Any, scheduler: Any) -> None:
    for _ in range(3):
        scheduler.step(*metrics(scheduler))


def overridden(held: Any, scheduler: Any) -> None:
    held.step = lambda: None
    held.step()
    wrong_order(held, scheduler)


def an_epoch(held: Any, scheduler: Any) -> None:
    held.step()
    scheduler.step(*metrics(scheduler), 3)


def the_next_rate(held: Any, scheduler: Any) -> None:
    held.step()
    scheduler.step(*metrics(scheduler))
    scheduler.get_lr()


WARNINGS = {
    wrong_order: list(RECIPES),
    overridden: list(RECIPES),
    an_epoch: [*SINGLE, "ReduceLROnPlateau"],
    the_next_rate: SINGLE,
}


@pytest.mark.parametrize(("name", "calls"), [(name, calls) for calls, names in WARNINGS.items() for name in names])
def test_it_warns_of_what_torch_warns_of(name: str, calls: Any):
    found, wanted = (warned(name, module, calls) for module in (ours, theirs))
    assert [text for text, _ in found] == [text for text, _ in wanted]


@pytest.mark.parametrize(
    ("name", "calls"), [(name, calls) for calls, names in WARNINGS.items() for name in names if name in SINGLE]
)
def test_a_warning_points_at_the_caller(name: str, calls: Any):
    assert all(file == __file__ for _, file in warned(name, ours, calls))


@pytest.mark.parametrize("name", RECIPES)
def test_correct_use_warns_of_nothing(name: str):
    def calls(held: Any, scheduler: Any) -> None:
        stepped(held, scheduler, 60)
        scheduler.load_state_dict(scheduler.state_dict())
        stepped(held, scheduler, 5)
        scheduler.get_last_lr()

    assert warned(name, ours, calls) == []


# What is refused ----------------------------------------------------------------------------------------------------------------------

NONSENSE: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 0},
    "MultiStepLR": {"milestones": [2.5]},
    "ConstantLR": {"factor": 1.5},
    "LinearLR": {"start_factor": 0.0},
    "ExponentialLR": {"gamma": -1.0},
    "PolynomialLR": {"total_iters": -1},
    "CosineAnnealingLR": {"T_max": 0},
    "SWALR": {"swa_lr": 0.1, "anneal_strategy": "square"},
    "MultiplicativeLR": {"lr_lambda": [slowly_less]},
    "LambdaLR": {"lr_lambda": 0.5},
    "CosineAnnealingWarmRestarts": {"T_0": 0},
    "CyclicLR": {"base_lr": 0.1, "max_lr": [0.2]},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": -5},
    "ReduceLROnPlateau": {"factor": 1.0},
    "SequentialLR": {"schedulers": INSIDE, "milestones": []},
    "ChainedScheduler": {"schedulers": []},
}


@pytest.mark.parametrize("name", RECIPES)
def test_nonsense_is_refused(name: str):
    with pytest.raises((ValueError, TypeError), match=r"must|should|expect"):
        built((name, NONSENSE[name]), optimizer(), ours)


@pytest.mark.parametrize("name", RECIPES)
def test_a_state_of_nothing_is_refused_and_changes_nothing(name: str):
    scheduler = scheduler_of(name, optimizer())
    before = copy.deepcopy(scheduler.state_dict())
    with pytest.raises(GlidepathError, match="state_dict"):
        scheduler.load_state_dict({})
    assert scheduler.state_dict() == before


@pytest.mark.parametrize("name", RECIPES)
def test_arguments_have_torchs_names_order_and_defaults(name: str):
    found, wanted = (
        {n: p.default for n, p in inspect.signature(kind).parameters.items()}
        for kind in (getattr(ours, name), getattr(theirs, name, None) or torch.optim.swa_utils.SWALR)
    )
    assert found == wanted
    assert list(found) == list(wanted)


# Composites and the plateau: what happens to the groups --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SequentialLR", "ChainedScheduler", "ReduceLROnPlateau"])
def test_groups_that_leave_or_change_places_keep_their_own_rates(name: str):
    recipe = (
        name,
        {"min_lr": [0.001, 0.05, 0.02], "factor": 0.5, "patience": 1}
        if name == "ReduceLROnPlateau"
        else RECIPES[name][0],
    )
    held, plain = optimizer(), optimizer()
    moved, still = built(recipe, held, ours), built(recipe, plain, ours)
    stepped(held, moved, 5), stepped(plain, still, 5)
    held.param_groups.reverse()
    assert stepped(held, moved, 50) == [pytest.approx(row[::-1], rel=1e-12) for row in stepped(plain, still, 50)]
    del held.param_groups[0]
    assert stepped(held, moved, 50) == [pytest.approx(row[1::-1], rel=1e-12) for row in stepped(plain, still, 50)]


@pytest.mark.parametrize("more", [{}, {"milestones": [10]}])
def test_a_group_that_joins_a_composite_follows_it(more: dict[str, Any]):
    inside = [
        ("LinearLR", {"start_factor": 0.25, "total_iters": 10}),
        ("ConstantLR", {"factor": 0.5, "total_iters": 9}),
    ]
    held = optimizer()
    scheduler = built(("SequentialLR" if more else "ChainedScheduler", {"schedulers": inside, **more}), held, ours)
    stepped(held, scheduler, 5)
    held.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.7})
    assert [row[3] for row in stepped(held, scheduler, 20)][-1] == pytest.approx(0.7)
    assert len(scheduler.get_last_lr()) == 4
