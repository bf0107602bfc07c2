"""Breaks the core in many small ways and tells which of them no test notices. Run by hand: `python tests/mutate.py [words to pick some]`.

Each mutation is made in a copy of `src`, never in the tree itself. A suite is finished when every mutant is killed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = """
import pytest
from hypothesis import Phase, settings


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session):  # a mutant needs to fail, not to fail on the smallest example
    settings.register_profile("mutants", settings.get_profile("ci"), phases=[Phase.explicit, Phase.generate])
    settings.load_profile("mutants")
"""
FAST = ("vectors", "text", "codec", "errors", "laws", "custom", "meta", "exactness", "hostile")

# What is broken, where, the code as it is, and the code broken.
MUTATIONS: list[tuple[str, str, str, str]] = [
    # the ends and the clock
    (
        "the step is not held before 0",
        "core/schedule.py",
        "0 if step < 0 else self._last",
        "step if step < 0 else self._last",
    ),
    ("the step is not held after the end", "core/schedule.py", "self._last if step > self._last else step))", "step))"),
    ("arrays are not held", "core/schedule.py", "if low < 0.0 or high > last:", "if False:"),
    ("arrays lose NaN", "core/schedule.py", "part[nan] = math.nan", "pass"),
    ("tensors lose NaN", "core/schedule.py", "return torch.where(torch.isnan(given), given, value)", "return value"),
    (
        "JAX in float32",
        "core/namespace.py",
        "return self.library.enable_x64(True)",
        "return self.library.enable_x64(False)",
    ),
    (
        "v is 1 - u",
        "core/curves.py",
        "self.u, self.v = done / whole, left / whole",
        "self.u, self.v = done / whole, 1.0 - done / whole",
    ),
    (
        "a shifted clock forgets its origin",
        "core/clock.py",
        "return Clock(self.xp, self.t, self.o + steps * self.q, self.q)",
        "return Clock(self.xp, self.t, self.o + steps, self.q)",
    ),
    (
        "cycles round the index",
        "core/namespace.py",
        "def quotient(x: Any, y: Any) -> Any:\n        return x // y",
        "def quotient(x: Any, y: Any) -> Any:\n        return round(x / y)",
    ),
    ("the last cycle ends", "core/clock.py", "index = xp.minimum(index, xp.const(last))", "pass"),
    (
        "a slow clock counts whole steps",
        "core/clock.py",
        "self.ticks * self.xp.const(factor.denominator), 0",
        "self.ticks, 0",
    ),
    # formulas
    ("the textbook interpolation", "core/exact.py", "if start + (end - start) == end:", "if True:"),
    ("the textbook interpolation, falling", "core/exact.py", "if end + (start - end) == start:", "if True:"),
    (
        "rise and fall are swapped",
        "core/exact.py",
        "return end * rise() + start * fall()",
        "return end * fall() + start * rise()",
    ),
    (
        "cosine without the half",
        "core/curves.py",
        "return span.xp.square(span.xp.sin((math.pi / 2) * span.u))",
        "return span.xp.square(span.xp.sin(math.pi * span.u))",
    ),
    (
        "cosine as 1 - cos",
        "core/curves.py",
        "return span.xp.square(span.xp.sin((math.pi / 2) * span.v))",
        "return (1.0 + span.xp.cos(math.pi * span.u)) * 0.5",
    ),
    (
        "a power of what is done",
        "core/curves.py",
        "return span.power_left(self.power)",
        "return 1.0 - span.xp.power(span.u, self.power)",
    ),
    ("high powers lose the rounding", "core/exact.py", "if power <= 4.0 or xp.digits == math.inf:", "if True:"),
    (
        "1 - v ** p cancels",
        "core/exact.py",
        "lambda u, v: -xp.expm1(power * xp.log1p(-u))",
        "lambda u, v: 1.0 - xp.power(v, power)",
    ),
    (
        "an exponential of one rounded product",
        "core/exact.py",
        "if xp.digits == math.inf or (within and abs(rate) <= 0.5):",
        "if True:",
    ),
    (
        "a geometric curve from its start only",
        "core/curves.py",
        "return clock.split([(steps + 1) // 2], halves)",
        "return halves[0](clock)",
    ),
    ("growth without bound", "core/segments.py", "if self.factor > 1.0:", "if False:"),
    ("decay below every number", "core/segments.py", "        clock = bounded_exponent(rate, self.steps, clock)\n", ""),
    (
        "a triangle falls from its bottom",
        "core/segments.py",
        "lambda clock: line.between(self.high, self.low, down, clock.back(self.up)),",
        "lambda clock: line.between(self.high, self.low, down, clock),",
    ),
    (
        "a milestone one step late",
        "core/namespace.py",
        "return bisect_right(knots, x) - 1",
        "return max(0, __import__('bisect').bisect_left(knots, x) - 1)",
    ),
    (
        "a drop at step 0",
        "core/segments.py",
        "self.start * self.factor**k for k in range",
        "self.start * self.factor**(k + 1) for k in range",
    ),
    (
        "a table of the wrong piece",
        "core/segments.py",
        "index = xp.minimum(index, xp.const(len(self.steps) - 2))",
        "index = xp.maximum(index - 1, xp.const(0))",
    ),
    # combinators
    (
        "a phase begins a step late",
        "core/namespace.py",
        "return branches[bisect_right(bounds, x)](*args)\n\n    @staticmethod\n    def locate",
        "return branches[__import__('bisect').bisect_left(bounds, x)](*args)\n\n    @staticmethod\n    def locate",
    ),
    (
        "a phase keeps the clock of the chain",
        "core/combinators/joined.py",
        "lambda clock, f=f, begin=begin: f.at(clock.back(begin))",
        "lambda clock, f=f, begin=begin: f.at(clock)",
    ),
    (
        "chains are nested",
        "core/combinators/joined.py",
        "flat.extend(phase.phases if isinstance(phase, Chain) else (phase,))",
        "flat.append(phase)",
    ),
    (
        "an endless phase in the middle",
        "core/combinators/joined.py",
        "for i, phase in enumerate(flat[:-1])",
        "for i, phase in enumerate(flat[:0])",
    ),
    (
        "short parts do not hold",
        "core/combinators/joined.py",
        "return part.at(clock if own >= duration else clock.clipped(None, int(own)))",
        "return part.at(clock)",
    ),
    (
        "a product lasts as long as its first part",
        "core/combinators/joined.py",
        "return max(part.duration for part in self.parts)",
        "return self.parts[0].duration",
    ),
    ("inner scales are lost", "core/combinators/joined.py", "number = join(number, getattr(part, field))", "pass"),
    (
        "minimum is maximum",
        "core/combinators/joined.py",
        "value = clock.xp.minimum(value, other)",
        "value = clock.xp.maximum(value, other)",
    ),
    (
        "clip forgets its top",
        "core/combinators/joined.py",
        "return value if self.high is None else clock.xp.minimum(value, self.high)",
        "return value",
    ),
    (
        "shift does not hold before",
        "core/combinators/warped.py",
        "begun.clipped(0, None) if self.steps > 0 else begun",
        "begun",
    ),
    (
        "stretch the other way",
        "core/combinators/warped.py",
        "slower = clock.slower(self._fraction)",
        "slower = clock.slower(1 / self._fraction)",
    ),
    ("decay of the floor", "core/combinators/warped.py", "self.floor + factor * (value - self.floor)", "factor * value"),
    (
        "growing cycles are not whole",
        "core/combinators/warped.py",
        "lengths.append(first * up // down)",
        "lengths.append(-(-first * up // down))",
    ),
    (
        "a limited repeat ends on a new peak",
        "core/combinators/warped.py",
        "None if self.cycles is None else self.cycles - 1)",
        "None)",
    ),
    # values
    ("-0.0 is kept", "core/fields.py", "return float(plain) + 0.0  # -0.0 becomes 0.0", "return float(plain)"),
    (
        "booleans are numbers",
        "core/fields.py",
        "if isinstance(value, bool) or not isinstance(value, numbers.Real):",
        "if not isinstance(value, numbers.Real):",
    ),
    (
        "milestones may repeat",
        "core/fields.py",
        "any(a >= b for a, b in pairwise(items))",
        "any(a > b for a, b in pairwise(items))",
    ),
    (
        "fingerprints with defaults",
        "core/codec.py",
        "if f.default is dataclasses.MISSING or getattr(node, name) != f.default",
        "if True",
    ),
    (
        "tuples are lost in JSON",
        "core/codec.py",
        "return [_plain(item) for item in value]",
        "return [item for item in value]",
    ),
    ("duplicate keys pass", "core/codec.py", "        if key in found:\n", "        if False:\n"),
    ("depth is not checked", "core/schedule.py", "if self._depth > MAX_DEPTH:", "if False:"),
    ("size is not checked", "core/schedule.py", "if self._size > MAX_NODES:", "if False:"),
    (
        "only the first problem of a constructor",
        "core/node.py",
        "        if problems:\n            raise GlidepathError(problems)\n        return super()",
        "        if problems:\n            raise GlidepathError(problems[:1])\n        return super()",
    ),
    (
        "schedules can be changed",
        "core/node.py",
        "dataclasses.dataclass(frozen=True, repr=False)",
        "dataclasses.dataclass(unsafe_hash=True, repr=False)",
    ),
    # text and tracing
    ("text without parentheses", "core/text.py", 'return text if own >= tightness else f"({text})"', "return text"),
    ("short numbers", "core/text.py", "abs(value) < 1e15 else repr(value)", 'abs(value) < 1e15 else f"{value:.6g}"'),
    ("warmup forgets its start", "core/text.py", "if node.start != 1 / (node.steps + 1):", "if False:"),
    (
        "a second power is not written",
        "core/text.py",
        "if isinstance(curve, Polynomial) and curve.power != 2.0:",
        "if False:",
    ),
    ("look-alike letters", "core/text.py", "if not text.isascii():", "if False:"),
    ("x + 0 is folded", "core/trace.py", 'if op == "-" and y.data == 0 and', 'if op == "-" and y.data != 0 and'),
    (
        "minimum of intervals",
        "core/trace.py",
        "            if x.high <= y.low:\n                return x",
        "            if x.low <= y.low:\n                return x",
    ),
    (
        "nested phases keep all bounds",
        "core/trace.py",
        "kept_bounds.extend(inside[begin:end])",
        "kept_bounds.extend(inside)",
    ),
    ("temporaries leak out of their block", "core/source.py", "            self._names.pop()\n", "            pass\n"),
    # recipes
    ("warmup wastes the first step", "core/shorthand.py", "start = 1 / (plain + 1)", "start = 1 / plain"),
    (
        "noam off by one",
        "recipes/decays.py",
        "phases += [Ramp(1 / first, 1.0, first - 1)] if first > 1 else []\n    return Product",
        "phases += [Ramp(1 / first, 1.0, first)] if first > 1 else []\n    return Product",
    ),
    (
        "one_cycle without its last phase",
        "recipes/cycles.py",
        "Ramp(start, end, total - 2 * up, shape)",
        "Ramp(start, start, total - 2 * up, shape)",
    ),
    ("triangular2 halves every half cycle", "recipes/cycles.py", "Step(period, 0.5)", "Step(triangle.up, 0.5)"),
    ("a changed formula is taken", "core/custom.py", "if formula.digest != self.digest:", "if False:"),
    ("docstrings count", "core/custom.py", "tree.body = tree.body[1:]", "pass"),
]


def killed(folder: Path, file: str, old: str, new: str) -> str:
    """Return the name of a test that fails with the mutation, or an empty string."""
    source = folder / "src" / "glidepath" / file
    text = source.read_text(encoding="utf-8")
    if text.count(old) < 1:
        raise SystemExit(f"no longer in {file}: {old}")
    source.write_text(text.replace(old, new), encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}",
        "CI": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    tests = [f"tests/core/test_{name}.py" for name in FAST]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "mutants_plugin", "-p", "no:cacheprovider", "--no-header", *tests],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return failed[0].split(" ")[1] if failed else "" if done.returncode == 0 else f"exit {done.returncode}"
    except subprocess.TimeoutExpired:
        return "it hangs"
    finally:
        source.write_text(text, encoding="utf-8")


def main(words: list[str]) -> int:
    chosen = [m for m in MUTATIONS if not words or any(word in " ".join(m[:2]) for word in words)]
    survivors = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "mutants_plugin.py").write_text(PLUGIN, encoding="utf-8")
        for title, file, old, new in chosen:
            begin = time.monotonic()
            test = killed(folder, file, old, new)
            print(
                f"{'killed  ' if test else 'SURVIVED'} {title:45} {time.monotonic() - begin:5.0f} s  {test.rpartition('/')[2]}",
                flush=True,
            )
            if not test:
                survivors.append(title)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
