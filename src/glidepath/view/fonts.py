"""Labels in any script: each is drawn with the fonts that are there, and where none has a sign, spelled so that no empty box stands for it."""

from __future__ import annotations

import functools
import logging
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len, set_cell_size

# Families that have Chinese, in the order of our liking; any other that has the sign comes after them.
_LIKED = ["Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "SimHei"]
_SAID = "_glidepath_said"  # the attribute of a label that had to be spelled


def lettered(drawing: Any) -> Any:
    """Gives every label of a matplotlib figure the fonts that it needs, and returns the figure; an SVG keeps the label itself.

    Args:
        drawing: The figure.
    """
    from matplotlib.font_manager import findfont, get_font
    from matplotlib.text import Text

    for label in drawing.findobj(Text):
        said = label.get_text()
        if said.isascii():
            continue
        own = get_font(findfont(label.get_fontproperties()))
        lacking = {sign for sign in said if not sign.isspace() and not own.get_char_index(ord(sign))}
        found = {sign: _family(sign) for sign in sorted(lacking)}
        families = dict.fromkeys(family for family in found.values() if family)
        if families:
            label.set_fontfamily([*label.get_fontfamily(), *families])
        lost = {ord(sign): f"\\u{ord(sign):04x}" for sign, family in found.items() if not family}
        if lost:
            _tell()
            setattr(label, _SAID, said)
            label.set_text(said.translate(lost))
    return drawing


@contextmanager
def as_said(drawing: Any) -> Generator[None]:
    """Holds the labels as they were given while an SVG is written: whoever opens it may have the fonts that this machine lacks."""
    from matplotlib.text import Text

    spelled = {label: label.get_text() for label in drawing.findobj(Text) if hasattr(label, _SAID)}
    with warnings.catch_warnings():
        if spelled:
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
        for label in spelled:
            label.set_text(getattr(label, _SAID))
        try:
            yield
        finally:
            for label, text in spelled.items():
                label.set_text(text)


@functools.cache
def _family(sign: str) -> str:
    """Returns the family of a font that has a sign, or an empty string."""
    from matplotlib.font_manager import get_font

    for family, path in _installed():
        try:
            if get_font(path).get_char_index(ord(sign)):
                return family
        except (OSError, RuntimeError):  # a broken font
            continue
    return ""


@functools.cache
def _installed() -> list[tuple[str, str]]:
    """Returns the families with a file of each, the liked ones first; matplotlib's own list is made once and may be older than a font."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    known = {entry.fname for entry in fontManager.ttflist}
    for path in sorted({*findSystemFonts()} - known):
        try:
            fontManager.addfont(path)
        except (OSError, RuntimeError):
            continue
    rank = {family: k for k, family in enumerate(_LIKED)}
    upright = {entry.name: entry.fname for entry in fontManager.ttflist if entry.style == "normal"}
    real = [item for item in upright.items() if not item[0].startswith("Last Resort")]  # boxes are all it has
    return sorted(real, key=lambda item: (rank.get(item[0], len(rank)), item[0]))


@functools.cache
def _tell() -> None:
    logging.getLogger("glidepath.view").warning(
        "no installed font has all the signs of these labels, so pictures spell them as \\u4f59; "
        "a font with them, such as Noto Sans CJK, mends it. SVG files hold the labels themselves"
    )


columns = cell_len
"""How many columns of a terminal a text takes: a wide sign takes two."""


def short(text: str, most: int) -> str:
    """Returns a text of at most `most` columns; an ellipsis stands for what is cut off.

    Examples:
        >>> short("余弦退火与热重启", 10), short("cosine", 10)
        ('余弦退火…', 'cosine')
    """
    return text if cell_len(text) <= most else set_cell_size(text, most - 1).rstrip() + "…"


def aligned(rows: Any, between: str = "  ") -> list[str]:
    """Returns rows of texts as lines whose cells stand below one another, wide signs among them.

    Examples:
        >>> aligned([("余弦", "1"), ("cosine", "2")])
        ['余弦    1', 'cosine  2']
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    padded = [[set_cell_size(text, width) for text, width in zip(row, widths, strict=True)] for row in rows]
    return [between.join(row).rstrip() for row in padded]
