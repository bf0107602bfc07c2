"""The page for everybody: two languages, no finding of axe-core, another browser."""

import shutil
import subprocess

import pytest
from tests.browser.conftest import window

AXE = "4.11.0"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The text of axe-core, of one version, from npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm on the path, which brings axe-core")
    folder = tmp_path_factory.mktemp("axe")
    command = [npm, "install", "--no-save", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"]
    done = subprocess.run([*command, f"axe-core@{AXE}"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm could not bring axe-core: {done.stderr.strip()[-200:]}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def findings(opened, axe, within=None):
    """What axe-core finds in the whole page, or within an element of it."""
    if not opened.page.evaluate("Boolean(window.axe)"):
        opened.page.evaluate(axe)
    rules = {"label-content-name-mismatch": {"enabled": True}, "target-size": {"enabled": True}}
    return opened.page.evaluate(
        "([tags, rules, within]) => axe.run(within ?? document, { runOnly: { type: 'tag', values: tags }, rules })"
        ".then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.target.join(' ') + ': ' + n.failureSummary)]))",
        [RULES, rules, within],
    )


@pytest.mark.parametrize(
    "opened", [{"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}], indirect=True
)
def test_axe_finds_nothing(opened, axe):
    opened.rest()
    for place, within in (
        ("#tab-compare", "#drawer"),
        ("#tab-files", "#drawer"),
        ("#to-range", "main:not([hidden])"),
        ("#to-feedback", "main:not([hidden])"),
    ):
        opened.page.click(place)
        opened.page.wait_for_timeout(300)
        assert findings(opened, axe, within) == [], place
    opened.page.click("#to-schedule")
    opened.page.click("#tab-code")
    opened.type("warmup(500) >> hold(2000) >> cosine(7500)")
    opened.page.click("#budgetchip")
    opened.page.wait_for_timeout(300)
    assert findings(opened, axe) == []  # the whole page, with everything around those parts


def test_axe_finds_nothing_in_the_results_of_finished_runs(browser, axe, runs_address):
    with window(browser, runs_address) as opened:
        opened.page.click("#tab-matter")
        opened.wait("document.querySelectorAll('#pane-matter .finals button').length > 0")
        opened.page.wait_for_timeout(500)
        opened.shot("matter-page")
        assert findings(opened, axe, "main:not([hidden])") == []
        assert opened.page.is_visible("#run svg")  # the nearest run, right under the curve
        x = opened.page.evaluate("glidepath.chart.frame().left")
        begin = opened.page.evaluate("document.querySelector('#run path:nth-of-type(2)').getAttribute('d')")
        assert float(begin[1:].partition(",")[0]) >= x - 1


@pytest.mark.parametrize("opened", [{"locale": "zh-CN"}], indirect=True)
def test_who_reads_chinese_is_spoken_to_in_chinese(opened):
    page = opened.page
    opened.rest()
    assert page.get_attribute("html", "lang") == "zh-CN"
    assert page.inner_text('#shapes [data-shape="cosine"]') == "余弦退火"
    assert "预热" in page.inner_text("#controls")
    assert page.locator("#controls label", has_text="预热").count() == 1
    page.fill("#search", "热重启")
    assert page.locator("#found [role=option]").count() >= 1
    page.keyboard.press("Escape")
    assert page.get_attribute("#gallery", "href") == "gallery/zh.html"
    page.fill('#controls .control[data-field="warmup"] input[type=text]', "-5")
    page.wait_for_selector('#controls .control[data-field="warmup"] .error:has-text("必须是")')
    page.press('#controls .control[data-field="warmup"] input[type=text]', "Escape")
    page.click("#to-feedback")
    page.wait_for_selector("#pane-feedback .tagcut")
    seen = page.inner_text("#pane-feedback")
    assert "乘以 0.1" in seen
    assert "每次降低时学习率乘的系数" in seen
    page.click("#to-schedule")
    page.click("#tongue")
    assert page.get_attribute("#gallery", "href") == "gallery/"
    assert page.inner_text('#shapes [data-shape="cosine"]') == "Cosine"
    opened.rest()
    assert "lang=en" in page.evaluate("location.hash")


def test_the_language_is_switched_and_kept_in_the_link(opened):
    page = opened.page
    page.click("#tongue")
    opened.rest()
    assert page.inner_text("#tab-code") == "代码"
    assert "lang=zh" in page.evaluate("location.hash")
    link = page.evaluate("location.hash.slice(1)")
    page.evaluate("localStorage.clear()")
    opened.go(link)
    assert page.inner_text("#tab-code") == "代码"
    for place in ("#tab-compare", "#tab-files", "#tab-matter", "#to-range", "#to-feedback"):
        page.click(place)
        page.wait_for_timeout(200)
    page.click("#to-schedule")
    page.click("#tongue")
    page.evaluate("localStorage.clear()")
    opened.go()
    assert page.inner_text("#tab-code") == "Code"


def test_firefox_shows_the_curve_and_its_sliders(address):
    firefox = shutil.which("firefox") or shutil.which("firefox-esr")
    if firefox is None:
        pytest.skip("there is no firefox on the path")
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as driver:
        try:
            other = driver.firefox.launch(executable_path=firefox)
        except Error as error:
            pytest.skip(f"playwright cannot drive this firefox: {str(error)[:120]}")
        page = other.new_page()
        page.goto(address)
        page.wait_for_selector("#chart path.curve")
        page.wait_for_selector('#controls .control[data-field="warmup"]')
        other.close()
