"""The curve in the hand: handles, sliders that reach nothing refused, one undo a gesture, still axes, answers that come too late."""

import json

import pytest

from glidepath import parse

FIRST = "warmup_cosine(10000, warmup=500)"
SLIDER = '#controls .control[data-field="{}"] input[type=range]'
BOX = '#controls .control[data-field="{}"] input[type=text]'


def drag(page, begin, by, moves=12, pause=16, release=True):
    page.mouse.move(*begin)
    page.mouse.down()
    for i in range(1, moves + 1):
        page.mouse.move(begin[0] + by[0] * i / moves, begin[1] + by[1] * i / moves)
        page.wait_for_timeout(pause)
    if release:
        page.mouse.up()


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def alone(opened, text):
    """One curve, no pins."""
    opened.page.evaluate("text => glidepath.open('v=1&s=' + encodeURIComponent(text))", text)
    opened.wait(f"glidepath.state.text === {json.dumps(text)} && glidepath.pinned.length === 0")
    opened.rest()


def handle(opened, name):
    return opened.page.locator(f'#handles .handle[aria-label="{name}"]')


def test_the_end_of_the_warmup_is_taken_hold_of_on_the_curve(opened):
    alone(opened, FIRST)
    drag(opened.page, middle(handle(opened, "Warm-up")), (120, 0))
    opened.rest()
    warmup = parse(opened.text())

    steps = opened.page.evaluate("10000 * 120 / glidepath.chart.x.length")
    at = opened.page.evaluate("glidepath.good.args.find(arg => arg.name === 'warmup').value")
    assert at == pytest.approx(500 + steps, abs=60)
    assert warmup.duration == 10_000
    assert opened.page.get_attribute('#handles .handle[aria-label="Warm-up"]', "aria-valuetext") == f"{at:,} steps"


def test_the_peak_and_the_floor_follow_the_hand(opened):
    alone(opened, FIRST)
    whole = opened.path()
    height = opened.page.evaluate("glidepath.chart.yOf(0) - glidepath.chart.yOf(1)")
    drag(opened.page, middle(handle(opened, "Peak")), (0, height / 2))
    opened.rest()
    assert opened.page.evaluate("glidepath.active.most") == pytest.approx(0.5, abs=0.01)
    assert opened.path() != whole  # a height that can be felt: the axis still reaches 1
    drag(opened.page, middle(handle(opened, "Floor")), (0, -height / 4))
    opened.rest()
    assert opened.page.evaluate("glidepath.active.values.at(-1)") == pytest.approx(0.25, abs=0.02)


def test_a_boundary_trades_steps_and_shift_changes_the_total(opened):
    alone(opened, "warmup(2000) >> hold(3000) >> cosine(5000)")
    node = handle(opened, "Where hold ends and cosine begins")
    drag(opened.page, middle(node), (100, 0))
    opened.rest()
    traded = parse(opened.text())
    node.focus()
    opened.page.keyboard.press("Shift+ArrowRight")
    opened.wait("glidepath.last === 10100")
    opened.rest()
    longer = opened.text()
    opened.page.keyboard.press("ArrowLeft")
    opened.wait(f"glidepath.state.text !== {json.dumps(longer)}")

    assert traded.duration == 10_000
    assert "hold(3000)" not in longer
    assert parse(longer).duration == 10_100
    assert parse(opened.text()).duration == 10_100


@pytest.mark.parametrize("text", [FIRST, "warmup(500) >> hold(2000) >> linear(7500)", "pytorch.StepLR(step_size=3000)"])
def test_every_handle_is_a_slider_for_keys_and_wide_enough_for_a_finger(opened, text):
    alone(opened, text)
    nodes = opened.page.locator("#handles .handle")
    assert nodes.count() >= 2
    for i in range(nodes.count()):
        node = nodes.nth(i)
        box = node.bounding_box()
        assert min(box["width"], box["height"]) >= 44
        before = opened.text()
        node.focus()
        opened.page.keyboard.press("ArrowLeft" if node.get_attribute("aria-orientation") == "horizontal" else "ArrowUp")
        opened.wait(f"glidepath.state.text !== {json.dumps(before)} || glidepath.active.most > 1")
        assert node.get_attribute("role") == "slider"
        assert node.get_attribute("aria-valuetext")
        assert opened.page.inner_text("#problem") == ""


def test_while_a_gesture_lasts_the_axes_stay_and_the_curve_as_it_was_is_a_ghost(opened):
    alone(opened, FIRST)
    before = opened.page.evaluate("[glidepath.chart.x.range, glidepath.chart.y.range]")
    path = opened.path()
    x, y = middle(opened.page.locator(SLIDER.format("steps")))
    drag(opened.page, (x, y), (60, 0), release=False)
    opened.wait("glidepath.last > 10000")

    assert opened.page.evaluate("[glidepath.chart.x.range, glidepath.chart.y.range]") == before
    assert opened.page.get_attribute("#chart .ghost", "d") == path
    assert opened.page.get_attribute("#chart .ghost", "hidden") is None
    opened.page.mouse.up()
    opened.rest()
    assert opened.page.get_attribute("#chart .ghost", "hidden") is not None
    assert opened.page.evaluate("glidepath.chart.x.range[1]") > 10_000


def test_one_slow_drag_is_one_undo(opened):
    alone(opened, FIRST)
    opened.page.evaluate("glidepath.history.past.length = 0")
    begin = middle(opened.page.locator(SLIDER.format("warmup")))
    drag(opened.page, begin, (80, 0), moves=5, pause=350)
    opened.rest()
    assert opened.text() != FIRST
    assert opened.page.evaluate("glidepath.history.past.length") == 1
    opened.page.click("#undo")
    opened.wait(f"glidepath.state.text === {FIRST!r}")


@pytest.mark.parametrize(
    "text", [FIRST, "wsd(10000, warmup=500, cooldown=2000)", "one_cycle(10000)", "repeat(cosine(2500), cycles=4)"]
)
def test_no_slider_reaches_what_is_refused(opened, text):
    alone(opened, text)
    opened.wait("glidepath.limits.size > 0")
    ranges = opened.page.locator("#controls .control > input[type=range]")
    for i in range(ranges.count()):
        for end in ("min", "max"):
            if not ranges.nth(i).is_visible():
                continue
            ranges.nth(i).evaluate(
                "(node, end) => { node.value = node[end]; node.dispatchEvent(new Event('input', { bubbles: true })); }",
                end,
            )
            opened.page.wait_for_timeout(40)
            opened.wait("!glidepath.pending")
            assert opened.page.locator(".control.bad").count() == 0, (text, i, end)
            assert opened.page.inner_text("#problem") == "", (text, i, end)
        alone(opened, text)


def test_what_is_refused_does_not_jam_the_other_sliders(opened):
    alone(opened, FIRST)
    opened.page.fill(BOX.format("warmup"), "20000")
    opened.wait("document.querySelector('.control.bad')")
    before = opened.path()
    opened.page.locator(SLIDER.format("floor")).focus()
    for _ in range(3):
        opened.page.keyboard.press("PageUp")
    opened.wait("glidepath.state.text.includes('floor=')")
    opened.rest()

    assert opened.path() != before
    assert opened.page.input_value(BOX.format("warmup")) == "20000"  # what is not used still says so
    assert opened.page.locator('.control.bad[data-field="warmup"]').count() == 1
    opened.page.fill(BOX.format("warmup"), "600")
    opened.wait("!document.querySelector('.control.bad') && glidepath.state.text.includes('warmup=600')")


def test_the_stale_choice_never_wins(opened):
    """An answer that comes after something newer was asked for is not applied: choosing, adding, fitting, presets."""
    alone(opened, "linear(9000)")
    opened.page.evaluate(
        """() => { const real = window.fetch; window.slow = 0;
          window.fetch = async (...args) => { const answer = await real(...args);
            if (args[1]?.body?.includes('one_cycle')) { window.slow += 1; await new Promise(done => setTimeout(done, 600)); }
            return answer; };
          window.unslow = () => { window.fetch = real; }; }"""
    )
    opened.page.evaluate("glidepath.panel.choose('one_cycle')")
    opened.page.wait_for_timeout(60)
    opened.page.evaluate("glidepath.panel.choose('wsd')")
    opened.wait("glidepath.state.text.startsWith('wsd')")
    opened.page.wait_for_timeout(1100)
    assert opened.text().startswith("wsd")
    opened.page.evaluate("glidepath.panel.choose('one_cycle')")
    opened.page.wait_for_timeout(60)
    opened.type("cosine(1234)")
    opened.page.wait_for_timeout(1100)
    assert opened.text() == "cosine(1234)"
    assert opened.page.evaluate("slow") >= 1
    opened.page.evaluate("unslow()")


def test_a_base_rate_that_is_not_used_is_marked(opened):
    for k, typed in enumerate(["0,0003", "2e6", "abc", "0", "", "-1", "0x10"]):
        before = opened.page.evaluate("glidepath.state.base")
        opened.page.fill("#base", typed)
        assert opened.page.get_attribute("#base", "aria-invalid") == "true", typed
        assert " must be " in opened.page.inner_text("#base-error"), typed
        assert opened.page.evaluate("glidepath.state.base") == before, typed
        opened.page.fill("#base", f"1,00{k}")
        opened.wait(f"glidepath.state.base === 100{k}")
        assert opened.page.get_attribute("#base", "aria-invalid") == "false"
        assert opened.page.inner_text("#base-error") == ""


def test_every_other_box_marks_what_it_refuses_too(opened):
    page = opened.page
    page.click("#log")
    page.fill("#floor", "x")
    assert page.get_attribute("#floor", "aria-invalid") == "true"
    assert page.inner_text("#floor-error")
    page.fill("#floor", "")
    page.click("#log")
    page.click("#budgetchip")
    page.fill('#budget input[title^="Examples of one"]', "1.5")
    assert "whole number" in page.inner_text("#budget-error")
    page.keyboard.press("Escape")
    page.fill("[aria-label='Steps whose values the table shows']", "1, x")
    page.keyboard.press("Tab")
    assert "got x" in page.inner_text("#compare-error")
    assert page.get_attribute("[aria-label='Steps whose values the table shows']", "aria-invalid") == "true"


def test_hovering_asks_nobody_and_is_of_the_same_frame(opened):
    opened.rest()
    box = opened.page.locator("#chartbox").bounding_box()
    asked = []
    opened.page.on("request", lambda request: asked.append(request.url))
    texts = [FIRST, "wsd(10000, warmup=500, cooldown=2000)", "one_cycle(10000)"]
    for i in range(60):
        opened.page.mouse.move(box["x"] + 120 + 10 * i, box["y"] + 200)
    opened.page.wait_for_timeout(300)
    assert asked == []
    opened.page.evaluate("glidepath.player.play()")
    for _ in range(5):
        opened.page.wait_for_timeout(80)
        step, shown = opened.page.evaluate(
            "[glidepath.player.step, [...document.querySelectorAll('#legend .value')].map(v => v.title)]"
        )
        values = [float(title.partition(" = ")[2]) for title in shown]
        assert [int(title[9:].partition(")")[0]) for title in shown] == [step] * 3
        assert values == pytest.approx([parse(text)(step) for text in texts], rel=1e-15, abs=1e-18)
    opened.page.evaluate("glidepath.player.pause()")
    assert asked == []


def test_zoom_has_a_visible_way_out(opened):
    box = opened.page.locator("#chartbox").bounding_box()
    assert not opened.page.is_visible("#unzoom")
    drag(opened.page, (box["x"] + 300, box["y"] + 150), (200, 0), moves=4)
    opened.page.click("#unzoom")
    opened.wait("glidepath.chart.zoom === null")
    assert not opened.page.is_visible("#unzoom")


def test_a_link_that_cannot_be_read_says_so_and_shows_the_first_curve(opened):
    opened.page.goto("about:blank")
    opened.page.goto(f"{opened.address}#v=1&s=cosin(100)")
    opened.wait("Boolean(window.glidepath && window.glidepath.redraws > 0)")
    assert "did you mean 'cosine'?" in opened.page.inner_text("#problem")
    assert opened.text() == FIRST
    opened.go()


@pytest.mark.parametrize(
    ("preset", "text", "expected"),
    [
        ("epochs", "pytorch.StepLR(step_size=3000)", "pytorch.StepLR(step_size=15)"),
        ("epochs", FIRST, "warmup_cosine(50, warmup=2)"),
        ("tokens", "cosine(10000)", "cosine(1908)"),
    ],
)
def test_a_preset_fits_the_schedule_at_once(opened, preset, text, expected):
    alone(opened, text)
    opened.page.click("#budgetchip")
    opened.page.click(f'[data-preset="{preset}"]')
    opened.wait(
        f"/^{expected.partition('(')[0].replace('.', '.')}/.test(glidepath.state.text) && glidepath.last < 3000"
    )
    opened.rest()
    assert opened.text() == expected
    opened.type("torch.optim.lr_scheduler.StepLR(optimizer, step_size=3)")
    if preset == "epochs":
        assert opened.page.inner_text("#budgetchip") == "50 epochs ▾"
        assert opened.page.evaluate("glidepath.last") == 50
        assert len({round(value, 9) for value in opened.curve()[1]}) >= 5  # its stairs are to be seen


def test_shapes_of_the_first_view_are_chosen_by_one_click(opened):
    alone(opened, "linear(10000)")
    for name, word in (("wsd", "wsd"), ("restarts", "sgdr"), ("step", "step")):
        opened.page.click(f'#shapes [data-shape="{name}"]')
        opened.wait(f"glidepath.state.text.startsWith('{word}(')")
        opened.wait(f"document.querySelector('#shapes [data-shape={name}]').getAttribute('aria-pressed') === 'true'")
    assert opened.page.locator("#shapes button").count() == 12


def test_the_plateau_of_pytorch_is_found_and_its_metric_drawn_by_hand(opened):
    opened.page.fill("#search", "plateau")
    opened.page.click('#found [data-word="pytorch.ReduceLROnPlateau"]')
    opened.wait("document.querySelectorAll('#pane-feedback .cut').length > 0")
    before = opened.page.input_value("#pane-feedback textarea")
    box = opened.page.locator("#pane-feedback div.metric").bounding_box()
    drag(opened.page, (box["x"] + 70, box["y"] + 60), (300, 180))
    opened.page.wait_for_timeout(300)
    assert opened.page.input_value("#pane-feedback textarea") != before
    assert "view=feedback" in opened.page.evaluate("glidepath.remembered() ?? location.hash")


@pytest.mark.parametrize("opened", [{"viewport": {"width": 390, "height": 844}, "has_touch": True}], indirect=True)
def test_on_a_phone_curve_and_slider_are_seen_together_and_a_finger_moves_both(opened):
    page = opened.page
    opened.rest()
    opened.shot("phone")
    chosen = page.locator('#shapes [aria-pressed="true"]').bounding_box()
    assert chosen["x"] >= 0
    assert chosen["x"] + chosen["width"] <= 390  # the strip shows the shape that is worked on
    chart = page.locator("#chartbox").bounding_box()
    slider = page.locator(SLIDER.format("warmup")).bounding_box()
    assert 0.36 * 844 <= chart["height"] <= 0.44 * 844
    assert slider["y"] + slider["height"] <= 844
    page.evaluate("document.querySelector('#controls .control:last-child').scrollIntoView({ block: 'end' })")
    page.wait_for_timeout(100)
    assert page.locator("#chartbox").bounding_box()["y"] == pytest.approx(0, abs=2)  # it stays while one scrolls
    page.evaluate("scrollTo(0, 0)")
    page.touchscreen.tap(chart["x"] + 180, chart["y"] + 200)
    opened.wait("glidepath.player.step > 2000")
    before = opened.text()
    x, y = middle(handle(opened, "Warm-up"))
    session = page.context.new_cdp_session(page)
    for kind, at in (("touchStart", 0), ("touchMove", 30), ("touchMove", 60), ("touchMove", 90)):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x + at, "y": y}]})
        page.wait_for_timeout(30)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    opened.wait(f"glidepath.state.text !== {before!r}")
    assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize("opened", [{"viewport": {"width": 1440, "height": 900}}], indirect=True)
def test_the_first_view_is_the_curve(opened):
    opened.rest()
    opened.shot("first-1440")
    chart = opened.page.locator("#chartbox").bounding_box()
    assert chart["height"] >= 0.6 * 900
    assert chart["y"] < 120
    assert opened.page.locator(SLIDER.format("warmup")).bounding_box()["y"] < 860
