"""Results at the end of a cell, shown by a real kernel without any magic."""

import base64
import pickle
import re
import sys
import xml.etree.ElementTree as ET
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from glidepath import parse, view
from glidepath.forecast import Comparison, Forecast
from glidepath.lab import plan_runs
from glidepath.lab.records.runs import Evaluation, Record
from glidepath.lab.report.comparison import summarise
from glidepath.plan import Plan
from glidepath.view import animate, animation, figure, save

CELLS = {
    "schedule": "from glidepath import parse, plan, view\ns = parse('warmup(5) >> cosine(95)')\ns",
    "plot": "s.plot()",
    "figure": "view.figure({'a': s, 'b': parse('linear(100)')}, base=0.1)",
    "log": "view.figure(s, log=True)",
    "animation": "view.animation(s, frames=8)",
    "animated file": "view.animate(s, 'a file.gif', frames=8)",
    "saved file": "view.save(s.plot(), 'still.svg')",
    "widget": "view.widget(s)",
    "plan": "plan.Plan({'lr': 'warmup(\"10%\") >> cosine(\"rest\")', 'weight_decay': 'linear(1000)'}, {'length': '1000 steps'})",
    "unknown plan": 'plan.Plan(\'warmup("10%") >> cosine("rest")\')',
    "forecast": """import numpy as np
from glidepath.forecast import Law, Path, Run, fit_laws
from glidepath.forecast.path import rates_of
steps = np.arange(20, 2001, 20)
way = parse('warmup(100) >> hold(1500) >> linear(400)')
told = {'L0': 2.65, 'A': 0.6, 'alpha': 0.45, 'B': 438.0, 'C': 2.1, 'beta': 0.6, 'gamma': 0.65}
losses = Law('multi_power', told)(Path.of(rates_of(way, 3e-4, 2000), steps))
laws = fit_laws([Run.of(way, 3e-4, steps, losses)], backtests=False)
laws.curve('warmup(100) >> linear(1900)')""",
    "end of a forecast": "laws.final('warmup(100) >> linear(1900)')",
    "two forecasts": "laws.compare('warmup(100) >> linear(1900)', way)",
    "laws": "laws",
    "comparison": "from glidepath.lab import Comparison\nComparison.from_json(open('comparison.json', encoding='utf-8').read())",
}
PICTURES = ("plot", "figure", "log", "plan", "forecast")


def comparison():
    """One of made-up records."""
    grid = plan_runs(["mnist1d"], ["constant", "cosine", "warmup(5) >> linear(95)"], 3, budget=100)["mnist1d"]

    def record(spec, metric):
        seen = Evaluation(updates=100, loss=1.0, metric=metric)
        return Record(
            spec=spec,
            stride=1,
            rates=(0.1,) * 100,
            losses=(1.0,) * 100,
            evaluations=(seen,),
            test=seen,
            updates=100,
            diverged_at=None,
            wall_seconds=1.0,
            cpu_seconds=1.0,
            data_sha256="d" * 64,
            versions={"python": "3.11.0"},
            machine={"platform": "Linux", "cpus": 2},
        )

    records = {
        name: [record(spec, 40.0 - 9 * at + spec.seed) for spec in row] for at, (name, row) in enumerate(grid.items())
    }
    return summarise({"mnist1d": records}, seeds=range(3), baseline="constant", command="again")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What each cell shows, by mime type."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "comparison.json").write_text(comparison().to_json(), encoding="utf-8")
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS.values()])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        patch.setenv("PYTHONWARNINGS", "ignore")  # of the kernel's own libraries
        nbclient.NotebookClient(made, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    nbformat.validate(made)
    results = {
        name: [o for o in cell.outputs if o.output_type != "stream"]
        for name, cell in zip(CELLS, made.cells, strict=True)
    }
    assert all(len(outputs) == 1 for outputs in results.values()), "a result is shown once"
    return {name: dict(outputs[0].data) for name, outputs in results.items()}


def test_pictures_are_pictures(shown):
    for name in PICTURES:
        with Image.open(BytesIO(base64.b64decode(shown[name]["image/png"]))) as picture:
            assert picture.width > 600, name
            assert len(picture.convert("L").getcolors()) > 10, name  # something is drawn
    assert shown["schedule"]["text/html"].startswith("<img")
    assert shown["schedule"]["text/plain"] == "warmup(5) >> cosine(95)"


def test_an_animation_plays_and_a_file_is_what_it_holds(shown):
    for name in ("animation", "animated file"):
        with Image.open(BytesIO(base64.b64decode(shown[name]["image/gif"]))) as moving:
            assert moving.n_frames >= 8
        assert "data:image/gif;base64," in shown[name]["text/html"]
    assert shown["animation"]["text/plain"].endswith("bytes of GIF>")
    assert shown["animated file"]["text/plain"] == "a file.gif"
    assert ET.fromstring(shown["saved file"]["image/svg+xml"]).tag.endswith("svg")


def test_the_widget_is_there(shown):
    model = shown["widget"]["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert len(model) == 32


def test_a_comparison_is_its_sentence_picture_and_table(shown):
    html, text = shown["comparison"]["text/html"], shown["comparison"]["text/plain"]

    assert "ended better" in html or "gain that holds" in html
    assert html.count("<svg") == 1
    assert html.count("<tr>") == 4
    assert "<script" not in html
    assert not set(re.findall(r"var\((--\w+)\)", html)) - set(re.findall(r"(--\w+):", html))
    assert text == str(comparison())
    assert "95 % interval" in text


def test_plans_and_forecasts_say_in_words_what_they_hold(shown):
    assert shown["plan"]["text/plain"].startswith("glidepath: 1")
    assert set(shown["unknown plan"]) == {"text/plain"}  # nothing can be drawn of what is not known
    assert "after 2,000 updates" in shown["forecast"]["text/plain"]
    assert "after 2,000 updates, 1 times" in shown["end of a forecast"]["text/plain"]
    assert "lower" in shown["two forecasts"]["text/plain"]
    assert "L0" in shown["laws"]["text/plain"]


def test_a_plan_on_a_clock_of_tokens_is_drawn_over_tokens():
    plan = Plan(
        {"lr": "warmup(1000) >> linear(9000)"},
        {"length": "10000 tokens", "batch": 2, "tokens_per_sample": 5},
        clock="tokens",
    )
    drawn = plan.looks(view)

    assert drawn.axes[-1].get_xlabel() == "tokens seen"
    assert drawn.axes[0].get_xlim() == (0, 10000)


def test_a_file_that_is_gone_is_its_path(tmp_path):
    path = save(figure(parse("cosine(10)")), tmp_path / "a.png")

    assert set(path._repr_mimebundle_()) == {"text/plain", "image/png"}
    path.unlink()
    assert path._repr_mimebundle_() == {"text/plain": str(path)}
    assert path == Path(path)
    assert repr(path) == repr(Path(path))
    assert pickle.loads(pickle.dumps(path)) == path
    assert (path.parent / "other.txt")._repr_mimebundle_() == {"text/plain": str(tmp_path / "other.txt")}


def test_figures_and_animations_stay_what_they_were(tmp_path):
    assert isinstance(animation(parse("cosine(10)"), frames=8), bytes)
    assert animate(parse("cosine(10)"), tmp_path / "a.gif", frames=8).read_bytes()[:3] == b"GIF"


def test_without_matplotlib_the_text_is_shown(monkeypatch):
    monkeypatch.delitem(sys.modules, "glidepath.view.drawing", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)  # as its import then fails
    plan = Plan("cosine(100)")

    assert plan._repr_mimebundle_() == {"text/plain": str(plan)}
    assert (
        str(Forecast(2.5, 2.4, 2.6, 100, 1.0, {}, 2.5))
        == "2.5000 (2.4000 to 2.6000) after 100 updates, 1 times as long as the longest log"
    )
    assert Comparison(-0.1, -0.2, -0.05)._repr_mimebundle_() == {"text/plain": str(Comparison(-0.1, -0.2, -0.05))}
