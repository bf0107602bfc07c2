"""Logs are dropped: the page of forecasts tells where the loss goes, the first page what was read, the schedule and what went wrong."""

import pytest

from glidepath import parse
from glidepath.forecast import Law, Path
from glidepath.forecast.path import rates_of

LAW = Law("multi_power", {"L0": 2.65, "A": 0.6, "alpha": 0.45, "B": 438.0, "C": 2.1, "beta": 0.6, "gamma": 0.65})


def log(text):
    schedule = parse(text)
    rates = rates_of(schedule, 3e-4, int(schedule.duration))
    steps = range(20, len(rates) + 1, 20)
    losses = LAW(Path.of(rates, list(steps)))
    rows = [f"{step},{rates[min(step, len(rates) - 1)]},{loss}" for step, loss in zip(steps, losses, strict=True)]
    return "\n".join(["step,lr,loss", *rows])


def drop(opened, text):
    opened.page.set_input_files("#files", {"name": "run.csv", "mimeType": "text/csv", "buffer": text.encode()})


@pytest.fixture
def page(opened):
    opened.page.goto(f"{opened.address}/forecast".replace("//forecast", "/forecast"))
    opened.wait("Boolean(document.querySelector('#files'))")
    return opened


def test_one_drops_a_log_and_moves_a_slider(page):
    drop(page, log("warmup(100) >> hold(1500) >> linear(400)"))
    page.wait("Boolean(document.querySelector('#forecast'))")
    page.shot("forecast")
    first = page.page.inner_text("#end")
    assert first.startswith("ends with 3.")
    assert "1.00 times as long" in first
    assert page.page.input_value("#text") == "warmup(100) >> hold(1500) >> linear(400)"
    page.page.fill("#length", "750")
    page.wait("document.querySelector('#end').innerText.includes('2.00 times as long')")
    assert page.page.input_value("#text") == "warmup(100) >> hold(3100) >> linear(800)"
    assert page.page.evaluate("document.querySelector('#band').getAttribute('d').length") > 1000
    page.page.fill("#text", "hold(9000)")
    page.wait("document.querySelector('#problem').innerText.includes('at most 4 times')")


def test_a_log_that_identifies_nothing_is_refused_with_what_would_help(page):
    drop(page, log("warmup(100) >> hold(1900)"))
    page.wait("document.querySelector('#problem').innerText.includes('a cooldown of 400 updates from step 2,000')")
    assert not page.page.is_visible("#stage")


def test_the_main_page_leads_there(opened):
    assert opened.page.get_attribute("#to-forecast", "href") == "forecast"


DROPPED = """(text) => {
  const files = new DataTransfer();
  files.items.add(new File([text], 'run.csv', { type: 'text/csv' }));
  document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: files, bubbles: true, cancelable: true }));
}"""


def test_a_log_dropped_on_the_first_page_is_its_schedule_and_what_went_wrong(opened):
    plan = parse("warmup(100) >> cosine(900)")
    rows = [
        f"{step},{0.02 * plan(step)!r},{'nan' if step > 700 else 2 + 1 / (1 + step)}" for step in range(0, 1001, 10)
    ]
    opened.page.evaluate(DROPPED, "\n".join(["step,lr,loss", *rows]))
    opened.wait("Boolean(document.querySelector('#logbox[open] code'))")

    said = opened.page.inner_text("#logbox")
    assert "read as CSV: step: step; loss: loss; rate: lr" in said
    assert "not finite (99 %)" in said
    opened.page.click("#logbox p button")
    opened.wait("document.querySelector('#texted').innerText.includes('cosine(900')")
    opened.page.evaluate(DROPPED, "a,b\n1,2\n3,4")
    opened.wait("document.querySelector('#logbox .problem')?.innerText.includes('named like loss or lr')")
