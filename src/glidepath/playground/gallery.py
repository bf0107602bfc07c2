"""The page's gallery: an animation of every class of the classic libraries, each of which leads to the page with that class in it."""

from __future__ import annotations

import contextlib
import functools
import threading
from pathlib import Path

from ..core import GlidepathError, write_whole
from ..view.animation import animation
from ..view.pictures import Picture, gallery_page, pictures
from .exports import PER_EPOCH, fragment

_BASES = ("base_lr", "initial_learning_rate", "learning_rate")  # what the libraries call the base rate
_drawing = threading.Lock()  # matplotlib draws one picture at a time

PAGES = {"index.html": "en", "zh.html": "zh"}


@functools.cache
def _moving() -> dict[str, Picture]:
    """Returns the classes by the file of their animation."""
    return {f"{picture.name}.gif": picture for picture in pictures() if picture.size}


@functools.cache
def page(lang: str) -> str:
    """Returns the gallery as a page beside its files, one folder below the page that it leads to.

    Args:
        lang: `en` or `zh`.
    """
    shown = [(picture, [file]) for file, picture in _moving().items()]
    return gallery_page(shown, opens=lambda picture: f"../#{_opens(picture)}&lang={lang}", lang=lang)


def _opens(picture: Picture) -> str:
    """Returns the state of the page that a picture leads to."""
    call = f"{picture.name.partition('/')[0]}.{picture.title}"
    for text in (*(f"{call[:-1]}, {name}={picture.base!r})" for name in _BASES), call):
        with contextlib.suppress(GlidepathError):
            made = fragment([("", text)])
            return made if "&budget=" in made else f"{made}&budget=epochs%3A{picture.options['steps'] / PER_EPOCH}"
    return "v=1&s=constant()&view=feedback"  # it follows a metric, and is no schedule of the step


@functools.lru_cache(256)
def animated(file: str) -> bytes | None:
    """Returns an animation, drawn when it is first asked for; None if there is none of that name.

    Args:
        file: Its name, such as `pytorch/StepLR.gif`.
    """
    picture = _moving().get(file)
    with _drawing:
        return None if picture is None else animation(picture.schedules, **picture.options, **picture.size)


def write(folder: Path) -> None:
    """Writes the whole gallery into a folder, for a page of plain files.

    Args:
        folder: Where; made if it does not exist.
    """
    for file in _moving():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        write_whole(folder / file, animated(file) or b"", lasting=False)
    for file, lang in PAGES.items():
        write_whole(folder / file, page(lang), lasting=False)
