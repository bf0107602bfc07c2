"""Every recipe, the comparisons and every class of the other libraries as pictures: one folder, one page that shows them."""

from __future__ import annotations

import html as markup
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import recipes
from ..core import GlidepathError, Schedule, parse, vocabulary, write_whole
from ..core.language import language, said
from ..dialects.table import known
from .animation import animate
from .examples import CLASSIC, EXAMPLES, about, article, classes, example
from .examples_strings import COMPARISONS
from .page import page
from .still import figure, save

MOST_BYTES = 300_000
_SMALL = {"width": 480, "height": 240, "frames": 24}  # of the animation of a class


@dataclass(frozen=True, eq=False)
class Picture:
    """One entry of the gallery.

    Args:
        section: The heading that it stands under.
        name: Its file name without an ending, a folder in front where there is one.
        title: What it shows.
        schedules: By label.
        options: What `figure` and `animation` are told.
        moves: Whether it is animated too.
        base: The base rate of a class.
        size: What `animation` is told beside the options: those of other libraries' classes are small.
    """

    section: str
    name: str
    title: str
    schedules: Mapping[str, Schedule]
    options: Mapping[str, Any]
    moves: bool = True
    base: float = 1.0
    size: Mapping[str, Any] = field(default_factory=dict[str, Any])


def pictures() -> Iterator[Picture]:
    """Yields what the gallery shows: the comparisons, every recipe, every kind, and the classes of other libraries."""
    for name, (title, texts, steps, axis, unit) in COMPARISONS.items():
        options = {"steps": steps, "axis": axis, "per": 1 if axis == "epoch" else None, "unit": unit, "title": title}
        yield Picture("Comparisons", name, title, {label: parse(text) for label, text in texts.items()}, options)
    for word in recipes.__all__:
        if word in EXAMPLES:
            yield _of_word("Recipes", "recipes", word, True)
    for word in sorted(word for word in {*Schedule.registry, *EXAMPLES} - {*recipes.__all__} if example(word)):
        yield _of_word("Phases and other schedules", "kinds", word, False)
    for library in CLASSIC:
        taken: set[str] = set()
        for name in classes(library):
            call, schedule, last, base = article(library, name)
            file = name if name.casefold() not in taken else f"{name}-2"  # some disks take WarmUpLR for WarmupLR
            taken.add(name.casefold())
            options = {"title": call, "unit": "learning rate", "steps": last}
            title, shown = known(library).title, {call: schedule}
            yield Picture(title, f"{library}/{file}", call, shown, options, base=base, size=_SMALL)


def _of_word(section: str, folder: str, word: str, moves: bool) -> Picture:
    text = example(word)
    return Picture(section, f"{folder}/{word}", about(vocabulary()[word]), {text: parse(text)}, {"title": text}, moves)


def gallery(
    folder: str | os.PathLike[str], *, animations: bool = True, progress: Callable[[str], object] = lambda name: None
) -> list[Path]:
    """Writes every picture of the gallery as SVG, the comparisons and recipes as GIF too, and a page that shows them all.

    Args:
        folder: Where; made if it does not exist.
        animations: Whether to write the GIFs, each under 300 kB.
        progress: Is told the name of each picture before it is drawn.

    Returns:
        The files, `index.html` last.

    Raises:
        GlidepathError: If the folder cannot be written to, or matplotlib or pillow is missing.
    """
    root = Path(folder)
    made: list[Path] = []
    shown: list[tuple[Picture, list[str]]] = []
    for picture in pictures():
        progress(picture.name)
        target = root / picture.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            rule = "a folder that can be made"
            raise GlidepathError.of("gallery", "folder", rule, str(root), str(error.strerror)) from None
        still = figure(picture.schedules, **picture.options)
        files = [save(still, f"{target}.svg")]  # a name may have a dot in it
        if animations and picture.moves:
            files.append(animate(picture.schedules, f"{target}.gif", **picture.options, **picture.size))
        made += files
        shown.append((picture, [file.relative_to(root).as_posix() for file in files]))
    return [*made, write_whole(root / "index.html", gallery_page(shown), where="view")]


def gallery_page(
    shown: Iterable[tuple[Picture, list[str]]], opens: Callable[[Picture], str] | None = None, lang: str | None = None
) -> str:
    """Returns the page that shows pictures, in their sections.

    Args:
        shown: Pictures with their files, the one to show last.
        opens: The address that a picture leads to, empty for none; None for none at all.
        lang: `en` or `zh`; None is what the environment asks for.
    """
    lang = lang or language()
    sections: dict[str, list[str]] = {}
    for picture, files in shown:
        entry = _entry(picture, files, opens(picture) if opens else "", lang)
        sections.setdefault(said(picture.section, lang), []).append(entry)
    named = [(k, markup.escape(name), rows) for k, (name, rows) in enumerate(sections.items())]
    links = " · ".join(f'<a href="#{k}">{name}</a> {len(rows)}' for k, name, rows in named)
    folded = '<details open><summary><h2 id="{}">{}</h2></summary>\n<section>\n{}\n</section></details>\n'
    body = "".join(folded.format(k, name, "\n".join(rows)) for k, name, rows in named)
    told = said("Every picture is drawn by the function that trains.", lang)
    if opens:
        told += (" " if lang == "en" else "") + said("A picture opens the page with its class.", lang)
    title = said("glidepath: the gallery", lang)
    return page("gallery.html", lang=lang, title=title, about=told, links=links, body=body)


def _entry(picture: Picture, files: list[str], opens: str, lang: str) -> str:
    title = markup.escape(said(picture.title, lang))
    shown = [] if opens else [(markup.escape(file), file.rpartition(".")[2].upper()) for file in files]
    links = ", ".join(f'<a href="{file}">{ending}</a>' for file, ending in shown)
    caption = markup.escape(picture.name.rpartition("/")[2]) if not picture.size else ""  # a call has its name in it
    image = f'<img src="{markup.escape(files[-1])}" alt="{title}" loading="lazy">'
    image = f'<a href="{markup.escape(opens)}">{image}</a>' if opens else image
    return f"<figure>{image}<figcaption><b>{caption}</b> {title} <small>{links}</small></figcaption></figure>"
