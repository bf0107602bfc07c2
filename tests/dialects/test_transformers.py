"""transformers' own schedulers, live, over random arguments: the same rate at every step, before and past the end."""

import warnings

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from glidepath import GlidepathError, dialects

torch = pytest.importorskip("torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    optimization = pytest.importorskip("transformers.optimization")

STEPS = 80
shapes = st.sampled_from(["linear", "cosine", "1-sqrt"])
cycles = st.sampled_from([0.25, 0.5, 1, 1.5, 2, 3, 5]) | st.floats(0.1, 4)


def rates(function, arguments: dict, base: float) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
    scheduler = function(optimizer=optimizer, **arguments)
    found = []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@st.composite
def calls(draw):
    warmup = draw(st.integers(0, 40) | st.sampled_from([4.5, 17.4, 40 / 3]))
    total = warmup + draw(st.integers(1, 40) | st.integers(-5, -1))
    assume(total > warmup or isinstance(warmup, int))
    floor = draw(st.sampled_from([{"min_lr": 0.0}, {"min_lr": 0.01}, {"min_lr_rate": 0.1}, {"min_lr_rate": 0}]))
    both = {"num_warmup_steps": warmup, "num_training_steps": max(total, 0)}
    decay = draw(st.integers(0, 12))
    stable = draw(
        st.sampled_from([{"num_stable_steps": 7}, {"num_stable_steps": 0}])
        | st.integers(-3, 9).map(lambda n: {"num_training_steps": max(warmup + decay + n, 0)})
    )
    arguments = {
        "get_constant_schedule": {},
        "get_constant_schedule_with_warmup": {"num_warmup_steps": warmup},
        "get_linear_schedule_with_warmup": both,
        "get_cosine_schedule_with_warmup": {**both, "num_cycles": draw(cycles)},
        "get_cosine_with_hard_restarts_schedule_with_warmup": {**both, "num_cycles": draw(st.integers(1, 7))},
        "get_polynomial_decay_schedule_with_warmup": {
            **both,
            "lr_end": 1e-6,
            "power": draw(st.sampled_from([0.5, 1, 2])),
        },
        "get_inverse_sqrt_schedule": {"num_warmup_steps": warmup, "timescale": draw(st.none() | st.integers(1, 99))},
        "get_cosine_with_min_lr_schedule_with_warmup": {**both, **floor, "num_cycles": draw(cycles)},
        "get_cosine_with_min_lr_schedule_with_warmup_lr_rate": {
            **both,
            **floor,
            "warmup_lr_rate": draw(st.none() | st.sampled_from([0.0, 0.1, 1.0])),
        },
        "get_wsd_schedule": {
            "num_warmup_steps": warmup,
            "num_decay_steps": decay,
            **stable,
            "warmup_type": draw(shapes),
            "decay_type": draw(shapes),
            "min_lr_ratio": draw(st.sampled_from([0.0, 0.1, 0.5])),
        },
    }
    name = draw(st.sampled_from(sorted(arguments)))
    return name, arguments[name], draw(st.sampled_from([0.1, 3e-4, 5e-5]))


@settings(max_examples=150)
@given(calls())
def test_every_function_has_the_library_s_rates(call):
    name, arguments, base = call
    nothing_left = arguments.get("num_training_steps") == arguments.get("num_warmup_steps")
    assume("polynomial" not in name or not nothing_left)  # a division by 0 at the end, refused
    made = dialects.load("transformers", name, arguments, base_lr=base)
    assert [made(step) for step in range(STEPS)] == pytest.approx(
        rates(getattr(optimization, name), arguments, base), rel=1e-12, abs=1e-14 + 1e-12 * base
    )


@pytest.mark.parametrize("kind", sorted(set(optimization.SchedulerType) - {"reduce_lr_on_plateau", "greedy"}))
def test_get_scheduler_makes_each_of_its_types(kind):
    own = {
        "cosine_with_min_lr": {"min_lr_rate": 0.1},
        "cosine_warmup_with_min_lr": {"min_lr": 0.01, "warmup_lr_rate": 0.2},
        "warmup_stable_decay": {"num_decay_steps": 6, "min_lr_ratio": 0.1, "decay_type": "1-sqrt"},
        "cosine_with_restarts": {"num_cycles": 3},
        "polynomial": {"lr_end": 0.001, "power": 2.0},
    }.get(str(kind.value))
    arguments = {"name": kind.value, "num_warmup_steps": 5, "num_training_steps": 20, "scheduler_specific_kwargs": own}
    made = dialects.read_text(f"get_scheduler({kind.value!r}, optimizer, 5, 20, scheduler_specific_kwargs={own})")
    assert [made(step) for step in range(STEPS)] == pytest.approx(
        rates(optimization.get_scheduler, arguments, 0.1), abs=1e-14
    )
    assert made == dialects.load("transformers", "get_scheduler", arguments)
    member = dialects.read_text(f"transformers.get_scheduler(SchedulerType.{kind.name}, opt, 5, 20, {own})")
    assert member.schedule == made.schedule


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (
            "get_scheduler('greedy', optimizer)",
            "transformers get_scheduler: name must be that of a schedule of the step",
        ),
        ("get_scheduler('cosin', optimizer, 1, 2)", "one of constant, constant_with_warmup, linear"),
        (
            "get_scheduler('cosine', optimizer, 1)",
            "transformers get_cosine_schedule_with_warmup: num_training_steps must be given",
        ),
        ("get_linear_schedule_with_warmup(optimizer, -0.5, 10)", "num_warmup_steps must be a finite number from 0"),
        ("get_cosine_with_min_lr_schedule_with_warmup(optimizer, 1, 9)", "min_lr must be given, or min_lr_rate"),
        ("get_polynomial_decay_schedule_with_warmup(optimizer, 1, 9, lr_end=1)", "below the optimizer's rate 0.1"),
    ],
)
def test_what_transformers_refuses_is_refused(call, told):
    with pytest.raises(GlidepathError, match=told):
        dialects.read_text(call)
