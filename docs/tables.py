"""What pages hold that is made from the code: what can be said where (dialects.md), and the map of the house (design.md)."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from glidepath import dialects
from glidepath.dialects.converting import targets

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- made by docs/tables.py: begin -->\n", "<!-- end -->"
SHOWN = (
    "hold()",
    "ramp(0, 1, 500) >> hold()",
    "linear(9000)",
    "cosine(9000, floor=0.1)",
    "warmup(500) >> cosine(9500, floor=0.1)",
    "ramp(0, 1, 500) >> cosine(9500)",
    "ramp(0, 1, 500) >> polynomial(9500, power=2)",
    "ramp(0, 1, 500) >> hold(7500) >> linear(2000)",
    "ramp(0, 1, 500) >> hold(7500) >> one_minus_sqrt(2000)",
    "ramp(0, 1, 500) >> inverse_sqrt(500)",
    "hold(1, value=0) >> ramp(0, 1, 500) >> linear(9500)",
    "step(3000)",
    "multistep([3000, 6000])",
    "exponential(0.999)",
    "repeat(cosine(3000))",
    "repeat(cosine(3000), 3)",
    "sgdr(1000, growth=2)",
    "one_cycle(10000)",
    "warmup(500) * step(3000)",
)


def cell(text: str, target: str) -> str:
    """Returns what a library has for a schedule: its classes or words, a function of the step, or nothing."""
    try:
        code = dialects.render(text, target, base_lr=0.1)
    except dialects.NotExpressible:
        return "–"
    if target == "deepspeed":
        return f"`{json.loads(code)['scheduler']['type']}`"
    if target == "megatron":
        return "`" + " ".join(re.findall(r"style (\S+)", code)) + "`"
    if target == "transformers":
        return f"`{re.findall(r'get_scheduler[(] *.([a-z_]+)', code.replace(chr(10), ' '))[0]}`"
    known = {name.rpartition(".")[2] for name in dialects.names(target)} if target != "python" else set[str]()
    found = [name for name in dict.fromkeys(re.findall(r"\w+", code.partition("\n# ")[0])) if name in known]
    plain = [name for name in found if name not in ("LambdaLR", "SequentialLR", "join_schedules", "param_scheduler")]
    own = " + ".join(f"`{name}`" for name in plain)
    return own + (" + a function" if own and "LambdaLR" in found else "") or "a function"


def said() -> str:
    """Returns the table of what can be said where: a schedule a row, a library or tool a column."""
    names = targets()
    rows = [[f"`{text}`".replace("|", "\\|"), *(cell(text, target) for target in names)] for text in SHOWN]
    head = ["", *names]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)) + "\n"


def files() -> str:
    """Returns every file of the package with the sentence that it begins with."""
    lines: list[str] = []
    source = ROOT / "src" / "glidepath"
    for path in sorted(source.rglob("*.py"), key=lambda path: (path.parent, path.name != "__init__.py", path.name)):
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        sentence = " ".join(doc.partition("\n\n")[0].split())
        room = path.parent.relative_to(source)
        if path.name == "__init__.py":
            name = "glidepath" if path.parent == source else room.as_posix()
            lines.append(f"\n{name + '/':<25}{sentence}")
        else:
            lines.append(f"  {path.name:<23}{sentence}")
    return "```text" + "\n".join(lines) + "\n```\n"


MADE = {"dialects.md": said, "design.md": files}


def main() -> None:
    """Writes each into its page."""
    for name, make in MADE.items():
        page = ROOT / "docs" / name
        before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
        page.write_text(f"{before}{BEGIN}{make()}{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
