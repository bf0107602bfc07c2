"""Writes the pages that are made from the code: one for every word of the language, and the home page from the README.

Formulas come from the docstrings and, with numbers, from the traced formula; pictures are drawn from the schedule itself.
"""

from __future__ import annotations

import html
import inspect
import re
import sys
from pathlib import Path

from latex2mathml.converter import convert

import glidepath as gp
from glidepath import view
from glidepath.core.codec import field_notes
from glidepath.core.schedule import Schedule

HERE = Path(__file__).resolve().parent
PICTURE = HERE / "picture.svg"

EXAMPLES = {
    "chain": "chain(warmup(50), hold(100), cosine(150))",
    "clip": "clip(exponential(0.99), low=0.2, high=0.8)",
    "constant": "constant(0.5)",
    "cosine": "cosine(300, floor=0.1)",
    "exp_range": "exp_range(50, 0.997, low=0.1)",
    "exponential": "exponential(0.5, steps=50)",
    "geometric": "geometric(300, floor=0.001)",
    "hold": "hold(100) >> hold(100, value=0.5) >> hold(100, value=0.1)",
    "inverse_sqrt": "warmup(50) >> inverse_sqrt(50)",
    "inverse_time": "inverse_time(1, steps=50)",
    "knee": "knee(300, 30, 150)",
    "linear": "linear(300)",
    "maximum": "maximum(linear(300), hold(value=0.25))",
    "minimum": "minimum(warmup(100), linear(300, peak=1.5))",
    "multistep": "multistep([100, 200, 250], factor=0.3)",
    "natural_exponential": "natural_exponential(1, steps=100)",
    "noam": "noam(512, 4000)",
    "one_cycle": "one_cycle(300)",
    "one_minus_sqrt": "one_minus_sqrt(300)",
    "piecewise_constant": "piecewise_constant([100, 200], [1, 0.3, 0.1])",
    "polynomial": "polynomial(300, power=3)",
    "ramp": 'ramp(0.2, 1, 300, curve="reverse(polynomial(3))")',
    "repeat": "repeat(cosine(50), growth=2, decay=0.7)",
    "rex": "rex(300)",
    "sgdr": "sgdr(50, warmup=20, growth=2, decay=0.8)",
    "shift": "shift(cosine(200), 100)",
    "sqrt": "sqrt(300)",
    "step": "step(60, factor=0.5)",
    "stretch": "stretch(warmup(50) >> cosine(100), 2)",
    "table": "table([0, 100, 150, 300], [0.2, 1, 0.4, 0])",
    "trapezoid": "trapezoid(300, 50, 100)",
    "triangle": "triangle(40, down=80, low=0.1)",
    "triangular": "triangular(50, low=0.1)",
    "triangular2": "triangular2(50, low=0.1)",
    "until": "warmup(50) >> until(inverse_sqrt(50), 200) >> linear(50, peak=0.45)",
    "warmup": 'warmup(100) >> warmup(100, start=0) >> warmup(100, start=0.2, curve="cosine")',
    "warmup_cosine": "warmup_cosine(300, warmup=30, floor=0.1)",
    "warmup_hold_cosine": "warmup_hold_cosine(300, warmup=30, hold=100)",
    "warmup_inverse_sqrt": "warmup_inverse_sqrt(300, warmup=30, cooldown=60)",
    "warmup_linear": "warmup_linear(300, warmup=30)",
    "warmup_polynomial": "warmup_polynomial(300, power=2, warmup=30)",
    "warmup_rex": "warmup_rex(300, warmup=30)",
    "with_warmup": "with_warmup(exponential(0.99), 50)",
    "wsd": 'wsd(300, warmup=30, cooldown=90, curve="one_minus_sqrt")',
}


def main() -> None:
    """Writes every page and picture; complains of words without an example."""
    words = {
        name: make for name, make in gp.vocabulary().items() if not isinstance(make, type) or issubclass(make, Schedule)
    }
    missing = sorted(set(words) - set(EXAMPLES))
    if missing:
        sys.exit(f"docs/generate.py: EXAMPLES must have an entry for {', '.join(missing)}")
    for folder in ("schedules", "img"):
        (HERE / folder).mkdir(exist_ok=True)
    for name, make in sorted(words.items()):
        schedule = gp.parse(EXAMPLES[name])
        view.save(view.figure(schedule, height=2.6, title=EXAMPLES[name]), HERE / "img" / f"{name}.svg")
        (HERE / "schedules" / f"{name}.md").write_text(page(name, make, schedule), encoding="utf-8")
    (HERE / "schedules" / "index.md").write_text(contents(words), encoding="utf-8")
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


def page(name: str, make: object, schedule: Schedule) -> str:
    """Returns the page of one word."""
    doc = inspect.getdoc(make) or ""
    body, sections = split(doc)
    notes = field_notes(make)
    rows = [
        f"| `{p.name}` | {'required' if p.default is p.empty else f'`{p.default}`'} | {inline(notes.get(p.name, ''))} |"
        for p in inspect.signature(make).parameters.values()  # type: ignore[arg-type]
    ]
    parts = [f"# {name}", prose(body), f"![{html.escape(EXAMPLES[name])}](../img/{name}.svg)"]
    if rows:
        parts += ["## Arguments", "| name | default | |\n|---|---|---|\n" + "\n".join(rows)]
    if "Source" in sections:
        parts += ["## Source", prose(sections["Source"])]
    if "Examples" in sections:
        parts += ["## Examples", f"```pycon\n>>> from glidepath import *\n{sections['Examples']}\n```"]
    parts += [
        f"## The picture's schedule\n\n```text\n{EXAMPLES[name]}\n```",
        "With its numbers, from step 0 on (before 0 the first value is held):",
        formula(schedule.latex()),
        f"As Python without a dependency:\n\n```py\n{schedule.source('f').strip()}\n```",
    ]
    return "\n\n".join(parts) + "\n"


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


def contents(words: dict[str, object]) -> str:
    """Returns the page that shows all of them."""
    cells = []
    for name, make in sorted(words.items()):
        about = inline((inspect.getdoc(make) or "").partition("\n")[0])
        cells.append(f"| [**{name}**]({name}.md) | {about} | [![](../img/{name}.svg){{ width=260 }}]({name}.md) |")
    return (
        "# Every schedule\n\nEach picture is drawn by the schedule itself.\n\n| | | |\n|---|---|---|\n"
        + "\n".join(cells)
        + "\n"
    )


def home() -> str:
    """Returns the home page: the README, with links that fit its new place."""
    text = (HERE.parent / "README.md").read_text(encoding="utf-8")
    return text.replace("](docs/", "](").replace("[CONTRIBUTING.md](CONTRIBUTING.md)", "`CONTRIBUTING.md`")


if __name__ == "__main__":
    picture() if sys.argv[1:] == ["--picture"] else main()
