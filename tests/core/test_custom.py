"""A user's own formula: a full schedule whose files hold its name and a hash, never code."""

import json
import math
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glidepath as gp


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    for name in ("bell", "dip", "odd"):
        gp.unregister(name)


def registered_bell() -> Any:
    @gp.register("bell")
    def bell(step: Any, xp: Any, *, width: float = 10.0, height: float = 1.0) -> Any:
        """A bell."""
        return height * xp.exp(-xp.square(step / width))

    return bell


def registered_dip() -> Any:
    @gp.register("dip")
    def dip(step: Any, xp: Any, *, steps: int, depth: float = 0.5) -> Any:
        half = steps / 2
        return xp.phases(
            step, [steps // 2], [lambda t: 1 - depth * t / half, lambda t: 1 - depth * (2 - t / half)], step
        )

    return dip


def refusal(make: Any) -> str:
    with pytest.raises(gp.GlidepathError, match="must be") as caught:
        make()
    return str(caught.value)


def test_a_formula_is_a_full_schedule():
    made = registered_bell()(width=20)

    assert made == bell_again(made)
    assert made.duration == math.inf
    assert made(20) == pytest.approx(math.exp(-1), rel=1e-15)
    assert made(-5) == made(0) == 1.0
    assert str(made) == "bell(height=1, width=20)"
    assert made.to_dict() == {
        "kind": "custom",
        "formula": "bell",
        "digest": made.digest,
        "arguments": {"height": 1, "width": 20},
    }
    assert "exp" not in made.to_json()
    assert made.latex() == r"e^{-\left(\frac{t}{20}\right)^2}"
    assert (gp.warmup(5) >> made)(25) == made(20)
    assert 2 * made == gp.Product([made], 2)


def bell_again(made: gp.Schedule) -> gp.Schedule:
    for again in (
        gp.parse(str(made)),
        gp.Schedule.from_json(made.to_json()),
        pickle.loads(pickle.dumps(made)),
        gp.vocabulary()["bell"](width=20.0),
        made.replace(),
    ):
        assert again == made
        assert again.fingerprint == made.fingerprint
    return made


def test_an_argument_named_steps_is_its_length():
    made = registered_dip()(steps=10)

    assert made.duration == 10
    assert [made(t) for t in (0, 5, 10, 99)] == [1.0, 0.5, 1.0, 1.0]
    assert gp.parse("dip(steps=10) >> hold()") == made >> gp.Hold()


def test_arrays_tensors_and_jax_get_the_same_values():
    import jax
    import torch

    steps = np.arange(0, 12)
    bell_of, dip_of = registered_bell(), registered_dip()
    for made in (bell_of(width=3), dip_of(steps=10)):
        values = [made(t) for t in steps.tolist()]

        assert made(steps).tolist() == pytest.approx(values, rel=1e-15)
        assert made(torch.tensor(steps)).tolist() == pytest.approx(values, rel=1e-15)
        assert jax.jit(made)(steps).tolist() == pytest.approx(values, rel=1e-7)
        assert np.isnan(made(np.array([math.nan]))[0])
        scope: dict[str, Any] = {}
        exec(made.source("alone"), scope)
        assert [scope["alone"](t) for t in steps.tolist()] == values


def test_phases_inside_phases_may_look_at_the_whole_step():
    @gp.register("odd")
    def odd(step: Any, xp: Any) -> Any:
        inner = lambda: xp.phases(step, [3, 7], [lambda: 1.0, lambda: 2.0, lambda: 3.0])  # noqa: E731
        return xp.phases(step, [5, 9], [inner, lambda: 10.0 * inner(), lambda: 100.0 * inner()])

    made = odd()
    expected = [1.0] * 3 + [2.0] * 2 + [20.0] * 2 + [30.0] * 2 + [300.0] * 2

    assert [made(t) for t in range(11)] == [made.interpreted(t) for t in range(11)] == expected
    assert made(np.arange(11)).tolist() == expected


def test_a_formula_without_the_step_is_a_constant():
    @gp.register("odd")
    def odd(step: Any, xp: Any, *, level: float = 0.5) -> Any:
        return level

    assert odd()(5) == 0.5
    assert odd()(np.arange(3)).tolist() == [0.5] * 3


# What is refused --------------------------------------------------------------------------------------------


def test_a_formula_that_is_not_registered_is_refused():
    made = registered_bell()()
    data, pickled = made.to_dict(), pickle.dumps(made)
    gp.unregister("bell")

    hint = '(define it with @glidepath.register("bell") first)'
    assert (
        refusal(lambda: gp.Schedule.from_dict(data))
        == f"$ (custom): formula must be registered in this process, got 'bell' {hint}"
    )
    assert (
        refusal(lambda: pickle.loads(pickled))
        == f"custom: formula must be registered in this process, got 'bell' {hint}"
    )
    assert refusal(lambda: gp.parse("bell()")).startswith("text, column 1: must be a known word, got 'bell()'")
    registered_dip()
    assert "did you mean 'dip'?" in refusal(lambda: gp.Schedule.from_dict({**data, "formula": "dips"}))


def test_changed_source_is_refused():
    made = registered_bell()()
    data = made.to_dict()

    @gp.register("bell", replace=True)
    def changed(step: Any, xp: Any, *, width: float = 10.0, height: float = 1.0) -> Any:
        return height * xp.exp(-xp.square(step / width)) + 1e-9

    message = refusal(lambda: gp.Schedule.from_dict(data))
    assert message.startswith("$ (bell): digest must be that of the registered source, ")
    assert message.endswith("(the formula has changed since)")
    assert changed().fingerprint != made.fingerprint


def test_the_same_source_has_the_same_digest_and_another_docstring_too():
    make = registered_bell()
    first = make().digest
    gp.unregister("bell")

    @gp.register("bell")
    def bell(step: Any, xp: Any, *, width: float = 10.0, height: float = 1.0) -> Any:
        """Another docstring."""
        # and a remark
        return height * xp.exp(
            -xp.square(step / width),
        )

    second = bell().digest

    assert first == second
    assert len(first) == 64


@pytest.mark.parametrize("name", ["hold", "cosine", "warmup_cosine", "repeat"])
def test_a_taken_word_is_refused(name: str):
    message = f"register: name must be new, got '{name}' (pass replace=True to replace your own formula)"
    for replace in (False, True):
        assert (
            refusal(lambda replace=replace: gp.register(name, replace=replace)(lambda step, xp: step * 0.0)) == message
        )


def test_another_formula_of_the_same_name_needs_replace():
    registered_bell()
    registered_bell()  # the same source again is no other formula

    def other(step: Any, xp: Any) -> Any:
        return step * 0.0

    assert refusal(lambda: gp.register("bell")(other)).startswith("register: name must be new, got 'bell'")
    assert gp.register("bell", replace=True)(other)()(5) == 0.0


@pytest.mark.parametrize("name", ["", "a b", "5a", "lambda", "bеll", 5, None])
def test_a_name_is_a_plain_word(name: Any):
    message = refusal(lambda: gp.register(name)(lambda step, xp: step))
    assert message == f"register: name must be a name of letters, digits and underscores, got {name!r}"


def test_a_formula_takes_step_and_namespace_and_named_arguments():
    rule = "register: formula must be a function of (step, xp, …) with named arguments, got "
    assert refusal(lambda: gp.register("odd")(lambda step: step)).startswith(rule)
    assert refusal(lambda: gp.register("odd")(lambda step, xp, *more: step)).startswith(rule)
    assert refusal(lambda: gp.register("odd")(lambda step, xp, **more: step)).startswith(rule)
    assert refusal(lambda: gp.register("odd")(max)).startswith(rule)
    assert refusal(lambda: gp.register("odd")(5)) == rule + "5"


def test_a_source_that_cannot_be_read_is_refused():
    scope: dict[str, Any] = {}
    exec("def hidden(step, xp): return step * 0.0", scope)

    message = refusal(lambda: gp.register("odd")(scope["hidden"]))
    assert message.startswith(
        "register: formula must be a function whose source can be read (def in a file or a notebook), got "
    )


def branches(step, xp):
    return 1.0 if step < 5 else 0.5


def truth(step, xp):
    return step or 1.0


def builtin(step, xp):
    return max(step, 1.0)


def library(step, xp):
    return math.sin(step)


def converted(step, xp):
    return float(step)


def of_numpy(step, xp):
    return np.sin(step)


def nothing(step, xp):
    return None


def unknown(step, xp):
    return xp.sinh(step)


def nowhere(step, xp):
    return beyond * step  # noqa: F821


def loop(step, xp):
    return sum(step)


BRANCH = "TypeError: a formula must not branch on the step; use xp.phases, xp.minimum, xp.maximum or xp.clip"
OTHERS = (
    "TypeError: a formula must use the functions of its namespace (xp.sin, xp.sqrt, …), not those of another library"
)


@pytest.mark.parametrize(
    ("formula", "got"),
    [
        (branches, BRANCH),
        (truth, BRANCH),
        (builtin, BRANCH),
        (library, OTHERS),
        (converted, OTHERS),
        (
            of_numpy,
            "TypeError: loop of ufunc does not support argument 0 of type Expr which has no callable sin method",
        ),
        (
            nothing,
            "TypeError: a formula must be made of numbers, steps and the functions of its namespace, not of NoneType",
        ),
        (unknown, "AttributeError: 'Tracer' object has no attribute 'sinh'"),
        (nowhere, "NameError: name 'beyond' is not defined"),
        (loop, "TypeError: 'Expr' object is not iterable"),
    ],
)
def test_a_formula_that_cannot_be_traced_is_refused(formula: Any, got: str):
    make = gp.register("odd")(formula)

    assert refusal(make) == f"odd: formula must be written with + - * / and the functions of its namespace, got {got}"


def logarithm(step, xp):
    return xp.log(step)


def reciprocal(step, xp):
    return 1 / step


def explosion(step, xp):
    return xp.exp(step)


def overflow(step, xp):
    return (step + 1) * 1e300 * 1e300


@pytest.mark.parametrize(
    ("formula", "got"),
    [
        (logarithm, "(-inf, 36.7368005696771)"),
        (reciprocal, "(inf, 1.1102230246251565e-16)"),
        (explosion, "(1.0, inf)"),
        (overflow, "(inf, inf)"),
    ],
)
def test_a_formula_is_finite_at_its_ends(formula: Any, got: str):
    make = gp.register("odd")(formula)

    assert refusal(make) == f"odd: formula must be finite at its ends, got {got}"


NUMBERS = "a mapping from names to finite numbers of magnitude at most 1e+100"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"widht": 5},
            "bell: arguments must be those of the formula (width, height), got {'widht': 5} (got an unexpected keyword argument 'widht')",
        ),
        (
            {"width": "5"},
            f"custom: arguments must be {NUMBERS}; that of 'width' is not, got (('width', '5'),)",
        ),
        (
            {"width": math.nan},
            f"custom: arguments must be {NUMBERS}; that of 'width' is not, got (('width', nan),)",
        ),
        (
            {"width": True},
            f"custom: arguments must be {NUMBERS}; that of 'width' is not, got (('width', True),)",
        ),
        ({"width": 0}, "bell: formula must be finite at its ends, got (nan, 0.0)"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any], message: str):
    make = registered_bell()

    assert refusal(lambda: make(**arguments)) == message


def test_arguments_are_named():
    assert refusal(lambda: registered_bell()(20)) == "bell: arguments must be given by name (width, height), got (20,)"
    assert (
        refusal(lambda: registered_dip()())
        == "dip: arguments must be those of the formula (steps, depth), got {} (missing a required argument: 'steps')"
    )
    assert (
        refusal(lambda: registered_dip()(steps=2.5))
        == "dip: steps must be an integer from 1 to 9007199254740992, got 2.5"
    )
    assert (
        refusal(lambda: registered_dip()(steps=0)) == "dip: steps must be an integer from 1 to 9007199254740992, got 0"
    )
    data = {"kind": "custom", "formula": "bell", "digest": "0" * 64, "arguments": {5: 1, "width": 2}}
    assert "arguments must be a mapping from names" in refusal(lambda: gp.Schedule.from_dict(data))
    assert "digest must be a SHA-256 in hexadecimal" in refusal(lambda: gp.Schedule.from_dict({**data, "digest": "0"}))
    assert "formula must be a name of letters" in refusal(lambda: gp.Schedule.from_dict({**data, "formula": "a b"}))


def test_a_default_that_is_no_number_is_refused():
    @gp.register("odd")
    def odd(step: Any, xp: Any, *, label: str = "x") -> Any:
        return step * 0.0

    assert refusal(odd) == f"odd: arguments must be {NUMBERS}; that of 'label' is not, got {{'label': 'x'}}"


def test_another_process_reads_the_file_after_registering_the_same_source(tmp_path: Path):
    (tmp_path / "formulas.py").write_text(
        "import glidepath as gp\n\n\n"
        "@gp.register('ripple')\ndef ripple(step, xp, *, period=10.0):\n    return 1.0 + 0.1 * xp.sin(step / period)\n"
    )
    write = "import formulas, glidepath as gp; s = gp.warmup(5) >> formulas.ripple(period=7); print(s.to_json()); print(s.fingerprint)"
    read = "import sys, glidepath as gp; {}; s = gp.Schedule.from_json(sys.stdin.read()); print(s.fingerprint, s(9))"

    def run(code: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code],
            input=given,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )

    text, fingerprint = run(write).stdout.splitlines()
    assert json.loads(text)["phases"][1]["arguments"] == {"period": 7}
    assert run(read.format("import formulas"), text).stdout.split()[0] == fingerprint
    assert "formula must be registered in this process, got 'ripple'" in run(read.format("pass"), text).stderr
