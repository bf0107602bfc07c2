"""Files that other programs read: SVG parsed, PNG and GIF opened."""

import io
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from glidepath import GlidepathError, parse, playground
from glidepath.core.files import write_whole
from glidepath.view import animate, animation, example, figure, gallery, html, save, terminal
from glidepath.view.axis import DASHES, MOST_CURVES, significant
from glidepath.view.examples import ARTICLES, CLASSIC, article, classes
from glidepath.view.pictures import pictures


def svg_texts(path) -> list[str]:
    return [
        text
        for node in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")
        if (text := "".join(node.itertext()).strip())
    ]


def test_svg_is_read_back_and_the_same_every_time(tmp_path):
    drawing = figure(parse("warmup(500) >> cosine(9500)"), base=3e-4, unit="learning rate")

    first = save(drawing, tmp_path / "a.svg").read_bytes()
    second = save(
        figure(parse("warmup(500) >> cosine(9500)"), base=3e-4, unit="learning rate"), tmp_path / "b.svg"
    ).read_bytes()

    texts = svg_texts(tmp_path / "a.svg")
    assert first == second
    assert {"learning rate", "step (updates done)", "warmup", "cosine"} - set(texts) <= {"warmup"}
    assert "0.0003" in texts


@pytest.mark.parametrize("base", [3e-4, 1e-8, 1e-12, 5.0])
@pytest.mark.parametrize("log", [False, True])
def test_labels_have_significant_digits(tmp_path, base, log):
    """K2: 3e-4, 1e-8 and exact zeros on both axes; no label reads 0.000 and none is NaN."""
    save(figure(parse("warmup(100, start=0) >> cosine(900)"), base=base, log=log), tmp_path / "a.svg")

    texts = svg_texts(tmp_path / "a.svg")
    assert not [text for text in texts if re.fullmatch(r"-?0\.0+", text) or "nan" in text.lower()]
    numbers = [float(text.replace(",", "")) for text in texts if re.fullmatch(r"[\d.,]+(e-?\d+)?", text)]
    assert any(0 < number <= base for number in numbers)


def test_exact_zeros_are_drawn_on_a_stated_floor(tmp_path):
    """K2: a logarithmic axis draws exact zeros as such and says where it begins."""
    drawing = figure(parse("hold(50, 0) >> hold(50, 0.01)"), log=True, floor=1e-5)
    axes = drawing.axes[0]
    crosses = [line for line in axes.get_lines() if line.get_marker() == "x"]

    assert axes.get_yscale() == "log"
    assert axes.get_ylim()[0] == 1e-5
    assert len(crosses) == 1
    assert set(crosses[0].get_ydata()) == {1e-5}
    assert "logarithmic axis from 1e-05" in axes.get_xlabel()


def test_several_are_told_apart_by_colour_dash_and_label():
    drawing = figure(
        [parse(example(word)) for word in ("cosine", "linear", "wsd", "one_cycle", "rex", "sqrt", "hold", "step")]
    )
    lines = drawing.axes[0].get_lines()

    assert len({line.get_color() for line in lines}) == len({str(line._dash_pattern) for line in lines}) == 8
    assert {text.get_text() for text in drawing.axes[0].texts} == {str(k) for k in range(1, 9)}


def test_momentum_stands_below_on_the_same_axis():
    """K7: what belongs to other groups or hyper-parameters is drawn apart, under its name."""
    drawing = figure(parse("one_cycle(100)"), below={"momentum": parse("ramp(0.85, 0.95, 100)")})

    assert [axes.get_ylabel() for axes in drawing.axes] == ["factor", "momentum"]
    assert drawing.axes[0].get_xlim() == drawing.axes[1].get_xlim()
    assert list(drawing.axes[1].get_lines()[0].get_ydata())[-1] == 0.95


def test_the_axis_of_epochs_keeps_the_curve():
    """K6: the same values at other labels."""
    schedule = parse("cosine(1000)")
    steps, epochs = figure(schedule), figure(schedule, axis="epoch", per=100)

    (a,), (b,) = (drawing.axes[0].get_lines() for drawing in (steps, epochs))
    assert list(a.get_ydata()) == list(b.get_ydata())
    assert epochs.axes[0].get_xlim() == (0.0, 10.0)
    assert epochs.axes[0].get_xlabel() == "epoch"


def test_png_opens(tmp_path):
    with Image.open(save(figure(parse("cosine(100)")), tmp_path / "a.png")) as image:
        assert image.size == (1050, 480)


def test_a_gif_loops_is_small_and_begins_with_the_whole_curve():
    data = animation(parse("warmup(500) >> hold(2000) >> linear(7500)"), frames=20)

    with Image.open(io.BytesIO(data)) as image:
        blue = [count_blue(image, frame) for frame in (0, 3, 12, image.n_frames - 1)]
        assert image.n_frames >= 20
        assert image.info["loop"] == 0
        assert image.size == (640, 300)
    assert len(data) < 300_000
    assert blue[1] < blue[2] < blue[0] * 1.05
    assert abs(blue[3] - blue[0]) < 200  # the last frame has the marker besides


def count_blue(image, frame: int) -> int:
    image.seek(frame)
    return sum(count for count, (r, g, b) in image.convert("RGB").getcolors(1 << 20) if r < 40 and b > 140)


def test_eight_curves_in_one_gif_stay_small():
    data = animation([parse(f"repeat(cosine({n}), cycles=9)") for n in range(100, 900, 100)], log=True, frames=60)

    assert len(data) < 300_000


def test_the_first_pictures_of_the_gallery(tmp_path, monkeypatch):
    few = [next(pictures()), next(picture for picture in pictures() if picture.name == "recipes/wsd")]
    monkeypatch.setattr("glidepath.view.pictures.pictures", lambda: iter(few))

    made = gallery(tmp_path / "out")

    names = [path.relative_to(tmp_path / "out").as_posix() for path in made]
    assert names[-3:] == ["recipes/wsd.svg", "recipes/wsd.gif", "index.html"]
    assert all(path.stat().st_size < 300_000 for path in made)
    page = made[-1].read_text(encoding="utf-8")
    assert all(f'"{name}"' in page for name in names[:-1])
    assert "http" not in page


def test_the_gallery_shows_every_recipe_and_the_three_comparisons():
    from glidepath import recipes

    names = [picture.name for picture in pictures()]
    assert names[:3] == ["step-exponential-cosine", "warmup-cosine", "cosine-family"]
    assert {f"recipes/{word}" for word in recipes.__all__} <= set(names)
    assert len(set(names)) == len(names)


def test_the_notebook_shows_a_picture_with_escaped_text():
    """K5: what a name holds is text, not markup."""
    shown = html(parse("cosine(100)"))

    assert shown.startswith('<img alt="cosine(100)" src="data:image/png;base64,')
    assert "<script" not in html(parse('rate(cosine(10), origin="<script>")'))


@pytest.mark.parametrize("ending", ["a.jpg", "a", "a.gif"])
def test_other_endings_are_refused(tmp_path, ending):
    with pytest.raises(GlidepathError, match="must be a file name that ends in"):
        save(figure(parse("cosine(100)")), tmp_path / ending)
    assert list(tmp_path.iterdir()) == []


def test_options_out_of_range_are_refused(tmp_path):
    one = parse("cosine(100)")
    for options in ({"frames": 1}, {"width": 10**6}, {"height": float("nan")}):
        with pytest.raises(GlidepathError, match="must be an integer from"):
            animation(one, **options)
    with pytest.raises(GlidepathError, match="1 to 8 schedules"):
        figure([parse(f"cosine({n})") for n in range(1, 10)])
    with pytest.raises(GlidepathError, match="floor must be a finite number above 0"):
        figure(one, log=True, floor=0.0)
    with pytest.raises(GlidepathError, match=r"ends in \.gif"):
        animate(one, tmp_path / "a.png")


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("height", [4, 5, 6, 7, 8, 11, 17, 30])
def test_the_numbers_beside_a_drawing_are_even_and_stand_where_the_curve_has_them(height: int, ascii_only: bool):
    flat = terminal(parse("hold()"), width=60, height=height, colour=False, ascii_only=ascii_only).splitlines()
    (row,) = [line for line in flat[1 : height + 1] if len(line) > 40]
    assert row.split()[0] == "1"

    falling = terminal(parse("cosine(1000)"), width=60, height=height, colour=False, ascii_only=ascii_only).splitlines()
    numbers = [float(line.split()[0]) for line in falling[1 : height + 1] if line.split()[0] not in "|│"]
    assert numbers == ([1, 0.75, 0.5, 0.25, 0] if height > 4 else [1, 0.5, 0])


def test_the_axis_of_an_endless_schedule_has_its_whole_cycles():
    axis = terminal(parse("repeat(cosine(200))"), colour=False).splitlines()[-1]
    assert axis.split() == ["0", "200", "400", "600", "799"]


def test_a_terminal_drawing_is_as_wide_as_told_and_has_no_colour_where_none_is_wanted(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    plain = terminal(parse("cosine(1000)"), width=60, height=8)

    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= 60
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[36m" in terminal(parse("cosine(1000)"), width=60, height=8)
    assert terminal(parse("cosine(1000)"), width=60, height=8, ascii_only=True, colour=False).isascii()


def test_a_terminal_drawing_states_its_floor_and_names_its_curves():
    text = terminal([parse("cosine(1000)"), parse("0.1 * linear(1000)")], log=True, axis="epoch", per=100, colour=False)

    assert "epoch; logarithmic from" in text
    assert "values of 0 lie on the lowest row" in text
    assert "1 cosine(1000)" in text
    assert "2 0.1 * linear(1000)" in text


def test_every_class_of_the_classic_libraries_moves_under_its_own_name(tmp_path, monkeypatch):
    """One file each, also where a name has a dot in it or differs from another by the size of its letters; no two are the same picture."""
    from glidepath import dialects

    small = [picture for picture in pictures() if picture.size]
    assert [picture.title.partition("(")[0] for picture in small] == [
        name
        for library, plateau in PLATEAUS.items()
        for name in [*dialects.names(library), *([plateau] if plateau else [])]
    ]
    names = [picture.name.casefold() for picture in pictures()]
    assert len(set(names)) == len(names)
    monkeypatch.setattr("glidepath.view.pictures._SMALL", {"width": 320, "height": 160, "frames": 8})
    monkeypatch.setattr("glidepath.view.pictures.pictures", lambda: iter(small))
    monkeypatch.setattr("glidepath.view.pictures.figure", lambda *_, **__: None)  # stills are drawn elsewhere
    monkeypatch.setattr("glidepath.view.pictures.save", lambda _, path: write_whole(path, b"", where="view"))
    monkeypatch.setattr("glidepath.view.pictures.animate", drawn_or_told)

    made = gallery(tmp_path)

    files = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert len(made) == len(files) == 2 * len(small) + 1
    assert {"tensorflow/train.cosine_decay.gif", "tensorflow/train.cosine_decay.svg", "oneflow/WarmUpLR-2.gif"} <= set(
        files
    )
    page = files["index.html"].decode()
    assert all(f'"{name}"' in page for name in files if name != "index.html")
    for library in PLATEAUS:
        drawn = [data for name, data in files.items() if name.startswith(f"{library}/") and name.endswith(".gif")]
        assert len(drawn) == len(set(drawn)) == sum(picture.name.startswith(f"{library}/") for picture in small)


def drawn_or_told(schedules, path, **options):
    """Draws a few classes, of dotted names among them; of the others the file holds the numbers, which takes no time."""
    if path.endswith(("train.cosine_decay.gif", "train.exponential_decay.gif", "keras/CosineDecay.gif", "StepLR.gif")):
        return animate(schedules, path, **options)
    (schedule,) = schedules.values()
    told = f"{options['title']} {[schedule(step) for step in range(options['steps'] + 1)]}"
    return write_whole(path, told.encode(), where="view")


PLATEAUS = {
    "pytorch": "ReduceLROnPlateau",
    "oneflow": "ReduceLROnPlateau",
    "keras": "ReduceLROnPlateau",
    "tensorflow": "",
    "paddle": "ReduceOnPlateau",
}


def test_the_classes_have_the_numbers_of_the_articles():
    used = {
        f"{library}.{name}" if f"{library}.{name}" in ARTICLES else name
        for library in CLASSIC
        for name in classes(library)
    }
    assert set(ARTICLES) == used
    for library, name, call, rates in (
        ("pytorch", "StepLR", "StepLR(step_size=3)", [0.05] * 3 + [0.005] * 3 + [0.0005]),
        ("paddle", "MultiStepDecay", "MultiStepDecay(milestones=[2, 5, 8])", [0.05] * 2 + [0.005] * 3 + [0.0005]),
        ("oneflow", "CosineAnnealingLR", "CosineAnnealingLR(T_max=3)", [0.01, 0.0075, 0.0025, 0.0]),
        ("pytorch", "ReduceLROnPlateau", "ReduceLROnPlateau(patience=2, cooldown=2)", [1.0] * 4 + [0.1] * 5 + [0.01]),
        ("keras", "ReduceLROnPlateau", "ReduceLROnPlateau(patience=2, cooldown=2)", [1.0] * 3 + [0.1]),
    ):
        told, schedule, last, _ = article(library, name)
        assert (told, [round(schedule(step), 7) for step in range(len(rates))]) == (call, rates)
        assert last >= len(rates) - 1
    restarted = article("oneflow", "CosineAnnealingWarmRestarts")[1]
    assert [restarted(step) for step in (0, 10, 30, 70, 79)] == [0.1, 0.05, 0.025, 0.0, 0.0]


def test_the_page_and_the_pictures_share_dashes_and_numbers(tmp_path):
    static = Path(playground.__file__).parent / "static"
    listed = re.search(r"DASHES = \[(.*?)\]", (static / "style.js").read_text())[1]
    pixels = [
        "-" if one == "solid" else [float(x.removesuffix("px")) / 2 for x in one.split(",")]
        for one in re.findall(r'"([^"]+)"', listed)
    ]
    assert pixels[:MOST_CURVES] == ["-" if one == "-" else list(one[1]) for one in DASHES]

    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on the path: the page's numbers are not asked for")
    numbers = [
        0.0,
        0.1,
        0.01,
        2.5e-4,
        9.9996e-5,
        3e-9,
        1.23456e-7,
        1 / 3,
        12.3456,
        9999.4,
        9999.96,
        3e17,
        10000.0,
        123456.0,
        3e14,
        -0.5,
    ]
    source = re.search(r"export function short\(.*?\n}\n", (static / "dom.js").read_text(), re.DOTALL)[0].removeprefix(
        "export "
    )
    script = tmp_path / "short.js"
    script.write_text(f"{source}console.log(JSON.stringify({numbers}.map((value) => short(value))))")
    said = subprocess.run([node, str(script)], capture_output=True, text=True, check=True).stdout

    assert json.loads(said) == [significant(number) for number in numbers]
