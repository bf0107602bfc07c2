"""Everybody reaches everything: keyboard alone, screen readers, dark, calm, 390 pixels; and takes it away."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from glidepath import Schedule, parse

TABS = ["code", "compare", "matter", "files"]
VIEWS = ["range", "feedback"]


def test_the_keyboard_alone_reaches_and_moves_everything(opened):
    """K8: a path by keyboard to each control."""
    opened.type("warmup(500) >> cosine(9500)")
    opened.rest()
    page = opened.page
    wanted = set(
        page.evaluate(
            """() => [...document.querySelectorAll('button, input, select, textarea, [tabindex="0"]')]
              .filter(e => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && e.tabIndex >= 0)
              .filter(e => e.type !== 'radio' || e.checked)
              .map((e, i) => { e.dataset.walk = String(i); return String(i); })"""
        )
    )
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    reached = set()
    for _ in range(len(wanted) + 12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.dataset?.walk ?? ''"))
    assert wanted - reached == set()

    page.focus("#textchip")
    page.keyboard.press("Enter")
    assert not page.is_visible("#line")
    page.keyboard.press("/")
    page.keyboard.press("Control+a")
    page.keyboard.type("warmup(100) >> linear(9900)")
    opened.wait("glidepath.state.text === 'warmup(100) >> linear(9900)'")
    opened.rest()
    page.focus(".edge")
    page.keyboard.press("ArrowRight")
    opened.wait("glidepath.state.text.startsWith('warmup(200)')")
    opened.rest()
    page.focus("button.block")
    page.keyboard.press("Alt+ArrowRight")
    opened.wait("glidepath.state.text.startsWith('linear(9800) >> warmup(200)')")
    opened.rest()
    page.focus("button.block >> nth=1")
    page.keyboard.press("Delete")
    opened.wait("glidepath.state.text === 'linear(9800)'")
    page.focus("#scrub")
    page.keyboard.press("End")
    opened.wait("glidepath.player.step === glidepath.last")
    page.focus("#tab-compare")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-matter"
    assert page.is_visible("#pane-matter")


def test_every_control_has_a_name(opened):
    """K8: what a screen reader is told."""
    opened.rest()
    for place in TABS + VIEWS:
        opened.page.click(f"#to-{place}" if place in VIEWS else f"#tab-{place}")
        opened.page.wait_for_timeout(300)
        snapshot = opened.page.locator("body").aria_snapshot()
        unnamed = re.findall(
            r"^\s*- (slider|textbox|combobox|checkbox|radio|button|tab)(?=:|$| \[)", snapshot, re.MULTILINE
        )

        assert unnamed == [], place
        if place not in VIEWS:
            assert 'slider "Warm-up, slider"' in snapshot
            assert 'textbox "Warm-up"' in snapshot
            assert 'slider "Warm-up"' in snapshot  # the handle on the curve
            assert "10000 at" not in snapshot
            assert 'img "warmup_cosine(10000, warmup=500): up to 1, 0 at step 10,000' in snapshot


def test_sliders_say_their_value_in_words_and_changes_are_announced(opened):
    """K8: aria-valuetext and a live region."""
    opened.page.locator('#controls .control[data-field="warmup"] input[type=range]').focus()
    opened.page.keyboard.press("ArrowRight")
    opened.rest()
    spoken = opened.page.get_attribute('#controls .control[data-field="warmup"] input[type=range]', "aria-valuetext")

    assert spoken.endswith(" steps")
    assert "warmup_cosine(10000" in opened.page.inner_text("#live")


def test_the_curve_is_a_table_too(opened):
    """K8: a table view of each curve, with every digit."""
    opened.rest()
    opened.page.click("#tab-compare")
    opened.page.click("#every summary")
    opened.wait("document.querySelectorAll('#values tbody tr:nth-child(20) td').length === 4")
    rows = opened.page.locator("#values tbody tr").all_inner_texts()
    schedules = [
        parse(text)
        for text in ("warmup_cosine(10000, warmup=500)", "wsd(10000, warmup=500, cooldown=2000)", "one_cycle(10000)")
    ]

    for row in rows:
        step, *values = row.split("\t")
        assert [v for v in values if v != "·"] == values or len(values) == 3
        for schedule, value in zip(schedules, values, strict=True):
            assert value == "·" or float(value) == schedule(int(step.replace(",", "")))


@pytest.mark.parametrize("opened", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_390_pixels_are_enough(opened):
    opened.type("OneCycleLR(max_lr=0.1, total_steps=1000)")
    opened.rest()
    opened.page.click("#saying summary")
    assert unseen(opened) == [0, 0]
    opened.type("warmup(500) >> hold(2000) >> repeat(cosine(2500), cycles=3, decay=0.5) >> linear(1000)")
    for tab in TABS:
        opened.page.click(f"#tab-{tab}")
        opened.page.wait_for_timeout(300)
        width = opened.page.evaluate("[document.documentElement.scrollWidth, innerWidth, document.body.scrollWidth]")
        assert width[0] <= width[1] >= width[2], (tab, width)
    for view in VIEWS:
        opened.page.click(f"#to-{view}")
        opened.page.wait_for_timeout(400)
        width = opened.page.evaluate("[document.documentElement.scrollWidth, innerWidth, document.body.scrollWidth]")
        assert width[0] <= width[1] >= width[2], (view, width)
    opened.page.click("#to-schedule")
    opened.page.click("#tab-compare")
    opened.rest()
    opened.shot("narrow")


@pytest.mark.parametrize("opened", [{"color_scheme": "dark"}], indirect=True)
def test_dark_follows_the_system_and_can_be_switched(opened):
    opened.rest()
    opened.shot("dark")
    dark = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    opened.page.click("#theme")
    light = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert sum(map(int, re.findall(r"\d+", dark))) < 120
    assert sum(map(int, re.findall(r"\d+", light))) > 600


@pytest.mark.parametrize("opened", [{"reduced_motion": "reduce"}], indirect=True)
def test_who_asked_for_calm_sees_pictures_instead_of_a_film(opened):
    opened.rest()
    opened.page.evaluate(
        "window.moves = 0; const go = glidepath.player.go.bind(glidepath.player);"
        " glidepath.player.go = (...a) => { window.moves += 1; go(...a); }"
    )
    opened.page.click("#play")
    opened.page.wait_for_timeout(1800)

    assert 1 <= opened.page.evaluate("moves") <= 5
    assert opened.page.evaluate("getComputedStyle(document.getElementById('toast')).transitionDuration") == "0s"


@pytest.mark.parametrize("ending", ["svg", "png", "gif", "csv", "json"])
def test_downloads_are_files_that_others_read(opened, ending, tmp_path):
    """K1: exported values equal schedule(step) bit for bit."""
    opened.rest()
    opened.page.click("#tab-files")
    with opened.page.expect_download(timeout=0) as download:
        opened.page.click(f'button[data-format="{ending}"]')
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    schedule = parse("warmup_cosine(10000, warmup=500)")

    assert path.name == f"warmup_cosine-10000-warmup-500.{ending}"
    if ending == "svg":
        assert ET.parse(path).getroot().tag.endswith("svg")
    elif ending in ("png", "gif"):
        with Image.open(path) as image:
            assert image.format == ending.upper()
    elif ending == "csv":
        rows = list(csv.reader(io.StringIO(path.read_text())))
        assert len(rows) == 10_002
        assert [float(row[1]) for row in rows[1:]] == [schedule(step) for step in range(10_001)]
    else:
        curve = json.loads(path.read_text())["curves"][0]
        assert Schedule.from_dict(curve["schedule"]) == schedule
        assert all(schedule(step) == value for step, value in curve["points"])


def test_copied_code_runs_and_gives_the_curve(opened):
    opened.rest()
    opened.page.click("#tab-code")
    opened.wait("document.querySelector('#pane-code pre').textContent.includes('torch')")  # the first that is shown
    opened.page.select_option("#pane-code select", "python")
    opened.wait("!document.querySelector('#pane-code pre').textContent.includes('torch')")
    opened.page.click("#copycode")
    written = opened.page.evaluate("navigator.clipboard.readText()")
    names: dict = {}
    exec(compile(written, "copied", "exec"), names)
    steps, values = opened.curve()

    assert [names["schedule"](step) for step in steps] == pytest.approx(values, rel=1e-15)
    for target in ("pytorch", "oneflow", "keras", "optax", "glidepath"):
        opened.page.select_option("#pane-code select", target)
        opened.page.wait_for_timeout(250)
        compile(opened.page.inner_text("#pane-code pre"), target, "exec")


def test_the_formula_is_drawn_with_the_current_numbers(opened):
    opened.rest()
    opened.page.click("#saying summary")
    opened.wait("document.querySelectorAll('#saying .formula:has(math)').length === 2")

    assert "9500" in opened.page.locator("#saying .formula").nth(1).inner_text()
    assert "Loshchilov" in opened.page.inner_text("#saying")
    opened.type("OneCycleLR(max_lr=0.1, total_steps=1000)")
    opened.wait("document.querySelectorAll('#saying .formula')[1].textContent.includes('299')")
    opened.shot("formula")
    wide = "[...document.querySelectorAll('#saying .formula')].map(node => node.scrollWidth - node.clientWidth)"
    assert opened.page.evaluate(wide) == [0, 0]  # a long one goes on in the next line


def unseen(opened):
    """How many pixels of each formula are still beyond the edge of its panel when it is scrolled to its end."""
    return opened.page.evaluate(
        """[...document.querySelectorAll('#saying .formula')].map(node => { node.scrollLeft = 9999;
          const ends = [...node.querySelectorAll('math')].map(math => math.getBoundingClientRect().right);
          const end = node.getBoundingClientRect().left + node.clientWidth;
          return Math.max(0, Math.ceil(Math.max(...ends) - end)) + Math.max(0, Math.ceil(end - innerWidth)); })"""
    )


def test_a_metric_is_fed_and_the_cuts_explained(opened):
    opened.page.click("#to-feedback")
    opened.wait("document.querySelectorAll('#pane-feedback .sentences li').length === 3")
    opened.shot("feedback")
    assert "4 in a row, patience 3: cut by 0.1" in opened.page.inner_text("#pane-feedback .sentences")
    opened.page.fill("#pane-feedback textarea", "1 0.9 0.8 0.7")
    opened.wait("document.querySelector('#pane-feedback .sentences').textContent.startsWith('No cut')")
    opened.page.fill('#pane-feedback .control[data-field="factor"] input[type=text]', "7")
    opened.wait("document.querySelector('#pane-feedback .control.bad')")
    assert "factor must be" in opened.page.inner_text('#pane-feedback .control[data-field="factor"] .error')
    opened.page.set_input_files(
        "#pane-feedback input[type=file]",
        {"name": "a.csv", "mimeType": "text/csv", "buffer": b"epoch,loss\n0,1\n1,1\n2,1\n3,1\n4,1\n5,1\n"},
    )
    opened.page.fill('#pane-feedback .control[data-field="factor"] input[type=text]', "0.5")
    opened.wait("document.querySelector('#pane-feedback .sentences').textContent.includes('to 0.5')")


def test_without_finished_runs_the_page_says_how_to_get_some(opened):
    opened.page.click("#tab-matter")
    opened.wait("document.getElementById('pane-matter').textContent.includes('glidepath demo')")
    assert opened.page.is_visible("#train")
