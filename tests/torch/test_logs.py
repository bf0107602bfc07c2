"""Events, and the places they are written to."""

import csv
import json
import logging

import pytest
import torch

import glidepath as gp
from glidepath.torch import Applied, ForeignWriteWarning, attach, log, log_csv, log_jsonl


def sgd(*rates):
    groups = [{"params": [torch.ones(1, requires_grad=True)], "lr": r, "name": f"g{i}"} for i, r in enumerate(rates)]
    return torch.optim.SGD(groups)


class Writer:
    """Records what TensorBoard's writer would be told."""

    def __init__(self):
        self.scalars = []

    def add_scalar(self, tag, scalar_value, global_step):
        self.scalars.append((tag, scalar_value, global_step))


def test_tensorboard_gets_the_value_of_each_update():
    optimizer, writer = sgd(0.1, 0.2), Writer()
    stop = log(attach(optimizer, "linear(10)"), writer, "train/")
    optimizer.step()
    optimizer.param_groups[1]["lr"] = 9.0
    with pytest.warns(ForeignWriteWarning):
        optimizer.step()
    stop()
    optimizer.step()

    assert writer.scalars == [
        ("train/lr/g0", 0.1, 0),
        ("train/lr/g1", 0.2, 0),
        ("train/lr/g0", 0.1 * 0.9, 1),
        ("train/lr/g1", 0.2 * 0.9, 1),
    ]
    with pytest.raises(gp.GlidepathError, match=r"tracker must be an object with add_scalar, .*, got 'runs'"):
        log(attach(sgd(0.1), "linear(10)"), "runs")


def test_csv_keeps_every_digit_and_is_continued(tmp_path):
    path, optimizer = tmp_path / "rates.csv", sgd(0.1)
    scheduler = attach(optimizer, "cosine(10)")
    for _ in range(2):
        end = log_csv(scheduler, path, every=2)
        for _ in range(3):
            optimizer.step()
        end()
    rows = list(csv.DictReader(path.read_text().splitlines()))

    assert [(int(row["update"]), float(row["value"])) for row in rows] == [
        (k, 0.1 * gp.cosine(10)(k)) for k in (0, 2, 4)
    ]
    assert list(rows[0]) == ["update", "group", "parameter", "value"]


def test_json_lines_hold_foreign_writes_too(tmp_path):
    path, optimizer = tmp_path / "events.jsonl", sgd(0.1)
    end = log_jsonl(attach(optimizer, "linear(10)"), path)
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.5
    with pytest.warns(ForeignWriteWarning):
        optimizer.step()
    end()

    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"event": "applied", "update": 0, "group": "g0", "parameter": "lr", "value": 0.1},
        {
            "event": "foreign",
            "update": 1,
            "group": "g0",
            "parameter": "lr",
            "value": 0.5,
            "expected": 0.1,
            "policy": "restore",
        },
        {"event": "applied", "update": 1, "group": "g0", "parameter": "lr", "value": 0.1 * 0.9},
    ]


def test_a_callback_that_fails_does_not_lose_the_update():
    optimizer = sgd(0.1)
    scheduler = attach(optimizer, "linear(10)")

    def fails(event):
        raise RuntimeError(event.parameter)

    stop = scheduler.on_update(fails)
    with pytest.raises(RuntimeError, match="lr"):
        optimizer.step()
    stop()
    stop()
    optimizer.step()
    assert scheduler.last == [Applied(1, "g0", "lr", 0.1 * 0.9)]


class Tracker:
    """Whatever tracker, by the name of its method."""

    def __init__(self, method):
        self.rows = []
        setattr(self, method, lambda *words, **named: self.rows.append((words, named)))


@pytest.mark.parametrize(
    ("method", "rows"),
    [
        (
            "log",
            [(({"a/lr/x": 0.5, "a/lr/y": 1.0},), {"step": 0}), (({"a/lr/x": 0.375, "a/lr/y": 0.75},), {"step": 2})],
        ),
        (
            "log_metrics",
            [(({"a/lr/x": 0.5, "a/lr/y": 1.0},), {"step": 0}), (({"a/lr/x": 0.375, "a/lr/y": 0.75},), {"step": 2})],
        ),
        (
            "add_scalar",
            [(("a/lr/x", 0.5, 0), {}), (("a/lr/y", 1.0, 0), {}), (("a/lr/x", 0.375, 2), {}), (("a/lr/y", 0.75, 2), {})],
        ),
        (
            "log_metric",
            [
                ((f"a/lr/{n}", v), {"step": k})
                for k, n, v in ((0, "x", 0.5), (0, "y", 1.0), (2, "x", 0.375), (2, "y", 0.75))
            ],
        ),
        (
            "track",
            [
                ((v,), {"name": f"a/lr/{n}", "step": k})
                for k, n, v in ((0, "x", 0.5), (0, "y", 1.0), (2, "x", 0.375), (2, "y", 0.75))
            ],
        ),
        ("__call__", [(({"a/lr/x": 0.5, "a/lr/y": 1.0}, 0), {}), (({"a/lr/x": 0.375, "a/lr/y": 0.75}, 2), {})]),
    ],
)
def test_any_tracker_is_fed_by_what_it_has(method, rows):
    groups = [
        {"params": [torch.zeros(1, requires_grad=True)], "lr": lr, "name": n} for n, lr in (("x", 0.5), ("y", 1.0))
    ]
    optimizer = torch.optim.SGD(groups)
    tracker = Tracker(method)
    stop = log(
        attach(optimizer, "linear(8)"), tracker.__dict__[method] if method == "__call__" else tracker, "a/", every=2
    )
    for _ in range(4):
        optimizer.step()
    stop()
    optimizer.step()

    assert tracker.rows == rows


def test_what_can_track_nothing_is_refused():
    with pytest.raises(
        gp.GlidepathError, match=r"tracker must be an object with add_scalar, log_metrics, log_metric, track, log, or"
    ):
        log(attach(sgd(0.1), "linear(10)"), object())
    with pytest.raises(gp.GlidepathError, match=r"tracker's log must be one that takes \(values, step\), got .*'msg'"):
        log(attach(sgd(0.1), "linear(10)"), logging.getLogger("it logs words"))
