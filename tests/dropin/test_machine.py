"""Ours and torch's, led through the same random calls, do the same: rates, momenta, attributes, states, warnings."""

import math
import os
from collections import Counter
from typing import Any, ClassVar

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twins import (
    ARGUMENTS,
    BESIDE,
    CARRY_ON,
    CYCLING,
    GOES,
    Leg,
    Recipe,
    Twins,
    changed,
    leaves,
    lengths,
    objects,
    recipe_of,
    theirs,
)

from glidepath.torch import lr_scheduler as ours

EXAMPLES = int(os.environ.get("GLIDEPATH_MACHINE_EXAMPLES", "12"))
# What tools assign, and what to.
LIVE: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    **{name: ARGUMENTS[name] for name in ("StepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR")},
    "CosineAnnealingLR": ARGUMENTS["CosineAnnealingLR"],
    "MultiStepLR": {"milestones": st.lists(st.integers(0, 20), max_size=5).map(Counter), "gamma": st.floats(0.1, 1.2)},
    "SWALR": {"anneal_epochs": lengths},
    "MultiplicativeLR": {"lr_lambdas": objects.map(lambda fn: [fn] * 3)},
    "LambdaLR": {"lr_lambdas": st.lists(objects, min_size=3, max_size=3)},
    "CosineAnnealingWarmRestarts": {"T_i": lengths, "T_cur": st.integers(0, 12), "eta_min": st.floats(0, 0.5)},
    "CyclicLR": {"max_lrs": st.lists(st.floats(0.1, 1), min_size=3, max_size=3)},
    "OneCycleLR": {"total_steps": st.integers(60, 70)},
    "ReduceLROnPlateau": {
        "factor": st.floats(0.1, 0.9),
        "patience": st.integers(0, 3),
        "min_lrs": st.lists(st.floats(0, 0.2), min_size=3, max_size=3),
    },
}
ALL = {"last_epoch": st.integers(0, 8), "base_lrs": st.lists(st.floats(0.1, 1), min_size=3, max_size=3)}
COMPOSITES = ("SequentialLR", "ChainedScheduler")
MODULES = [(ours, ours), (ours, ours), (ours, theirs), (theirs, ours)]  # the composite's and that of what is inside


class Calls(RuleBasedStateMachine):
    """One scheduler of each library on an optimizer, and later perhaps a second one."""

    name: ClassVar[str]

    @initialize(data=st.data(), tensor=st.booleans(), adam=st.booleans())
    def begin(self, data: st.DataObject, tensor: bool, adam: bool) -> None:
        kind = torch.optim.Adam if adam and self.name in CYCLING else torch.optim.SGD
        self.joined = self.spoiled = False
        self.astray = False  # whether the momentum may be another than that of the step
        self.moved = False  # whether get_last_lr is of the last step and the state of the moment
        outer, inner = data.draw(st.sampled_from(MODULES)) if self.name in COMPOSITES else (ours, ours)
        self.twins = Twins(data.draw(recipe_of(self.name)), outer, inner, tensor=tensor, kind=kind)
        self.both = self.twins.both

    def room(self, steps: int) -> bool:
        """Returns whether no one-cycle schedule ends within some steps: what comes after is mended."""
        return all(
            one.last_epoch + steps < one._schedule_phases[-1]["end_step"]
            for made in self.twins.own.made
            for one in leaves(made)
            if hasattr(one, "_schedule_phases")
        )

    @rule(
        trained=st.sampled_from([True, True, True, False]),
        times=st.integers(1, 4),
        metric=st.sampled_from([1.0, 0.95, 0.5, 0.0, -1.0, math.nan]),
    )
    def step(self, trained: bool, times: int, metric: float) -> None:
        def once(leg: Leg) -> None:
            if trained:
                leg.held.step()
            for one in leg.made:
                one.step(*([metric] if isinstance(one, theirs.ReduceLROnPlateau) else []))

        for _ in range(times):
            if not self.room(1):
                break
            tensors = [group["lr"] for group in self.twins.own.groups]
            self.both(once)
            self.astray = False
            self.twins.agree(not self.spoiled)
            now = [group["lr"] for group in self.twins.own.groups]
            assert all(a is b for a, b in zip(tensors, now, strict=True) if isinstance(a, torch.Tensor))
        self.moved = self.spoiled or len(self.twins.own.made) > 1

    @precondition(lambda self: self.name in GOES and not self.joined)
    @rule(epoch=st.integers(0, 20), part=st.sampled_from([0, 0, 0.25, 0.5]))
    def go(self, epoch: int, part: float) -> None:
        first = self.twins.own.made[0]
        if self.name == "CosineAnnealingWarmRestarts":
            epoch = epoch + part
            if first.T_mult > 1 and not part:
                return  # mended: torch takes some restarts for the end of the cycle before
            if first.T_mult == 1 and first.T_i != first.T_0:
                return  # assigned: torch divides by the one and wraps at the other
        if self.room(epoch - first.last_epoch):
            metric = [0.5] if self.name == "ReduceLROnPlateau" else []
            self.both(lambda leg: leg.made[0].step(*metric, epoch))
            self.moved = self.spoiled or len(self.twins.own.made) > 1

    @rule(
        at=st.integers(0, 3),
        factor=st.sampled_from([0.5, 2.0, 1.1, 1.0, 0.0]),
        key=st.sampled_from(["lr", "lr", "momentum"]),
    )
    def edit(self, at: int, factor: float, key: str) -> None:
        def change(leg: Leg) -> None:
            group = leg.groups[at % len(leg.groups)]
            if isinstance(group.get(key), torch.Tensor):
                group[key].mul_(factor)
            elif key in group:
                group[key] *= factor

        self.both(change)
        self.moved = True
        self.astray = self.name in CYCLING

    @rule(data=st.data())
    def assign(self, data: st.DataObject) -> None:
        made = leaves(self.twins.own.made[0])
        at = data.draw(st.integers(0, len(made) - 1))
        kind = type(made[at]).__name__
        name, values = data.draw(st.sampled_from(sorted({**ALL, **LIVE[kind]}.items())))
        value = data.draw(values)
        if kind == "SWALR" and name == "last_epoch":
            return  # mended: torch's counts calls, whatever last_epoch is
        self.both(lambda leg: setattr(leaves(leg.made[0])[at], name, value))
        self.astray = self.name in CYCLING

    @rule(name=st.sampled_from(BESIDE), data=st.data())
    @precondition(lambda self: len(self.twins.own.made) == 1)
    def second(self, name: str, data: st.DataObject) -> None:
        if self.joined and name not in CARRY_ON:
            return
        recipe = data.draw(recipe_of(name))
        self.both(lambda leg: leg.add(recipe))
        self.moved = True

    @rule()
    def join(self) -> None:
        if any(
            recipe[0] not in CARRY_ON or isinstance(recipe[1].get("min_lr"), list) for recipe in self.twins.own.recipes
        ):
            return  # torch's raise
        self.both(
            lambda leg: leg.held.add_param_group(
                {"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.7, "initial_lr": 0.7}
            )
        )
        self.joined = self.moved = True

    def fresh(self, data: st.DataObject) -> list[Recipe]:
        """Returns recipes of the same kinds, of other arguments where the state holds all of them."""
        return [changed(data, recipe) for recipe in self.twins.own.recipes]

    @precondition(lambda self: not self.joined)
    @rule(data=st.data(), swapped=st.booleans())
    def restore(self, data: st.DataObject, swapped: bool) -> None:
        recipes = self.fresh(data)
        if swapped:
            self.twins.swap(recipes)
        else:
            self.both(lambda leg: leg.restored(leg.saved(), recipes))
        if self.astray:  # mended: the momentum of the step is written with the rates of the state
            for peer, own in zip(self.twins.peer.groups, self.twins.own.groups, strict=True):
                peer.update({key: own[key] for key in ("momentum", "betas") if key in own})
        self.moved = self.spoiled = False

    @rule()
    def take_the_optimizer_anew(self) -> None:
        self.both(lambda leg: leg.held.load_state_dict(leg.held.state_dict()))

    @rule(how=st.sampled_from([Leg.copied, Leg.pickled]))
    def copy(self, how: Any) -> None:
        self.both(how)

    @rule()
    def ask(self) -> None:
        if self.joined:
            return
        for at, one in enumerate(self.twins.peer.made):
            if isinstance(one, theirs.SequentialLR | theirs.ChainedScheduler | theirs.ReduceLROnPlateau):
                continue  # torch's have no get_lr
            if type(one) is theirs.PolynomialLR and one.last_epoch == 0:
                continue  # mended: torch divides by a step that is not there
            if type(one) is theirs.CosineAnnealingWarmRestarts and one.T_cur >= one.T_i:
                continue  # assigned: the next step finds its place
            self.both(lambda leg, at=at: list(map(float, leg.made[at].get_lr())))  # torch's are not always tensors
            if hasattr(one, "_get_closed_form_lr"):
                self.both(lambda leg, at=at: list(map(float, leg.made[at]._get_closed_form_lr())))
        self.twins.states_agree()

    @rule()
    def spoil(self) -> None:
        self.both(lambda leg: leg.made[0].get_last_lr().reverse())
        self.moved = self.spoiled = True

    @invariant()
    def agree(self) -> None:
        self.twins.agree(not self.moved)


@pytest.mark.parametrize("name", [*ARGUMENTS, *COMPOSITES])
def test_the_same_calls_do_the_same(name: str):
    kind = type(name, (Calls,), {"name": name})
    run_state_machine_as_test(kind, settings=settings(max_examples=EXAMPLES, stateful_step_count=25, deadline=None))
