"""Does it matter?: finished runs under the curve, and training here."""

import pytest
from tests.browser.conftest import window
from tests.playground.finished import SCHEDULES

pytest.importorskip("scipy")

FIGURES = "document.querySelectorAll('#pane-matter .runs .plot-container').length"


@pytest.fixture(scope="module")
def matter(browser, runs_address):
    with window(browser, runs_address) as page:
        page.page.click("#tab-matter")
        page.wait(f"{FIGURES} >= 1")
        yield page


def test_real_runs_stand_under_the_curve_with_an_honest_sentence(matter):
    matter.type("cosine(10000)")
    matter.wait("document.querySelector('#pane-matter .hint').textContent.includes('the shape on this page')")
    matter.wait(f"{FIGURES} >= 1")
    matter.page.wait_for_timeout(400)
    matter.shot("matter")
    names = matter.page.evaluate("document.querySelector('.runs').data.map(trace => trace.name)")
    section = matter.page.locator("#pane-matter section[aria-label=mnist1d]")

    assert section.locator(".finding").inner_text().startswith("cosine ended better than constant: error −10")
    assert "95 % interval" in section.locator(".finding").inner_text()
    assert "Blue: cosine, the shape on this page, trained with 5 seeds for 200 updates" in section.inner_text()
    assert {f"rate {name}" for name in SCHEDULES} <= set(names)
    assert {f"validation loss {name}" for name in SCHEDULES} <= set(names)
    assert {f"error, % {name}" for name in SCHEDULES} <= set(names)
    assert {name for name in names if name.startswith("band")} == {"band constant", "band cosine"}
    buttons = section.locator(".finals button")
    assert [buttons.nth(i).locator(".who").inner_text() for i in range(3)] == ["wsd", "cosine", "constant"]
    assert "95 % interval" in buttons.nth(0).get_attribute("aria-label")


def test_another_schedule_can_be_picked(matter):
    matter.page.click(".finals button:has-text('wsd')")
    matter.wait("document.querySelector('#pane-matter .finding').textContent.startsWith('wsd ended better')")
    matter.wait(f"{FIGURES} >= 1")

    assert matter.page.get_attribute(".finals button:has-text('wsd')", "aria-pressed") == "true"
    assert "Blue: wsd, 5 seeds" in matter.page.inner_text("#pane-matter")


def test_training_here_shows_the_runs_and_says_how_few_they_are(matter):
    pytest.importorskip("torch")
    page = matter.page
    page.evaluate("document.querySelector('[aria-label=Updates]').append(new Option('20 updates', '20'))")
    page.select_option("[aria-label=Updates]", "20")
    page.select_option("section[aria-label='Train here'] select >> nth=0", "text")  # whose data are there at once
    page.click("#train")
    matter.wait("document.querySelector('section[aria-label=\"Train here\"] .finding')", 120)
    page.wait_for_timeout(300)
    here = page.locator("section[aria-label='Train here']")
    names = page.evaluate("[...document.querySelectorAll('.runs')].at(-1).data.map(trace => trace.name)")

    assert names.count("run") == 6  # its metric is its loss
    assert {"band this shape", "band the constant rate", "rate this shape"} <= set(names)
    assert "6 runs of 20 updates" in here.inner_text()
    assert "3 seeds are few" in here.inner_text()
