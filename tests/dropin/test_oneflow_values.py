"""OneFlow's classes on PyTorch's optimizers: every recorded row of OneFlow, and the dialect's schedule for any arguments."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from runs import rates, run
from twins import optimizer

from glidepath import GlidepathError, dialects
from glidepath.dialects.calls import Call, read_value
from glidepath.torch import lr_scheduler, oneflow

RECORDED = Path(__file__).parents[2] / "spec/golden/classic.json"
ROWS = [row for row in json.loads(RECORDED.read_text(encoding="utf-8")) if row["framework"] == "oneflow"]
NO_CLASS = "a decay of the graph kernel that has had no class since 0.7"
# The rows that a class does not follow: (row, the first step that differs, why).
LISTED = {
    i: why
    for i, row in enumerate(ROWS)
    for why in [
        (row["scheduler"].endswith("Conf") and NO_CLASS)
        or (
            row["scheduler"] == "LinearLR"
            and row["version"].startswith("0.7")
            and "before 0.9 the line jumps to the base rate at its end"
        )
        or (
            row["mode"] == "graph"
            and row["kwargs"].get("interval_rescaling") == [True, False]
            and "graph mode keeps the beginning of the rescaled scheduler; eager mode does not"
        )
    ]
    if why
}


def built(held: torch.optim.Optimizer, value: Any) -> Any:
    """Return the scheduler of a call, on an optimizer."""
    if isinstance(value, list):
        return [built(held, item) for item in value]
    if isinstance(value, Call):
        return held if value.name == "optimizer" else make(held, value.name, dict(value.arguments))
    return value


def make(held: torch.optim.Optimizer, name: str, arguments: dict[str, Any]) -> Any:
    read = {k: read_value(v) if isinstance(v, str) and k not in WORDS else v for k, v in arguments.items()}
    read = {k: built(held, v) for k, v in read.items()}
    if "steps" in read:
        read["decay_batch"] = read.pop("steps")  # its name in 0.7
    if name in ("WarmupLR", "ChainedScheduler"):
        return getattr(oneflow, name)(**read)
    kind = lr_scheduler.SWALR if name == "SWALR" else getattr(oneflow, name)
    return kind(held, **read)


WORDS = ("warmup_method", "mode", "threshold_mode", "anneal_strategy")


def measured(row: dict[str, Any]) -> list[float]:
    held = optimizer(1)
    arguments = dict(row["kwargs"])
    metrics = arguments.pop("metrics", None)
    scheduler = make(held, row["scheduler"], arguments)
    if metrics is None:
        return [rate for (rate,) in [rates(held), *run(held, scheduler, len(row["values"]) - 1)]]
    found = rates(held)
    for metric in metrics:
        scheduler.step(metric)
        found += rates(held)
    return found


@pytest.mark.parametrize("i", [i for i in range(len(ROWS)) if LISTED.get(i) != NO_CLASS])
def test_a_recorded_row_is_reproduced_on_a_real_optimizer(i: int):
    row = ROWS[i]
    tolerance = 3e-7 if row["mode"] == "graph" else 1e-14  # graph mode was recorded in float32
    found, recorded = measured(row), row["values"]
    wrong = [abs(a - b) / max(recorded) > tolerance for a, b in zip(found, recorded, strict=True)]
    assert any(wrong) == (i in LISTED), (row["scheduler"], row["kwargs"], found)
    if i in LISTED:  # up to step 6, where the defect begins
        assert wrong.index(True) == 6


def test_the_recorded_rows_are_all_there():
    assert (len(ROWS), len(LISTED)) == (76, 7)
    recorded = {row["scheduler"] for row in ROWS} - {"SWALR"}
    assert {name for name in recorded if not name.endswith("Conf")} <= set(oneflow.__all__)


spans = st.integers(1, 12) | st.sampled_from([2.5, 7.25])
factors = st.floats(0.05, 1.0)
floors = st.floats(0, 0.3)
LEAVES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "StepLR": {"step_size": spans, "gamma": st.floats(0.1, 1.2)},
    "MultiStepLR": {
        "milestones": st.lists(st.integers(0, 20), max_size=5, unique=True).map(sorted),
        "gamma": st.floats(0.1, 1.2),
    },
    "ConstantLR": {"factor": st.just(0.0) | factors, "total_iters": st.just(0) | spans},
    "LinearLR": {"start_factor": st.just(0.0) | factors, "end_factor": factors, "total_iters": st.just(0) | spans},
    "ExponentialLR": {"gamma": st.floats(0.2, 1.1)},
    "PolynomialLR": {
        "decay_batch": spans,
        "end_learning_rate": floors,
        "power": st.floats(0.5, 3),
        "cycle": st.booleans(),
    },
    "CosineDecayLR": {"decay_steps": spans, "alpha": factors},
    "CosineAnnealingLR": {"T_max": spans, "eta_min": floors},
    "CosineAnnealingWarmRestarts": {
        "T_0": st.integers(1, 6),
        "T_mult": st.integers(1, 3),
        "eta_min": floors,
        "decay_rate": factors,
        "restart_limit": st.integers(0, 3),
    },
}
leaf = st.sampled_from(sorted(LEAVES)).flatmap(
    lambda name: st.fixed_dictionaries(LEAVES[name]).map(lambda found: Call(name, found))
)


def nearly(values: list[float]) -> Any:
    return pytest.approx(values, rel=1e-13, abs=1e-16)


def wanted(call: Call, base: float, steps: int) -> list[float]:
    schedule = dialects.load("oneflow", call.name, call.arguments, base_lr=base)
    return [schedule(step) for step in range(steps + 1)]


def refused(call: Call, base: float) -> bool:
    """Return whether the dialect refuses a warmup that would end above the base rate."""
    try:
        wanted(call, base, 0)
    except GlidepathError as refusal:
        return "at most the base rate at step" in str(refusal)
    return False


def agree(call: Call, tensor: bool = False, bases: int = 3) -> None:
    held = optimizer(bases, tensor=tensor)
    scheduler = make(held, call.name, dict(call.arguments))
    found = [rates(held), *run(held, scheduler, 25)]
    for i, base in enumerate(scheduler.base_lrs):
        assert [row[i] for row in found] == nearly(wanted(call, float(base), 25))
    assert scheduler.last_step == scheduler.last_epoch == 25
    assert [float(rate) for rate in scheduler.get_last_lr()] == rates(held)


@settings(max_examples=80)
@given(leaf, st.booleans())
def test_a_class_has_the_dialects_rates_in_every_group(call: Call, tensor: bool):
    agree(call, tensor)


@settings(max_examples=40)
@given(st.lists(leaf, min_size=1, max_size=3), st.data())
def test_a_sequence_has_the_dialects_rates(inside: list[Call], data: st.DataObject):
    size = len(inside) - 1
    marks = sorted(data.draw(st.lists(st.integers(1, 20), min_size=size, max_size=size, unique=True)))
    rescaled = data.draw(st.booleans() | st.lists(st.booleans(), min_size=size, max_size=size))
    agree(Call("SequentialLR", {"schedulers": inside, "milestones": marks, "interval_rescaling": rescaled}))


ACTIONS = ["step", "step", "edit", "reload", "copy", "resume", "reverse", "join", "leave"]


@pytest.mark.filterwarnings(
    "ignore:Seems like `optimizer.step:UserWarning"
)  # a copied optimizer's is the class's own again
@settings(max_examples=60)
@given(leaf, leaf, st.lists(st.sampled_from(ACTIONS), min_size=5, max_size=25), st.booleans())
def test_whatever_happens_the_next_step_has_the_dialects_rates(one: Call, two: Call, actions: list[str], tensor: bool):
    """Edited by hand, saved and loaded, resumed through `last_step`, groups moved, added and removed."""
    call = Call("SequentialLR", {"schedulers": [one, two], "milestones": [6], "interval_rescaling": True})
    held = optimizer(3, tensor=tensor)
    scheduler, steps = make(held, call.name, call.arguments), 0
    for action in [*actions, "step"]:
        groups = held.param_groups
        if action in ("step", "resume"):
            steps += 1
            if action == "step":
                run(held, scheduler, 1)
            else:
                scheduler = make(held, call.name, {**call.arguments, "last_step": steps - 1})
            bases = [float(group["initial_lr"]) for group in groups]
            assert rates(held) == nearly([wanted(call, base, steps)[steps] for base in bases])
            assert (scheduler.last_step, len(scheduler.get_last_lr())) == (steps, len(groups))
        elif action == "edit":
            groups[0]["lr"] *= 1.5
        elif action == "reverse":
            groups.reverse()
        elif action == "join" and len(groups) < 5:
            held.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.7})
        elif action == "leave" and len(groups) > 1:
            del groups[0]
        elif action == "copy":
            scheduler = copy.deepcopy(scheduler)
            held = scheduler.optimizer
        elif action == "reload":
            state, rest = copy.deepcopy(scheduler.state_dict()), copy.deepcopy(held.state_dict())
            scheduler = make(held, call.name, call.arguments)
            held.load_state_dict(rest)
            scheduler.load_state_dict(state)


@settings(max_examples=40)
@given(st.lists(leaf, min_size=1, max_size=3))
def test_a_chain_has_the_dialects_rates(inside: list[Call]):
    agree(Call("ChainedScheduler", {"schedulers": inside}))


@settings(max_examples=60)
@given(st.none() | leaf, factors, st.integers(1, 8), st.sampled_from(["linear", "constant"]), st.booleans())
def test_a_warmup_has_the_dialects_rates(inner: Call | None, factor: float, steps: int, method: str, prefix: bool):
    arguments = {"warmup_factor": factor, "warmup_iters": steps, "warmup_method": method, "warmup_prefix": prefix}
    call = Call("WarmupLR", {"scheduler_or_optimizer": inner or Call("optimizer"), **arguments})
    if any(refused(call, base) for base in (0.1, 0.2, 0.30000000000000004)):
        with pytest.raises(GlidepathError, match="from 0 to the base rate at step"):
            make(optimizer(3), "WarmupLR", copy.copy(call.arguments))
    else:
        agree(call)


@pytest.mark.parametrize("name", ["LambdaLR", "MultiplicativeLR"])
def test_a_function_of_the_step_has_the_dialects_rates(name: str):
    text = "lambda t: 1 - 0.03*t"
    shared, own = optimizer(2), optimizer(2)
    first = getattr(oneflow, name)(shared, lambda t: 1 - 0.03 * t)
    second = getattr(oneflow, name)(own, [lambda t: 1 - 0.03 * t, lambda t: 0.9])
    found, other = [rates(shared), *run(shared, first, 25)], [rates(own), *run(own, second, 25)]
    for i, base in enumerate(first.base_lrs):
        assert [row[i] for row in found] == nearly(wanted(Call(name, {"lr_lambda": text}), base, 25))
    assert [row[0] for row in other] == nearly([row[0] for row in found])
    constant = [0.2 * 0.9 ** (step if name == "MultiplicativeLR" else 1) for step in range(26)]
    assert [row[1] for row in other][1:] == nearly(constant[1:])


metrics = st.lists(st.floats(-2, 2) | st.just(float("nan")), min_size=1, max_size=30)


@settings(max_examples=40)
@given(metrics, st.sampled_from(["min", "max"]), st.sampled_from(["rel", "abs"]), st.integers(0, 3), st.integers(0, 2))
def test_the_plateau_has_the_controllers_rates(seen: Any, mode: Any, kind: Any, patience: int, cooldown: int):
    from glidepath.feedback import OneFlowPlateau

    held = optimizer(2)
    scheduler = oneflow.ReduceLROnPlateau(held, mode, 0.5, patience, 1e-3, kind, cooldown, [0.01, 0.02])
    controller = OneFlowPlateau(
        rates=tuple(rates(held)), factor=0.5, patience=patience, threshold=1e-3, cooldown=cooldown,
        floors=(0.01, 0.02), mode=mode, relative="relative" if kind == "rel" else "absolute",
    )  # fmt: skip
    state = controller.begin()
    for i, metric in enumerate(seen):
        scheduler.step(metric)
        state, _ = controller.observe(state, (i, metric))
        assert rates(held) == list(state.rates)
        assert (scheduler.num_bad_steps, scheduler.cooldown_counter) == (state.bad, state.cooling)
