"""MMEngine's own schedulers, live, over random arguments: each in its window, and lists of configuration files as its runner steps them."""

import warnings

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glidepath import GlidepathError, dialects

torch_cases = pytest.importorskip("torch_cases")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports parts of PyTorch that PyTorch would rather be rid of
    pytest.importorskip("mmengine.optim", reason="mmengine-lite is not installed")
    from mmengine.registry import PARAM_SCHEDULERS

STEPS = 48
ENDLESS = 10**9
lengths = st.integers(1, 20)
gammas = st.floats(0.1, 1.0)
floors = st.sampled_from([{"eta_min": 0.0}, {"eta_min": 0.01}, {"eta_min_ratio": 0.1}])
clocks = st.sampled_from(
    [{}, {"by_epoch": False}, {"epoch_length": 3}, {"epoch_length": 3, "convert_to_iter_based": True}]
)
periods = st.integers(1, 3).flatmap(
    lambda n: st.fixed_dictionaries(
        {
            "periods": st.lists(st.integers(1, 12), min_size=n, max_size=n),
            "restart_weights": st.lists(st.floats(0.1, 1), min_size=n, max_size=n),
        }
    )
)


def own(**arguments):
    return st.fixed_dictionaries(arguments)


ARGUMENTS = {
    "Constant": own(factor=st.floats(0.01, 1)),
    "Linear": own(start_factor=st.floats(0.01, 1), end_factor=st.floats(0, 1)),
    "Exponential": own(gamma=gammas),
    "Step": own(step_size=lengths, gamma=gammas),
    "MultiStep": own(milestones=st.lists(st.integers(0, 30), min_size=1, max_size=5), gamma=gammas),
    "CosineAnnealing": st.builds(dict.__or__, own(T_max=st.none() | lengths), floors),
    "Poly": own(eta_min=st.sampled_from([0.0, 0.01]), power=st.sampled_from([0.5, 1.0, 2.0])),
    "OneCycle": own(
        eta_max=st.floats(0.01, 1),
        total_steps=st.none(),
        pct_start=st.sampled_from([0.1, 0.2, 0.3, 0.45, 0.5]),
        anneal_strategy=st.sampled_from(["cos", "linear"]),
        div_factor=st.floats(1, 50),
        final_div_factor=st.floats(1, 1e4),
        three_phase=st.booleans(),
    ),
    "CosineRestart": st.builds(dict.__or__, periods, floors),
}


@st.composite
def windows(draw, kind, least=0):
    """Return a class's arguments with the window in which it acts; some classes need its end."""
    begin = least + draw(st.just(0) | st.integers(0, 9))
    arguments = draw(ARGUMENTS[kind])
    endless = kind not in ("Linear", "Poly", "OneCycle") and arguments.get("T_max", 1) and draw(st.booleans())
    return arguments | {"begin": begin, "end": ENDLESS if endless else begin + draw(st.integers(2, 25))}


def made(arguments, optimizer, epoch_length=None):
    """Return MMEngine's scheduler as its runner builds it from a part of a configuration file."""
    return PARAM_SCHEDULERS.build(dict(arguments), default_args={"optimizer": optimizer, "epoch_length": epoch_length})


def rates(schedulers, optimizer, epoch_length=None):
    """Return the rate at each step: all are stepped after every iteration, those by epoch after the last of an epoch where it has a length."""
    found = []
    for step in range(1, STEPS + 1):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        for scheduler in schedulers:
            if not (epoch_length and scheduler.by_epoch and step % epoch_length):
                scheduler.step()
    return pytest.approx(found, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_every_class_has_mmengine_s_rates(kind):
    @settings(max_examples=25)
    @given(windows(kind), clocks, st.sampled_from([0.1, 1.0, 3e-4]), st.booleans())
    def holds(own, clock, base, general):
        optimizer, name = torch_cases.optimizer(base), kind + ("ParamScheduler" if general else "LR")
        arguments, length = own | clock | ({"param_name": "lr"} if general else {}), clock.get("epoch_length")
        try:
            scheduler = made({"type": name, **arguments}, optimizer, length)
            theirs = rates([scheduler], optimizer, length)
        except ZeroDivisionError:
            with pytest.raises(GlidepathError, match=r"divides by it"):
                dialects.load("mmengine", name, arguments, base_lr=base)
            return
        ours = dialects.load("mmengine", name, arguments, base_lr=base)
        assert [ours(step) for step in range(STEPS)] == theirs
        if length is None and not (kind == "OneCycle" and own["begin"]):  # which forgets the rate before it begins
            live = dialects.from_live(scheduler)
            assert live.schedule == ours.schedule or [live(step) for step in range(STEPS)] == theirs

    holds()


@st.composite
def lists(draw):
    """Return a warmup, and what follows it, or works beside it if it only multiplies; by epoch or iteration each, and an epoch's length."""
    length, (early, late) = draw(st.integers(1, 5)), draw(st.tuples(st.booleans(), st.booleans()))  # by epoch?
    warmup = {"type": "LinearLR", "by_epoch": early, "begin": 0, "end": draw(st.integers(2, 9))}
    warmup |= {"convert_to_iter_based": True} if early and draw(st.booleans()) else {}
    acted = (warmup["end"] - 1) * length + 1 if early else warmup["end"]
    acted = warmup["end"] * length if "convert_to_iter_based" in warmup else acted
    kind = draw(st.sampled_from(["Step", "MultiStep", "Exponential", "CosineAnnealing", "Poly", "CosineRestart"]))
    beside = kind in ("Step", "MultiStep", "Exponential") and draw(st.booleans())
    least = 0 if beside else -(-acted // length) if late else acted
    main = {"type": kind + "LR", "by_epoch": late, **draw(windows(kind, least))}
    if late and draw(st.booleans()):
        main["convert_to_iter_based"] = True
    return [warmup | {"start_factor": draw(st.floats(0.01, 1))}, main], length


JUST_AFTER = [
    {"type": "LinearLR", "begin": 0, "end": 3, "start_factor": 0.1},  # by epoch: for the last time at iteration 8
    {"type": "CosineAnnealingLR", "by_epoch": False, "begin": 9, "end": 30, "eta_min": 0.01},
]


@settings(max_examples=80)
@example((JUST_AFTER, 4), 0.1)
@given(lists(), st.sampled_from([0.1, 1.0]))
def test_a_list_of_a_configuration_file_has_the_runner_s_rates(found, base):
    parts, length = found
    optimizer = torch_cases.optimizer(base)
    theirs = rates([made(part, optimizer, length) for part in parts], optimizer, length)
    ours = dialects.load("mmengine", "param_scheduler", {"parts": parts, "epoch_length": length}, base_lr=base)
    assert [ours(step) for step in range(STEPS)] == theirs


def test_every_class_is_looked_at():
    names = {kind + end for kind in ARGUMENTS for end in ("LR", "ParamScheduler")}
    assert names == set(dialects.names("mmengine")) - {"param_scheduler"}
