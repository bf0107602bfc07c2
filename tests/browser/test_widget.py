"""The notebook's widget in Chromium against a stand-in for the host: its ES module is all that Jupyter and marimo run of ours."""

import base64
from pathlib import Path

import pytest
from tests.browser.conftest import Opened

from glidepath import GlidepathError, parse, view
from glidepath.view.widget import changed, controls, shown, words

SOURCE = Path(view.__file__).with_name("widget.js").read_text(encoding="utf-8")

# What a host does by anywidget's contract: get, set, save_changes, on, off; the answer comes later, as from a kernel.
HOST = """async ([source, state]) => {
  const heard = new Map();
  const model = {
    get: (key) => state[key], set: (key, value) => { state[key] = value; },
    save_changes: async () => {
      window.asked += 1;
      if (window.dead) return;
      const now = await answer(state.change);
      setTimeout(() => { state.shown = now; heard.get("change:shown")?.(); }, 30);
    },
    on: (name, work) => heard.set(name, work), off: (name) => heard.delete(name),
  };
  window.asked = 0;
  window.late = () => model.save_changes();
  window.heard = heard;
  window.keys = 0;
  document.addEventListener("keydown", () => { window.keys += 1; });
  const module = await import(`data:text/javascript;base64,${source}`);
  const el = document.createElement("div");
  document.body.append(el);
  window.cleanup = module.default.render({ model, el });
}"""


@pytest.fixture
def notebook(browser):
    """Shows a schedule's widget; returns the page and what Python holds of it."""
    contexts = []

    def show(text, **options):
        held = {"schedule": parse(text)}

        def answer(change):
            try:
                held["schedule"] = changed(held["schedule"], change["path"], change["value"])
            except GlidepathError as error:
                return shown(held["schedule"]) | {"problem": str(error), "serial": change["serial"]}
            return shown(held["schedule"]) | {"serial": change["serial"]}

        contexts.append(browser.new_context(viewport={"width": 900, "height": 420}, **options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: held.setdefault("errors", []).append(str(error)))
        page.expose_function("answer", answer)
        state = {"controls": controls(held["schedule"]), "shown": shown(held["schedule"]), "words": words()}
        page.evaluate(HOST, [base64.b64encode(SOURCE.encode()).decode(), state])
        return page, held

    yield show
    for context in contexts:
        context.close()


def curve(page):
    points = page.get_attribute(".curve", "d")[1:].split("L")
    return [tuple(map(float, point.split(","))) for point in points]


def test_the_curve_and_the_text_follow_the_slider(notebook):
    page, held = notebook("warmup(500) >> cosine(9500, floor=0.1)")
    Opened.shot_of(page, "widget")
    before = curve(page)
    page.focus('[aria-label="1 warmup steps"]')
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('code').textContent.startsWith('warmup(501')")

    assert held["schedule"].phases[0].steps == 501
    assert page.text_content("code") == str(held["schedule"])
    assert curve(page) != before
    values = shown(held["schedule"])
    assert len(curve(page)) == len(values["x"])
    assert page.locator(".group").all_inner_texts() == ["1 warmup", "2 cosine"]
    assert page.text_content("svg text >> nth=-2") == "factor"
    assert page.evaluate("keys") == 0  # a notebook takes keys for itself that come through to it
    assert "errors" not in held


def test_a_fast_hand_ends_where_it_stopped_and_leaves_no_queue(notebook):
    page, held = notebook("cosine(100)")
    page.evaluate(
        """() => { const range = document.querySelector('[aria-label="1 cosine steps"]');
          for (let i = 0; i < 60; i++) { range.value = String(101 + i); range.dispatchEvent(new Event('input')); } }"""
    )
    page.wait_for_function("document.querySelector('code').textContent === 'cosine(160)'")

    assert held["schedule"] == parse("cosine(160)")
    assert page.evaluate("asked") <= 3
    assert page.input_value('[aria-label="1 cosine steps, number"]') == "160"


def test_what_is_refused_is_said_and_the_curve_stays(notebook):
    page, held = notebook("until(cosine(100), 50)")
    before = page.get_attribute(".curve", "d")
    page.evaluate(
        """() => { const range = document.querySelector('[aria-label$="steps"]');
          range.min = "-5"; range.value = "-3"; range.dispatchEvent(new Event('input')); }"""
    )
    page.wait_for_function("document.querySelector('[role=alert]').textContent.includes('must be')")

    assert held["schedule"] == parse("until(cosine(100), 50)")
    assert page.get_attribute(".curve", "d") == before


def test_zero_small_rates_and_rates_of_their_own(notebook):
    """K2: exact zeros and 1e-8 are at the ends of the slider; absolute values are not called factors."""
    page, held = notebook("rate(0.1 * cosine(100))")
    floor = page.locator('[aria-label$="cosine end"]')
    floor.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("/floor=1.0[0-9]e-08/.test(document.querySelector('code').textContent)")
    assert page.text_content("svg text >> nth=-2") == "learning rate"
    page.keyboard.press("Home")
    page.wait_for_function("!document.querySelector('code').textContent.includes('floor')")
    assert held["schedule"] == parse("rate(0.1 * cosine(100))")
    assert "NaN" not in page.inner_html(".glidepath")


def test_a_number_is_typed_as_people_write_it(notebook):
    page, held = notebook("warmup(500) >> cosine(9500, floor=0.1)")
    steps = page.locator('[aria-label="2 cosine steps, number"]')
    assert steps.input_value() == "9,500"
    steps.fill("２０,０００")
    steps.press("Enter")
    page.wait_for_function("document.querySelector('code').textContent.includes('cosine(20000')")
    page.locator('[aria-label="2 cosine end, number"]').fill("3e-4")
    page.locator('[aria-label="2 cosine end, number"]').blur()
    page.wait_for_function("document.querySelector('code').textContent.includes('floor=0.0003')")

    assert held["schedule"] == parse("warmup(500) >> cosine(20000, floor=3e-4)")
    assert steps.input_value() == "20,000"
    assert page.evaluate("keys") == 0


def test_what_is_typed_wrong_is_marked_and_changes_nothing(notebook):
    page, held = notebook("cosine(100)")
    steps = page.locator('[aria-label="1 cosine steps, number"]')
    for typed, said in (("many", "must be a number, such as 3e-4: many"), ("2.5", "must be a whole number: 2.5")):
        steps.fill(typed)
        steps.press("Enter")
        assert page.text_content("[role=alert]") == f"steps {said}"
        assert steps.get_attribute("aria-invalid") == "true"
        assert steps.input_value() == typed
    assert page.evaluate("asked") == 0
    steps.fill("-3")  # a number, which Python refuses
    steps.press("Enter")
    page.wait_for_function("asked === 1 && document.querySelector('input[aria-invalid=true]')")  # once Python answered
    assert "steps must be" in page.text_content("[role=alert]")
    assert steps.get_attribute("aria-invalid") == "true"
    steps.press("Escape")
    steps.fill("50")
    steps.press("Enter")
    page.wait_for_function("document.querySelector('code').textContent === 'cosine(50)'")
    assert steps.get_attribute("aria-invalid") == "false"
    assert page.text_content("[role=alert]") == ""
    assert held["schedule"] == parse("cosine(50)")


def test_limits_grow_with_what_is_typed_and_where_a_slider_comes_to_its_end(notebook):
    page, held = notebook("0.5 * cosine(100)")
    steps, scale = (page.locator(f'[aria-label="{name}"]') for name in ("2 cosine steps", "1 product scale"))
    assert steps.get_attribute("max") == "300"
    page.locator('[aria-label="2 cosine steps, number"]').fill("5000")
    page.locator('[aria-label="2 cosine steps, number"]').press("Enter")
    page.wait_for_function("document.querySelector('code').textContent.includes('5000')")
    assert steps.get_attribute("max") == "15000"
    assert steps.input_value() == "5000"
    steps.focus()
    page.keyboard.press("End")
    page.wait_for_function("document.querySelector('code').textContent.includes('15000')")
    page.wait_for_function("""document.querySelector('[aria-label="2 cosine steps"]').max === '45000'""")
    page.keyboard.press("End")
    page.wait_for_function("document.querySelector('code').textContent.includes('45000')")
    scale.focus()
    page.keyboard.press("End")
    page.wait_for_function("document.querySelector('code').textContent.startsWith('5')")
    page.keyboard.press("End")
    page.wait_for_function("document.querySelector('code').textContent.startsWith('15')")

    assert held["schedule"] == parse("15 * cosine(45000)")


def test_a_python_that_does_not_answer_is_told_and_an_answer_that_comes_late_is_taken(notebook):
    page, _ = notebook("cosine(100)")
    page.evaluate("window.dead = true")
    page.focus('[aria-label="1 cosine steps"]')
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('[role=alert]').textContent.startsWith('Python does not answer')")
    assert page.locator(".glidepath.unanswered").count() == 1
    page.evaluate("window.dead = false; late()")
    page.wait_for_function("document.querySelector('code').textContent === 'cosine(101)'")

    assert page.text_content("[role=alert]") == ""
    assert page.locator(".glidepath.unanswered").count() == 0


def test_a_closed_output_listens_no_more(notebook):
    page, _ = notebook("cosine(100)")
    assert page.evaluate("heard.size") == 1
    page.evaluate("cleanup()")
    assert page.evaluate("heard.size") == 0
