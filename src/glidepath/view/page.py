"""Pages from files of markup: what is written in HTML stays in HTML."""

from __future__ import annotations

from importlib import resources
from string import Template


def page(file: str, package: str = "glidepath.view", **parts: str) -> str:
    """Returns a page, or a piece of one, from the folder `pages` of a package, with its parts in the places of their `$names`.

    Args:
        file: Its name.
        package: Whose.
        parts: Markup: a text that came from outside is escaped already.
    """
    text = resources.files(package).joinpath("pages", file).read_text(encoding="utf-8")
    return Template(text).substitute(parts)
