"""The notebook's widget in Chromium against a stand-in for the host: its ES module is all that Jupyter and marimo run of ours."""

import base64
from pathlib import Path

import pytest
from tests.browser.conftest import Opened

from glidepath import GlidepathError, parse, view
from glidepath.view.widget import changed, controls, shown

SOURCE = Path(view.__file__).with_name("widget.js").read_text(encoding="utf-8")

# What a host does by anywidget's contract: get, set, save_changes, on, off; the answer comes later, as from a kernel.
HOST = """async ([source, state]) => {
  const heard = new Map();
  const model = {
    get: (key) => state[key], set: (key, value) => { state[key] = value; },
    save_changes: async () => {
      window.asked += 1;
      const now = await answer(state.change);
      setTimeout(() => { state.shown = now; heard.get("change:shown")?.(); }, 30);
    },
    on: (name, work) => heard.set(name, work), off: (name) => heard.delete(name),
  };
  window.asked = 0;
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
        state = {"controls": controls(held["schedule"]), "shown": shown(held["schedule"])}
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
    assert page.text_content("output >> nth=2") == "160"


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


def test_a_closed_output_listens_no_more(notebook):
    page, _ = notebook("cosine(100)")
    assert page.evaluate("heard.size") == 1
    page.evaluate("cleanup()")
    assert page.evaluate("heard.size") == 0
