"""Labels in Chinese: drawn with a font that has the signs, spelled where there is none, and as wide in a terminal as they are."""

from __future__ import annotations

import logging
import warnings
import xml.etree.ElementTree as ET

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from rich.cells import cell_len

from glidepath import parse
from glidepath.view import animation, figure, fonts, html, save, terminal

LABELLED = {"余弦": parse("cosine(100)"), "线性, plain": parse("linear(100)")}


@pytest.fixture
def without_fonts(monkeypatch: pytest.MonkeyPatch):
    """A machine whose fonts have no Chinese."""
    fonts._family.cache_clear()
    fonts._tell.cache_clear()
    monkeypatch.setattr(fonts, "_installed", list)
    yield
    fonts._family.cache_clear()


@pytest.fixture
def with_font(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """A machine with one font that has the signs of the labels, each a full square."""
    from matplotlib import font_manager

    signs = sorted({sign for label in LABELLED for sign in label if not sign.isascii()})
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 800), (800, 800), (800, 0)):
        pen.lineTo(point)
    pen.closePath()
    names = [".notdef", *(f"g{ord(sign)}" for sign in signs)]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(sign): f"g{ord(sign)}" for sign in signs})
    builder.setupGlyf(dict.fromkeys(names, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Made Up Han", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=900)
    builder.setupPost()
    path = tmp_path / "han.ttf"
    builder.save(path)
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(font_manager.fontManager.ttflist))
    font_manager.fontManager.addfont(path)
    fonts._family.cache_clear()
    monkeypatch.setattr(fonts, "_installed", lambda: [("Made Up Han", str(path))])
    yield
    fonts._family.cache_clear()


def labels(drawing) -> list[str]:
    return [text.get_text() for text in drawing.legends[0].get_texts()]


def test_a_label_is_drawn_with_a_font_that_has_it(with_font, tmp_path, caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of a sign that it draws as a box
        drawing = figure(LABELLED)
        save(drawing, tmp_path / "a.png")
        save(drawing, tmp_path / "a.svg")
        animation(LABELLED, frames=8)

    assert labels(drawing) == ["1  余弦", "2  线性, plain"]
    families = drawing.legends[0].get_texts()[0].get_fontfamily()
    assert families == ["sans-serif", "Made Up Han"]
    assert caplog.records == []


def test_without_a_font_no_box_stands_for_a_sign_and_it_is_said_once(without_fonts, tmp_path, caplog):
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        drawing = figure(LABELLED)
        save(drawing, tmp_path / "a.png")
        animation(LABELLED, frames=8)
        html(parse('rate(cosine(10), origin="余弦")'))
        file = save(drawing, tmp_path / "a.svg")

    assert labels(drawing) == [r"1  \u4f59\u5f26", r"2  \u7ebf\u6027, plain"]
    assert len(caplog.records) == 1
    assert "no installed font" in caplog.text
    told = ["".join(node.itertext()) for node in ET.parse(file).iter("{http://www.w3.org/2000/svg}text")]
    assert "1  余弦" in told  # whoever opens the file may have a font


def test_matplotlibs_font_of_boxes_is_not_taken():
    from matplotlib import font_manager

    assert any(entry.name.startswith("Last Resort") for entry in font_manager.fontManager.ttflist)
    assert not any(family.startswith("Last Resort") for family, _ in fonts._installed())


def test_a_terminal_drawing_counts_wide_signs_twice():
    text = terminal({"余弦退火" * 20: parse("cosine(100)"), "b": parse("linear(100)")}, width=40, colour=False)

    assert max(map(cell_len, text.splitlines())) <= 40
    assert text.splitlines()[-2].endswith("余弦退火…")


def test_cells_stand_below_one_another():
    lines = fonts.aligned([("余弦", "1", "x"), ("cosine", "22", "y")])

    assert lines == ["余弦    1   x", "cosine  22  y"]
    assert [cell_len(line.rpartition(" ")[0]) for line in lines] == [11, 11]
