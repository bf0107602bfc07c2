"""The loss around a run: the plane holds the way, and where the way lies in it the loss is the run's own."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from torch.nn import functional

from glidepath import GlidepathError, parse, recipes
from glidepath.lab.engines import training
from glidepath.lab.engines.progress import Silent
from glidepath.lab.records.runs import RunSpec
from glidepath.lab.report import surface as room
from glidepath.lab.report.figures import surface_figure
from glidepath.lab.report.surface import surface
from glidepath.lab.tasks.data import load
from glidepath.lab.tasks.declared import TASKS

TASK = TASKS["digits"]
CYCLIC = RunSpec(TASK, recipes.sgdr(60, cycles=2), TASK.peak_rate, 0, 120)


def test_three_points_make_a_plane_and_the_losses_on_it_are_the_runs_own():
    made = surface({"cyclic": CYCLIC}, [60, 120], points=2, size=41)
    (path,) = made.paths.values()

    assert (path.updates, path.snapshots) == ((0, 60, 120), (1, 2))
    assert sum(made.shares) == pytest.approx(1.0)  # three points lie in a plane
    ends: list[training.Point] = []
    training.run(CYCLIC, keep={60: ends.append, 120: ends.append})
    inputs, targets = (part[:512] for part in training.examples_of(TASK, load(TASK.data), "validation"))
    for at, point in zip((1, 2), ends, strict=True):
        model = training.fresh_model(CYCLIC, load(TASK.data))
        model.load_state_dict(point.weights)
        with torch.no_grad():
            real = functional.cross_entropy(model(inputs), targets).item()
        x, y = path.places[at]
        near = np.argsort(abs(made.y - y))[:2], np.argsort(abs(made.x - x))[:2]
        cell = made.losses[np.ix_(*near)]
        assert cell.min() * 0.98 <= real <= cell.max() * 1.02
    lengths = [(a.weights[name] - b.weights[name]).double().square().sum() for a, b in [ends] for name in a.weights]
    assert np.hypot(*(path.places[1] - path.places[2])) == pytest.approx(float(sum(lengths)) ** 0.5)


def test_the_picture_has_a_path_for_each_run_and_a_ring_for_each_snapshot():
    specs = {"cyclic": CYCLIC, "line <b>": RunSpec(TASK, parse("linear(120)"), TASK.peak_rate, 0, 120)}
    made = surface(specs, [60, 120], points=6, size=9)
    again = surface(specs, [60, 120], points=6, size=9)

    assert np.array_equal(made.losses, again.losses)
    assert [path.updates[-1] for path in made.paths.values()] == [120, 120]
    assert np.allclose(made.paths["cyclic"].places[0], made.paths["line <b>"].places[0])  # one start
    lost = {"lost": RunSpec(TASK, parse("linear(120)"), 1e30, 0, 120)} | specs
    assert {name: path.row for name, path in surface(lost, points=3, size=3).paths.items()} == {
        "cyclic": 1,
        "line <b>": 2,
    }
    svg = surface_figure(made)
    texts = ["".join(node.itertext()).strip() for node in ET.fromstring(svg).iter() if node.tag.endswith("text")]
    assert {"1", "2"} <= set(texts)
    assert "first direction" in svg


@pytest.mark.parametrize("ask", ["compare", "snapshots"])
def test_what_cannot_be_drawn_is_refused_before_anything_is_trained(ask, monkeypatch, tmp_path):
    from glidepath.lab import InProcess, compare
    from glidepath.lab.search.snapshots import snapshots

    make = {
        "compare": lambda **more: compare("digits", ["constant"], 1, **more),
        "snapshots": lambda **more: snapshots("digits", cycles=2, seeds=1, **more),
    }[ask]
    monkeypatch.setattr(room, "_MOST", 100)
    with pytest.raises(
        GlidepathError, match=f"{ask}: surface must be left out, or of a model of at most 100 parameters"
    ):
        make(budget=20, out=tmp_path / "out", engine=InProcess(), surface=True)
    assert not (tmp_path / "out").exists()
    if ask == "compare":
        with pytest.raises(
            GlidepathError, match="surface must be left out, or of runs of at least 2 updates, got 1 of digits"
        ):
            make(budget=1, out=tmp_path / "out", engine=InProcess(), surface=True)
    monkeypatch.undo()
    told = []
    progress = Silent()
    monkeypatch.setattr(progress, "note", told.append)
    make(budget=20, peak_rate=1e30, out=tmp_path / "out", engine=InProcess(), surface=True, progress=progress)
    assert any(
        "the loss surface is left out: surface: runs must be at least one that did not diverge" in each for each in told
    )
    assert not (tmp_path / "out" / "surface.html").exists()
    assert list((tmp_path / "out").glob("*.txt"))  # all else is there


def test_snapshots_and_comparisons_hold_the_picture_where_it_is_asked_for(tmp_path):
    from glidepath.lab import InProcess, compare
    from glidepath.lab.search.snapshots import snapshots

    snapshots("digits", cycles=2, budget=20, seeds=1, out=tmp_path / "a", engine=InProcess(), surface=True)
    page = (tmp_path / "a" / "surface.html").read_text(encoding="utf-8")
    assert "2 cycles of 10 updates" in page
    assert page.count("<svg") == 1
    assert "http" not in page.replace("http-equiv", "")
    for asked, count in ((True, 1), (False, 0)):
        compare("digits", ["constant", "cosine"], 1, budget=20, out=tmp_path / "b", engine=InProcess(), surface=asked)
        assert (tmp_path / "b" / "report.html").read_text(encoding="utf-8").count("first direction") == count
