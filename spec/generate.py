"""Writes the JSON schema and the vectors: language-neutral examples of every kind, recipe, word and curve with their exact values.

A vector is `{"schedule": JSON, "text": one line, "fingerprint": SHA-256, "steps": [...], "values": [...]}`; numbers are printed with `repr`.
Run it by `make vectors`, and read the difference before you commit it.
"""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import glidepath as gp

ROOT = Path(__file__).resolve().parent

# One line of text for each example, under the kind, recipe or word that it shows.
EXAMPLES: dict[str, tuple[str, ...]] = {
    # leaves
    "hold": ("hold()", "hold(100, value=0.5)"),
    "ramp": ("ramp(0.25, 0.75, 9)", "ramp(-1, 1, 10, curve='cosine')", "ramp(1e-08, 1, 1000, curve='geometric')"),
    "exponential": (
        "exponential(0.96)",
        "exponential(0.5, steps=100, start=0.3)",
        "exponential(0.5, steps=7, staircase=True)",
    ),
    "natural_exponential": ("natural_exponential(0.04)", "natural_exponential(0.5, steps=7, staircase=True)"),
    "inverse_time": ("inverse_time(0.5, steps=10)", "inverse_time(0.5, steps=7, start=0.3, staircase=True)"),
    "inverse_sqrt": ("inverse_sqrt(100)", "inverse_sqrt(1, start=0.3)"),
    "step": ("step(30)", "step(7, factor=0.97, start=0.3)"),
    "multistep": ("multistep([30, 60, 90])", "multistep([1, 2, 50], factor=0.5, start=0.3)"),
    "triangle": ("triangle(10)", "triangle(3, down=9, low=0.1, high=0.7)"),
    "table": ("table([0, 10, 25], [0, 1, 0.5])", "table([0, 10, 25], [0.1, 1, 0.5], interpolation='previous')"),
    "profile": ("profile([0, 2.5, 5], [0, 1, 0])", "profile([-1, 29.5, 99], [0.04, 1, 1e-05], curve='cosine')"),
    "polynomial_cycle": ("polynomial_cycle(4, start=1, end=0)", "polynomial_cycle(10, start=0.3, end=0.01, power=2)"),
    "damped_cosine": ("damped_cosine(10)", "damped_cosine(100, periods=2.5, alpha=0.1)"),
    "expression": (
        "expression('0.95 ** (step // 3)')",
        "expression('min(1, (step + 1) / 10) * (1 + cos(pi * min(step, 50) / 50)) / 2')",
    ),
    # combinators
    "chain": ("hold(5) >> linear(10, floor=0.5) >> inverse_sqrt(3, start=0.5)", "chain(cosine(10))"),
    "product": ("0.5 * cosine(100) * step(30, factor=0.5)", "1 * linear(4)"),
    "sum": ("0.1 + 0.9 * cosine(100)", "linear(10) - cosine(20)", "0 + linear(4)"),
    "minimum": ("minimum(linear(100), hold(value=0.5))",),
    "maximum": ("maximum(linear(100), 0.5 * cosine(200))",),
    "clip": ("clip(cosine(100), low=0.1, high=0.9)", "clip(linear(10), low=0.5)"),
    "stretch": ("stretch(cosine(10), 2.5)", "stretch(hold(3) >> linear(7), 0.1)", "stretch(repeat(linear(3)), 1.1)"),
    "shift": ("shift(cosine(10), 5)", "shift(cosine(10), -5)"),
    "until": ("until(inverse_sqrt(5), 20) >> linear(10)", "until(linear(4), 9)"),
    "repeat": (
        "repeat(cosine(10))",
        "repeat(cosine(10), cycles=3)",
        "repeat(linear(10), growth=2)",
        "repeat(hold(3) >> linear(7), cycles=4, growth=1.5, decay=0.5, floor=0.1)",
    ),
    "restarts": ("restarts(cosine(10), growth=1.5)", "restarts(linear(3), decay=0.9, floor=0.01)"),
    "rate": ("rate(0.1 * step(30))",),
    # one phase in a word
    "warmup": ("warmup(10)", "warmup(10, start=0)", "warmup(10, start=0.1, curve='cosine')"),
    "linear": ("linear(10)", "linear(7, floor=0.1, peak=0.3)"),
    "cosine": ("cosine(10)", "cosine(10000000)", "cosine(7, floor=0.1, peak=0.3)"),
    "polynomial": ("polynomial(10)", "polynomial(10, power=0.9, floor=1e-07)", "polynomial(97, power=20)"),
    "sqrt": ("sqrt(10)", "sqrt(7, floor=0.1)"),
    "one_minus_sqrt": ("one_minus_sqrt(10)", "one_minus_sqrt(7, floor=0.1)"),
    "geometric": ("geometric(10)", "geometric(1000, floor=1e-08)"),
    "rex": ("rex(10)", "rex(7, floor=0.1)"),
    # recipes
    "constant": ("constant()", "constant(0.3)"),
    "with_warmup": ("with_warmup(inverse_sqrt(7), 10)", "with_warmup(cosine(10), 0)"),
    "warmup_cosine": (
        "warmup_cosine(100)",
        "warmup_cosine(10000, warmup=500, floor=0.1)",
        "warmup_cosine(100, warmup=10, start=0)",
    ),
    "warmup_linear": ("warmup_linear(100, warmup=10)", "warmup_linear(100, warmup=10, floor=0.1, start=0)"),
    "warmup_polynomial": ("warmup_polynomial(100, power=3, warmup=10, floor=0.01)",),
    "warmup_rex": ("warmup_rex(100, warmup=10, floor=0.01)",),
    "warmup_hold_cosine": ("warmup_hold_cosine(100, warmup=10, hold=20, floor=0.1)",),
    "wsd": ("wsd(1000, warmup=50)", "wsd(1000, warmup=50, cooldown=100, curve='one_minus_sqrt', floor=0.01)"),
    "trapezoid": ("trapezoid(100, 10, 20)",),
    "knee": ("knee(100, 10, 50)", "knee(10, 0, 0)"),
    "one_cycle": ("one_cycle(100)", "one_cycle(100, peak_fraction=0.4, three_phase=True, curve='linear')"),
    "sgdr": ("sgdr(10, growth=2)", "sgdr(100, warmup=10, growth=1.5, decay=0.7, cycles=4, floor=0.01)"),
    "noam": ("noam(512, 4000)", "noam(768, 1, scale=2)"),
    "warmup_inverse_sqrt": (
        "warmup_inverse_sqrt(1000, 100)",
        "warmup_inverse_sqrt(1000, 100, cooldown=200, timescale=50, floor=0.01)",
    ),
    "triangular": ("triangular(10)", "triangular(10, down=30, low=0.1)"),
    "triangular2": ("triangular2(10)", "triangular2(10, down=30, low=0.1)"),
    "exp_range": ("exp_range(10, 0.99)", "exp_range(10, 0.99, down=30, low=0.1)"),
    "piecewise_constant": ("piecewise_constant([10, 50], [1, 0.1, 0.01])",),
}

CURVES: dict[str, tuple[str, ...]] = {
    "linear": ("linear",),
    "cosine": ("cosine",),
    "polynomial": ("polynomial(0.9)", "polynomial(3)"),
    "sqrt": ("sqrt",),
    "one_minus_sqrt": ("one_minus_sqrt",),
    "exponential": ("exponential(0.01)", "exponential(0.5)"),
    "geometric": ("geometric",),
    "rex": ("rex",),
    "reverse": ("reverse(rex)", "reverse(polynomial(3))"),
}


def steps_of(schedule: gp.Schedule) -> list[float]:
    """Return whole steps at and around every change, some in between, one fraction, and steps outside."""
    end = schedule.duration if schedule.duration < math.inf else 200
    marks = {
        0,
        1,
        2,
        3,
        end // 3,
        end // 2,
        end,
        *getattr(schedule, "starts", ()),
        *getattr(schedule, "milestones", ()),
    }
    if isinstance(schedule, gp.Repeat):
        marks |= set(schedule.cycle_starts(min(int(end), 1000))[:12])
    near = {int(mark) + by for mark in marks for by in (-1, 0, 1)} | {int(end * i / 11) for i in range(12)}
    whole = sorted(near)[:60]
    return [-5, *(step for step in whole if step >= 0), end / 2 + 0.25, end + 10, 10**12]


def vector(schedule: gp.Schedule) -> dict[str, Any]:
    """Return a schedule with its values."""
    steps = steps_of(schedule)
    return {
        "schedule": schedule.to_dict(),
        "text": str(schedule),
        "fingerprint": schedule.fingerprint,
        "steps": steps,
        "values": [schedule(step) for step in steps],
    }


def files() -> Iterator[tuple[str, Any]]:
    """Yield the path, from this folder, and the content of every generated file."""
    yield "schedule.schema.json", gp.schema()
    own = {name: (cls.example,) for name, cls in sorted(gp.Schedule.registry.items()) if cls.example}
    for name, texts in (own | EXAMPLES).items():
        yield f"vectors/{name}.json", [vector(gp.parse(text)) for text in texts]
    for name, texts in CURVES.items():
        ramps = [gp.Ramp(start, end, 12, text) for text in texts for start, end in ((1.0, 0.1), (0.1, 1.0))]
        yield f"vectors/curve-{name}.json", [vector(ramp) for ramp in ramps]


def written(content: Any) -> str:
    """Return the JSON text of a file: one field a line, lists of numbers on one."""
    if not isinstance(content, list):
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    cases = [
        "{\n"
        + ",\n".join(f"    {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in case.items())
        + "\n  }"
        for case in content
    ]
    return "[\n  " + ",\n  ".join(cases) + "\n]\n"


def main() -> None:
    """Write every file that has changed, and remove vectors that nothing makes any more."""
    made = {ROOT / path: written(content) for path, content in files()}
    for path, text in made.items():
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote spec/{path.relative_to(ROOT)}\n")
    for path in set((ROOT / "vectors").glob("*.json")) - set(made):
        path.unlink()
        sys.stdout.write(f"removed spec/{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
