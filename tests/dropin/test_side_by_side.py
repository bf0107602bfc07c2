"""Ours and torch's, led through the same random calls, do the same."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import ARGUMENTS, CARRY_ON, RELATIVE, Twins

step = st.just(("step",))
edit = st.tuples(st.just("edit"), st.integers(0, 3), st.sampled_from([0.5, 2.0, 1.1]))
go = st.tuples(st.just("go"), st.integers(0, 20))
CLOSED = [*RELATIVE, "LambdaLR", "CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR"]


def calls(name: str) -> st.SearchStrategy[list[Any]]:
    options = [step, step, step, edit, st.just(("swap",)), st.just(("reload",)), st.just(("second",))]
    if name in CLOSED:
        options.append(go)
    if name in CARRY_ON:
        options.append(st.just(("join",)))
    return st.lists(st.one_of(*options), min_size=5, max_size=30)


def led(twins: Twins, actions: list[Any]) -> None:
    twins.agree()
    joined = moved = False
    for action in actions:
        if joined and action[0] in ("swap", "reload", "go"):
            continue  # torch's have no base rate for a group that joined
        if moved and action[0] == "swap":
            continue  # torch's state has not the rates of the moment, ours has
        joined = joined or action[0] == "join"
        moved = action[0] in ("edit", "second", "join") or (moved and action[0] not in ("step", "go"))
        twins.swap() if action[0] == "swap" else twins.act(action)
        twins.agree(moved)


@pytest.mark.parametrize("name", ARGUMENTS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_same_calls_do_the_same(name: str, data: st.DataObject):
    twins = Twins(name, data.draw(st.fixed_dictionaries(ARGUMENTS[name])))
    led(twins, data.draw(calls(name)))


@pytest.mark.parametrize("name", ["CyclicLR", "OneCycleLR"])
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_the_first_beta_moves_as_torch_moves_it(name: str, data: st.DataObject):
    twins = Twins(name, data.draw(st.fixed_dictionaries(ARGUMENTS[name])), kind=torch.optim.Adam)
    led(twins, data.draw(st.lists(st.one_of(step, edit), min_size=5, max_size=30)))


@pytest.mark.parametrize("name", ARGUMENTS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_tensor_rates_stay_the_tensors_they_were(name: str, data: st.DataObject):
    twins = Twins(name, data.draw(st.fixed_dictionaries(ARGUMENTS[name])), tensor=True)
    groups = twins.pairs[1][1].param_groups
    held = [group["lr"] for group in groups]
    led(twins, data.draw(st.lists(st.one_of(step, step, edit), min_size=5, max_size=20)))
    scheduler = twins.pairs[1][2][0]
    aliases = [group["initial_lr"] for group in groups] + list(scheduler.base_lrs) + list(scheduler.get_last_lr())
    for group, rate in zip(groups, held, strict=True):
        assert group["lr"] is rate
        assert all(rate is not other for other in aliases)
        assert all(not isinstance(o, torch.Tensor) or o.data_ptr() != rate.data_ptr() for o in aliases)
