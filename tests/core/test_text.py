"""The one-line form: what it says, how it is read, and what it refuses."""

import pytest

import glidepath as gp
from glidepath.core.errors import GlidepathError
from glidepath.core.text import MAX_TEXT, curve_of


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (gp.Hold(), "hold()"),
        (gp.Hold(5), "hold(5)"),
        (gp.Hold(value=0.5), "hold(value=0.5)"),
        (gp.Ramp(1, 0, 10), "linear(10)"),
        (gp.Ramp(0, 1, 10), "warmup(10, start=0)"),
        (gp.Ramp(1 / 11, 1, 10), "warmup(10)"),
        (gp.Ramp(0.1, 1, 10, "cosine"), 'warmup(10, start=0.1, curve="cosine")'),
        (gp.Ramp(0.1, 0.9, 10), "ramp(0.1, 0.9, 10)"),
        (gp.Ramp(1, 0, 10, "cosine"), "cosine(10)"),
        (gp.Ramp(0.3, 0.1, 10, "cosine"), "cosine(10, floor=0.1, peak=0.3)"),
        (gp.Ramp(1, 0, 10, "polynomial(2)"), "polynomial(10)"),
        (gp.Ramp(1, 0, 10, "polynomial(1.5)"), "polynomial(10, power=1.5)"),
        (gp.Ramp(1, 0.01, 10, "geometric"), "geometric(10)"),
        (gp.Ramp(1, 0.5, 10, "geometric"), "geometric(10, floor=0.5)"),
        (gp.Ramp(1, 0, 10, "exponential(0.05)"), 'ramp(1, 0, 10, curve="exponential(0.05)")'),
        (gp.Ramp(1, 0, 10, "exponential"), 'ramp(1, 0, 10, curve="exponential(0.01)")'),
        (gp.Ramp(1, 0, 10, "reverse(rex)"), 'ramp(1, 0, 10, curve="reverse(rex)")'),
        (gp.Ramp(1, 1, 10), "linear(10, floor=1)"),
        (gp.Ramp(-1, 1, 10), "warmup(10, start=-1)"),
        (gp.Step(30), "step(30)"),
        (gp.Step(30, 0.5, 2), "step(30, factor=0.5, start=2)"),
        (gp.Exponential(0.5, staircase=True), "exponential(0.5, staircase=True)"),
        (gp.MultiStep([1, 2]), "multistep([1, 2])"),
        (gp.Table([0, 5], [1, 0.5], "previous"), 'table([0, 5], [1, 0.5], interpolation="previous")'),
        (gp.Triangle(5, None, 0.1), "triangle(5, low=0.1)"),
        (gp.chain(gp.Hold(5)), "chain(hold(5))"),
        (gp.Hold(5) >> gp.linear(5) >> gp.Hold(), "hold(5) >> linear(5) >> hold()"),
        (gp.Hold(5) + gp.linear(5), "hold(5) + linear(5)"),
        (gp.linear(5) + 0.1, "0.1 + linear(5)"),
        (gp.linear(5) - 0.1, "-0.1 + linear(5)"),
        (gp.linear(5) - gp.Hold(), "linear(5) + -1 * hold()"),
        (gp.Sum([gp.linear(5)]), "0 + linear(5)"),
        (gp.Product([gp.linear(5)]), "1 * linear(5)"),
        (-gp.linear(5), "-1 * linear(5)"),
        (0.5 * gp.linear(5) * gp.Hold(), "0.5 * linear(5) * hold()"),
        (0.5 * (gp.linear(5) + 1), "0.5 * (1 + linear(5))"),
        ((gp.Hold(5) >> gp.Hold()) * 2 + 1, "1 + 2 * (hold(5) >> hold())"),
        (gp.Hold(5) >> (gp.linear(5) + 1), "hold(5) >> 1 + linear(5)"),
        (gp.minimum(gp.Hold(), gp.linear(5) >> gp.Hold()), "minimum(hold(), linear(5) >> hold())"),
        (gp.linear(5).clip(high=0.5), "clip(linear(5), high=0.5)"),
        (gp.linear(5).stretch(1.5), "stretch(linear(5), 1.5)"),
        (gp.linear(5).shift(-2), "shift(linear(5), -2)"),
        (gp.linear(5).repeat(3, 2, 0.5, 0.1), "repeat(linear(5), cycles=3, growth=2, decay=0.5, floor=0.1)"),
        (gp.Hold(value=1e22), "hold(value=1e+22)"),
        (gp.Hold(value=123456789012345), "hold(value=123456789012345)"),
        (gp.Hold(value=1e15), "hold(value=1000000000000000.0)"),
        (gp.Hold(value=-0.25), "hold(value=-0.25)"),
    ],
    ids=str,
)
def test_the_text_of_a_schedule(schedule: gp.Schedule, text: str):
    assert str(schedule) == repr(schedule) == text
    assert gp.parse(text) == schedule


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("  hold( 5 )  ", "hold(5)"),
        ("hold(5) >>\n  linear(5)", "hold(5) >> linear(5)"),
        ("hold(5)\r\n>> linear(5)", "hold(5) >> linear(5)"),
        ("hold(1_000)", "hold(1000)"),
        ("hold(1e3)", "hold(1000)"),
        ("hold(value=+0.5)", "hold(value=0.5)"),
        ("hold(value=-(-0.5))", "hold(value=0.5)"),
        ("hold(value=1/4)", "hold(value=0.25)"),
        ("hold(2 * 5 + 1)", "hold(11)"),
        ("hold(steps=5, value=0.5)", "hold(5, value=0.5)"),
        ("hold(None)", "hold()"),
        ("((hold(5)))", "hold(5)"),
        ("-hold(5)", "-1 * hold(5)"),
        ("+hold(5)", "hold(5)"),
        ("1 - hold(5)", "1 + -1 * hold(5)"),
        ("hold(5) - 1", "-1 + hold(5)"),
        ("hold(5) / 4", "0.25 * hold(5)"),
        ("hold(5) * 2 * 2", "4 * hold(5)"),
        ("2 * 3 * hold(5)", "6 * hold(5)"),
        ("hold(5) * linear(5) / 2", "0.5 * hold(5) * linear(5)"),
        ("1 + hold(5) * 2 >> linear(3)", "1 + 2 * hold(5) >> linear(3)"),
        ("hold(5) >> (linear(5) >> hold(5))", "hold(5) >> linear(5) >> hold(5)"),
        ("multistep((1, 2))", "multistep([1, 2])"),
        ("multistep([1, 1 + 1])", "multistep([1, 2])"),
        ("ramp(1, 0, 5, 'cosine')", "cosine(5)"),
        ('ramp(1, 0, 5, "polynomial(power=2)")', "polynomial(5)"),
        ("ramp(1, 0, 5, 'reverse(reverse(cosine))')", 'ramp(1, 0, 5, curve="reverse(reverse(cosine))")'),
        ("clip('linear(5)', 0.1)", "clip(linear(5), low=0.1)"),
        ("exponential(0.5, staircase=True)", "exponential(0.5, staircase=True)"),
        ("warmup_cosine(100, 10, 0.1)", "warmup(10) >> cosine(90, floor=0.1)"),
        ("chain(hold(5), hold(6), hold())", "hold(5) >> hold(6) >> hold()"),
        ("hold(5)  # a remark", "hold(5)"),
    ],
)
def test_other_ways_to_write_the_same(text: str, same: str):
    assert str(gp.parse(text)) == same


EXAMPLE = "(text|curve): must be one line such as .+, got "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "text: must be one line such as warmup(500) >> cosine(9500), got '' (invalid syntax)"),
        (
            "hold(",
            "text: must be one line such as warmup(500) >> cosine(9500), got 'hold(' ('(' was never closed at column 5)",
        ),
        ("hld()", "text, column 1: must be a known word, got 'hld()' (did you mean 'hold'?)"),
        ("zzz()", "text, column 1: must be a known word, got 'zzz()' (`glidepath list` names them all)"),
        ("hold", "text, column 1: must be a number, or a word with its arguments in parentheses, got 'hold' (hold(…))"),
        ("hold(x)", "text, column 6: must be a number, or a word with its arguments in parentheses, got 'x'"),
        ("hold().steps", "text, column 1: must be made of words, numbers, lists and >> + - * /, got 'hold().steps'"),
        ("gp.hold()", "text, column 1: must be a word of the vocabulary, got 'gp.hold'"),
        ("hold() @ hold()", "text, column 1: must be joined by >> + - * or /, got 'hold() @ hold()'"),
        ("hold() ** 2", "text, column 1: must be joined by >> + - * or /, got 'hold() ** 2'"),
        ("hold() >> 5", "text, column 1: must be a schedule on both sides of >>, got 'hold() >> 5'"),
        ("5 >> hold()", "text, column 1: must be a schedule on both sides of >>, got '5 >> hold()'"),
        ("hold() + 'a'", "text, column 1: must be made of numbers and schedules, got \"hold() + 'a'\""),
        ("hold() + True", "text, column 1: must be made of numbers and schedules, got 'hold() + True'"),
        (
            "1 / hold()",
            (
                "text, column 1: must be numbers and schedules that / can join, got '1 / hold()' "
                "(unsupported operand type(s) for /: 'int' and 'Hold')"
            ),
        ),
        (
            "1 / 0 * hold()",
            "text, column 1: must be numbers and schedules that / can join, got '1 / 0' (division by zero)",
        ),
        ("hold() / 0", "/: divisor must be other than 0, got 0"),
        ("hold() + None", "text, column 1: must be made of numbers and schedules, got 'hold() + None'"),
        ("-'a'", "text, column 1: must be a sign before a number or a schedule, got \"-'a'\""),
        ("not hold()", "text, column 1: must be made of words, numbers, lists and >> + - * /, got 'not hold()'"),
        (
            "hold(5, 6, 7)",
            "text, column 1: must be called as hold(steps, value), got 'hold(5, 6, 7)' (too many positional arguments)",
        ),
        (
            "hold(valu=5)",
            "text, column 1: must be called as hold(steps, value), got 'hold(valu=5)' (did you mean 'value'?)",
        ),
        (
            "ramp(1)",
            "text, column 1: must be called as ramp(start, end, steps, curve), got 'ramp(1)' (missing a required argument: 'end')",
        ),
        ("hold(**{})", "text, column 8: must be given by position or once by name, got '{}'"),
        ("chain(*[hold()])", "text, column 7: must be made of words, numbers, lists and >> + - * /, got '*[hold()]'"),
        ("hold(b'5')", "text, column 6: must be a number, a name in quotes, True, False or None, got \"b'5'\""),
        ("hold(5j)", "text, column 6: must be a number, a name in quotes, True, False or None, got '5j'"),
        ("5", "text: must be a schedule, got '5' (a number alone is written hold(value=…))"),
        ("[hold()]", "text: must be a schedule, got '[hold()]' (a number alone is written hold(value=…))"),
        ("'hold()'", "text: must be a schedule, got \"'hold()'\" (a number alone is written hold(value=…))"),
        ("hold() " + "x" * MAX_TEXT, f"text: must be at most {MAX_TEXT} bytes, got {MAX_TEXT + 7} characters"),
        ("hold(" + "9" * 400 + ")", "text: every number must be of fewer than 400 digits, got a longer one"),
        ("ｈold()", "text: every name must be in plain letters, got 'hold'"),
        ("hold(ｖalue=1)", "text: every name must be in plain letters, got 'value'"),
        ("hоld()", "text, column 1: must be a known word, got 'hоld()' (did you mean 'hold'?)"),
        (5, "text: must be a string, got 5"),
        ("cosine(10k)", "text, column 8: must be a number such as 10000 or 1e4, got '10k'"),
        ("hold(5) >> linear(2.5M, 10)", "text, column 19: must be a number such as 10000 or 1e4, got '2.5M'"),
    ],
    ids=lambda x: str(x)[:40],
)
def test_what_is_refused(text: str, message: str):
    with pytest.raises(GlidepathError, match="must be") as caught:
        gp.parse(text)
    assert str(caught.value) == message


def test_every_problem_of_a_text_is_listed():
    with pytest.raises(GlidepathError, match="must be") as caught:
        gp.parse("linear(-1) >> lineer(5) + hold(value='a') >> cosine(5, flor=1)")

    assert str(caught.value).split("\n") == [
        "text, column 1: linear: steps must be an integer from 0 to 9007199254740992, got -1",
        "text, column 15: must be a known word, got 'lineer(5)' (did you mean 'linear'?)",
        "text, column 27: hold: value must be a finite number of magnitude at most 1e+100, got 'a'",
        "text, column 46: must be called as cosine(steps, floor, peak), got 'cosine(5, flor=1)' (did you mean 'floor'?)",
    ]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("warmup(0)", "schedule: must be at least one step long"),
        ("warmup(5, start=1e999)", "text, column 1: warmup: start must be "),
        ("cosine(5, peak=1e999)", "text, column 1: cosine: peak must be "),
        ("geometric(5, floor=-1)", "text, column 1: geometric: floor must be a finite number above 0 "),
        ("2 * hold(5) >> wsd(0)", "text, column 16: wsd: steps must be "),
    ],
)
def test_a_refusal_names_the_word_the_argument_and_the_column_that_were_written(text: str, start: str):
    with pytest.raises(GlidepathError, match="must be") as caught:
        gp.parse(text)
    assert str(caught.value).startswith(start)


def test_long_rows_are_written_and_read_without_depth():
    rows = (
        gp.chain(*[gp.Hold(i + 1, i / 8) for i in range(2000)]),
        gp.Sum([gp.linear(i + 1) for i in range(2000)]),
        gp.Product([gp.linear(i + 1) for i in range(2000)]),
        gp.minimum(*[gp.linear(i + 1) for i in range(2000)]),
    )
    for row in rows:
        assert gp.parse(str(row)) == row
    flat = " >> ".join("hold(5)" for _ in range(1500))
    assert gp.parse(flat) == gp.Chain([gp.Hold(5)] * 1500)


def test_the_text_of_a_curve():
    for text in ("linear", "polynomial(1.5)", "reverse(exponential(0.01))", "exponential(1e-08)"):
        assert str(curve_of(text)) == text
    assert curve_of("polynomial()") == curve_of("polynomial") == curve_of("polynomial(2.0)")
    with pytest.raises(
        GlidepathError,
        match=r"^curve, column 1: must be a known curve \(cosine, .*\), got 'cosin' \(did you mean 'cosine'\?\)$",
    ):
        curve_of("cosin")
    with pytest.raises(GlidepathError, match=r"^curve: must be one line such as polynomial\(2\), got '\(' \(.*\)$"):
        curve_of("(")


def test_the_vocabulary_is_a_copy():
    words = dict(gp.vocabulary())
    gp.vocabulary()["nothing"] = gp.Hold  # type: ignore[index]

    assert dict(gp.vocabulary()) == words


NOTHING = "schedule: must be at least one step long, got a phase of length 0"
PHASES = [
    ("warmup(0) >> cosine(10)", "cosine(10)"),
    ("warmup(3) >> hold(0) >> cosine(10)", "warmup(3) >> cosine(10)"),
    ("ramp(0.1, 1, 0, curve='cosine') >> linear(4) >> rex(0) >> hold()", "linear(4) >> hold()"),
    ("0.3 * hold(0) >> chain(sqrt(0), geometric(0), polynomial(5))", "polynomial(5)"),
    ("0.05 * (warmup(0) >> one_minus_sqrt(7) >> cosine(0))", "0.05 * one_minus_sqrt(7)"),
]


@pytest.mark.parametrize(("text", "left"), PHASES)
def test_a_phase_of_length_0_is_nothing_in_a_chain(text: str, left: str):
    """So that configurations made from a template work: in text, in JSON, and by the functions."""
    assert gp.parse(text) == gp.parse(left)
    words = {**vars(gp), "hold": gp.Hold, "ramp": gp.Ramp}
    assert eval(text, words) == gp.parse(left)  # the text is Python too


def test_a_phase_of_length_0_in_data():
    fall = gp.cosine(10).to_dict()
    empty = [
        {"kind": "hold", "steps": 0, "value": 0.5},
        {"kind": "ramp", "start": 0, "end": 1, "steps": 0},
        "warmup(0)",
    ]
    for phases in ([*empty, fall], [fall, *empty], [{"kind": "chain", "phases": empty}, fall]):
        assert gp.Schedule.from_dict({"kind": "chain", "phases": phases}) == gp.cosine(10)
    for data in (empty[0], {"kind": "chain", "phases": empty}, {"kind": "repeat", "schedule": empty[1], "cycles": 3}):
        with pytest.raises(GlidepathError, match="must be at least one step long, got a phase of length 0"):
            gp.Schedule.from_dict(data)


@pytest.mark.parametrize("text", ["warmup(0)", "hold(0) >> cosine(0)", "0.5 * linear(0)", "repeat(hold(0), 2)"])
def test_a_whole_schedule_of_length_0_is_refused(text: str):
    with pytest.raises(GlidepathError, match="must be at least one step long, got a phase of length 0"):
        gp.parse(text)
    for use in (
        lambda: gp.warmup(0)(3),
        lambda: gp.Schedule.of(gp.Hold(0)),
        lambda: gp.minimum(gp.Hold(0), gp.cosine(4)),
    ):
        with pytest.raises(GlidepathError, match="a phase of length 0"):
            use()
