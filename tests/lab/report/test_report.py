"""The page: it loads nothing, shows every number it should, and no name can break out of its place."""

import re
from html.parser import HTMLParser

import pytest

from glidepath import recipes
from glidepath.lab import plan_runs
from glidepath.lab.report.comparison import summarise
from glidepath.lab.report.html import report
from glidepath.lab.report.verdict import caveats, headline, verdict

FORMULA = "$x^2$_{lost}"
HOSTILE = """<script>alert(1)</script>"'&$x^2$"""


class Page(HTMLParser):
    """What a browser would see: tags, attributes, text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.words, self.open = [], [], [], []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def _made(tiny, made_up, schedules, metric, command="glidepath compare"):
    grid = plan_runs([tiny], schedules, 3)["tiny"]
    rows = {name: [made_up(spec, metric(name, spec.seed)) for spec in row] for name, row in grid.items()}
    comparison = summarise({"tiny": rows}, seeds=range(3), baseline="constant", command=command)
    return comparison, report(comparison, {record.spec.hash: record for row in rows.values() for record in row})


def _drawings(html):
    return re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)


@pytest.fixture(scope="module")
def hostile(tiny, made_up):
    schedules = {"constant": recipes.constant(), HOSTILE: recipes.warmup_cosine(40), FORMULA: recipes.one_cycle(40)}
    return _made(
        tiny,
        made_up,
        schedules,
        lambda name, seed: None if name == FORMULA and seed == 1 else 40.0 + seed * len(name),
        HOSTILE,
    )


def test_the_page_loads_nothing(hostile):
    page = Page(hostile[1])

    loading = {"src", "href", "xlink:href", "action", "data", "poster", "srcset", "background", "formaction", "ping"}
    assert not {tag for tag in page.tags if tag in ("script", "link", "iframe", "object", "embed", "img", "base")}
    targets = [value for _, name, value in page.attributes if name in loading]
    assert targets
    assert all(re.fullmatch(r"#[\w-]+", value) for value in targets)
    assert not re.search(r"https?:|url\((?!#)|@import|//[a-z]", hostile[1])
    policy = {
        name: value
        for tag, name, value in page.attributes
        if tag == "meta" and name == "content" and "default" in value
    }
    assert policy["content"].startswith("default-src 'none'")


def test_hostile_names_stay_text(hostile):
    html = hostile[1]
    page = Page(html)

    assert page.open == []
    assert "<script" not in html.lower()
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert page.text.count(HOSTILE) >= 4
    assert all(f">{FORMULA}</text>" in svg for svg in [_drawings(html)[0], *_drawings(html)[4:]])


def test_every_reference_inside_the_page_finds_its_one_target(hostile):
    html = hostile[1]
    ids = re.findall(r'\bid="([^"]+)"', html)

    assert len(ids) == len(set(ids))
    assert "xlink" not in html
    assert set(re.findall(r'(?:href="|url\()#([\w-]+)', html)) <= set(ids)


def test_sentences_figures_hashes_and_command_are_there(hostile):
    comparison, html = hostile
    text = Page(html).text
    result = comparison.tasks[0]

    for sentence in [*verdict(result, "constant"), *caveats(comparison)]:
        assert sentence in text
    for word in (
        result.data_sha256,
        "torch 2.13.0",
        f"{FORMULA} (1 of 3 diverged)",
        result.schedules[0].fingerprint[:16],
    ):
        assert word in text
    assert comparison.command in text
    assert html.count("<svg") == html.count("</svg>") == 5
    for i in range(3):
        assert f'class="s{i}"' in html


def test_colours_come_from_the_page(hostile):
    svg = "".join(_drawings(hostile[1]))

    assert not re.search(r"#[0-9a-f]{6}\b", svg)
    assert {"var(--s0)", "var(--s1)", "var(--ink)", "var(--grid)"} <= set(re.findall(r"var\(--\w+\)", svg))
    defined = set(re.findall(r"(--[\w]+):", hostile[1]))
    assert set(re.findall(r"var\((--\w+)\)", hostile[1])) <= defined


def test_the_page_is_a_function_of_its_records(tiny, made_up):
    first, second = (
        _made(tiny, made_up, ["constant", "linear"], lambda name, seed: 40.0 + seed * len(name))[1] for _ in range(2)
    )

    assert first == second


def test_all_seeds_lost_still_makes_a_page(tiny, made_up):
    html = _made(tiny, made_up, ["constant", "linear"], lambda name, seed: None)[1]

    assert "linear diverged on every seed at this peak rate." in html


SPREAD = (0.0, 0.3, -0.3)


@pytest.mark.parametrize(
    ("means", "sentence"),
    [
        (
            {"constant": 44.0, "linear": 40.0, "cosine": 33.0, "wsd": 50.0},
            "cosine reached error 33.0 % against 44.0 % with constant, the largest gain that holds; 2 of 3 ended better and 1 worse.",
        ),
        (
            {"constant": 44.0, "linear": 40.0},
            "linear reached error 40.0 % against 44.0 % with constant, a difference that holds.",
        ),
        (
            {"constant": 40.0, "linear": 44.0},
            "The data do not show that any of 1 ended better than constant: error 40.0 % with constant; 1 ended worse.",
        ),
        (
            {"constant": None, "linear": 44.0},
            "constant diverged on every seed at this peak rate: nothing can be compared to it.",
        ),
    ],
)
def test_the_report_leads_with_one_sentence_and_the_schedules_by_their_means(tiny, made_up, means, sentence):
    def metric(name, seed):
        return None if means[name] is None else means[name] + SPREAD[seed] * (1 + len(name) / 50)

    comparison, html = _made(tiny, made_up, list(means), metric)

    assert headline(comparison.tasks[0], "constant") == sentence
    head = html[: html.index("</header>")]
    assert f"<b>tiny</b>: {sentence}" in head
    names = re.findall(r">(\w+)</text>", _drawings(head)[0])
    known = {name: mean for name, mean in means.items() if mean is not None}
    ranked = [name for name in names if name in means]
    assert [name for name in ranked if name in known] == sorted(known, key=lambda name: known[name])
    assert set(ranked) == set(means)
