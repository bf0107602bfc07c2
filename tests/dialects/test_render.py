"""Rendered code is executed where its library runs, and has our values at every step."""

import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import glidepath as gp
from glidepath import GlidepathError, dialects

WORKER = Path(__file__).with_name("render_worker.py")
GOLDEN = json.loads((Path(__file__).parents[2] / "spec/golden/classic.json").read_text(encoding="utf-8"))
FACTORS = [
    "hold(value=0.5)",
    "ramp(0.25, 0.75, 6)",
    "linear(10)",
    "linear(10, peak=2)",
    "cosine(10)",
    "cosine(10, floor=0.1)",
    "polynomial(8)",
    "polynomial(8, power=0.5, floor=0.1)",
    "sqrt(8)",
    "rex(12, floor=0.1)",
    "one_minus_sqrt(9)",
    "geometric(10)",
    'ramp(1, 0, 12, curve="exponential(0.1)")',
    "step(3, factor=0.5)",
    "multistep([3, 7, 10], factor=0.5)",
    "exponential(0.9)",
    "exponential(0.5, 4)",
    "exponential(0.5, 4, staircase=True)",
    "natural_exponential(0.5, 4)",
    "inverse_time(0.5, 2)",
    "inverse_time(0.5, 2, staircase=True)",
    "inverse_sqrt(5)",
    "triangle(3, 2)",
    "table([0, 4, 9], [1, 0.5, 0.1])",
    'table([0, 4, 9], [1, 0.5, 0.1], interpolation="previous")',
    "profile([0, 2.6, 11], [0.04, 1, 0.001])",
    "polynomial_cycle(4, end=0.1)",
    "damped_cosine(10)",
    "restarts(cosine(2), growth=1.5)",
    "warmup(5)",
    "warmup(5) >> cosine(20, floor=0.1)",
    "warmup(4) >> hold(3) >> linear(6)",
    "warmup_cosine(30, warmup=5, floor=0.1)",
    "wsd(30, 5, 10)",
    "wsd(30, 5, 10, curve='one_minus_sqrt')",
    "sgdr(5)",
    "sgdr(4, growth=2)",
    "sgdr(4, decay=0.5, floor=0.1)",
    "sgdr(4, growth=2, cycles=2)",
    "one_cycle(20)",
    "noam(64, 10)",
    "knee(20, 4, 8)",
    "triangular2(3, low=0.1)",
    "exp_range(3, 0.9)",
    "piecewise_constant([3, 7], [1, 0.5, 0.1])",
    "minimum(cosine(10), hold(value=0.5))",
    "maximum(cosine(10), hold(value=0.5))",
    "clip(cosine(10), low=0.2, high=0.9)",
    "stretch(cosine(10), 1.5)",
    "shift(cosine(10), 3)",
    "shift(cosine(10), -3)",
    "cosine(10) * step(4)",
    "0.2 * cosine(10) + 0.1",
    'expression("min(1, (step + 1) / 10) * 0.9 ** (step // 5)")',
    'expression("0.3 if step < 4 else 1 / (step - 2)")',
]
ROWS = [
    row
    for row in GOLDEN
    if "metrics" not in row["kwargs"]
    and row["scheduler"] not in ("MultiplicativeLR", "MultiplicativeDecay")
    and not (row["framework"] == "pytorch" and row["kwargs"].get("total_iters") in (0, 4.5))
]
STEPS = 45
EXACT = {"pytorch": 1e-12, "python": 1e-14, "keras": 2e-6, "optax": 2e-6}  # Keras and JAX compute in float32


def schedules(framework: str) -> list[gp.Schedule]:
    """Return every schedule that is rendered: factors, and the rates of the recorded rows."""
    rates = [
        dialects.load(
            row["framework"],
            row["scheduler"],
            row["kwargs"],
            base_lr=row["base_lr"],
            version=row["version"],
            mode=row.get("mode", "eager"),
        )
        for row in ROWS
    ]
    return [gp.parse(text) for text in FACTORS] + [r for r in rates if r.closed or framework == "pytorch"]


def steps(schedule: gp.Schedule) -> int:
    """Return how many steps are compared: PyTorch's OneCycleLR refuses to go on."""
    return 12 if "OneCycleLR" in repr(schedule) else STEPS


@pytest.mark.parametrize("framework", EXACT)
def test_rendered_code_has_our_values_at_every_step(framework: str):
    given = [(schedule, dialects.render(schedule, framework)) for schedule in schedules(framework)]
    jobs = {(code, steps(schedule)): None for schedule, code in given}  # what is written alike is run once
    done = subprocess.run(
        [sys.executable, str(WORKER)],
        input=json.dumps([[framework, *job] for job in jobs]),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": "numpy", "JAX_PLATFORMS": "cpu"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = dict(zip(jobs, json.loads(done.stdout), strict=True))
    for schedule, code in given:
        values = found[code, steps(schedule)]
        assert isinstance(values, list), f"{values}\n{schedule}\n{code}"
        ours = [schedule(step) for step in range(steps(schedule))]
        scale = max(map(abs, ours)) or 1.0
        misses = [
            (t, a, b)
            for t, (a, b) in enumerate(zip(ours, values, strict=True))
            if abs(a - b) > EXACT[framework] * scale
        ]
        assert not misses, f"{misses[:3]}\n{schedule!r}\n{code}"


LENGTHS = (7, 30, 41, 61, 97, 391)
FAR = 2**24
CYCLES = (
    "repeat(cosine({n}))",
    "sgdr({n}, decay=0.5)",
    "sgdr({n}, growth=2)",
    "repeat(linear({n}) >> hold(3, value=0.5))",
    "step({n})",
    "exponential(0.9, {n}, staircase=True)",
    "inverse_time(0.5, {n}, staircase=True)",
    "polynomial_cycle({n}, end=0.1)",
    "triangle({n}, {n})",
    "triangular2({n}, low=0.1)",
    "stretch(repeat(linear({n})), 1.5)",
    "shift(repeat(cosine({n})), 5)",
    "multistep([{n}, 20000000], factor=0.5)",
    "hold(20000000) >> linear({n})",
    "warmup(16777213) >> cosine({n})",
    "until(repeat(cosine({n})), 20000000) >> linear(1001)",
    'expression("0.9 ** (step // {n}) * (1 - step % {n} / {n})")',
)


def marks(n: int) -> list[int]:
    """The steps around the ends of cycles of `n`, and far out."""
    far = FAR // n * n
    ends = {k * n for k in (*range(12), 50, 333)} | {far, far + 4 * n, 20_000_000, 20_000_000 + n}
    return sorted({max(0, mark + d) for mark in ends for d in (-1, 0, 1)})


@functools.cache  # one process for all three: half of a process is imports
def compiled() -> dict[str, list[list[float]]]:
    """What the code of every cycle gives inside `jit`, by where it runs."""
    jobs = {
        how: [[dialects.render(text.format(n=n), how.partition(" ")[0]), marks(n)] for text in CYCLES for n in LENGTHS]
        for how in COMPILED
    }
    done = subprocess.run(
        [sys.executable, str(WORKER)],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


COMPILED = ("keras on jax", "optax", "optax in x64")


@pytest.mark.parametrize("how", COMPILED)
def test_compiled_code_has_our_values_at_the_ends_of_cycles_and_far_out(how):
    """A compiler divides by the rounded reciprocal, whose floor slips; a float32 step is rounded beyond 2**24."""
    asked = [(gp.parse(text.format(n=n)), marks(n)) for text in CYCLES for n in LENGTHS]
    for (schedule, at), values in zip(asked, compiled()[how], strict=True):
        misses = [(t, schedule(t), v) for t, v in zip(at, values, strict=True) if abs(schedule(t) - v) > 4e-6]
        assert not misses, f"{misses[:3]}\n{schedule!r}\n{dialects.render(schedule, how.partition(' ')[0])}"


def test_a_written_keras_schedule_is_saved_with_its_model_and_no_other_is_taken_for_it(tmp_path):
    code = (
        "import sys, keras, json\n"
        "one, other = json.load(sys.stdin)\n"
        "scope = {}\nexec(one, scope)\n"
        "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
        "model.compile(optimizer=keras.optimizers.SGD(learning_rate=scope['schedule']), loss='mse')\n"
        "model.save(sys.argv[1])\n"
        "again = keras.saving.load_model(sys.argv[1]).optimizer._learning_rate\n"
        "print(type(again) is scope['Schedule'], float(again(50)), again.get_config() == scope['schedule'].get_config())\n"
        "keras.saving.get_custom_objects().clear()\n"
        "exec(other, {})\n"
        "try:\n    print(type(keras.saving.load_model(sys.argv[1]).optimizer._learning_rate))\n"
        "except Exception as error:\n    print('refused', type(error).__name__)\n"
    )
    given = [dialects.render(text, "keras") for text in ("repeat(cosine(41))", "repeat(cosine(42))")]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model.keras")],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
    )
    lines = done.stdout.splitlines()
    assert lines[0].split()[0] == "True", done.stderr[-2000:]
    assert float(lines[0].split()[1]) == pytest.approx(gp.parse("repeat(cosine(41))")(50), abs=1e-6)
    assert lines[0].endswith("True")
    assert lines[1].startswith("refused")


ONEFLOW = {
    "step(30)": "flow.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)",
    "cosine(100, floor=0.1)": "flow.optim.lr_scheduler.CosineDecayLR(optimizer, decay_steps=100, alpha=0.1)",
    "exponential(0.9)": "flow.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)",
    "linear(10)": "flow.optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.0, total_iters=10)",
    "polynomial(8)": (
        "flow.optim.lr_scheduler.PolynomialLR(optimizer, decay_batch=8, end_learning_rate=0.0, power=2.0)"
    ),
    "sgdr(4, growth=2)": "flow.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=4, T_mult=2)",
    "sgdr(4, decay=0.5, cycles=3)": """flow.optim.lr_scheduler.CosineAnnealingWarmRestarts(
        optimizer,
        T_0=4,
        T_mult=1,
        decay_rate=0.5,
        restart_limit=3,
    )""",
    "warmup(4, start=0.25) >> cosine(20)": """flow.optim.lr_scheduler.SequentialLR(
        optimizer,
        schedulers=[
            flow.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.25, end_factor=1.0, total_iters=4),
            flow.optim.lr_scheduler.CosineDecayLR(optimizer, decay_steps=20, alpha=0.0),
        ],
        milestones=[4],
        interval_rescaling=True,
    )""",
}


WARMUPS = (
    "flow.optim.lr_scheduler.WarmupLR(optimizer, warmup_factor=0.3, warmup_iters=5)",
    "flow.optim.lr_scheduler.WarmupLR(optimizer, warmup_factor=0.3, warmup_iters=5, warmup_method='constant')",
    "flow.optim.lr_scheduler.WarmupLR(CosineDecayLR(optimizer, 20), warmup_factor=0.1, warmup_iters=6)",
    "flow.optim.lr_scheduler.WarmupLR(StepLR(optimizer, 7), warmup_factor=0.1, warmup_iters=6, warmup_prefix=True)",
)


@pytest.mark.parametrize("text", [*FACTORS, *WARMUPS])
def test_oneflow_code_runs_where_its_classes_are(text, monkeypatch):
    """OneFlow does not install here: its classes on PyTorch's optimizers, with its signatures and clock, stand in for it."""
    import torch

    from glidepath.torch import oneflow

    flow = ModuleType("oneflow")
    flow.optim = SimpleNamespace(lr_scheduler=oneflow)
    monkeypatch.setitem(sys.modules, "oneflow", flow)
    schedule = dialects.read_text(text, base_lr=0.1) if text in WARMUPS else gp.parse(text)
    scope: dict = {}
    exec(dialects.render(schedule, "oneflow"), scope)
    base = scope.get("base_lr", 1.0)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base, momentum=0.9)
    scheduler = scope["make_scheduler"](optimizer)
    for step in range(30):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(schedule(step), rel=1e-11, abs=1e-13), step
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("text", ONEFLOW)
def test_oneflow_code_is_what_one_would_write(text: str):
    code = dialects.render(text, "oneflow")

    compile(code, "code", "exec")
    assert code.startswith("import oneflow as flow\n")
    assert f"    return {ONEFLOW[text]}\n" in code


@pytest.mark.parametrize("row", [row for row in ROWS if row["framework"] == "oneflow" and row.get("mode") == "eager"])
def test_a_call_of_oneflow_is_written_as_it_was_read(row: dict):
    made = dialects.load("oneflow", row["scheduler"], row["kwargs"], base_lr=row["base_lr"], version=row["version"])

    code = dialects.render(made, "oneflow")

    assert f"base_lr = {row['base_lr']!r}" in code
    if not row["version"].startswith("0.7"):
        assert f".{row['scheduler']}(" in code


def test_native_classes_are_used_where_a_library_has_them():
    assert "StepLR(optimizer, step_size=30, gamma=0.1)" in dialects.render("step(30)", "pytorch")
    assert "CosineAnnealingLR(optimizer, T_max=20)" in dialects.render("warmup(5) >> cosine(20)", "pytorch")
    assert "eta_min=0.01" in dialects.render("rate(0.1 * cosine(20, floor=0.1))", "pytorch")
    assert "warmup_target=1.0, " in dialects.render("warmup(5) >> cosine(20)", "keras").replace("\n    ", " ")
    assert "PiecewiseConstantDecay(boundaries=[2, 6]" in dialects.render("multistep([3, 7])", "keras")
    assert "optax.join_schedules(" in dialects.render("warmup(5) >> cosine(20)", "optax")


def test_what_cannot_be_said_names_the_part():
    product = dialects.load("pytorch", "MultiplicativeLR", {"lr_lambda": "lambda t: 0.9"})
    for framework in ("keras", "optax", "python", "oneflow"):
        with pytest.raises(
            dialects.NotExpressible, match=rf"{framework} \$.schedule: must be a function of the step"
        ) as error:
            dialects.render(product, framework)
        assert isinstance(error.value, GlidepathError)
    assert "MultiplicativeLR(optimizer, lr_lambda=lambda step: 0.9)" in dialects.render(product, "pytorch")
    with pytest.raises(dialects.NotExpressible, match=r"\$.phases\[1\].schedule"):
        dialects.render(gp.warmup(3) >> product, "pytorch")


def test_rendering_refuses_what_it_does_not_know():
    with pytest.raises(GlidepathError, match=r"framework must be one of pytorch.*did you mean 'pytorch'"):
        dialects.render("step(30)", "pytorh")
    with pytest.raises(GlidepathError, match="base_lr must be None for a schedule in absolute values"):
        dialects.render("rate(0.1 * step(30))", "keras", base_lr=0.1)


# Conversion -------------------------------------------------------------------------------------------------------------------------------


def test_one_call_becomes_another():
    code = dialects.convert("torch.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)", "keras")
    assert "def __call__(self, step):" in code  # Keras's own staircase slips when it is compiled
    code = dialects.convert("torch.optim.lr_scheduler.PolynomialLR(optimizer, 30)", "keras")
    assert "PolynomialDecay(" in code
    assert "initial_learning_rate=0.1" in code
    code = dialects.convert("keras.optimizers.schedules.CosineDecay(0.1, 1000, alpha=0.1)", "pytorch")
    assert "base_lr = 0.1" in code
    assert "CosineAnnealingLR(optimizer, T_max=1000, eta_min=0.01" in code
    assert dialects.convert("tf.compat.v1.train.exponential_decay(0.1, step, 100, 0.5)", "glidepath") == (
        "0.1 * exponential(0.5, steps=100)"
    )
    assert dialects.convert("paddle.optimizer.lr.NoamDecay(64, 10)", "glidepath").startswith("ramp(0, 0.0395")
    assert dialects.convert("warmup(5) >> cosine(20)", "glidepath") == "warmup(5) >> cosine(20)"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("StepLR(step_size=30)", "0.1 * step(30)"),
        ("flow.optim.lr_scheduler.CosineDecayLR(opt, 10, alpha=0.1)", "0.1 * cosine(10, floor=0.1)"),
        ("ExponentialDecay(0.2, 10, 0.5, staircase=True)", "0.2 * exponential(0.5, steps=10, staircase=True)"),
        ("paddle.optimizer.lr.StepDecay(0.5, 3, gamma=0.5)", "0.5 * step(3, factor=0.5)"),
        ("LambdaLR(optimizer, lambda epoch: 0.95 ** epoch)", '0.1 * expression("0.95 ** step")'),
    ],
)
def test_a_call_is_read_as_text(call: str, text: str):
    assert dialects.convert(call, "glidepath") == text


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        ("ReduceLROnPlateau(optimizer)", "glidepath.feedback.PyTorchPlateau, or glidepath replay on a log"),
        ("paddle.optimizer.lr.ReduceOnPlateau(0.1)", "glidepath.feedback.PaddlePlateau, or glidepath replay on a log"),
        ("mypkg.CosineDecay(0.1, 10)", "mypkg is no module of theirs: if it is, write keras.optimizers.schedules"),
        ("cosin(5)", "did you mean 'cosine'?"),
    ],
)
def test_what_is_no_scheduler_of_the_step_is_answered_with_what_to_use(call: str, hint: str):
    with pytest.raises(GlidepathError, match=re.escape(hint)):
        dialects.convert(call, "keras")


def test_a_rate_renders_back_to_its_own_call():
    text = "SequentialLR(optimizer, [LinearLR(start_factor=0.25, total_iters=4), ConstantLR(total_iters=3)], milestones=[4])"
    code = dialects.convert(text, "pytorch", base_lr=0.3)
    assert "base_lr = 0.3" in code
    assert "lr_scheduler.LinearLR(optimizer, start_factor=0.25, total_iters=4)," in code
    assert "lr_scheduler.ConstantLR(optimizer, total_iters=3)," in code


def test_whole_values_are_floats_in_jax_too_and_a_phase_that_never_comes_is_left_out():
    import jax.numpy as jnp

    made = {}
    exec(dialects.render("expression('step // 30')", "optax"), made)
    assert made["schedule"](60) == 2.0
    assert jnp.issubdtype(made["schedule"](60).dtype, jnp.floating)

    swing = {"base_lr": 1.0, "max_lr": 1.0}
    assert dialects.render(dialects.load("pytorch", "CyclicLR", swing), "optax").endswith("return 1.0\n")
    never = dialects.load("timm", "CosineLRScheduler", {"t_initial": 10, "cycle_mul": 0.1}, strict=False)
    exec(dialects.render(never, "optax"), made)
    assert [float(made["schedule"](t)) for t in (0, 5, 12)] == pytest.approx([never(t) for t in (0, 5, 12)], abs=1e-8)
