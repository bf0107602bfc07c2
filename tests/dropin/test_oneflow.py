"""What OneFlow's classes promise beside their values: signatures, prints, attributes, state, nesting, refusals, groups."""

import copy
import gc
import inspect
import io
import pickle
import warnings
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from runs import near, rates, run
from twins import optimizer
from twins import theirs as torchs

from glidepath import GlidepathError
from glidepath.torch import lr_scheduler, oneflow


def drop(step: int) -> float:
    return 1 / (1 + step)


TAIL = "last_step=-1, verbose=False"
SIGNATURES = {
    "StepLR": f"optimizer, step_size, gamma=0.1, {TAIL}",
    "MultiStepLR": f"optimizer, milestones, gamma=0.1, {TAIL}",
    "ConstantLR": f"optimizer, factor=1/3, total_iters=5, {TAIL}",
    "LinearLR": f"optimizer, start_factor=1/3, end_factor=1.0, total_iters=5, {TAIL}",
    "ExponentialLR": f"optimizer, gamma, {TAIL}",
    "PolynomialLR": f"optimizer, decay_batch, end_learning_rate=0.0001, power=1.0, cycle=False, {TAIL}",
    "CosineDecayLR": f"optimizer, decay_steps, alpha=0.0, {TAIL}",
    "CosineAnnealingLR": f"optimizer, T_max, eta_min=0.0, {TAIL}",
    "CosineAnnealingWarmRestarts": f"optimizer, T_0, T_mult=1, eta_min=0.0, decay_rate=1.0, restart_limit=0, {TAIL}",
    "LambdaLR": f"optimizer, lr_lambda, {TAIL}",
    "MultiplicativeLR": f"optimizer, lr_lambda, {TAIL}",
    "SequentialLR": f"optimizer, schedulers, milestones, interval_rescaling=False, {TAIL}",
    "WarmupLR": "scheduler_or_optimizer, warmup_factor=1/3, warmup_iters=5, warmup_method='linear', warmup_prefix=False, "
    + TAIL,
    "ChainedScheduler": "schedulers",
    "ReduceLROnPlateau": "optimizer, mode='min', factor=0.1, patience=10, threshold=0.0001, threshold_mode='rel', "
    "cooldown=0, min_lr=0, eps=1e-08, verbose=False",
}
PLAIN: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 3, "gamma": 0.5},
    "MultiStepLR": {"milestones": [3, 7, 9], "gamma": 0.5},
    "ConstantLR": {"factor": 0.25, "total_iters": 6},
    "LinearLR": {"start_factor": 0.25, "total_iters": 9},
    "ExponentialLR": {"gamma": 0.9},
    "PolynomialLR": {"decay_batch": 20, "end_learning_rate": 0.01, "power": 2.0},
    "CosineDecayLR": {"decay_steps": 9, "alpha": 0.1},
    "CosineAnnealingLR": {"T_max": 7, "eta_min": 0.01},
    "CosineAnnealingWarmRestarts": {"T_0": 3, "T_mult": 2, "eta_min": 0.01, "decay_rate": 0.7},
    "LambdaLR": {"lr_lambda": drop},
    "MultiplicativeLR": {"lr_lambda": lambda step: 1 - 0.01 * step},
}


def sequence(held: Any) -> Any:
    parts = [oneflow.ConstantLR(held, 0.5, 3), oneflow.ExponentialLR(held, 0.9), oneflow.StepLR(held, 2, 0.5)]
    return oneflow.SequentialLR(held, parts, [4, 8], [True, False])


def chain(held: Any) -> Any:
    return oneflow.ChainedScheduler([oneflow.LinearLR(held, 0.25, 1.0, 4), oneflow.CosineAnnealingLR(held, 6, 0.01)])


def nest(held: Any) -> Any:
    inner = oneflow.SequentialLR(held, [chain(held), oneflow.LambdaLR(held, drop)], [5], True)
    return oneflow.WarmupLR(inner, 0.25, 4, warmup_prefix=True)


MAKERS: dict[str, Any] = {
    **{name: lambda held, name=name: getattr(oneflow, name)(held, **copy.copy(PLAIN[name])) for name in PLAIN},
    "SequentialLR": sequence,
    "ChainedScheduler": chain,
    "WarmupLR": lambda held: oneflow.WarmupLR(oneflow.CosineDecayLR(held, 12, 0.1), 0.25, 4),
    "nest": nest,
}


def test_the_names_are_oneflows_and_tools_take_them_for_pytorchs():
    assert set(SIGNATURES) | {"WarmUpLR"} == set(oneflow.__all__)
    assert oneflow.WarmUpLR is oneflow.WarmupLR
    for name in SIGNATURES:
        plateau = name == "ReduceLROnPlateau"
        assert issubclass(getattr(oneflow, name), torchs.ReduceLROnPlateau if plateau else torchs.LRScheduler)


@pytest.mark.parametrize("name", SIGNATURES)
def test_names_positions_and_defaults_of_arguments_are_oneflows(name: str):
    parameters = inspect.signature(getattr(oneflow, name)).parameters.values()
    found = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters]
    assert ", ".join(found).replace(repr(1 / 3), "1/3") == SIGNATURES[name]


@pytest.mark.parametrize("name", MAKERS)
def test_a_step_writes_the_rate_of_that_step_whatever_it_finds(name: str):
    held, still = optimizer(), optimizer()
    scheduler, other = MAKERS[name](held), MAKERS[name](still)
    run(held, scheduler, 2), run(still, other, 2)
    held.param_groups[1]["lr"] *= 7
    moved, wanted = run(held, scheduler, 1)[0], run(still, other, 1)[0]
    factor = 7 if name == "MultiplicativeLR" else 1  # which is OneFlow's one exception
    assert moved == pytest.approx([wanted[0], wanted[1] * factor, wanted[2]], rel=1e-12)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(
    "order", [("build", "optimizer", "state"), ("optimizer", "build", "state"), ("build", "state", "optimizer")]
)
def test_a_state_is_restored_in_any_order(name: str, order: tuple[str, ...]):
    held = optimizer()
    first = MAKERS[name](held)
    run(held, first, 5)
    saved, state = copy.deepcopy(held.state_dict()), first.state_dict()
    wanted = [rates(held), *run(held, first, 8)]
    again, made = optimizer(), None
    for part in order:
        if part == "build":
            made = MAKERS[name](again)
        elif part == "optimizer":
            again.load_state_dict(saved)
        else:
            made.load_state_dict(state)
    assert [rates(again), *run(again, made, 8)] == near(wanted)


@pytest.mark.parametrize("name", MAKERS)
def test_a_state_alone_brings_the_rates_back_and_is_plain_data(name: str):
    held = optimizer()
    first = MAKERS[name](held)
    run(held, first, 5)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    assert state["last_step"] == 5
    assert "last_epoch" not in state
    before = copy.deepcopy(state)
    again = optimizer()
    made = MAKERS[name](again)
    made.load_state_dict(state)
    assert state == before
    assert rates(again) == rates(held) == made.get_last_lr()
    assert made.last_step == 5
    assert run(again, made, 6) == run(held, first, 6)
    assert state == before


def oneflows(**state: Any) -> dict[str, Any]:
    """Return a state in the form of OneFlow's own classes."""
    return {"last_step": 5, "verbose": False, "base_lrs": [0.1, 0.2, 0.30000000000000004], **state}


def test_a_state_of_oneflows_own_class_loads():
    wanted = [[base * 0.5**3 for base in (0.1, 0.2, 0.30000000000000004)]]
    held = optimizer()
    made = oneflow.StepLR(held, 3, 0.1)
    made.load_state_dict(oneflows(step_size=2, gamma=0.5, _last_lr=[0.025, 0.05, 0.075]))
    assert rates(held) == [0.025, 0.05, 0.075]
    assert run(held, made, 1) == near(wanted)
    warm = oneflows(start_factor=0.5, end_factor=0.9, total_iters=2, _last_lr=[0.05, 0.1, 0.15])
    inner = oneflows(step_size=2, gamma=0.5, _last_lr=[0.1, 0.2, 0.3])
    outer = oneflows(
        warmup_factor=0.5, warmup_iters=2, warmup_method="linear", warmup_prefix=False, schedulers=[warm, inner],
        milestones=[2], interval_rescaling=[False], _last_lr=[0.025, 0.05, 0.075],
    )  # fmt: skip
    held = optimizer()
    made = oneflow.WarmupLR(oneflow.StepLR(held, 3, 0.1))
    made.load_state_dict(outer)
    assert rates(held) == [0.025, 0.05, 0.075]
    assert run(held, made, 1) == near(wanted)
    held = optimizer()
    plateau = oneflow.ReduceLROnPlateau(held, factor=0.5, patience=3)
    plateau.load_state_dict({"last_step": 4, "num_bad_steps": 3, "best": 1.0, "patience": 3, "factor": 0.5})
    plateau.step(1.0)
    assert rates(held) == [0.05, 0.1, 0.15000000000000002]
    assert (plateau.last_step, plateau.num_bad_steps) == (5, 0)
    state = plateau.state_dict()
    assert (state["last_step"], state["num_bad_steps"]) == (5, 0)
    assert not {"last_epoch", "num_bad_epochs"} & set(state)


def test_a_state_that_does_not_fit_is_refused_and_nothing_is_changed():
    held = optimizer()
    made = sequence(held)
    good = copy.deepcopy(made.state_dict())
    run(held, made, 2)
    before, now = rates(held), made.state_dict()
    bad = [
        {**good, "schedulers": good["schedulers"][:2]},
        {**good, "schedulers": [*good["schedulers"][:2], {"last_step": 0, "gamma": 1.0, "base_lrs": [0.1]}]},
        {**good, "schedulers": [*good["schedulers"][:2], {"last_step": 0, "alpha": 1.0}]},
        oneflow.StepLR(optimizer(), 3).state_dict(),
        {},
    ]
    for state in bad:
        with pytest.raises(GlidepathError, match="state_dict must be"):
            made.load_state_dict(state)
        assert (rates(held), made.state_dict()) == (before, now)


@pytest.mark.parametrize("name", [*PLAIN, "WarmupLR"])
def test_a_run_is_resumed_through_last_step(name: str):
    kind = getattr(oneflow, name)
    arguments = copy.copy(PLAIN.get(name, {"warmup_factor": 0.25, "warmup_iters": 8}))
    held = optimizer()
    first = kind(held, **arguments)
    run(held, first, 5)
    saved = copy.deepcopy(held.state_dict())
    wanted = run(held, first, 6)
    again = optimizer()
    with pytest.raises(KeyError, match="initial_lr"):
        kind(again, **arguments, last_step=5)
    again.load_state_dict(saved)
    made = kind(again, **arguments, last_step=5)
    assert made.last_step == 6
    assert [rates(again), *run(again, made, 5)] == near(wanted)


def test_a_warmup_to_above_the_base_rate_is_refused_as_oneflow_refuses_it():
    held = optimizer()
    rises = oneflow.CosineAnnealingLR(held, 4, 0.25)
    before = copy.deepcopy(held.state_dict())
    with pytest.raises(GlidepathError, match=r"from 0 to the base rate at step 4, got 0.25 \(the base rate is 0.1\)"):
        oneflow.WarmupLR(rises, 0.5, 4)
    assert held.state_dict() == before
    assert oneflow.WarmupLR(rises, 0.5, 4, "constant").get_last_lr() == [0.05, 0.1, 0.15000000000000002]


def test_verbose_prints_what_oneflow_prints(capsys: pytest.CaptureFixture[str]):
    held = optimizer(2)
    made = oneflow.StepLR(held, 1, 0.5, verbose=True)
    run(held, made, 1)
    name = "<class 'glidepath.torch.oneflow.classes.StepLR'>"
    assert capsys.readouterr().out.splitlines() == [
        f"Last step 0 of {name} adjusting learning rate of param_groups[0] to 0.10000",
        f"Last step 0 of {name} adjusting learning rate of param_groups[1] to 0.20000",
        f"Last step 1 of {name} adjusting learning rate of param_groups[0] to 0.05000",
        f"Last step 1 of {name} adjusting learning rate of param_groups[1] to 0.10000",
    ]
    made.print_lr(1, 0.25)
    assert capsys.readouterr().out == f"Last step 1 of {name} adjusting learning rate of param_groups[1] to 0.25000\n"
    oneflow.SequentialLR(held, [oneflow.StepLR(held, 1)], [], verbose=True)
    assert "SequentialLR'> adjusting learning rate of param_groups[0] to 0.10000" in capsys.readouterr().out
    plateau = oneflow.ReduceLROnPlateau(held, patience=0, factor=0.5, min_lr=[0.0, 0.2], verbose=True)
    plateau.step(1.0), plateau.step(2.0)
    assert capsys.readouterr().out == "Epoch     2: reducing learning rate of group 0 to 5.0000e-02.\n"
    run(held, oneflow.StepLR(held, 1), 3)
    assert capsys.readouterr().out == ""


def test_attributes_are_live_inside_composites_too():
    held = optimizer(1)
    inner = oneflow.ExponentialLR(held, 0.9)
    made = oneflow.SequentialLR(held, [oneflow.MultiStepLR(held, [2, 4], 0.5), inner], [6])
    assert run(held, made, 2)[-1] == [0.05]
    assert made.schedulers[0].last_step == made.last_step == 2
    made.schedulers[0].milestones.insert(1, 3)
    assert run(held, made, 1) == near([[0.025]])
    made.schedulers[0].gamma = 0.1
    assert run(held, made, 2) == near([[0.0001], [0.0001]])
    inner.gamma, made.interval_rescaling[0] = 0.5, True
    assert run(held, made, 2) == near([[0.1], [0.05]])
    assert (inner.last_step, made.last_step) == (1, 7)
    made.milestones = [100]
    assert run(held, made, 1) == near([[0.0001]])


def test_get_lr_is_oneflows_with_arguments_and_pytorchs_without():
    held = optimizer()
    for made in (oneflow.CosineAnnealingLR(held, 6, 0.01), chain(held), oneflow.LambdaLR(held, [drop] * 3)):
        assert made.get_lr(0.2, 3) == made._values(np.array([0.0, 0.2, 0.0]), 3)[1]
        with pytest.warns(UserWarning, match="get_last_lr"):
            assert made.get_lr() == made.get_last_lr()
    assert oneflow.CosineAnnealingLR(held, 6, 0.01).get_lr(0.2, 6) == 0.01


@pytest.mark.parametrize("name", MAKERS)
def test_tensors_are_filled_in_place_and_never_shared(name: str):
    held, plain = optimizer(tensor=True), optimizer()
    kept = [group["lr"] for group in held.param_groups]
    scheduler = MAKERS[name](held)
    assert run(held, scheduler, 9) == near(run(plain, MAKERS[name](plain), 9))
    assert all(group["lr"] is rate for group, rate in zip(held.param_groups, kept, strict=True))
    others = [g["initial_lr"] for g in held.param_groups] + list(scheduler.base_lrs) + scheduler.get_last_lr()
    assert not {t.data_ptr() for t in kept} & {t.data_ptr() for t in others if isinstance(t, torch.Tensor)}


@pytest.mark.parametrize("name", MAKERS)
def test_schedulers_are_copied_pickled_and_freed(name: str):
    if name not in ("LambdaLR", "MultiplicativeLR"):
        held = optimizer()
        scheduler = MAKERS[name](held)
        run(held, scheduler, 3)
        found = []
        for twin in (copy.deepcopy(scheduler), pickle.loads(pickle.dumps(scheduler))):
            assert twin.optimizer is not held
            found.append(run(twin.optimizer, twin, 5))
        assert found == [run(held, scheduler, 5)] * 2
    gc.collect()
    gc.disable()
    try:
        held = optimizer()
        scheduler = MAKERS[name](held)
        run(held, scheduler, 3)
        gone = weakref.ref(scheduler), weakref.ref(held)
        del scheduler, held
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()


def test_correct_use_warns_of_nothing_and_the_wrong_order_once():
    held = optimizer()
    held._opt_called = False
    scheduler = sequence(held)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        held.step()
        run(held, scheduler, 9)
    held = optimizer()
    del held._opt_called
    scheduler = sequence(held)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        scheduler.step()
    scheduler.step()


def test_a_pytorch_composite_takes_them():
    held = optimizer(1)
    parts = [oneflow.ConstantLR(held, 0.5, 3), oneflow.WarmupLR(oneflow.CosineDecayLR(held, 6), 0.25, 2)]
    made = lr_scheduler.SequentialLR(held, parts, [3])
    alone = optimizer(1)
    found = run(held, made, 9)
    second = oneflow.WarmupLR(oneflow.CosineDecayLR(alone, 6), 0.25, 2)
    assert found == near([[0.05], [0.05], rates(alone), *run(alone, second, 6)])
