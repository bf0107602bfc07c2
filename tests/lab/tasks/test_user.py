"""A user's own task: two functions are enough, everything else is refused in words."""

import pytest

from glidepath import GlidepathError
from glidepath.lab import InProcess, Task, Workers, compare, find_task, plan_runs
from glidepath.lab.engines.engine import Finished
from glidepath.lab.tasks.data import load
from glidepath.lab.tasks.models import build

GOOD = """
import numpy as np
import torch

class moons:
    peak_rate, budget, evaluations, batch = 0.2, 60, 3, 8

    def data():
        x = np.random.default_rng(0).standard_normal((90, 3))
        y = (x[:, 0] > 0).astype(int)
        return (x[:50], y[:50]), (x[50:70], y[50:70]), (x[70:], torch.tensor(y[70:]))

    def model():
        return torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))

class half:
    def data(): pass

class bad(moons):
    def data():
        x = np.ones((4, 3)); x[0, 0] = np.nan
        return (x, np.zeros(3)), (x, np.array([0, 1, -1, 0])), (x[:, :2], np.zeros(4, int))

class pairs(moons):
    def data(): return 1, 2

class wide(moons):
    def model(): return torch.nn.Linear(3, 5)

class narrow(moons):
    def model(): return torch.nn.Linear(2, 2)

class several(moons):
    def model(): return torch.nn.LSTM(3, 2)

class text(moons):
    def model(): return "model"

class odd(moons):
    budget = -1
"""


@pytest.fixture
def place(tmp_path, monkeypatch, request):
    import sys

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = f"own_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(GOOD)
    yield name
    sys.modules.pop(name, None)


def test_two_functions_make_a_task_here_and_in_a_worker(place, tmp_path):
    name, ends = f"{place}:moons", []
    comparison = compare([name], ["constant", "linear"], 2, out=tmp_path / "out", engine=InProcess())
    result = comparison.tasks[0]

    assert (result.task.name, result.budget, result.peak_rate) == (name, 60, 0.2)
    assert all(value is not None and value < 40.0 for row in result.schedules for value in row.values)
    assert Task.from_dict(result.task.to_dict()) == result.task
    Workers(1).execute([plan_runs([name], ["linear"], 1)[name]["linear"][0]], ends.append)
    (record,) = [event.record for event in ends if isinstance(event, Finished)]
    assert record.test.metric == result.schedules[1].values[0]


def test_another_text_of_the_file_is_another_task(place, tmp_path):
    import sys

    before = plan_runs([f"{place}:moons"], ["constant"], 1)[f"{place}:moons"]["constant"][0]
    (tmp_path / f"{place}.py").write_text(GOOD + "\n# changed\n")
    sys.modules.pop(place)

    assert find_task(f"{place}:moons") != before.task
    with pytest.raises(GlidepathError, match=r"module must be as it was declared .*give the same command again"):
        load(before.task.data)


def test_what_is_no_task_is_refused(place, tmp_path):
    for text, message in {
        "a b:c": "lab: task must be module:object, got 'a b:c'",
        "os:": "lab: task must be module:object, got 'os:'",
        "no_such_module_here:x": "module must be one that can be imported, got .*looked in Python's path and in ",
        f"{place}:nothing": "object must be in the module .*, got 'nothing'",
        f"{place}:half": "model must be a function without arguments, got nothing of that name",
        f"{place}:odd": "budget must be valid .*got -1",
    }.items():
        with pytest.raises(GlidepathError, match=f"(?s){message}"):
            find_task(text)
    with pytest.raises(GlidepathError, match="lab: task must be module:object") as error:
        compare(["a b:c"], None, 0, out=tmp_path / "never")
    assert len(error.value.problems) == 2
    assert not (tmp_path / "never").exists()


def test_every_problem_of_the_data_is_told_at_once(place):
    with pytest.raises(GlidepathError) as error:
        load(find_task(f"{place}:bad").data)
    told = [(one.field, one.rule) for one in error.value.problems]
    assert told == [
        ("train labels", "one class number, at least 0, an example"),
        ("train inputs", "as many as labels (3), each of shape (3,)"),
        ("train inputs", "finite numbers"),
        ("validation labels", "one class number, at least 0, an example"),
        ("validation inputs", "finite numbers"),
        ("test inputs", "as many as labels (4), each of shape (3,)"),
        ("test inputs", "finite numbers"),
    ]
    with pytest.raises(GlidepathError, match=r"data\(\) must be \(train, validation, test\)"):
        load(find_task(f"{place}:pairs").data)


def test_a_model_of_the_wrong_shape_is_refused_before_training(place):
    data = load(find_task(f"{place}:moons").data)
    with pytest.raises(
        GlidepathError, match=r"model\(\) must be a module that gives logits of shape \(2, 2\) .*\(2, 5\)"
    ):
        build(find_task(f"{place}:wide").model, data)
    with pytest.raises(GlidepathError, match=r"model\(\) must be a torch.nn.Module, got 'str'"):
        build(find_task(f"{place}:text").model, data)
    with pytest.raises(
        GlidepathError,
        match=rf"task {place}:narrow: model\(\) must be a module that takes inputs of shape \(2, 3\), two examples, got "
        r"RuntimeError: mat1 and mat2 shapes cannot be multiplied \(2x3 and 2x2\)",
    ):
        build(find_task(f"{place}:narrow").model, data)
    with pytest.raises(GlidepathError, match=r"gives logits of shape \(2, 2\) for two examples, got 'tuple'"):
        build(find_task(f"{place}:several").model, data)


def test_the_name_of_a_file_is_told_how_a_task_is_written():
    message = "module:object, such as mine:moons for the class moons in mine.py"
    with pytest.raises(GlidepathError, match=rf"lab: task must be one of .*got 'mine.py' \({message}\)"):
        find_task("mine.py")
    with pytest.raises(GlidepathError, match=rf"compare: task must be one of .*got 'mine.py' \({message}\)"):
        plan_runs(["mine.py"], ["constant"], 1)
