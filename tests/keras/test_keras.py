"""Schedules and plans in Keras 3: on the backend of this process, and the same tests again on the others."""

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import glidepath as gp
from glidepath.keras import Driver, Rate, _evaluated
from glidepath.plan import Plan

BACKEND = keras.backend.backend()
X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = X @ np.ones((4, 1), "float32")
STEPS = 3  # of an epoch
TEXTS = (
    "warmup(10) >> cosine(90, floor=0.1)",
    "sgdr(7)",
    "multistep([3, 9], 0.5)",
    "piecewise_constant([3, 8], [1, 0.5, 0.1])",
    "table([0, 5, 20], [0.1, 1, 0.3])",
    "inverse_sqrt(5)",
    "0.5 * linear(30) + polynomial(40, power=3)",
    "expression('sin(step / 7) + step % 5 + step // 8 + 2')",
)


def model(rate, optimizer=keras.optimizers.Adam, jit=BACKEND != "torch"):
    keras.utils.set_random_seed(0)
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="body"), keras.layers.Dense(1, name="head")])
    given = rate if isinstance(rate, keras.optimizers.Optimizer) else optimizer(rate)
    made.compile(given, loss="mse", jit_compile=jit)
    return made


def fit(made, until, begin=0, **options):
    return made.fit(X, Y, batch_size=8, epochs=until, initial_epoch=begin, verbose=0, shuffle=False, **options)


class Said(keras.callbacks.Callback):
    """Logs that are known."""

    def __init__(self, **values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs.update({name: values[epoch] for name, values in self.values.items() if epoch < len(values)})


class Seen(keras.callbacks.Callback):
    """The rate of each coming update, as Keras shows it."""

    def __init__(self):
        super().__init__()
        self.rates = []

    def on_epoch_begin(self, epoch, logs=None):
        self.rates.append(float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)))


@pytest.mark.parametrize("text", TEXTS)
def test_a_rate_is_base_times_schedule_for_numbers_tensors_and_variables(text):
    rate, schedule = Rate(text, 0.3), gp.parse(text)

    for k in (0, 1, 3, 5, 8, 9, 33, 100, 1000):
        for step in (k, keras.ops.convert_to_tensor(k, "int32"), keras.Variable(k, dtype="int32", trainable=False)):
            value = keras.ops.convert_to_numpy(rate(step))
            assert value.dtype == np.float32
            assert value == pytest.approx(0.3 * schedule(k), rel=1.2e-7)


def test_long_phases_are_exact_where_float32_cannot_count():
    rate = Rate("hold(20_000_000) >> linear(1001)", 1.0)

    for k in (2**24 + 1, 20_000_001, 20_000_999, 2**31 - 1):
        assert keras.ops.convert_to_numpy(rate(keras.ops.convert_to_tensor(k, "int32"))) == np.float32(rate.value(k))


def test_it_is_saved_and_loaded_with_the_model_and_goes_on_bit_for_bit(tmp_path):
    rate = Rate("warmup(4) >> cosine(20)", 0.1)
    whole = model(rate)
    fit(whole, 4)
    half = model(rate)
    fit(half, 2)
    half.save(tmp_path / "half.keras")
    text = str(json.dumps(half.optimizer.get_config(), default=str))
    assert "warmup(4) >> cosine(20)" in text

    loaded = keras.models.load_model(tmp_path / "half.keras")
    seen = Seen()
    fit(loaded, 4, 2, callbacks=[seen])

    assert seen.rates == pytest.approx([rate.value(6), rate.value(9)])
    for ours, theirs in zip(loaded.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_changed_file_is_refused():
    config = Rate("cosine(20)", 0.1).get_config()

    with pytest.raises(gp.GlidepathError, match=r"Rate: fingerprint must be that of its schedule"):
        Rate.from_config(config | {"schedule": "cosine(30)"})


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Rate("cosine(10)"), "Rate: base must be a number above 0, got nothing"),
        (lambda: Rate("rate(0.1 * cosine(10))", 0.1), "base must be left out, as the schedule is absolute"),
        (lambda: Driver({"rules": {"lr": "cosine(9)", "momentum": "hold()"}}, 0.1), r"rules\[1\].parameter must be lr"),
        (lambda: Driver("cosine(9)", 0.1, resume="somehow"), "resume must be one of strict, keep, override, extend"),
        (lambda: fit(model(0.1), 1, callbacks=[Driver("cosine(9)", 0.1)]), r"must be made by driver.rate\(\)"),
        (
            lambda: fit(model(gp.cosine(9)), 1),
            r"step must be given, got nothing .*glidepath.keras.Rate\(schedule, base\)",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(make, match):
    with pytest.raises(gp.GlidepathError, match=match):
        make()


FED = [{"controller": "plateau(factor=0.5, patience=0)", "monitor": "val_loss"}]
PLAN = Plan(
    "warmup(6) >> cosine(24)",
    feedback=[
        {"controller": "plateau(factor=0.5, patience=0)", "monitor": "val_loss"},
        {"controller": "divergence_guard(warmup=4)", "monitor": "loss"},
    ],
)


def test_controllers_listen_to_the_logs_and_the_compiled_step_follows(tmp_path):
    driver = Driver(PLAN, 0.1, path=tmp_path / "driver.json")
    made = model(driver.rate(), keras.optimizers.SGD)
    said, weights = Said(val_loss=[1, 1, 0.5, 0.4], loss=[1, 1, math.nan, 1]), []
    last = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: weights.append(made.get_weights()[0]))

    history = fit(made, 4, callbacks=[said, driver, last])

    assert [d.action for d in driver.decisions] == [
        "first",
        "steady",
        "cut",
        "steady",
        "improved",
        "cut",
        "improved",
        "cooling",
    ]
    progress, rates = PLAN.begin(), []
    for epoch in range(4):
        rates.append(PLAN.value(progress.__class__(STEPS * epoch + STEPS - 1, states=progress.states), base=0.1))
        progress = progress.__class__(STEPS * (epoch + 1), states=progress.states)
        progress, _ = PLAN.observe(progress, "val_loss", said.values["val_loss"][epoch])
        progress, _ = PLAN.observe(progress, "loss", said.values["loss"][epoch])
    assert history.history["learning_rate"] == pytest.approx(rates, rel=1e-12)

    # the weights follow: the same epoch at a fixed rate moves them as far
    made.save(tmp_path / "run.keras")
    again = keras.models.load_model(tmp_path / "run.keras")
    more = Driver(PLAN, 0.1)
    history = fit(again, 5, 4, callbacks=[Said(val_loss=[0.1] * 5, loss=[1] * 5), more])
    assert more.states[0].cuts == 1
    assert history.history["learning_rate"] == [PLAN.value(progress.__class__(14, states=progress.states), base=0.1)]


def test_weights_alone_and_the_file_of_the_driver_are_enough(tmp_path):
    driver = Driver(PLAN, 0.1, path=tmp_path / "driver.json")
    made, backup = model(driver.rate()), keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
    fit(made, 3, callbacks=[Said(val_loss=[1, 1, 1], loss=[1, 1, 1]), driver, backup])

    after = Driver(PLAN, 0.1, path=tmp_path / "driver.json")
    fresh, backup = model(after.rate()), keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
    said = Said(val_loss=[0] * 4, loss=[1] * 4)
    history = fit(fresh, 4, callbacks=[backup, said, after])

    assert [state.last for state in after.states] == [12, 12]
    assert after.states[0].cuts == 2
    at = progress = PLAN.begin()
    for k in (3, 6, 9):
        progress, _ = PLAN.observe(at.__class__(k, states=progress.states), "val_loss", 1)
    assert history.history["learning_rate"] == [PLAN.value(at.__class__(11, states=progress.states), base=0.1)]


def test_what_controllers_saw_is_saved_before_they_decide_anything(tmp_path):
    plan, seen = (
        Plan("linear(30)", feedback=[{"controller": "plateau(patience=1)", "monitor": "seen"}]),
        [1.0, 2.0, 2.0, 2.0],
    )
    for epoch in range(4):  # a process an epoch
        driver = Driver(plan, 0.1)
        made = keras.models.load_model(tmp_path / "a.keras") if epoch else model(driver.rate())
        fit(made, epoch + 1, epoch, callbacks=[Said(seen=seen), driver])
        made.save(tmp_path / "a.keras")
        decided = [decision.action for decision in driver.decisions]

        assert decided == [["first", "waiting", "cut", "waiting"][epoch]]


def test_another_schedule_is_refused_kept_overridden_or_extended(tmp_path):
    first = model(Driver("cosine(12)", 0.1).rate())
    fit(first, 2)
    first.save(tmp_path / "run.keras")

    def after(resume):
        made, seen = keras.models.load_model(tmp_path / "run.keras"), Seen()
        fit(made, 4, 2, callbacks=[Driver("cosine(18)", 0.2, resume=resume), seen])
        return seen.rates, made

    with pytest.raises(
        gp.GlidepathError, match=r'that of the plan, 0.2 \* cosine\(18\), got 0.1 \* cosine\(12\).*"extend"'
    ):
        after("strict")
    assert after("keep")[0] == pytest.approx([0.1 * gp.cosine(12)(k) for k in (6, 9)])
    assert after("override")[0] == pytest.approx([0.2 * gp.cosine(18)(k) for k in (6, 9)])
    rates, made = after("extend")
    assert rates == pytest.approx([0.1 * gp.cosine(12)(6), 0.1 * gp.cosine(12)(7.5)])
    made.save(tmp_path / "run.keras")
    assert after("extend")[0][0] == pytest.approx(0.1 * gp.cosine(12)(9))  # and resumed once more


def test_weights_are_those_of_the_rates_that_controllers_decide():
    driver = Driver(Plan("cosine(12)", feedback=FED), 0.1)
    steered, same = (
        model(driver.rate(), keras.optimizers.SGD),
        Rate("cosine(12) * piecewise_constant([6], [1, 0.5])", 0.1),
    )
    fit(steered, 3, callbacks=[Said(val_loss=[1, 1, 1]), driver])
    peer = model(same, keras.optimizers.SGD)
    fit(peer, 3)

    for ours, theirs in zip(steered.get_weights(), peer.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_what_a_file_knows_of_later_updates_is_left_out(tmp_path):
    for _ in range(2):  # the second run begins anew, beside the records of the first
        driver = Driver(Plan("cosine(12)", feedback=FED), 0.1, path=tmp_path / "driver.json")
        fit(model(driver.rate()), 2, callbacks=[Said(val_loss=[1, 1]), driver])
        assert driver.states[0].cuts == 1


def test_under_accumulation_the_history_has_what_keras_shows_its_schedules():
    driver, rate = Driver("linear(12)", 0.1), Rate("linear(12)", 0.1)
    optimizer = keras.optimizers.SGD(driver.rate(), gradient_accumulation_steps=3)

    assert fit(model(optimizer), 2, callbacks=[driver]).history["learning_rate"] == [rate.value(2), rate.value(5)]


def test_a_floor_and_quoted_durations_reach_the_optimizer_and_a_second_model_begins_anew():
    plan = {"rules": [{"schedule": 'linear("50%")', "floor": 0.05}], "feedback": FED}
    driver = Driver(plan, 0.1, total=12)

    for _ in range(2):
        history = fit(model(driver.rate()), 3, callbacks=[Said(val_loss=[1, 1, 1]), driver])
        assert history.history["learning_rate"] == pytest.approx([0.1 * 4 / 6, 0.05, 0.05])
        assert driver.states[0].cuts == 2
    assert driver.rate().value(11) == 0.05


def test_groups_are_the_optimizers_of_a_multi_optimizer():
    plan = Plan(
        [{"schedule": "linear(10)", "groups": ["*", "!fast"]}, {"schedule": "hold(4) >> linear(8)", "groups": "fast"}]
    )
    driver = Driver(plan, {"slow": 0.01, "fast": 0.1})
    slow, fast = (keras.optimizers.SGD(driver.rate(name), name=name) for name in ("slow", "fast"))
    made = model(keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(slow, {".*head.*": fast})))

    history = fit(made, 2, callbacks=[driver])

    assert history.history["learning_rate/slow"] == pytest.approx([0.01 * 0.8, 0.01 * 0.5])
    assert history.history["learning_rate/fast"] == pytest.approx([0.1, 0.1 * 0.875])


def test_a_metric_that_is_not_there_is_told_once():
    driver = Driver(Plan("cosine(9)", feedback=[{"controller": "plateau()", "monitor": "val_acc"}]), 0.1)

    with pytest.warns(
        UserWarning, match=r"'val_acc', which a controller listens to, is not in this epoch's logs \(loss\)"
    ) as told:
        fit(model(driver.rate()), 2, callbacks=[driver])
    assert len([warning for warning in told if "val_acc" in str(warning.message)]) == 1


@pytest.mark.soak
@pytest.mark.skipif(BACKEND != "torch", reason="the other backends compile every step of these tests")
def test_a_step_that_pytorch_compiles_follows_the_plan():
    def fitted(jit):
        driver = Driver(PLAN, 0.1)
        net = model(driver.rate(), keras.optimizers.SGD, jit)
        said = Said(val_loss=[1, 1, 0.5, 0.4], loss=[1, 1, math.nan, 1])
        return fit(net, 4, callbacks=[said, driver]).history["learning_rate"], net.get_weights()

    (plain, weights), (jitted, others) = fitted(jit=False), fitted(jit=True)
    assert jitted == plain
    for a, b in zip(weights, others, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


OTHERS = {"jax", "torch", "tensorflow"} - {BACKEND}


@pytest.mark.skipif("GLIDEPATH_KERAS" in os.environ, reason="this is one of the others")
@pytest.mark.parametrize(
    ("backend", "only"),
    [*((other, "not soak") for other in sorted(OTHERS)), pytest.param("torch", "soak", marks=pytest.mark.soak)],
)
def test_the_same_on_the_other_backends(backend, only):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(
            f"no {backend} here: pip install '.[{backend}]' in an environment of its own, as it fixes NumPy's version"
        )
    env = os.environ | {"KERAS_BACKEND": backend, "GLIDEPATH_KERAS": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-m",
        only,
        "-k",
        "not another_schedule",  # which of two schedules is taken has nothing to do with a backend
        "-W",
        "default",
        __file__,
    ]
    done = subprocess.run(command, env=env, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype")  # JAX has float32 here
@pytest.mark.parametrize(
    "text",
    [
        "step(30, 0.5)",
        "repeat(cosine(10), growth=2)",
        "piecewise_constant([5, 9], [1, 2, 3])",
        "warmup(4) >> damped_cosine(100, periods=2.5)",
    ],
)
def test_formulas_run_on_tensors_that_the_core_does_not_know(text):
    """As TensorFlow's: with nothing but Keras's own operations."""
    schedule = gp.parse(text)
    for step in (0, 7, 64):
        found = _evaluated(schedule, keras.ops.convert_to_tensor(step))
        assert float(found) == pytest.approx(schedule(step), rel=3e-7)
