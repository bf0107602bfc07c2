"""What an update is: stand-ins of whoever calls `optimizer.step()`, each with the calling pattern of the real thing."""

import copy
import warnings

import pytest
import torch

import glidepath as gp
from glidepath import GlidepathError
from glidepath.torch import ForeignWriteWarning, ScheduleLR, attach, detach

SCHEDULE = gp.parse("warmup(3, start=0.25) >> linear(17)")
FROM_ZERO = gp.parse("ramp(0, 1, 4) >> linear(16)")
MAKES = [attach, ScheduleLR]


def parameters(count=1, value=1.0):
    return [torch.full((2,), value, requires_grad=True) for _ in range(count)]


def filled(optimizer, value=1.0):
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.full_like(parameter, value)


def watch(optimizer, key="lr"):
    """Record what each call of `step()` finds in the groups that are there."""
    seen = []
    optimizer.register_step_post_hook(lambda o, *_: seen.append([float(group[key]) for group in o.param_groups]))
    return seen


def update(optimizer, scheduler):
    filled(optimizer)
    optimizer.step()
    if isinstance(scheduler, ScheduleLR):
        scheduler.step()


def updates(scheduler):
    return getattr(scheduler, "scheduler", scheduler).updates


# The state made by a dummy step ---------------------------------------------------------------------------------------


def make_state(optimizer):
    """As `torch.distributed.checkpoint.state_dict._init_optim_state` makes the state that an optimizer does not have yet."""
    filled(optimizer, 0.0)
    rates = [group["lr"] for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        group["lr"] = torch.tensor(0.0) if isinstance(group["lr"], torch.Tensor) else 0.0
    optimizer.step(closure=None)
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    optimizer.zero_grad()


@pytest.mark.parametrize("schedule", [SCHEDULE, FROM_ZERO], ids=["from 1/4", "from 0"])
@pytest.mark.parametrize("foreign", ["restore", "adopt", "refuse"])
@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize("at", [0, 1, 5, 30])
@pytest.mark.parametrize("make", MAKES)
def test_a_dummy_step_moves_nothing_counts_nothing_and_tells_nobody(make, at, tensors, foreign, schedule):
    """State made by a dummy step: every rate 0, gradients of zeros, a step, the rates back; weight decay would move the weights."""
    weights = parameters(2)
    groups = [{"params": [w], "lr": 0.1 * (i + 1)} for i, w in enumerate(weights)]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.5)
    scheduler, told = make(optimizer, schedule, foreign=foreign, tensors=tensors), []
    for _ in range(at):
        update(optimizer, scheduler)
    driven = getattr(scheduler, "scheduler", scheduler)
    driven.on_update(told.append)
    driven.on_step(told.append)
    before = [w.detach().clone() for w in weights]
    held = [float(group["lr"]) for group in optimizer.param_groups]
    make_state(optimizer)
    assert all(torch.equal(w, old) for w, old in zip(weights, before, strict=True))
    assert [float(group["lr"]) for group in optimizer.param_groups] == held
    assert (driven.updates, told) == (at, [])
    seen = watch(optimizer)
    update(optimizer, scheduler)
    assert seen == [[pytest.approx(0.1 * schedule(at)), pytest.approx(0.2 * schedule(at))]]
    assert driven.updates == at + 1


def test_a_dummy_step_of_a_schedule_that_drives_no_rate():
    """State made by a dummy step, under a schedule of the weight decay alone."""
    optimizer = torch.optim.AdamW(parameters(), lr=0.1, weight_decay=0.5)
    scheduler = attach(optimizer, {"weight_decay": "linear(10)"})
    update(optimizer, scheduler)
    make_state(optimizer)
    update(optimizer, scheduler)
    assert scheduler.updates == 2
    assert optimizer.param_groups[0]["weight_decay"] == 0.5 * 0.9


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("tensors", [False, True])
def test_an_update_without_gradients_at_our_own_zero_counts(make, tensors):
    """A warmup that begins at 0 and a batch whose gradients are all zeros: an update, though it looks like a dummy step."""
    weights = parameters(2)
    optimizer = torch.optim.SGD(weights, lr=0.1)
    scheduler = make(optimizer, FROM_ZERO, tensors=tensors)
    for made in range(3):
        for weight in weights:
            weight.grad = torch.zeros_like(weight)
        optimizer.step()
        getattr(scheduler, "step", lambda: None)()
        assert updates(scheduler) == made + 1
        assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(
            0.1 * FROM_ZERO(made + (make is ScheduleLR)), rel=1e-6
        )


@pytest.mark.parametrize("foreign", ["restore", "adopt"])
def test_a_zero_that_somebody_wrote_is_no_dummy_step(foreign):
    """`foreign="adopt"` never adopts 0, which has no ratio: the schedule goes on."""
    optimizer = torch.optim.SGD(parameters(), lr=0.1)
    scheduler = attach(optimizer, SCHEDULE, foreign=foreign)
    update(optimizer, scheduler)
    optimizer.param_groups[0]["lr"] = 0.0
    with pytest.warns(ForeignWriteWarning, match="the schedule goes on"):
        update(optimizer, scheduler)
    assert (scheduler.updates, optimizer.param_groups[0]["lr"]) == (2, 0.1 * SCHEDULE(1))


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_real_dummy_step(make, momentum):
    """PyTorch's `get_optimizer_state_dict` and `set_optimizer_state_dict`, before, while and after a run."""
    tools = pytest.importorskip("torch.distributed.checkpoint.state_dict")
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=momentum, weight_decay=0.5)
    scheduler, seen = make(optimizer, FROM_ZERO), watch(optimizer)
    for made in range(4):
        weight = model.weight.detach().clone()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            state = tools.get_optimizer_state_dict(model, optimizer)
            tools.set_optimizer_state_dict(model, optimizer, state)
        assert torch.equal(model.weight, weight)
        assert updates(scheduler) == made
        seen.clear()
        update(optimizer, scheduler)
        optimizer.zero_grad()
        assert seen == [[0.1 * FROM_ZERO(made)]]


# Several calls for one update -----------------------------------------------------------------------------------------


def zero_1(optimizer):
    """DeepSpeed's ZeRO 1 and 2: for each group, `param_groups` is the list of that one."""
    groups = optimizer.param_groups
    for group in groups:
        optimizer.param_groups = [group]
        optimizer.step()
        optimizer.param_groups = groups


class Zero3:
    """DeepSpeed's ZeRO 3: a group is stepped once for each of its sub-groups, every one with another flat parameter."""

    def __init__(self, optimizer, sizes):
        self.optimizer = optimizer
        self.flat = [parameters(size) for size in sizes]
        for group in optimizer.param_groups:
            group["params"] = []

    def __call__(self, optimizer):
        for group, flats in zip(optimizer.param_groups, self.flat, strict=True):
            for flat in flats:
                flat.grad = torch.ones_like(flat)
                group["params"] = [flat]
                optimizer.step()
                group["params"] = []


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("bases", [(0.1,), (0.1, 0.1), (0.1, 0.2, 0.4)])
def test_zero_1_steps_each_group_alone(make, bases):
    """One step a group: one update, with all groups at the same position."""
    groups = [{"params": parameters(), "lr": base, "name": str(i)} for i, base in enumerate(bases)]
    optimizer = torch.optim.SGD(groups)
    scheduler, seen = make(optimizer, SCHEDULE), watch(optimizer)
    driven = getattr(scheduler, "scheduler", scheduler)
    told, steps = [], []
    driven.on_update(told.append)
    driven.on_step(steps.append)
    for k in range(8):
        zero_1(optimizer)
        if make is ScheduleLR:
            scheduler.step()
        assert seen == [[base * SCHEDULE(k)] for base in bases]
        seen.clear()
        assert driven.updates == k + 1
        assert [applied.value for applied in driven.last] == [base * SCHEDULE(k) for base in bases]
        assert [(a.update, a.group, a.value) for a in told[-len(bases) :]] == [
            (k, str(i), base * SCHEDULE(k)) for i, base in enumerate(bases)
        ]
    assert steps == list(range(8))
    assert len(told) == 8 * len(bases)


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("sizes", [(1,), (2,), (3,), (1, 1), (2, 3), (1, 2, 1)])
@pytest.mark.parametrize("early", [True, False])
def test_zero_3_steps_each_sub_group_alone(make, sizes, early):
    """One step a sub-group: the same group several times in one update, attached before or after DeepSpeed takes the parameters."""
    bases = [0.1 * (i + 1) for i in range(len(sizes))]
    optimizer = torch.optim.SGD([{"params": parameters(), "lr": base} for base in bases])
    step = None if early else Zero3(optimizer, sizes)
    scheduler, seen = make(optimizer, SCHEDULE), watch(optimizer)
    step = step or Zero3(optimizer, sizes)
    for k in range(8):
        step(optimizer)
        if make is ScheduleLR:
            scheduler.step()
        assert len(seen) == sum(sizes)
        assert seen[-1] == [base * SCHEDULE(k) for base in bases]
        seen.clear()
        assert updates(scheduler) == k + 1


def test_a_state_is_saved_and_loaded_under_zero_1():
    groups = [{"params": parameters(), "lr": base} for base in (0.1, 0.2)]
    optimizer = torch.optim.SGD(groups)
    scheduler = attach(optimizer, SCHEDULE)
    for _ in range(4):
        zero_1(optimizer)
    state = scheduler.state_dict()
    again = torch.optim.SGD([{"params": parameters(), "lr": base} for base in (0.1, 0.2)])
    resumed, seen = attach(again, SCHEDULE), watch(again)
    resumed.load_state_dict(state)
    zero_1(again)
    assert seen == [[0.1 * SCHEDULE(4)], [0.2 * SCHEDULE(4)]]
    assert resumed.updates == 5


def test_regular_steps_between_partial_ones():
    """Whoever mixes both: a parameter is updated once an update."""
    groups = [{"params": parameters(), "lr": base} for base in (0.1, 0.2)]
    optimizer = torch.optim.SGD(groups)
    scheduler, seen = attach(optimizer, SCHEDULE), watch(optimizer)
    for k in range(12):
        seen.clear()
        if k % 3 == 2:
            zero_1(optimizer)
        else:
            optimizer.step()
        assert [value for row in seen for value in row] == [0.1 * SCHEDULE(k), 0.2 * SCHEDULE(k)]
        assert scheduler.updates == k + 1


# Several steps inside one ---------------------------------------------------------------------------------------------


class Nested(torch.optim.SGD):
    """A subclass whose step calls that of its parent: hooks run twice."""

    def step(self, closure=None):
        return super().step(closure)


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("kind", [Nested, torch.optim.LBFGS])
def test_steps_inside_a_step_and_closures(make, kind):
    """`super().step()` chains, and LBFGS, which evaluates its closure many times in one step."""
    weights = parameters()
    optimizer = kind(weights, lr=0.1)
    scheduler, seen = make(optimizer, SCHEDULE), watch(optimizer)

    def closure():
        optimizer.zero_grad()
        loss = (weights[0] ** 2).sum()
        loss.backward()
        return loss

    for k in range(5):
        optimizer.step(closure)
        if make is ScheduleLR:
            scheduler.step()
        assert seen[-1] == [0.1 * SCHEDULE(k)]
        assert updates(scheduler) == k + 1


def test_a_step_that_failed_and_is_tried_again_is_one_update():
    class Fails(torch.optim.SGD):
        fails = False

        def step(self, closure=None):
            if self.fails:
                raise RuntimeError("failed")
            return super().step(closure)

    for groups in (1, 2):
        optimizer = Fails([{"params": parameters()} for _ in range(groups)], lr=0.1)
        scheduler, seen = attach(optimizer, SCHEDULE, samples=4), watch(optimizer)
        whole = optimizer.param_groups
        for k in range(6):
            optimizer.fails = k % 2 == 1
            if optimizer.fails:
                with pytest.raises(RuntimeError, match="failed"):
                    zero_1(optimizer)
                optimizer.fails, optimizer.param_groups = False, whole
            zero_1(optimizer)
            assert seen[-1] == [0.1 * SCHEDULE(k)]
            assert (scheduler.updates, scheduler.samples) == (k + 1, 4 * (k + 1))


# Wrappers -------------------------------------------------------------------------------------------------------------


class SAM(torch.optim.Optimizer):
    """As the SAM of davda54 and others: it climbs, and its inner optimizer, which shares its groups, makes the update."""

    def __init__(self, params, base, rho=0.05, **options):
        super().__init__(params, {"rho": rho, **options})
        self.base_optimizer = base(self.param_groups, **options)
        self.param_groups = self.base_optimizer.param_groups

    def first_step(self):
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["old"] = p.detach().clone()
                p.data.add_(p.grad, alpha=group["rho"])

    def second_step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.data.copy_(self.state[p]["old"])
        self.base_optimizer.step()

    def step(self, closure=None):
        self.first_step()
        closure()
        self.second_step()


class Lookahead(torch.optim.Optimizer):
    """As the common Lookahead: it never calls the constructor of Optimizer, so that it has no hooks."""

    def __init__(self, optimizer):
        self.optimizer, self.param_groups, self.state = optimizer, optimizer.param_groups, optimizer.state
        self.defaults = optimizer.defaults

    def step(self, closure=None):
        return self.optimizer.step(closure)


class LARC:
    """As apex's LARC: no Optimizer at all."""

    def __init__(self, optimizer):
        self.optim = optimizer

    @property
    def param_groups(self):
        return self.optim.param_groups

    def step(self):
        self.optim.step()


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("two", [True, False])
def test_sam_by_two_steps_or_by_one(make, two):
    """Its own `step()` is never called by `first_step` and `second_step`; the hooks are on the inner optimizer."""
    optimizer = SAM(parameters(), torch.optim.SGD, lr=0.1)
    scheduler, seen = make(optimizer, SCHEDULE), watch(optimizer.base_optimizer)
    for k in range(5):
        filled(optimizer)
        if two:
            optimizer.first_step()
            optimizer.second_step()
        else:
            optimizer.step(lambda: filled(optimizer))
        if make is ScheduleLR:
            scheduler.step()
        assert seen[-1] == [0.1 * SCHEDULE(k)]
        assert (updates(scheduler), len(seen)) == (k + 1, k + 1)


@pytest.mark.parametrize("wrap", [Lookahead, LARC, lambda o: LARC(Lookahead(o))])
def test_wrappers_that_share_the_groups(wrap):
    inner = torch.optim.SGD(parameters(), lr=0.1)
    wrapper, seen = wrap(inner), watch(inner)
    scheduler = attach(wrapper, SCHEDULE)
    for _ in range(3):
        wrapper.step()
    assert (seen, scheduler.updates) == ([[0.1 * SCHEDULE(k)] for k in range(3)], 3)
    detach(wrapper)
    assert not inner._optimizer_step_pre_hooks


def test_an_optimizer_that_updates_elsewhere_is_refused_with_a_remedy():
    """LOMO's `fused_backward` updates inside the backward pass: there is no `step()` to hook."""

    class LOMO(torch.optim.Optimizer):
        def __init__(self, model, lr):
            super().__init__(model.parameters(), {"lr": lr})

        def fused_backward(self, loss, lr):
            loss.backward()

    class Stepless(torch.optim.Optimizer):
        def __init__(self):
            super().__init__(parameters(), {"lr": 0.1})

    for make in MAKES:
        for optimizer in (LOMO(torch.nn.Linear(2, 1), 0.1), Stepless()):
            with pytest.raises(GlidepathError, match=r"one whose step\(\) makes the updates, got .*apply\(optimizer"):
                make(optimizer, SCHEDULE)
            gp.torch.apply(optimizer, SCHEDULE, 2)
            assert optimizer.param_groups[0]["lr"] == 0.1 * SCHEDULE(2)


# Several optimizers ---------------------------------------------------------------------------------------------------


def pair():
    return torch.optim.SGD(parameters(), lr=0.5), torch.optim.AdamW(parameters(), lr=0.1)


@pytest.mark.parametrize("named", [True, False])
def test_two_optimizers_are_one_run(named):
    """Muon and AdamW: one position, one state, whatever the order of their steps."""
    one, two = pair()
    scheduler = attach({"muon": one, "adamw": two} if named else [one, two], SCHEDULE)
    seen = watch(one), watch(two)
    steps, told = [], []
    scheduler.on_step(steps.append)
    scheduler.on_update(told.append)
    for k in range(6):
        for optimizer in (one, two) if k != 3 else (two,):  # a scaler skips the first in update 3
            filled(optimizer)
            optimizer.step()
        assert seen[1][-1] == [0.1 * SCHEDULE(k)]
        # Who was skipped cannot know that it was: it makes its part with the value of the update that the other has begun.
        assert k == 3 or seen[0][-1] == [0.5 * SCHEDULE(k if k < 3 else k - 1)]
        assert scheduler.updates == k + 1
    assert steps == list(range(6))
    assert {applied.group for applied in told} == ({"muon/0", "adamw/0"} if named else {"0", "1"})
    state = scheduler.state_dict()
    others = pair()
    resumed = attach({"muon": others[0], "adamw": others[1]} if named else list(others), SCHEDULE)
    resumed.load_state_dict(state)
    again = watch(others[1])
    others[0].step()
    others[1].step()
    assert (again, resumed.updates) == ([[0.1 * SCHEDULE(6)]], 7)
    resumed.detach()
    assert [o.param_groups[0]["lr"] for o in others] == [0.5, 0.1]


def test_groups_of_named_optimizers_are_chosen_by_both_names():
    one, two = pair()
    two.add_param_group({"params": parameters(), "name": "head"})
    rules = [gp.plan.Rule("linear(10)", groups="muon/*"), gp.plan.Rule("cosine(10)", groups="adamw/*")]
    scheduler = attach({"muon": one, "adamw": two}, rules)
    for _ in range(3):
        one.step()
        two.step()
    assert [applied.group for applied in scheduler.last] == ["muon/0", "adamw/0", "adamw/head"]
    assert one.param_groups[0]["lr"] == 0.5 * gp.linear(10)(2)
    assert [group["lr"] for group in two.param_groups] == [0.1 * gp.cosine(10)(2)] * 2
    with pytest.raises(GlidepathError, match=r"groups must be patterns that match a group \('muon/0'\)"):
        attach({"muon": pair()[0]}, [gp.plan.Rule("linear(9)", groups="adam/*")])


def test_an_optimizer_a_parameter_in_the_backward_pass():
    """As in torchtune and torchtitan: 200 optimizers step inside the backward pass; one scheduler, one small state."""
    weights = parameters(200)
    optimizers = {id(w): torch.optim.SGD([w], lr=0.1) for w in weights}
    scheduler = attach(list(optimizers.values()), SCHEDULE)

    def in_backward(parameter):
        optimizers[id(parameter)].step()
        optimizers[id(parameter)].zero_grad()

    for w in weights:
        w.register_post_accumulate_grad_hook(in_backward)
    seen = [watch(optimizer) for optimizer in optimizers.values()]
    for k in range(4):
        sum((w**2).sum() for w in weights).backward()
        assert {row[-1][0] for row in seen} == {0.1 * SCHEDULE(k)}
        assert scheduler.updates == k + 1
    assert len(str(scheduler.state_dict())) < 1500


def test_a_composite_without_hooks_is_driven_by_its_parts():
    """An optimizer that is made of others and never called the constructor of Optimizer."""

    class Composite(torch.optim.Optimizer):
        def __init__(self, *parts):
            self.parts = parts

        @property
        def param_groups(self):
            return [group for part in self.parts for group in part.param_groups]

        def step(self, closure=None):
            for part in self.parts:
                part.step()

    one, two = pair()
    composite = Composite(one, two)
    scheduler, seen = attach(composite, SCHEDULE), watch(two)
    for _ in range(4):
        composite.step()
    assert (scheduler.updates, seen) == (4, [[0.1 * SCHEDULE(k)] for k in range(4)])
    with pytest.raises(GlidepathError, match=r"one or several optimizers, each once"):
        attach([one, one], SCHEDULE)
    with pytest.raises(
        GlidepathError, match=r"attach: optimizer must be one or several optimizers, each once, got \[\]"
    ):
        attach([], SCHEDULE)


def test_two_optimizers_with_a_fused_skip():
    """A fused optimizer that a scaler skips inside its kernel says so by `found_inf`; the other one makes the update."""

    class Fused(torch.optim.Optimizer):
        _step_supports_amp_scaling = True

        def step(self, closure=None):
            return None

    one, two = Fused(parameters(), {"lr": 0.5}), torch.optim.SGD(parameters(), lr=0.1)
    scheduler, seen = attach([one, two], SCHEDULE, samples=8), watch(two)
    for k in range(5):
        one.found_inf = torch.tensor(float(k in (1, 3)))
        one.step()
        if k != 3:
            two.step()
    assert seen == [[0.1 * SCHEDULE(k)] for k in range(4)]
    assert (scheduler.updates, scheduler.samples) == (4, 40)  # both were skipped in the fourth


def test_a_deepcopy_of_the_optimizer_carries_no_hooks():
    optimizer = torch.optim.SGD(parameters(), lr=0.1)
    scheduler = attach(optimizer, SCHEDULE)
    other = copy.deepcopy(optimizer)
    other.step()
    assert (scheduler.updates, len(other._optimizer_step_pre_hooks)) == (0, 0)
