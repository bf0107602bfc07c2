"""A value is out of reach of other libraries: nothing that they do with a function changes a schedule, and they save what holds one."""

import copy
import io
import pickle
import weakref
from typing import Any

import cloudpickle
import joblib
import pytest
import torch
from hypothesis import given, settings
from torch.optim import lr_scheduler

import glidepath as gp
import strategies as some
from glidepath.feedback import Plateau
from glidepath.plan import Plan

OTHER = gp.linear(50, floor=0.25)
VALUES = [gp.cosine(10), gp.parse("warmup(3) >> repeat(cosine(4), growth=2)"), gp.curves.Polynomial(3), Plateau()]
VALUES.append(Plan.of({"horizon": {"length": "100 updates"}, "rules": {"schedule": "cosine(100)"}}))


def facts(value: Any) -> tuple[Any, ...]:
    """Return what a value is known by."""
    return value, str(value), hash(value), getattr(value, "fingerprint", None), value.replace()


def used(value: Any) -> Any:
    """Return the value after everything that is cached was looked at."""
    for name in value._caches:
        try:
            getattr(value, name)
        except gp.GlidepathError:
            continue
    return value


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.kind)
def test_nothing_is_read_from_or_written_into_its_dictionary(value: Any):
    before = facts(used(value))

    assert vars(value) == value.__dict__ == {}
    value.__dict__.update(dict.fromkeys([*value.field_names(), *value._caches, "kind", "at"], "other"))
    vars(value)["fingerprint"] = "other"

    assert facts(value) == before
    assert vars(value) == {}
    assert weakref.ref(value)() is value


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.kind)
def test_a_name_that_is_no_field_is_refused(value: Any):
    with pytest.raises(AttributeError, match="cannot assign to field 'nonsense'"):
        value.nonsense = 1
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = value.nonsense


@settings(max_examples=60)
@given(some.schedules)
def test_copies_are_the_same_value(schedule: gp.Schedule):
    before = facts(used(schedule))

    for made in (
        copy.copy(schedule),
        copy.deepcopy(schedule),
        pickle.loads(pickle.dumps(schedule)),
        cloudpickle.loads(cloudpickle.dumps(schedule)),
        schedule.replace(),
    ):
        assert facts(made) == before
    assert joblib.hash(schedule) == joblib.hash(pickle.loads(pickle.dumps(schedule)))


def test_joblib_writes_and_reads_a_schedule(tmp_path: Any):
    joblib.dump(used(VALUES[1]), tmp_path / "schedule")

    assert joblib.load(tmp_path / "schedule") == VALUES[1]
    assert joblib.hash(VALUES[1]) != joblib.hash(VALUES[0])


@pytest.mark.parametrize("text", ["warmup(3) >> cosine(10)", "sgdr(7)", "expression('sin(step / 7) + step % 5 + 2')"])
def test_pytorchs_compiler_looks_through_a_schedule(text: str):
    schedule = gp.parse(text)
    compiled = torch.compile(lambda step: 2 * schedule(step), backend="eager")

    for k in (0, 3, 12, 40):
        assert float(compiled(torch.tensor(k))) == pytest.approx(2 * schedule(k), rel=1e-15)


# Every scheduler of PyTorch that takes a function, with the function in its place.
TAKES_A_FUNCTION = {
    "LambdaLR": lambda optimizer, f: lr_scheduler.LambdaLR(optimizer, f),
    "MultiplicativeLR": lambda optimizer, f: lr_scheduler.MultiplicativeLR(optimizer, f),
    "CyclicLR": lambda optimizer, f: lr_scheduler.CyclicLR(
        optimizer, 0.1, 1.0, step_size_up=4, scale_fn=f, scale_mode="iterations", cycle_momentum=False
    ),
}


def stepped(scheduler: Any, steps: int) -> list[float]:
    rates: list[float] = []
    for _ in range(steps):
        scheduler.optimizer.step()
        scheduler.step()
        rates.append(scheduler.get_last_lr()[0])
    return rates


def begun(name: str, schedule: Any) -> Any:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    return TAKES_A_FUNCTION[name](optimizer, schedule)


def test_every_scheduler_that_takes_a_function_is_here():
    public = {name: getattr(lr_scheduler, name) for name in lr_scheduler.__all__}
    takes = {name for name, cls in public.items() if "Callable" in str(cls.__init__.__annotations__)}

    assert takes == set(TAKES_A_FUNCTION)


@pytest.mark.parametrize("name", TAKES_A_FUNCTION)
def test_a_scheduler_of_pytorch_is_saved_and_loaded_with_a_schedule_in_it(name: str):
    schedule = used(gp.cosine(10, floor=0.5))
    first, before = begun(name, schedule), facts(schedule)
    stepped(first, 3)
    file = io.BytesIO()
    torch.save((first.state_dict(), first.optimizer.state_dict()), file)
    rest = stepped(first, 4)

    again, other = begun(name, schedule), begun(name, used(OTHER))
    was = facts(OTHER)
    for scheduler in (again, other):
        file.seek(0)
        for part, state in zip((scheduler, scheduler.optimizer), torch.load(file, weights_only=True), strict=True):
            part.load_state_dict(state)

    assert stepped(again, 4) == rest
    assert facts(schedule) == before
    assert facts(OTHER) == was
    assert str(OTHER) == "linear(50, floor=0.25)"


def test_optax_leaves_a_schedule_as_it_is():
    import jax.numpy as jnp
    import optax

    schedule = used(gp.cosine(10, floor=0.5))
    before = facts(schedule)
    transform = optax.scale_by_schedule(schedule)
    updates, _ = transform.update({"w": jnp.ones(1)}, transform.init({"w": jnp.ones(1)}))

    assert float(updates["w"][0]) == schedule(0)
    assert facts(schedule) == before
