"""Tasks are declarations: JSON both ways, refused early, and the data behind them cannot be mixed up."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest

from glidepath import GlidepathError, recipes
from glidepath.lab import TASKS, RunSpec, Task, find_task, run
from glidepath.lab.tasks.data import load
from glidepath.lab.tasks.declared import CharTransformer, Cnn1d, Digits, Mnist1d
from glidepath.lab.tasks.models import build


@pytest.mark.parametrize("name", list(TASKS))
def test_a_task_survives_json(name):
    task = TASKS[name]

    assert Task.from_dict(json.loads(json.dumps(task.to_dict()))) == task


def test_identity_holds_what_decides_a_run_and_nothing_else():
    task = TASKS["mnist1d"]

    assert replace(task, about="other words", budget=7, peak_rate=0.5, warmup=0.1).identity() == task.identity()
    assert replace(task, batch=31).identity() != task.identity()
    assert replace(task, data=Mnist1d(seed=1)).identity() != task.identity()
    assert replace(task, revision=2).identity() != task.identity()


def test_every_problem_of_a_task_is_told_at_once():
    data = TASKS["mnist1d"].to_dict() | {"batch": 0, "peak_rate": float("inf"), "colour": "red"}

    with pytest.raises(GlidepathError) as error:
        Task.from_dict(data)
    for field in ("batch", "peak_rate", "colour"):
        assert f"task: {field} must be valid" in str(error.value)


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match=r"width must be a multiple of heads \(3\), got 32"):
        CharTransformer(width=32, heads=3)


def test_an_unknown_task_names_the_nearest():
    with pytest.raises(
        GlidepathError,
        match=r"lab: task must be one of mnist1d, .*text.* or module:object, got 'mnist' \(did you mean 'mnist1d'\?\)",
    ):
        find_task("mnist")


def test_generated_data_have_the_declared_sizes_and_leave_the_random_states_alone():
    np.random.seed(5)  # noqa: NPY002 - the global state is what is tested
    random.seed(5)
    expected = np.random.random(), random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    data = load(Mnist1d(train=61, validation=7, test=13))

    assert (np.random.random(), random.random()) == expected  # noqa: NPY002
    assert [len(part[1]) for part in (data.train, data.validation, data.test)] == [61, 7, 13]
    assert data.train[0].shape == (61, 40)
    assert set(data.train[1]) == set(range(10))
    assert load(Mnist1d(train=61, validation=7, test=13)) is data


def test_digits_have_wrong_labels_in_training_only():
    clean, noisy = load(Digits(noise=0.0)), load(Digits(noise=0.2))

    assert [len(part[1]) for part in (noisy.train, noisy.validation, noisy.test)] == [900, 400, 497]
    assert np.array_equal(clean.train[0], noisy.train[0])
    assert (clean.train[1] != noisy.train[1]).sum() == 180
    assert np.array_equal(clean.validation[1], noisy.validation[1])
    assert np.array_equal(clean.test[1], noisy.test[1])
    assert clean.sha256 != noisy.sha256


def test_the_convolutions_have_the_declared_size_and_train(tiny):
    task = replace(tiny, name="tiny-cnn", model=Cnn1d())
    model = build(task.model, load(task.data))
    record = run(RunSpec(task, recipes.warmup_linear(40), 0.1, 0, 40))

    assert sum(one.numel() for one in model.parameters()) == 2474
    assert sum(record.losses[-8:]) < sum(record.losses[:8])
    assert record.test is not None


def test_the_parts_of_the_prose_share_no_stretch_and_hold_the_whole_text():
    from pydoc_data.topics import topics

    declared = TASKS["text"].data
    data = load(declared)
    whole = "\n".join(topics[name] for name in sorted(topics))

    def text(tokens):
        return "".join(data.symbols[token] for token in tokens)

    stretches = [whole[at : at + declared.stretch] for at in range(0, len(whole), declared.stretch)]
    assert text(data.validation) == "".join(stretches[8::10])
    assert text(data.test) == "".join(stretches[9::10])
    assert text(data.train) == "".join(one for at, one in enumerate(stretches) if at % 10 < 8)
