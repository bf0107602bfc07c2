"""The page that says why, in both languages: its figures are those that were measured, its pictures those that are computed."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
ENGLISH, CHINESE = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("why.md", "why.zh.md"))


@pytest.fixture(scope="module")
def why():
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import why
    finally:
        sys.path.pop(0)
    return why


def test_both_languages_have_the_same_widgets_sources_and_figures():
    for pattern in (r'data-widget="(\w+)"', r"\]\((https://[^)]+)\)", r"\]\((claims\.md[^)]*)\)", r"−?\d+\.\d+"):
        assert sorted(re.findall(pattern, ENGLISH)) == sorted(re.findall(pattern, CHINESE)), pattern
    assert ENGLISH.count("data-widget") == 6
    assert CHINESE.count('data-lang="zh"') == 6


def test_figures_with_an_interval_stand_in_the_claims():
    claims = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    quoted = re.findall(r"−\d+\.\d+ \(−\d+\.\d+\s+to\s+−\d+\.\d+\)", ENGLISH)
    assert len(quoted) == 4
    assert [each for each in quoted if " ".join(each.split()) not in claims] == []
    for figure in ("0.121", "0.749", "1.19", "2.44"):
        assert figure in ENGLISH
        assert figure in claims
    anchors = set(re.findall(r"claims\.md#([\w-]+)", ENGLISH))
    titles = {
        re.sub(r"[^\w\s-]", "", line[4:].lower()).strip().replace(" ", "-")
        for line in claims.splitlines()
        if line.startswith("### ")
    }
    assert anchors <= titles


def test_the_paths_do_what_the_page_says_of_them(why):
    descent = why.descent()
    ends = {rate: abs(track[-1]) for rate, track in zip(descent["rates"], descent["tracks"], strict=True)}
    assert ends[0.05] > 0.5 > 1e-3 > ends[0.9]
    assert ends[1.0] == 0.0
    assert ends[1.9] < 2.6 == ends[2.0] < ends[2.1]

    saddle = why.saddle()
    left = {
        rate: next((k for k, (_, y) in enumerate(track) if abs(y) > 0.9), None)
        for rate, track in zip(saddle["rates"], saddle["slow"], strict=True)
    }
    assert (left[0.5], left[0.1], left[0.05]) == (15, 65, None)
    k = saddle["rates"].index(0.2)
    far = {
        name: np.mean([np.hypot(x, abs(y) - 1) for x, y in saddle[name][k][-20:]]) for name in ("constant", "falling")
    }
    assert (round(far["constant"], 2), round(far["falling"], 2)) == (0.21, 0.05)

    stepping = why.stepping()
    assert stepping["mixed"].index(0.0) == 10 == stepping["batches"] // 4
    assert (stepping["epoch"][39], stepping["epoch"][400], stepping["batch"][400]) == (0.1, 0.0, 0.0)


def test_without_warmup_the_sharp_network_explodes_and_with_it_it_does_not(why):
    runs = why.warmup()["runs"]
    assert len(runs["without"]["losses"]) == 5
    losses = runs["with"]["losses"]
    assert len(losses) == 200
    assert losses[-1] < 0.1 * losses[0]
    (_, first), (_, last) = runs["with"]["sharpness"][0], runs["with"]["sharpness"][-1]
    assert first > 2 * 2 / 1.2
    assert last < 1.2 * 2 / 1.2


def test_the_script_speaks_both_languages_alike():
    script = (ROOT / "docs" / "why-widgets.js").read_text(encoding="utf-8")
    english, chinese = (
        set(re.findall(r"(?:^|[\s,{])(\w+): ", part))
        for part in re.split(r"\bzh: \{", script.partition("const make")[0])
    )
    assert english - {"en", "W", "NS", "updates"} == chinese
    assert "http" not in script.replace("http://www.w3.org/2000/svg", "")
