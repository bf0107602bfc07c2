"""Whatever happens to an optimizer, in whatever order: update k of a group is made with its base times f(k)."""

import copy
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import glidepath as gp
from glidepath.torch import ScheduleLR, attach

SCHEDULE = gp.parse("warmup(4) >> cosine(20, floor=0.05)")
BASES = st.sampled_from([0.1, 0.2, 0.4])
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("update"), st.integers(1, 3)),
        st.tuples(st.just("fail"), st.none()),
        st.tuples(st.just("add"), BASES),
        st.tuples(st.just("reverse"), st.none()),
        st.tuples(st.just("remove"), st.integers(0, 9)),
        st.tuples(st.just("replace"), st.booleans()),
        st.tuples(st.just("reload"), st.none()),
        st.tuples(st.just("spoil"), st.integers(0, 9)),
        st.tuples(st.just("same"), st.integers(0, 9)),
        st.tuples(st.just("resume"), st.booleans()),
    ),
    max_size=12,
)


class Fails(torch.optim.SGD):
    """An optimizer whose step can fail after its hooks ran."""

    fails = False

    def step(self, closure=None):
        if self.fails:
            raise RuntimeError("failed")
        return super().step(closure)


class World:
    """An optimizer that a schedule drives, and what must be true of it."""

    def __init__(self, make, tensors, bases):
        self.make, self.tensors = make, tensors
        self.optimizer = Fails([self.group(base) for base in bases], lr=0.1)
        self.scheduler = make(self.optimizer, SCHEDULE)
        self.base = {
            id(group["params"][0]): base for group, base in zip(self.optimizer.param_groups, bases, strict=True)
        }
        self.k = 0

    def group(self, base):
        return {
            "params": [torch.ones(1, requires_grad=True)],
            "lr": torch.tensor(base, dtype=torch.float64) if self.tensors else base,
        }

    def do(self, action, argument):
        groups = self.optimizer.param_groups
        if action == "update":
            for _ in range(argument):
                self.update()
        elif action == "fail":
            self.optimizer.fails = True
            with pytest.raises(RuntimeError, match="failed"):
                self.optimizer.step()
            self.optimizer.fails = False
        elif action == "add":
            group = self.group(argument)
            self.optimizer.add_param_group(group)
            self.base[id(group["params"][0])] = argument
        elif action == "reverse":
            groups.reverse()
        elif action == "remove" and len(groups) > 1:
            groups.pop(argument % len(groups))
        elif action == "replace":
            made = [dict(group) for group in groups]
            if argument:
                self.optimizer.param_groups = made
            else:
                groups[:] = made
        elif action == "reload":
            self.optimizer.load_state_dict(copy.deepcopy(self.optimizer.state_dict()))
        elif action in ("spoil", "same") and "initial_lr" in groups[argument % len(groups)]:
            group = groups[argument % len(groups)]
            value = 0.7 if action == "spoil" else float(group["lr"])
            if self.tensors:
                group["lr"].fill_(value)
            else:
                group["lr"] = value
            if self.make is ScheduleLR:  # a bridge leaves what others wrote until its own step
                self.scheduler.step()
        elif action == "resume" and self.k:
            if any("initial_lr" not in group for group in groups):
                self.update()  # a group that was added is known to the scheduler from its first update on
            state = self.scheduler.state_dict()
            getattr(self.scheduler, "scheduler", self.scheduler).detach(keep=argument)
            if argument:  # the bases are gone: they are what they were when the groups were made
                for group in groups:
                    group["initial_lr"] = self.base[id(group["params"][0])]
            self.scheduler = self.make(self.optimizer, SCHEDULE)
            self.scheduler.load_state_dict(state)

    def update(self):
        self.optimizer.step()
        used = [float(group["lr"]) for group in self.optimizer.param_groups]
        assert used == [self.base[id(group["params"][0])] * SCHEDULE(self.k) for group in self.optimizer.param_groups]
        self.k += 1
        if self.make is ScheduleLR:
            self.scheduler.step()
            assert self.scheduler.last_epoch == self.k
        else:
            assert self.scheduler.updates == self.k


@settings(max_examples=60)
@given(
    make=st.sampled_from([attach, ScheduleLR]),
    tensors=st.booleans(),
    bases=st.lists(BASES, min_size=1, max_size=12),
    actions=ACTIONS,
)
def test_an_update_uses_the_base_times_the_schedule(make, tensors, bases, actions):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        world = World(make, tensors, bases)
        for action, argument in actions:
            world.do(action, argument)
        world.do("update", 2)
