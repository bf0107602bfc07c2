"""Our PyTorch schedules against the installed PyTorch, over random arguments and nestings."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_cases import SINGLE, STEPS, Call, chains, children, make, optimizer, peaked, sequences, values

from glidepath import GlidepathError, dialects

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's own, about the order of steps
EXAMPLES = 200
TOLERANCE = 2e-12  # PyTorch multiplies step by step and drifts by about an eps each


def loaded(made: Call, base: float, strict: bool = True, **options: str) -> object:
    return dialects.load("pytorch", made.name, dict(made.arguments), base_lr=base, strict=strict, **options)


def agree(made: Call, ours: object, found: list[float]) -> None:
    scale = max(map(abs, found)) or 1.0
    for step, value in enumerate(found):
        assert abs(ours(step) - value) <= TOLERANCE * scale, (str(made), step, ours(step), value)


@pytest.mark.parametrize("name", SINGLE)
@settings(max_examples=EXAMPLES)
@given(data=st.data(), base=st.floats(1e-4, 2.0))
def test_a_scheduler_has_the_live_values(name: str, data: st.DataObject, base: float):
    made = data.draw(SINGLE[name])
    steps = made.arguments["total_steps"] - 1 if name == "OneCycleLR" else STEPS
    found = values(made, base, steps)
    if len(found) <= steps:  # PyTorch fails with these arguments: we say why
        with pytest.raises(GlidepathError):
            loaded(made, base)(steps)
        return
    agree(made, loaded(made, base), found)


@pytest.mark.parametrize("name", ["CyclicLR", "OneCycleLR"])
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_the_momentum_has_the_live_values(name: str, data: st.DataObject):
    made = data.draw(SINGLE[name])
    steps = made.arguments["total_steps"] - 1 if name == "OneCycleLR" else STEPS
    found = values(made, 0.1, steps, "momentum")
    if len(found) > steps:
        agree(made, loaded(made, 0.1, value="momentum"), found)


@settings(max_examples=300)
@given(sequences(children), st.floats(1e-3, 1.0))
def test_a_sequence_has_the_live_values(made: Call, base: float):
    found = values(made, base)
    ours = loaded(made, base)
    agree(made, ours, found)
    assert len(found) == STEPS + 1


@settings(max_examples=300)
@given(chains(children), st.floats(1e-3, 1.0))
def test_a_chain_has_the_live_values(made: Call, base: float):
    found = values(made, base)
    _agree_and_end(made, base, found)


@settings(max_examples=EXAMPLES)
@given(st.one_of(sequences(peaked), chains(peaked)), st.floats(1e-3, 1.0))
def test_one_cycle_and_cyclic_inside_others_have_the_live_values(made: Call, base: float):
    found = values(made, base)
    _agree_and_end(made, base, found)


@settings(max_examples=300)
@given(
    st.one_of(
        sequences(st.one_of(children, sequences(children), chains(children))),
        chains(st.one_of(children, sequences(children), chains(children))),
    ),
    st.floats(1e-3, 1.0),
)
def test_nested_schedulers_have_the_live_values(made: Call, base: float):
    _agree_and_end(made, base, values(made, base))


def _agree_and_end(made: Call, base: float, found: list[float]) -> None:
    """Asserts the live values, and a refusal at the step where PyTorch itself fails."""
    usable = [value for value in found if value == value and abs(value) < 1e90]
    try:
        ours = loaded(made, base, strict=False)
    except GlidepathError:
        assert not found, str(made)
        return
    if len(usable) == len(found):
        agree(made, ours, found)
    if 0 < len(found) <= STEPS and not ours.closed:
        with pytest.raises(GlidepathError, match="where the rule has no value"):
            ours(len(found))


BROKEN = {
    "StepLR": {"step_size": st.integers(-3, 6) | st.floats(0.5, 6), "gamma": st.floats(-1, 2)},
    "MultiStepLR": {"milestones": st.lists(st.integers(-3, 20) | st.just(2.5)), "gamma": st.floats(-1, 2)},
    "ConstantLR": {"factor": st.floats(-0.5, 1.5), "total_iters": st.integers(-3, 10) | st.floats(0, 9)},
    "LinearLR": {
        "start_factor": st.floats(-0.5, 1.5),
        "end_factor": st.floats(-0.5, 1.5),
        "total_iters": st.integers(-3, 10) | st.floats(0, 9),
    },
    "ExponentialLR": {"gamma": st.floats(-1, 2)},
    "PolynomialLR": {"total_iters": st.integers(-3, 10) | st.floats(0, 9), "power": st.floats(-2, 4)},
    "CosineAnnealingLR": {"T_max": st.integers(-3, 10) | st.floats(0.5, 9), "eta_min": st.floats(-1, 2)},
    "CosineAnnealingWarmRestarts": {"T_0": st.integers(-3, 10), "T_mult": st.integers(-1, 3)},
    "SWALR": {"swa_lr": st.floats(-1, 1), "anneal_epochs": st.integers(-3, 10)},
}


@pytest.mark.parametrize("name", BROKEN)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_odd_arguments_give_the_live_values_when_they_are_asked_for(name: str, data: st.DataObject):
    made = Call(name, data.draw(st.fixed_dictionaries(BROKEN[name])))
    found = values(made, 0.1)
    normal = all(
        value == 0 or abs(value) > 1e-290 for value in found if isinstance(value, float)
    )  # else there are no eps
    if normal and all(isinstance(value, float) and abs(value) < 1e90 for value in found):
        _agree_and_end(made, 0.1, found)


# Live objects -----------------------------------------------------------------------------------------------------------------------------


@settings(max_examples=EXAMPLES)
@given(st.one_of(peaked, sequences(children), chains(children)), st.floats(1e-3, 1.0))
def test_a_live_scheduler_is_read_back(made: Call, base: float):
    found = values(made, base)
    text = str(made)
    if len(found) <= STEPS or "lambda" in text:
        return  # functions made by eval have no source: they are tested below
    if text.count("SWALR") > 1 or text.count("OneCycleLR") > 1:
        return  # they share their rates in the optimizer's group: only the last one's are there to be read
    group = optimizer(base)
    scheduler = make(made, group)
    state = dict(scheduler.__dict__), [dict(g) for g in group.param_groups]
    ours = dialects.from_live(scheduler, strict=False)
    agree(made, ours, found)
    assert state == (scheduler.__dict__, group.param_groups)  # only looked at


def test_a_lambda_is_read_from_its_source_with_the_numbers_around_it():
    import torch

    warmup, decay = 5, 0.9
    group = optimizer(0.1)
    made = torch.optim.lr_scheduler.LambdaLR(
        group, lambda step, k=2: min(1.0, (step + 1) / warmup) * decay ** (step // k)
    )

    ours = dialects.from_live(made)

    assert repr(ours.schedule) == 'expression("min(1, (step + 1) / 5) * 0.9 ** (step // 2)")' or ours(
        7
    ) == pytest.approx(0.1 * 0.9**3)
    assert [ours(t) for t in range(20)] == pytest.approx(
        [0.1 * min(1.0, (t + 1) / warmup) * decay ** (t // 2) for t in range(20)], rel=1e-14
    )


def test_a_named_function_is_read_a_longer_one_too_and_one_that_loops_refused():
    import torch

    def half(step):
        """Halve every ten."""
        return 0.5 ** (step // 10)

    def longer(step):
        step = step + 1
        return 0.5**step

    def looping(step):
        value = 1.0
        for _ in range(step):
            value *= 0.5
        return value

    group = optimizer(0.1)
    assert dialects.from_live(torch.optim.lr_scheduler.LambdaLR(group, half))(10) == 0.05
    assert dialects.from_live(torch.optim.lr_scheduler.LambdaLR(optimizer(0.1), longer))(3) == 0.1 * 0.5**4
    with pytest.raises(GlidepathError, match=r"line \d+ is no assignment.*; give it to load\(\) as text"):
        dialects.from_live(torch.optim.lr_scheduler.LambdaLR(optimizer(0.1), looping))


def test_what_is_not_of_the_step_is_refused():
    import torch

    with pytest.raises(GlidepathError, match="feedback"):
        dialects.from_live(torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer(0.1)))
    with pytest.raises(GlidepathError, match="must be a scheduler of PyTorch, timm or MMEngine"):
        dialects.from_live(object())
    chained = torch.optim.lr_scheduler.ChainedScheduler([torch.optim.lr_scheduler.ConstantLR(optimizer(0.1))])
    functions = torch.optim.lr_scheduler.LambdaLR(optimizer(0.1), lambda step: 1.0)
    for thing in (torch.optim.lr_scheduler.ExponentialLR(optimizer(0.1), 0.9), chained, functions):
        with pytest.raises(GlidepathError, match="group must be from 0 to 0"):
            dialects.from_live(thing, group=1)


def test_each_group_has_its_own_schedule():
    import torch

    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    group = torch.optim.SGD([{"params": weights[0], "lr": 0.1}, {"params": weights[1], "lr": 0.4}])
    made = torch.optim.lr_scheduler.ExponentialLR(group, 0.5)

    assert [dialects.from_live(made, group=i)(1) for i in range(2)] == [0.05, 0.2]
