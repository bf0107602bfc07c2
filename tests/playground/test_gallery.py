"""The page's gallery: every class of the classic libraries moves, and leads to the page with that class in it, to the end of its picture."""

import html
import re
from urllib.parse import parse_qs

import pytest
from starlette.testclient import TestClient

from glidepath.playground import app, gallery
from glidepath.playground.asked import Budget
from glidepath.playground.look import read


@pytest.fixture(scope="module")
def links():
    return re.findall(r'<a href="\.\./#([^"]+)"><img src="([^"]+)"', gallery.page("en"))


def test_every_class_is_there_and_opens_as_it_is_drawn(links):
    moving = gallery._moving()
    assert [html.unescape(file) for _, file in links] == list(moving)
    assert len(moving) > 70
    plain = 0
    for link, file in links:
        state = parse_qs(html.unescape(link))
        picture = moving[html.unescape(file)]
        assert state["lang"] == ["en"]
        if "Plateau" in file:
            assert state["view"] == ["feedback"]
            continue
        plain += 1
        (drawn,) = picture.schedules.values()
        epochs = float(state["budget"][0].partition(":")[2])
        shown = read(state["s"][0], None, Budget(epochs=epochs).settled()).schedule
        base = picture.base if not shown.absolute else 1.0
        assert [shown(k) * base for k in range(picture.options["steps"])] == pytest.approx(
            [drawn(k) for k in range(picture.options["steps"])]
        ), file
        assert 400 * epochs > 0.5 * min(picture.options["steps"], drawn.duration)
    assert plain > 65


def test_the_server_shows_it_in_both_languages_and_draws_what_is_asked_for():
    with TestClient(app.create(80), base_url="http://127.0.0.1") as client:
        english, chinese = client.get("/gallery/"), client.get("/gallery/zh.html")
        moving = client.get("/gallery/tensorflow/train.cosine_decay.gif")
        missing = client.get("/gallery/pytorch/../../secret")

    assert "the gallery" in english.text
    assert "动画图库" in chinese.text
    assert 'lang="zh"' in chinese.text
    assert moving.headers["content-type"] == "image/gif"
    assert moving.content[:3] == b"GIF"
    assert missing.status_code == 404


def test_plain_files_are_the_same(tmp_path, monkeypatch):
    few = dict(list(gallery._moving().items())[:2])
    monkeypatch.setattr(gallery, "_moving", lambda: few)
    gallery.write(tmp_path)

    assert {path.name for path in tmp_path.rglob("*.*")} == {"index.html", "zh.html", "StepLR.gif", "MultiStepLR.gif"}
    assert (tmp_path / "pytorch/StepLR.gif").read_bytes() == gallery.animated("pytorch/StepLR.gif")
