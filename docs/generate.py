"""Writes the pages that are made from the code: one for every word of the language, and the home page from the README.

Formulas come from the docstrings and, with numbers, from the traced formula; pictures are drawn from the schedule itself.
"""

from __future__ import annotations

import html
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

import glidepath as gp
import tables
import why
import worked
from glidepath import view
from glidepath.core.codec import field_notes
from glidepath.dialects.table import known
from glidepath.view.pictures import pictures

HERE = Path(__file__).resolve().parent
PICTURE = HERE / "picture.svg"
SAY_NOTHING = {"recurrence"}  # words that only a program writes: no picture

Words = Mapping[str, Callable[..., Any]]


def main() -> None:
    """Writes every page and picture; complains of words without an example."""
    words = dict(sorted(gp.vocabulary().items()))
    missing = [name for name in words if not view.example(name) and name not in SAY_NOTHING]
    if missing:
        sys.exit(f"docs/generate.py: glidepath.view.examples.EXAMPLES must have an entry for {', '.join(missing)}")
    for folder in ("schedules", "img"):
        (HERE / folder).mkdir(exist_ok=True)
    for name, make in words.items():
        (HERE / "schedules" / f"{name}.md").write_text(page(name, make), encoding="utf-8")
    (HERE / "schedules" / "index.md").write_text(contents(words), encoding="utf-8")
    (HERE / "schedules" / "libraries.md").write_text(libraries(), encoding="utf-8")
    tables.main()
    worked.pictures(HERE / "img")
    why.write(HERE / "img")
    (HERE / "schedules" / "gallery.md").write_text(moving(), encoding="utf-8")
    (HERE / "index.md").write_text(home(), encoding="utf-8")


def picture() -> None:
    """Draws the picture of the README."""
    shown = {
        text: gp.parse(text)
        for text in (
            "warmup(500) >> cosine(9500, floor=0.1)",
            "wsd(10000, warmup=500, cooldown=2000)",
            "one_cycle(10000)",
            "sgdr(1300, warmup=500, growth=2, decay=0.8, cycles=3)",
        )
    }
    view.save(view.figure(shown, width=8, height=3.6, steps=10_000), PICTURE)


def page(name: str, make: Callable[..., Any]) -> str:
    """Returns the page of one word, after drawing its picture."""
    body, sections = split(inspect.getdoc(make) or "")
    text = view.example(name)
    parts = [f"# {name}", prose(body)]
    if text:
        view.save(view.figure(gp.parse(text), height=2.6, title=text), HERE / "img" / f"{name}.svg")
        parts.append(f"![{html.escape(text)}](../img/{name}.svg)")
    rows = arguments(make)
    if rows:
        parts += ["## Arguments", "| name | default | |\n|---|---|---|\n" + "\n".join(rows)]
    if "Source" in sections:
        parts += ["## Source", prose(sections["Source"])]
    if "Examples" in sections:
        called = {name for name in re.findall(r"\b[A-Za-z]\w*(?=\()", sections["Examples"]) if hasattr(gp, name)}
        first = f">>> from glidepath import {', '.join(sorted(called))}\n" if called else ""
        parts += ["## Examples", f"```pycon\n{first}{sections['Examples']}\n```"]
    if text:
        parts += spelled_out(text)
    return "\n\n".join(parts) + "\n"


def arguments(make: Callable[..., Any]) -> list[str]:
    """Returns the rows of a word's table of arguments."""
    notes = field_notes(make)
    return [
        f"| `{p.name}` | {'required' if p.default is p.empty else f'`{p.default}`'} | {inline(notes.get(p.name, ''))} |"
        for p in inspect.signature(make).parameters.values()
    ]


def spelled_out(text: str) -> list[str]:
    """Returns the paragraphs that show a schedule as text, as a formula and as source."""
    schedule = gp.parse(text)
    parts = [f"## The picture's schedule\n\n```text\n{text}\n```"]
    if schedule.closed:
        parts += [
            "With its numbers, from step 0 on (before 0 the first value is held):",
            formula(schedule.latex()),
            f"As Python without a dependency:\n\n```py\n{schedule.source('f').strip()}\n```",
        ]
    return parts


def split(doc: str) -> tuple[str, dict[str, str]]:
    """Returns a docstring's text and its sections."""
    sections: dict[str, str] = {}
    pieces = re.split(r"^(Args|Source|Examples|Raises|Returns|Shape|Attributes):\n", doc, flags=re.MULTILINE)
    for title, text in zip(pieces[1::2], pieces[2::2], strict=True):
        sections[title] = inspect.cleandoc(text)
    return pieces[0].strip(), sections


def prose(text: str) -> str:
    """Returns text as Markdown, its formulas as MathML and its addresses as links."""
    text = re.sub(r"\$\$(.+?)\$\$", lambda m: formula(m.group(1)), text, flags=re.DOTALL)
    return inline(re.sub(r"(?<![(<\"])(https://[^\s,;)]+)", r"<\1>", text))


def inline(text: str) -> str:
    """Returns text with `$…$` as MathML."""
    return re.sub(r"\$([^$\n]+)\$", lambda m: convert(m.group(1)).replace("|", "&#124;"), text)


def formula(latex: str) -> str:
    """Returns a formula of its own as MathML."""
    return f'<div class="formula">{convert(latex.strip(), display="block")}</div>'


def contents(words: Words) -> str:
    """Returns the page that shows all of them."""
    cells = []
    for name, make in words.items():
        about = inline((inspect.getdoc(make) or "").partition("\n")[0])
        drawn = f"[![](../img/{name}.svg){{ width=260 }}]({name}.md)" if view.example(name) else ""
        cells.append(f"| [**{name}**]({name}.md) | {about} | {drawn} |")
    head = "# Every schedule\n\nEach picture is drawn by the schedule itself.\n\n| | | |\n|---|---|---|\n"
    return head + "\n".join(cells) + "\n"


def libraries() -> str:
    """Returns the page of other libraries' schedulers: a table for each, a row for each of its own."""
    parts = [
        "# Schedulers of other libraries",
        "Each is read by its own name and arguments: see [Other libraries](../dialects.md). [The gallery](gallery.md) shows the classic ones.",
    ]
    for library in gp.dialects.libraries():
        language = known(library)
        common = ", ".join(str(parameter) for parameter in language.shared)
        beside = f"Beside its own arguments each takes `{common}`." if common else ""
        where = f"`{library}`" + (f", from `{language.modules[0]}`. {beside}" if language.modules else "")
        rows = []
        for name, make in language.readers.items():
            about = inline((inspect.getdoc(make) or "").partition("\n")[0])
            rows.append(f"| `{name}{language.signature(name)}` | {about} |".replace("\\", ""))
        parts += [f"## {language.title} {language.follows}".rstrip(), where, "| | |\n|---|---|\n" + "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def moving() -> str:
    """Returns the page of the classic libraries' classes, after writing an animation of each."""
    parts = [
        "# Every class, moving",
        (
            "PyTorch's, OneFlow's, Keras's, TensorFlow's and Paddle's classes under their own names, with the numbers that articles teach "
            "them with: see [Worked examples](../worked-examples.md). A metric that never improves drives the plateaus. The function that "
            "trains draws each."
        ),
    ]
    shown: dict[str, list[str]] = {}
    for picture in pictures():
        if picture.size:
            file = HERE / "img" / f"{picture.name}.gif"
            file.parent.mkdir(parents=True, exist_ok=True)
            view.animate(picture.schedules, file, **picture.options, **picture.size)
            title = html.escape(picture.title)
            image = f'<img src="../img/{picture.name}.gif" alt="{title}" loading="lazy" width="480" height="240">'
            shown.setdefault(picture.section, []).append(f"<figure>{image}<figcaption>{title}</figcaption></figure>")
    for section, figures in shown.items():
        parts += [f"## {section}", '<div class="gallery">' + "".join(figures) + "</div>"]
    return "\n\n".join(parts) + "\n"


def home() -> str:
    """Returns the home page: the README, with links that fit its new place."""
    text = (HERE.parent / "README.md").read_text(encoding="utf-8")
    text = text.replace("](docs/", "](").replace("](README.zh-CN.md)", "](zh.md)")
    return text.replace("[CONTRIBUTING.md](CONTRIBUTING.md)", "`CONTRIBUTING.md`")


if __name__ == "__main__":
    picture() if sys.argv[1:] == ["--picture"] else main()
