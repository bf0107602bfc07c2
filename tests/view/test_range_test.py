"""The picture of a range test shows what was measured, and nothing that was not."""

import math
from pathlib import Path

import pytest

from glidepath import GlidepathError
from glidepath.finder import Refusal, Suggestion, Trace, rising, suggest, sweep, verify
from glidepath.view.range_test import (
    range_test,
    range_test_page,
    range_test_place,
    range_test_table,
    save_range_test,
)


def quadratic(start: float) -> Trace:
    weight = start

    def train_step(rate: float) -> float:
        nonlocal weight
        loss = 5 * weight**2
        weight -= rate * 10 * weight
        return loss

    return sweep(train_step, rising(1e-4, 10, 100), label=f"start {start}")


TRACES = [quadratic(start) for start in (1.0, 1.1, 0.9)]


def test_the_band_is_drawn_where_it_is():
    found = suggest(TRACES)
    assert isinstance(found, Suggestion)

    axes = range_test(TRACES, found).axes[0]
    band = next(patch for patch in axes.patches if patch.get_label() == "band")

    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((found.low, found.high))
    assert {line.get_label() for line in axes.lines} >= {"start 1.0", "start 1.1", "start 0.9", "median"}
    assert {text.get_text() for text in axes.texts} >= {"edge", "minimum/10"}


def test_raw_points_are_drawn():
    axes = range_test(TRACES, suggest(TRACES)).axes[0]
    dots = next(line for line in axes.lines if line.get_marker() == ".")

    assert list(dots.get_xdata()) == list(TRACES[0].rates)


def test_a_refusal_has_no_band():
    flat = [Trace(TRACES[0].rates, (1.0,) * len(TRACES[0].rates))] * 3
    found = suggest(flat)
    assert isinstance(found, Refusal)

    drawing = range_test(flat, found)

    assert not drawing.axes[0].patches
    assert ("what to do", found.remedy) in range_test_table(found)


def test_whole_trainings_are_crosses(tmp_path):
    found = suggest(TRACES)
    assert isinstance(found, Suggestion)
    checked = verify(lambda rate, seed: math.nan if rate > 0.08 else 1 + seed - rate, found)

    drawing = range_test(TRACES, found, verification=checked)
    crosses = drawing.axes[1].lines[0]

    assert len(crosses.get_xdata()) == sum(math.isfinite(loss) for row in checked.losses for loss in row)
    assert any(name == "verified" for name, _ in range_test_table(found, checked))


@pytest.mark.parametrize("ending", ["png", "svg", "html"])
def test_files_by_their_ending(ending: str, tmp_path):
    found = suggest(TRACES)
    path = save_range_test(range_test(TRACES, found), range_test_table(found), tmp_path / f"picture.{ending}")

    assert path.stat().st_size > 1000
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_page_loads_nothing_and_escapes():
    found = suggest(TRACES)
    page = range_test_page(range_test(TRACES, found), [("<b>", "</script>")], "a < b")

    assert "http" not in page
    assert "<b>" not in page
    assert "a &lt; b" in page


def test_nothing_to_draw_is_refused():
    with pytest.raises(GlidepathError, match="view: traces must be at least one"):
        range_test([], suggest([]))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "picture.pdf",
            r"find: output must be a file name that ends in \.png, \.svg, \.html or \.json, got '.*picture\.pdf'",
        ),
        (
            "nowhere/picture.html",
            r"find: output must be in a folder that can be written to, got '.*nowhere/picture\.html'",
        ),
        ("", r"find: output must be a file, got the folder '"),
    ],
)
def test_the_place_is_checked_before_a_sweep(name: str, message: str, tmp_path):
    with pytest.raises(GlidepathError, match=message):
        range_test_place(tmp_path / name)
    with pytest.raises(GlidepathError) as error:
        range_test_place(tmp_path / "nowhere" / "picture.pdf")
    assert len(error.value.problems) == 2

    assert range_test_place(tmp_path / "traces.json") == tmp_path / "traces.json"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["picture.svg", "picture.html"])
def test_a_picture_that_cannot_be_written_names_its_place(name: str, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = suggest(TRACES)
    with pytest.raises(
        GlidepathError, match=rf"view: path must be in a folder that can be written to, got 'nowhere/{name}'"
    ):
        save_range_test(range_test(TRACES, found), range_test_table(found), Path("nowhere") / name)
    with pytest.raises(GlidepathError, match=r"ends in \.png, \.svg or \.html, got "):
        save_range_test(range_test(TRACES, found), range_test_table(found), tmp_path / "picture.pdf")
