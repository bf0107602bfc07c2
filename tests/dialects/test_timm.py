"""timm's own schedulers, live, over random arguments: the same rate at every epoch or update, before and past the end."""

import importlib
import importlib.util
import itertools
import sys
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glidepath import GlidepathError, dialects

torch_cases = pytest.importorskip("torch_cases")
found = importlib.util.find_spec("timm")
if found is None:
    pytest.skip("timm is not installed", allow_module_level=True)
sys.modules["timm"] = importlib.util.module_from_spec(found)  # empty: timm itself would import torchvision
scheduling = importlib.import_module("timm.scheduler")
del sys.modules["timm"]

STEPS = 48
whole = st.integers(1, 24)
floors = st.sampled_from([0.0, 1e-5, 0.01])
shapes = ["linear", "1-sqrt", "cosine", "power", "exp"]
before = {
    "warmup_t": st.just(0) | st.integers(0, 12),
    "warmup_lr_init": st.sampled_from([0.0, 1e-4, 0.02]),
    "t_in_epochs": st.booleans(),
}
prefixed = {**before, "warmup_prefix": st.booleans()}
cycles = {
    "cycle_mul": st.sampled_from([1.0, 1.0, 1.5, 2.0, 3.0]),
    "cycle_decay": st.sampled_from([1.0, 0.5, 0.1]),
    "cycle_limit": st.integers(0, 5),
}
lowered = {"t_initial": whole | st.sampled_from([2.5, 7.25]), "lr_min": floors, **cycles, **prefixed}
k_decays = st.sampled_from([1.0, 1.0, 0.7, 2.0])
ARGUMENTS = {
    "CosineLRScheduler": {**lowered, "k_decay": k_decays},
    "TanhLRScheduler": {**lowered, "lb": st.floats(-8, 0), "ub": st.floats(0, 5)},
    "PolyLRScheduler": {**lowered, "k_decay": k_decays, "power": st.sampled_from([0.5, 1.0, 2.0])},
    "StepLRScheduler": {"decay_t": whole | st.sampled_from([2.5, 0.75]), "decay_rate": st.floats(0.1, 1.1), **prefixed},
    "MultiStepLRScheduler": {
        "decay_t": st.lists(st.integers(0, 40), min_size=1, max_size=5).map(sorted),
        "decay_rate": st.floats(0.1, 1.1),
        **prefixed,
    },
    "WSDLRScheduler": {
        "t_initial": whole,
        "decay_t": whole,
        "lr_min": floors | st.just(0.7),
        "stable_fn": st.sampled_from(["constant", "rsqrt", "power"]),
        "stable_timescale": st.none() | st.sampled_from([1, 7, 2.5]),
        "stable_power": st.floats(0.1, 2),
        "decay_fn": st.sampled_from([*shapes, "lambda x: (1 - x) ** 3"]),
        "decay_power": st.floats(0.3, 3),
        "decay_ratio": st.floats(0.01, 0.9),
        **before,
    },
    "create_scheduler_v2": {
        "sched": st.sampled_from(
            ["cosine", "tanh", "poly", "step", "multistep", "constant", "none", "wsd", "rsqrt", "other"]
        ),
        "num_epochs": whole,
        "decay_epochs": st.none() | st.integers(1, 8) | st.sampled_from([0.3, 0.5, 2.5]),
        "decay_milestones": st.lists(st.integers(1, 20), min_size=1, max_size=4).map(sorted),
        "cooldown_epochs": st.integers(0, 3),
        "decay_rate": st.floats(0.1, 1),
        "min_lr": floors,
        "warmup_lr": st.sampled_from([1e-5, 0.01]),
        "warmup_epochs": st.integers(0, 4),
        "warmup_prefix": st.booleans(),
        **cycles,
        "k_decay": k_decays,
        "decay_fn": st.sampled_from([None, *shapes]),
        "stable_timescale": st.none() | st.integers(1, 5),
        "step_on_epochs": st.booleans(),
        "updates_per_epoch": st.integers(1, 4),
    },
}


def cubed(x):
    return (1 - x) ** 3


def made(name, arguments, optimizer):
    """Return timm's scheduler, or None where its factory makes none."""
    given = arguments | ({"decay_fn": cubed} if "lambda" in str(arguments.get("decay_fn")) else {})
    scheduler = getattr(scheduling, name)(optimizer, **given)
    return scheduler[0] if isinstance(scheduler, tuple) else scheduler


def rates(scheduler, optimizer):
    """Return the rate at each step, stepped as timm's training loop does: by update, and by epoch besides."""
    group, by_epoch = optimizer.param_groups[0], getattr(scheduler, "t_in_epochs", True)
    values = [group["lr"]]
    for step in range(1, STEPS):
        if scheduler is not None:
            scheduler.step_update(step * 3 if by_epoch else step)
            scheduler.step(step if by_epoch else step // 3)
        values.append(group["lr"])
    return values


def restarts(arguments):
    """Return the steps at which a cycle begins exactly: timm's logarithm misses some of them."""
    unit = 1 if arguments.get("step_on_epochs", True) else arguments["updates_per_epoch"]
    length = arguments.get("t_initial", arguments.get("num_epochs", 0)) * unit
    warmup = arguments.get("warmup_t", arguments.get("warmup_epochs", 0)) * unit * arguments["warmup_prefix"]
    lengths = [Fraction(length) * Fraction(arguments["cycle_mul"]) ** i for i in range(8)]
    return {warmup + begin for begin in itertools.accumulate(lengths)}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_class_has_timm_s_rates(name):
    @settings(max_examples=40)
    @given(st.fixed_dictionaries(ARGUMENTS[name]), st.sampled_from([0.1, 1.0, 3e-4]))
    def holds(arguments, base):
        optimizer = torch_cases.optimizer(base)
        try:
            scheduler = made(name, arguments, optimizer)
        except (ValueError, AssertionError):
            with pytest.raises(GlidepathError, match=f"timm {name}|timm WSD"):
                dialects.load("timm", name, arguments, base_lr=base)
            return
        theirs = pytest.approx(rates(scheduler, optimizer), rel=1e-10, abs=1e-12)
        followed = dialects.load("timm", name, arguments, base_lr=base, strict=False)
        assert [followed(step) for step in range(STEPS)] == theirs
        if scheduler is not None:
            live = dialects.from_live(scheduler, strict=False)
            assert live.schedule == followed.schedule or [live(step) for step in range(STEPS)] == theirs
        mended = dialects.load("timm", name, arguments, base_lr=base)
        if mended.schedule != followed.schedule:  # timm finds a restart by a logarithm
            at = [step for step in range(STEPS) if step not in restarts(arguments)]
            assert [mended(step) for step in at] == pytest.approx([followed(step) for step in at], rel=1e-9, abs=1e-12)

    holds()


def test_every_class_is_looked_at():
    assert set(ARGUMENTS) == set(dialects.names("timm"))
