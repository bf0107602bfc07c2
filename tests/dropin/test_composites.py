"""Schedulers of schedulers where torch's do not work, and the plateau."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import optimizer, theirs

from glidepath import GlidepathError
from glidepath.torch import lr_scheduler as ours


def rates(held: torch.optim.Optimizer) -> list[float]:
    return [float(group["lr"]) for group in held.param_groups]


def run(held: torch.optim.Optimizer, scheduler: Any, steps: int) -> list[list[float]]:
    found = [rates(held)]
    for _ in range(steps):
        held._opt_called = True
        scheduler.step()
        found.append(rates(held))
    return found


def test_a_sequence_inside_a_sequence_is_the_flat_one():
    held, flat = optimizer(1), optimizer(1)
    inner = ours.SequentialLR(held, [ours.ConstantLR(held, 0.5, 3), ours.ExponentialLR(held, 0.9)], [3])
    first = ours.SequentialLR(held, [inner, ours.LinearLR(held, 0.1, 1.0, 4)], [6])
    parts = [ours.ConstantLR(flat, 0.5, 3), ours.ExponentialLR(flat, 0.9), ours.LinearLR(flat, 0.1, 1.0, 4)]
    assert run(held, first, 14) == [pytest.approx(r) for r in run(flat, ours.SequentialLR(flat, parts, [3, 6]), 14)]
    held, flat = optimizer(1), optimizer(1)
    inner = ours.SequentialLR(held, [ours.ConstantLR(held, 0.5, 3), ours.ExponentialLR(held, 0.9)], [3])
    last = ours.SequentialLR(held, [ours.LinearLR(held, 0.1, 1.0, 4), inner], [4])
    parts = [ours.LinearLR(flat, 0.1, 1.0, 4), ours.ConstantLR(flat, 0.5, 3), ours.ExponentialLR(flat, 0.9)]
    assert run(held, last, 14) == [pytest.approx(r) for r in run(flat, ours.SequentialLR(flat, parts, [4, 7]), 14)]


@pytest.mark.parametrize("place", [0, 1])
def test_a_chain_inside_a_sequence_has_its_own_product(place: int):
    held = optimizer(1)
    chain = ours.ChainedScheduler([ours.ConstantLR(held, 0.5, 2), ours.ExponentialLR(held, 0.9)])
    line = ours.LinearLR(held, 0.25, 1.0, 3)
    scheduler = ours.SequentialLR(held, [chain, line] if place == 0 else [line, chain], [3])
    found = [row[0] / 0.1 for row in run(held, scheduler, 6)]
    product = [0.5, 0.45, 0.81, 0.729]
    if place == 0:
        assert found[:3] == pytest.approx(product[:3])
    else:
        assert found[3:] == pytest.approx(product)


def test_what_does_not_fit_is_refused():
    held = optimizer(1)
    parts = [ours.ExponentialLR(held, 0.9) for _ in range(3)]
    with pytest.raises(ValueError, match="in order"):
        ours.SequentialLR(held, parts, [4, 2])
    with pytest.raises(ValueError, match="milestone"):
        ours.SequentialLR(held, parts, [4])
    with pytest.raises(ValueError, match="ReduceLROnPlateau"):
        ours.SequentialLR(held, [parts[0], ours.ReduceLROnPlateau(held)], [2])
    with pytest.raises(ValueError, match="from -1 on"):
        ours.SequentialLR(held, parts, [2, 4], last_epoch=-2)
    scheduler = ours.SequentialLR(held, parts, [2, 4])
    with pytest.raises(GlidepathError, match="3 schedulers"):
        scheduler.load_state_dict({"_schedulers": []})


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-2, 2) | st.just(float("nan")), min_size=1, max_size=30),
    st.sampled_from(["min", "max"]),
    st.integers(0, 3),
    st.booleans(),
)
def test_the_plateau_has_torchs_rates_and_goes_on_from_its_state(metrics: Any, mode: Any, patience: int, tensor: bool):
    made = [
        (held, module.ReduceLROnPlateau(held, mode, 0.5, patience, min_lr=[0.01, 0.02, 0.0], cooldown=1))
        for module, held in ((theirs, optimizer(tensor=tensor)), (ours, optimizer(tensor=tensor)))
    ]
    assert isinstance(made[1][1], theirs.ReduceLROnPlateau)
    for metric in metrics:
        for _, scheduler in made:
            scheduler.step(metric)
        assert rates(made[0][0]) == rates(made[1][0])
    again = optimizer(tensor=tensor)
    fresh = ours.ReduceLROnPlateau(again, mode)
    fresh.load_state_dict(made[1][1].state_dict())
    assert rates(again) == rates(made[1][0])
    for metric in metrics:
        made[0][1].step(metric), fresh.step(metric)
    assert rates(again) == rates(made[0][0])


@pytest.mark.parametrize("arguments", [{"factor": -0.5}, {"factor": 1.0}, {"patience": -1}, {"min_lr": float("nan")}])
def test_a_plateau_that_makes_no_sense_is_refused(arguments: dict[str, Any]):
    with pytest.raises(ValueError, match=r"(must be|should be)"):
        ours.ReduceLROnPlateau(optimizer(), **arguments)
