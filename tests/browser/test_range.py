"""The tab of range tests: pictures and verdicts, files, sweeps made here, and the way to the base rate."""

import json

import pytest

from glidepath.finder import suggest
from glidepath.playground.range_test import SWEEPS

TRACES = SWEEPS["shaken"][2]()
FILE = "#pane-range input[type=file]"
DRAWN = "document.querySelectorAll('#pane-range .rangechart .scatterlayer .trace').length"


def upload(opened, text, name="found.json"):
    content = text if isinstance(text, bytes) else text.encode()
    opened.page.set_input_files(FILE, {"name": name, "mimeType": "application/json", "buffer": content})


def verdict(opened):
    return opened.page.inner_text("#pane-range .verdict")


@pytest.fixture
def tab(opened):
    opened.page.click("#to-range")
    opened.page.select_option("#pane-range select", "shaken")
    opened.wait(f"document.querySelector('#usemiddle') && {DRAWN} > 8")
    return opened


def test_one_sees_a_range_test_at_once(tab):
    found = suggest(TRACES)
    tab.page.wait_for_timeout(300)
    tab.shot("range-test")
    shown = tab.page.evaluate(
        """() => { const node = document.querySelector('.rangechart');
          return { shapes: node.layout.shapes.map(s => [s.type, s.x0, s.x1]), axis: node.layout.xaxis.type,
                   rules: node.layout.yaxis2.ticktext, lines: node.data.map(t => [t.name, t.mode]),
                   raw: node.data.find(t => t.name === 'raw 0').y, fields: node.layout.annotations.map(a => a.text) }; }"""
    )

    assert "Try 0.015 to 0.092" in verdict(tab)
    assert "2/10 = 0.2" in verdict(tab)
    assert shown["axis"] == "log"
    assert shown["shapes"] == [["rect", found.low, found.high], ["line", found.edge, found.edge]]
    assert shown["rules"] == list(found.rules)
    assert shown["raw"] == list(TRACES[0].losses[: TRACES[0].finite])
    assert ["median", "lines"] in shown["lines"]
    assert [name for name, _ in shown["lines"] if name.startswith("smooth")] == ["smooth 0", "smooth 1", "smooth 2"]
    assert {"band", "diverges"} <= set(shown["fields"])
    tab.page.click("#pane-range summary")
    assert "arxiv.org/abs/2103.00065" in tab.page.inner_text("#pane-range table")
    assert tab.page.locator("#pane-range tbody tr").count() == 5


def test_a_refusal_says_why_and_what_to_do(tab):
    tab.page.select_option("#pane-range select", "early")
    tab.wait("document.querySelector('#pane-range .verdict.bad')")

    assert "No suggestion: never diverged" in verdict(tab)
    assert "What to do: raise the end of the sweep" in verdict(tab)
    assert tab.page.evaluate("document.querySelector('.rangechart').layout.shapes.length") == 0
    assert tab.page.locator("#usemiddle").count() == 0


@pytest.mark.parametrize("opened", [{"locale": "zh-CN"}], indirect=True)
def test_a_refusal_speaks_chinese(tab):
    tab.page.select_option("#pane-range select", "early")
    tab.wait("document.querySelector('#pane-range .verdict.bad')")

    assert "没有建议：始终没有发散" in verdict(tab)
    assert "到最后一个学习率 0.01 时损失仍然很低。" in verdict(tab)
    assert "怎么办：提高扫描的终止学习率。" in verdict(tab)
    upload(tab, "[]")
    tab.wait(
        "document.getElementById('range-problem').textContent.includes('必须是 1 到 12 条曲线组成的列表，得到的是 0 个')"
    )


def test_the_middle_of_the_band_becomes_the_base_rate(tab):
    tab.page.click("#usemiddle")
    tab.wait("glidepath.state.base !== 1 && Math.max(...glidepath.active.values) < 1")
    middle = float(f"{suggest(TRACES).middle:.2g}")

    assert float(tab.page.input_value("#base")) == middle
    assert tab.page.evaluate("glidepath.state.base") == middle
    tab.rest()
    assert f"base={middle}" in tab.page.evaluate("location.hash")


def test_a_file_is_shown_and_a_bad_one_keeps_the_picture(tab):
    """K4, K5: an error at the field, the last good picture, names as text alone."""
    evil = "<img src=x onerror=alert(1)>"
    rows = [trace.to_dict() | {"label": f"{evil}{k}"} for k, trace in enumerate(TRACES)]
    upload(tab, json.dumps({"task": evil, "traces": rows}))
    tab.wait("document.querySelector('#pane-range .verdict').textContent.includes('<img')")
    assert evil in tab.page.inner_text("#pane-range .keys")
    good = verdict(tab)
    for text, message in (
        ("{", "file: must be JSON"),
        (json.dumps({"traces": [{"rates": [2, 1], "losses": [1, 1]}]}), "rates must be strictly increasing"),
        (b"\xff\xfe", "file: must be JSON"),
        (b" " * 2_000_001, "at most 2000000 bytes"),
    ):
        upload(tab, text)
        tab.wait(f"document.getElementById('range-problem').textContent.includes({json.dumps(message)})")
        assert verdict(tab) == good
    shown = tab.page.evaluate("getComputedStyle(document.getElementById('range-problem')).color")
    assert shown == "rgb(179, 38, 30)"  # an error looks like one
    assert tab.page.locator("#pane-range img").count() == 0
    tab.shot("range-test-bad-file")
    upload(tab, json.dumps([trace.to_dict() for trace in TRACES]))
    tab.wait("document.getElementById('range-problem').textContent === ''")


def test_a_file_can_be_dropped(tab):
    tab.page.evaluate(
        """text => { const data = new DataTransfer();
          data.items.add(new File([text], 'found.json', { type: 'application/json' }));
          document.getElementById('pane-range').dispatchEvent(
            new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })); }""",
        json.dumps({"task": "dropped here", "traces": [trace.to_dict() for trace in TRACES]}),
    )
    tab.wait("document.querySelector('#pane-range .verdict').textContent.includes('dropped here')")


def test_a_sweep_is_made_here_and_can_be_cancelled(tab):
    pytest.importorskip("torch")
    tab.page.fill("#sweep-low", "20")
    tab.page.click("#sweep")
    tab.wait("document.getElementById('sweep-problem').textContent.includes('high must be above low')")
    assert tab.page.get_attribute("#sweep-high", "aria-invalid") == "true"
    tab.page.fill("#sweep-low", "a")
    tab.page.click("#sweep")
    tab.wait("document.getElementById('sweep-low').getAttribute('aria-invalid') === 'true'")
    tab.page.fill("#sweep-low", "1e-4")
    tab.page.fill("#sweep-steps", "40")
    tab.page.select_option("#pane-range .sweep select", "text")  # whose data are there at once
    tab.page.click("#sweep")
    tab.wait("document.querySelector('#pane-range .sweep [aria-live]').textContent.startsWith('3 sweeps in')", 60)
    assert "text" in verdict(tab)
    assert tab.page.get_attribute("#sweep-low", "aria-invalid") == "false"
    tab.page.fill("#sweep-steps", "1000")
    tab.page.fill("#sweep-repeats", "12")
    tab.page.click("#sweep")
    tab.wait("!document.querySelector('#pane-range progress').hidden")
    tab.page.click("#pane-range .sweep button:has-text('Cancel')")
    tab.wait("document.querySelector('#pane-range .sweep [aria-live]').textContent.startsWith('Cancelled')", 60)
    assert tab.page.is_enabled("#sweep")


def test_the_keyboard_opens_the_tab_and_chooses(opened):
    """K8: arrows to the tab, into it with Tab, another range test with the arrow keys."""
    opened.page.focus("#to-range")
    opened.page.keyboard.press("Enter")
    opened.wait("document.querySelector('#usemiddle')")
    opened.page.focus("#help")
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.tagName") == "SELECT"
    opened.page.keyboard.type("Too")
    opened.wait("document.querySelector('#pane-range .verdict').textContent.includes('too noisy')")
    assert "too noisy" in opened.page.inner_text("#live")
