"""What a person does on the page: sliders, text and blocks, pins, links, undo."""

import json
from itertools import pairwise

import pytest

from glidepath import parse
from glidepath.playground import fragment

COMPOSED = "warmup(500) >> hold(2000) >> 0.5 * repeat(cosine(1500), cycles=5, decay=0.7)"


def value_of(opened, field):
    return opened.page.input_value(f'#controls .control[data-field="{field}"] input[type=text]')


def test_the_page_begins_with_three_curves_of_one_budget(opened):
    opened.rest()
    opened.shot("first")

    assert opened.page.locator("#legend li").count() == 3
    assert opened.page.inner_text("#budgetchip") == "10,000 updates ▾"
    assert len({opened.path(slot) for slot in range(3)}) == 3
    assert opened.page.inner_text("#problem") == ""


def test_the_curve_follows_the_slider_and_is_the_schedules_own(opened):
    """K1: what is drawn equals schedule(step) bit for bit."""
    before = opened.path()
    slider = opened.page.locator('#controls .control[data-field="warmup"] input[type=range]')
    box = slider.bounding_box()
    opened.page.mouse.move(box["x"] + 16, box["y"] + 11)
    opened.page.mouse.down()
    redraws = opened.page.evaluate("glidepath.redraws")
    for i in range(20):
        opened.page.mouse.move(box["x"] + 16 + 6 * i, box["y"] + 11)
        opened.page.wait_for_timeout(33)
    while_dragging = opened.page.evaluate("glidepath.redraws") - redraws
    opened.page.mouse.up()
    opened.rest()
    steps, values = opened.curve()
    schedule = parse(opened.text())

    assert while_dragging >= 10  # 18 on an idle machine: bench/playground.py
    assert opened.path() != before
    assert values == [schedule(step) for step in steps]
    assert value_of(opened, "warmup") in opened.text()
    assert opened.page.input_value("#line") == opened.text()


def test_rates_have_logarithmic_sliders_that_reach_small_ones_and_zero(opened):
    """K2: 3e-4 and 1e-8 can be set by hand, and exactly 0."""
    slider = opened.page.locator('#controls .control[data-field="floor"] input[type=range]')
    slider.focus()
    opened.page.keyboard.press("ArrowRight")
    opened.wait("glidepath.state.text.includes('floor=')")
    tiny = float(value_of(opened, "floor"))
    opened.page.fill('#controls .control[data-field="floor"] input[type=text]', "3e-4")
    opened.wait("glidepath.state.text.includes('floor=0.0003')")
    opened.page.keyboard.press("Tab")
    slider.focus()
    opened.page.keyboard.press("Home")
    opened.wait("!glidepath.state.text.includes('floor=')")

    assert 0 < tiny < 2e-8
    assert value_of(opened, "floor") == "0"


def test_lengths_take_units(opened):
    for typed, steps in (("5%", 500), ("2ep", 800), ("1e3", 1000), ("2k", 2000)):
        opened.page.fill('#controls .control[data-field="warmup"] input[type=text]', typed)

        opened.wait(f"glidepath.state.text === 'warmup_cosine(10000, warmup={steps})'")


def test_an_invalid_edit_stands_at_its_field_and_the_last_good_curve_stays(opened):
    """K4: the field says what is wrong; nothing else changes."""
    for k, typed in enumerate(["", "-1", "nan", "1e400", "20000", "a", "<img src=x onerror=alert(1)>"]):
        before, text = opened.path(), opened.text()
        opened.page.fill('#controls .control[data-field="warmup"] input[type=text]', typed)
        opened.wait("document.querySelector('.control.bad')")
        message = opened.page.inner_text('#controls .control[data-field="warmup"] .error')
        if typed == "20000":
            opened.shot("error-at-field")

        assert " must be " in message, typed
        assert opened.path() == before, typed
        assert opened.text() == text, typed
        opened.page.fill('#controls .control[data-field="warmup"] input[type=text]', f"70{k}")
        opened.wait(f"!document.querySelector('.control.bad') && glidepath.state.text.includes('70{k}')")


def test_milestones_are_read_as_numbers(opened):
    """K4: milestones `1e3`, `3, 1` and nothing."""
    opened.type("multistep([3000, 6000])")
    for typed, expected in (("1e3", "[1000]"), ("", None), ("100, 200", "[100, 200]"), ("3, 1", None)):
        before = opened.text()
        opened.page.fill('#controls .control[data-field="milestones"] input', typed)
        if expected:
            opened.wait(f"glidepath.state.text === 'multistep({expected})' && !document.querySelector('.control.bad')")
        else:
            opened.wait("document.querySelector('.control.bad')")
            assert opened.text() == before, typed


def test_any_schedule_of_any_library_is_chosen_and_has_its_own_controls(opened):
    for word, field in (
        ("pytorch.CosineAnnealingLR", "T_max"),
        ("oneflow.CosineDecayLR", "decay_steps"),
        ("keras.ExponentialDecay", "decay_rate"),
        ("wsd", "cooldown"),
    ):
        opened.choose(word)
        opened.wait(
            f"document.querySelector('#controls .control[data-field={field}]') && glidepath.tree.word === '{word.rpartition('.')[2]}'"
        )
        assert opened.page.inner_text("#about")
        assert opened.page.inner_text("#problem") == ""
    opened.choose("pytorch.CosineAnnealingLR")
    opened.rest()
    opened.page.fill('#controls .control[data-field="T_max"] input[type=text]', "2500")
    opened.wait("glidepath.state.text.includes('T_max=2500')")
    opened.shot("library")
    steps, values = opened.curve()
    from glidepath import dialects

    schedule = dialects.load("pytorch", "CosineAnnealingLR", {"T_max": 2500})
    assert values == [schedule(step) for step in steps]


def test_text_makes_blocks_and_blocks_make_text(opened):
    opened.type(COMPOSED)
    opened.rest()
    names = opened.page.locator("button.block").all_inner_texts()
    edge = opened.page.locator(".edge").nth(0).bounding_box()
    opened.page.mouse.move(edge["x"] + 12, edge["y"] + 15)
    opened.page.mouse.down()
    for i in range(8):
        opened.page.mouse.move(edge["x"] + 12 + 10 * i, edge["y"] + 15)
        opened.page.wait_for_timeout(16)
    opened.page.mouse.up()
    opened.wait("!glidepath.state.text.startsWith('warmup(500)')")
    stretched = opened.text()
    opened.rest()
    block = opened.page.locator("button.block").nth(1).bounding_box()
    opened.page.mouse.move(block["x"] + 20, block["y"] + 10)
    opened.page.mouse.down()
    for x in (0, -40, -90, -160, -220):
        opened.page.mouse.move(block["x"] + x, block["y"] + 10)
    opened.page.mouse.up()
    opened.wait("glidepath.state.text.startsWith('hold(')")
    opened.rest()
    opened.shot("blocks")
    opened.page.select_option(".addphase select", "linear")
    opened.page.click(".addphase button")
    opened.wait("/>> linear\\(\\d+\\)$/.test(glidepath.state.text)")

    assert names == ["warmup", "hold", "0.5 × repeat"]
    assert stretched.endswith(" >> 0.5 * repeat(cosine(1500), cycles=5, decay=0.7)")
    assert parse(stretched).duration == parse(COMPOSED).duration  # the neighbour gave the steps
    assert parse(opened.text()).duration == parse(COMPOSED).duration  # and what was added lies inside
    parse(opened.text())


def test_a_recipe_is_unfolded_into_phases(opened):
    opened.page.click("#unfold")

    opened.wait(
        "glidepath.state.text === 'warmup(500) >> cosine(9500)' && document.querySelectorAll('button.block').length === 2"
    )


def test_blocks_line_up_with_the_curve(opened):
    opened.type("warmup(2500) >> cosine(7500)")
    opened.rest()
    left, right = (opened.page.locator("button.block").nth(i).bounding_box() for i in (0, 1))
    joint = opened.page.evaluate(
        "glidepath.chart.frame().of(2500) + document.getElementById('strip').getBoundingClientRect().x"
    )

    assert left["x"] + left["width"] == pytest.approx(joint, abs=3)
    assert right["x"] == pytest.approx(joint, abs=3)


def test_wrong_text_says_why_and_keeps_the_curve(opened):
    before = opened.path()
    opened.line("warmup(500) >> cosin(9500)")
    opened.wait("document.getElementById('problem').textContent.length > 0")

    assert "did you mean 'cosine'?" in opened.page.inner_text("#problem")
    assert opened.page.get_attribute("#line", "aria-invalid") == "true"
    assert opened.path() == before


def test_eight_pins_each_told_apart_and_compared_in_a_table(opened):
    for i in range(6):
        opened.type(f"warmup_cosine({5000 + 500 * i})")
        opened.page.click("#pin")
        opened.wait(f"glidepath.state.pins.length === {3 + i} && glidepath.pinned.length === {3 + i}")
    opened.page.click("#pin")
    opened.rest()
    opened.shot("pins")
    lines = opened.page.evaluate(
        "[...document.querySelectorAll('#chart path.curve')].map(p => getComputedStyle(p).stroke + p.style.strokeDasharray)"
    )

    assert opened.page.evaluate("glidepath.state.pins.length") == 8
    assert len(set(lines)) == 9
    rows = opened.page.locator("#pane-compare tbody tr")
    assert rows.count() == 9
    schedule = parse("warmup_cosine(7500)")
    cells = rows.nth(0).locator("td.num").evaluate_all("cells => cells.map(c => c.title)")
    assert float(cells[0]) == 1.0
    assert float(cells[1]) == schedule(10_000)
    steps = opened.page.evaluate("glidepath.state.at")
    assert [float(cell) for cell in cells[4:]] == [schedule(step) for step in steps]
    assert opened.page.locator("#legend b").count() == 8
    opened.page.click('#legend button[aria-label^="Remove curve 3"]')
    opened.wait("glidepath.state.pins.length === 7 && glidepath.pinned.length === 7")
    assert 3 not in opened.page.evaluate("glidepath.pinned.map(p => p.slot)")


def test_groups_are_told_apart_by_name_and_keep_their_own_base_rates(opened):
    """K7: several named groups, each with its schedule and base rate, none averaged with another."""
    texts = ["warmup(500) >> cosine(9500)", "wsd(10000, warmup=500, cooldown=2000)", "linear(10000)"]
    opened.go(fragment(list(zip(["body", "head", "norm"], texts, strict=True)), 0.001))
    opened.rest()
    opened.page.click("#tab-compare")
    opened.page.fill('[aria-label="Base rate of curve 1"]', "0.004")
    opened.page.keyboard.press("Tab")
    opened.wait("glidepath.pinned[0].most === 0.004")
    opened.rest()
    opened.shot("groups")
    labels = opened.page.locator("#legend .label").all_inner_texts()
    rows = opened.page.locator("#pane-compare tbody tr")
    peaks = [float(rows.nth(i).locator("td.num >> nth=0").get_attribute("title") or "nan") for i in range(3)]

    assert labels == ["body", "head × 0.004", "norm"]
    assert opened.page.input_value('[aria-label="Name of curve 1"]') == "head"
    assert opened.page.evaluate("document.querySelector('#chart .unit').textContent") == "learning rate"
    curves = opened.page.evaluate("[glidepath.active, ...glidepath.pinned].map(c => [[...c.steps], [...c.values]])")
    for (steps, values), text, base in zip(curves, texts, [0.001, 0.004, 0.001], strict=True):
        assert values == [parse(text)(step) * base for step in steps]
    assert peaks[1:] == [0.004, 0.001]
    link = opened.page.evaluate("location.hash.slice(1)")
    opened.go(link)
    opened.rest()
    opened.page.click("#tab-compare")
    assert opened.page.locator("#legend .label").all_inner_texts() == labels
    opened.page.fill('[aria-label="Base rate of curve 1"]', "-1")
    opened.page.keyboard.press("Tab")
    opened.wait("document.querySelector('[aria-label=\"Base rate of curve 1\"]').classList.contains('bad')")
    assert opened.page.evaluate("glidepath.state.pins[0].base") == 0.004


def test_working_on_another_group_changes_no_values(opened):
    """K7: the curves swap places; every one keeps its base rate."""
    opened.page.fill('[aria-label="Base rate of curve 1"]', "0.5")
    opened.page.keyboard.press("Tab")
    opened.wait("glidepath.pinned[0].most === 0.5")
    opened.page.click("#pane-compare button:has-text('Edit') >> nth=0")
    opened.wait("glidepath.state.text.startsWith('wsd') && glidepath.active.most === 0.5")
    opened.rest()

    assert opened.page.evaluate("glidepath.pinned.map(c => c.most)") == [1, 1]
    assert opened.page.input_value("#base") == "0.5"


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("cosine(10000)", "factor"),
        ("rate(0.1 * cosine(10000))", "factor or learning rate"),
        ("torch.optim.lr_scheduler.StepLR(optimizer, 3000)", "factor or learning rate"),
    ],
)
def test_the_axis_says_what_the_values_are(opened, text, unit):
    """Rates are not called factors; beside factors both are named."""
    opened.type(text)

    opened.wait(f"document.querySelector('#chart .unit').textContent === {unit!r}")


def test_the_cursor_is_linked_and_exact(opened):
    """K1: the values under the cursor are those of the schedules."""
    opened.rest()
    box = opened.page.locator("#chartbox").bounding_box()
    opened.page.mouse.move(box["x"] + 400, box["y"] + 120)
    opened.page.mouse.move(box["x"] + 431, box["y"] + 120)
    opened.page.wait_for_timeout(400)
    step = opened.page.evaluate("glidepath.player.step")
    shown = opened.page.evaluate("[...document.querySelectorAll('#legend .value')].map(v => v.title)")
    texts = ["warmup_cosine(10000, warmup=500)", "wsd(10000, warmup=500, cooldown=2000)", "one_cycle(10000)"]

    assert 0 < step < 10_000
    assert [float(title.partition(" = ")[2]) for title in shown] == [parse(text)(step) for text in texts]
    assert f"step {step:,}" in opened.page.inner_text("#where")


def test_a_link_brings_everything_back(opened):
    """K5: link round trip, the same path drawn."""
    opened.type("0.5 * wsd(10000, warmup=700)")
    opened.page.click("#pin")
    opened.wait("glidepath.pinned.length === 3")
    opened.page.click("#log")
    opened.page.select_option("#axis", "epoch")
    opened.page.fill("#base", "0.003")
    opened.page.click("#budgetchip")
    opened.page.fill('#budget input[title^="Examples of one"]', "64")
    opened.rest()
    opened.page.click("#share")
    link = opened.page.evaluate("navigator.clipboard.readText()")
    before = [opened.path(slot) for slot in range(4)], opened.page.evaluate("JSON.stringify(glidepath.state)")
    opened.go(link.partition("#")[2])
    opened.rest()

    assert opened.page.evaluate("JSON.stringify(glidepath.state)") == before[1]
    assert [opened.path(slot) for slot in range(4)] == before[0]
    assert "wsd%2810000" in link or "wsd(10000" in link


@pytest.mark.parametrize(
    "fragment",
    [
        "v=1",
        "v=2&s=cosine(10)",
        "s=cosine(10)",
        "v=1&s=" + "x" * 30_000,
        "%",
        "v=1&s=cosine(10)&p=%5B&p=3&p=%7B%7D&at=1e9,x,-1&base=-1&budget=samples:x,foo:1",
    ],
)
def test_broken_links_open_a_page_that_works(opened, fragment):
    opened.go(fragment)
    opened.type("linear(100)")

    assert opened.page.evaluate("glidepath.state.pins.length") <= 8
    assert (
        json.loads(opened.page.evaluate("JSON.stringify(glidepath.state.at)")) == [0, 500, 5000, 9999]
        or "at=" in fragment
    )


def test_hostile_names_and_texts_are_only_text(opened):
    """K5: `<img onerror>` in a link, a name, a text."""
    evil = "<img src=x onerror=alert(1)>"
    pin = json.dumps(["cosine(10000)", evil, 1])
    opened.go(f"v=1&s=cosine(9000)&p={pin.replace('<', '%3C').replace(' ', '%20').replace('#', '%23')}&at=0")
    opened.rest()
    opened.line(f'"{evil}"')
    opened.page.wait_for_timeout(300)

    assert opened.page.locator("#legend img, #pane-compare img, #problem img").count() == 0
    assert evil in opened.page.locator("#legend").inner_text()
    assert opened.page.evaluate("document.querySelectorAll('img').length") == 1  # the sign of the page itself


def test_undo_and_redo(opened):
    first = opened.text()
    opened.type("cosine(9000)")
    opened.rest()
    opened.type("linear(8000)")
    opened.rest()
    opened.page.click("#undo")
    opened.wait("glidepath.state.text === 'cosine(9000)'")
    opened.rest()
    opened.page.click("h1")
    opened.page.keyboard.press("Control+z")
    opened.wait(f"glidepath.state.text === {first!r}")
    opened.rest()
    opened.page.keyboard.press("Control+Shift+z")
    opened.wait("glidepath.state.text === 'cosine(9000)'")
    opened.rest()

    assert opened.page.is_enabled("#undo")
    assert opened.page.input_value("#line") == "cosine(9000)"


def test_switching_the_axis_moves_no_curve(opened):
    """K6: epochs, samples, tokens and percent keep the curve."""
    opened.rest()
    before = opened.path()
    numbers = [[float(x) for x in point.split(",")] for point in before[1:].split("L")]
    for axis in ("epoch", "samples", "tokens", "%"):
        title = opened.page.inner_html("#chart .xtitle")
        opened.page.select_option("#axis", label=axis)
        opened.wait(f"document.querySelector('.xtitle').textContent !== {title!r}")
        after = [[float(x) for x in point.split(",")] for point in opened.path()[1:].split("L")]

        assert len(after) == pytest.approx(len(numbers), abs=len(numbers) * 0.2)
        assert after[0] == pytest.approx(numbers[0], abs=0.1)
        assert after[-1] == pytest.approx(numbers[-1], abs=0.1)
        assert max(y for _, y in after) == pytest.approx(max(y for _, y in numbers), abs=0.1)


def test_a_logarithmic_axis_states_its_floor_and_marks_zeros(opened):
    """K2: exact zeros are drawn as such; the axis says where it begins; nothing is NaN."""
    opened.page.keyboard.press("l")
    opened.rest()
    opened.shot("log")
    assert "logarithmic from" in opened.page.inner_text("#stated")
    assert "exactly 0" in opened.page.inner_text("#stated")
    assert opened.page.evaluate("document.querySelectorAll('#chart .zero').length") >= 2
    assert "NaN" not in "".join(opened.path(slot) for slot in range(3))
    opened.page.fill("#floor", "1e-3")
    opened.wait("document.getElementById('stated').textContent.includes('0.001')")


def test_playing_moves_the_cursor_and_names_the_phase(opened):
    opened.rest()
    opened.page.select_option("#speed", "4")
    opened.page.click("#play")
    opened.wait("glidepath.player.step > 3000")
    where = opened.page.inner_text("#where")
    assert opened.page.get_attribute("#play", "aria-label") == "Pause"
    opened.wait("!glidepath.player.playing")

    assert "cosine" in where
    assert opened.page.evaluate("glidepath.player.step") == 10_000


def test_the_budget_is_an_equation_and_the_schedule_can_be_fitted(opened):
    opened.page.click("#budgetchip")
    opened.page.fill('#budget input[title^="How often"]', "50")
    opened.wait("document.querySelector('#budget output').textContent === '20,000'")
    opened.rest()
    assert "20000 updates" in opened.page.inner_text("#warnings")
    opened.page.click("#fit")
    opened.wait("glidepath.state.text === 'warmup_cosine(20000, warmup=1000)'")
    opened.wait("document.getElementById('warnings').children.length === 0")


def test_tabs_do_not_disturb_each_other(opened):
    context = opened.page.context
    tabs = [opened, *(type(opened)(context.new_page(), opened.address) for _ in range(2))]
    for tab in tabs[1:]:
        tab.page.goto(tab.address, wait_until="commit")
    for tab in tabs:
        tab.wait("Boolean(window.glidepath && window.glidepath.redraws > 0)", 60)
    for i, tab in enumerate(tabs):
        tab.line(f"cosine({1000 + i})")
    for i, tab in enumerate(tabs):
        tab.wait(f"glidepath.state.text === 'cosine({1000 + i})'")
        steps, values = tab.curve()
        assert values == [parse(f"cosine({1000 + i})")(step) for step in steps]
    for tab in tabs[1:]:
        tab.page.close()


def test_a_drag_zooms_and_a_double_click_shows_all(opened):
    opened.rest()
    whole = opened.path()
    box = opened.page.locator("#chartbox").bounding_box()
    opened.page.mouse.move(box["x"] + 200, box["y"] + 160)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + 400, box["y"] + 161, steps=4)
    opened.page.mouse.up()
    opened.wait("glidepath.chart.zoom !== null")
    low, high = opened.page.evaluate("glidepath.chart.zoom.x")
    per_pixel = 10_000 / opened.page.evaluate("glidepath.chart.x.length")

    assert high - low == pytest.approx(200 * per_pixel, rel=0.02)
    assert opened.path() != whole
    opened.page.mouse.dblclick(box["x"] + 300, box["y"] + 200)
    opened.wait("glidepath.chart.zoom === null")
    assert opened.path() == whole


@pytest.mark.parametrize("text", ["cosine(3000000)", "cosine(7)", "rate(3e-9 * cosine(10000))", "1e6 * cosine(10000)"])
@pytest.mark.parametrize("log", [False, True])
def test_numbers_at_the_axes_do_not_overlap_and_are_never_zeros(opened, text, log):
    """K2: labels with significant digits, at any size."""
    opened.go("v=1&s=" + text.replace(" ", "+") + ("&log=1" if log else ""))
    ticks = opened.page.evaluate(
        """['xtick', 'ytick'].map(name => [...document.querySelectorAll(`#chart .${name}`)]
          .map(t => { const b = t.getBoundingClientRect(); return [t.textContent, b.left, b.right, b.top, b.bottom]; }))"""
    )
    box = opened.page.locator("#chartbox").bounding_box()

    for names, low, high in ((ticks[0], 1, 2), (ticks[1], 3, 4)):
        assert len(names) >= 2
        assert len({each[0] for each in names}) == len(names)
        spans = sorted((each[low], each[high]) for each in names)
        assert all(a[1] <= b[0] for a, b in pairwise(spans)), (text, names)
    assert all(each[1] >= box["x"] - 1 for each in ticks[1])
