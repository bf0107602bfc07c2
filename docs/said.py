"""The table of what can be said where: schedules in one column, and in the others what `render` writes for each library and tool."""

from __future__ import annotations

import json
import re
from pathlib import Path

from glidepath import dialects
from glidepath.dialects.converting import targets

PAGE = Path(__file__).resolve().parent / "dialects.md"
BEGIN, END = "<!-- made by docs/said.py: begin -->\n", "<!-- end -->"
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


def table() -> str:
    """Returns the table."""
    names = targets()
    rows = [[f"`{text}`".replace("|", "\\|"), *(cell(text, target) for target in names)] for text in SHOWN]
    head = ["", *names]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)) + "\n"


def main() -> None:
    """Writes the table into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}{table()}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
