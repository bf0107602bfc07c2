"""Durations: what can be written, that it prints as it reads, and that quoted ones become whole numbers on the plan's clock."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glidepath import GlidepathError, parse
from glidepath.core.fields import Broken
from glidepath.plan import Duration, Horizon, Plan
from glidepath.plan.duration import durations, resolve, written

RUN = Horizon("3 epochs", samples=1000, batch=32, accumulation=2, processes=2, tokens_per_sample=128).derived()


@pytest.mark.parametrize(
    ("text", "amount", "unit", "printed"),
    [
        ("3 epochs", 3, "epochs", "3 epochs"),
        ("1 epoch", 1, "epochs", "1 epoch"),
        ("500 steps", 500, "updates", "500 steps"),
        ("500updates", 500, "updates", "500 steps"),
        ("10%", 10, "percent", "10%"),
        ("0.1 %", Fraction(1, 10), "percent", "0.1%"),
        ("2e9 tokens", 2 * 10**9, "tokens", "2e9 tokens"),
        ("1.25e6 samples", 1_250_000, "samples", "1250000 samples"),
        (" rest ", 0, "rest", "rest"),
    ],
)
def test_what_can_be_written(text, amount, unit, printed):
    duration = Duration.parse(text)

    assert (duration.amount, duration.unit, str(duration)) == (amount, unit, printed)


@given(
    st.fractions(0, 1000, max_denominator=1).map(lambda x: x / 1000) | st.integers(0, 2**53).map(Fraction),
    st.sampled_from(["updates", "epochs", "samples", "tokens"]),
)
def test_it_reads_as_it_prints(amount, unit):
    duration = Duration(amount, unit)

    assert Duration.parse(str(duration)) == duration
    assert Fraction(written(amount)) == amount


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3 epocs", "a duration such as"),
        ("500", "a duration such as"),
        ("-3 steps", "a duration such as"),
        ("nan steps", "a duration such as"),
        ("1e99 tokens", "at most 9007199254740992"),
        ("101%", "a share of at most 100%"),
        ("9" * 1000 + " steps", "a duration such as"),
        (3, "a duration such as"),
        ("", "a duration such as"),
    ],
)
def test_what_cannot(text, message):
    with pytest.raises(Broken, match=message):
        Duration.parse(text)


def test_remedies():
    with pytest.raises(Broken, match="duration") as typo:
        Duration.parse("3 epocs")
    with pytest.raises(Broken, match="duration") as bare:
        Duration.parse("500")
    assert (typo.value.remedy, bare.value.remedy) == ("did you mean 'epochs'?", "a number needs its unit")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('warmup("10%") >> cosine("rest", floor=0.1)', "warmup(2) >> cosine(22, floor=0.1)"),
        ('warmup("1 epoch") >> cosine("rest")', "warmup(8) >> cosine(16)"),
        ('warmup("6.25%") >> cosine("rest")', "warmup(2) >> cosine(22)"),
        ('warmup("3 steps") >> hold("50%") >> linear("rest")', "warmup(3) >> hold(12) >> linear(9)"),
        ('warmup("256 samples") >> cosine("16384 tokens")', "warmup(2) >> cosine(1)"),
        ('chain(warmup("2 steps"), cosine("rest"))', "warmup(2) >> cosine(22)"),
        ('0.5 * (warmup("2 steps") >> cosine("rest"))', "0.5 * (warmup(2) >> cosine(22))"),
        ('(warmup("2 steps") >> hold("rest")) * cosine("rest")', "(warmup(2) >> hold(22)) * cosine(24)"),
        ('warmup("2 steps") >> 0.5 * cosine("rest")', "warmup(2) >> 0.5 * cosine(22)"),
        ('-cosine("rest") + 1', "1 + -1 * cosine(24)"),
        ('until(inverse_sqrt("1 epoch"), "rest")', "until(inverse_sqrt(8), 24)"),
        ('clip(cosine("rest"), low=0.1)', "clip(cosine(24), low=0.1)"),
        ('minimum(cosine("rest"), linear("50%"))', "minimum(cosine(24), linear(12))"),
        ('warmup_cosine("rest", warmup="5%")', "warmup_cosine(24, warmup=1)"),
        ('wsd("rest", warmup="5%", cooldown="25%")', "wsd(24, 1, 6)"),
        ('multistep(["50%", "75%"])', "multistep([12, 18])"),
        ('table(["0%", "1 epoch"], [1.0, 0.5])', "table([0, 8], [1.0, 0.5])"),
        ('ramp(1, 0, "rest", curve="polynomial(2)")', 'ramp(1, 0, 24, curve="polynomial(2)")'),
        ('repeat(cosine("1 epoch"), cycles=3)', "repeat(cosine(8), cycles=3)"),
    ],
)
def test_on_a_clock_of_updates(text, expected):
    done = resolve(text, RUN)

    assert [str(problem) for problem in done.problems] == []
    assert done.schedule == parse(expected)


@given(st.integers(1, 12), st.integers(0, 24))
def test_the_clock_does_not_bend_the_curve(warm, update):
    """On a clock of samples or tokens the values are those on a clock of updates."""
    run = Horizon("24 steps", batch=16, accumulation=2, processes=2, tokens_per_sample=128).derived()
    text = f'warmup("{warm} steps", start=0.05) >> cosine("rest", floor=0.1)'
    updates, samples, tokens = (resolve(text, run, clock).schedule for clock in ("updates", "samples", "tokens"))

    assert samples(update * 64) == pytest.approx(updates(update), rel=1e-12)
    assert tokens(update * 64 * 128) == pytest.approx(updates(update), rel=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('warmup("5 epocs") >> cosine("rest")', "got '5 epocs' \\(did you mean 'epochs'\\?\\)"),
        ('cosine("rest") >> cosine("rest")', "must be the only phase that takes the rest of its chain"),
        ('repeat(cosine("rest"), 3)', "must be the length of one phase of the outermost chain, got 'rest'"),
        ('hold("60%") >> hold("60%") >> cosine("rest")', "the other phases take 28 of 24"),
        (
            'warmup("1 token") >> cosine("rest")',
            "at least one of the clock's updates, got '1 token' \\(it comes to 6.1e-05",
        ),
        ('hold() >> cosine("rest")', "of finite length where another phase takes the rest"),
        ('cosin("rest")', "did you mean 'cosine'"),
        ('warmup("5%", curve="lin") >> cosine("rest", flor=1)', "(?s)did you mean 'linear'.*did you mean 'floor'"),
        ('warmup("5 epocs") >> hold(-1) >> cosine("rest", flor=1)', "(?s)'epochs'.*hold: steps must be.*'floor'"),
    ],
)
def test_what_is_refused(text, message):
    done = resolve(text, RUN)

    assert done.schedule is None
    assert not done.unknown
    with pytest.raises(GlidepathError, match=message):
        raise GlidepathError(done.problems)


@pytest.mark.parametrize(
    ("text", "horizon", "message"),
    [
        ('warmup("5%") >> hold()', Horizon(), "a share of a run of known length, got '5%'"),
        ('cosine("rest")', Horizon("2 epochs"), "a share of a run of known length, got 'rest'"),
        ('warmup("1 epoch") >> hold()', Horizon("9 steps"), "give horizon.samples and horizon.batch"),
        ('warmup("1e6 tokens") >> hold()', Horizon("9 steps", batch=4), "give horizon.tokens_per_sample"),
    ],
)
def test_what_needs_a_horizon_says_which_part_is_unknown(text, horizon, message):
    done = resolve(text, horizon.derived())

    assert done.unknown
    with pytest.raises(GlidepathError, match=message):
        raise GlidepathError(done.problems)
    plan = Plan(text, horizon)  # it can be written down, but not asked for values
    with pytest.raises(GlidepathError, match=message):
        plan.schedule()


def test_durations_are_found_and_curves_are_not():
    assert durations('warmup("5%") >> ramp(1, 0, "rest", curve="polynomial(2)")') == ["5%", "rest"]


def test_a_long_row_costs_no_depth():
    text = " >> ".join(['hold("1 step")'] * 500 + ['cosine("rest")'])
    run = Horizon("4000 steps").derived()

    assert resolve(text, run).schedule.duration == 4000
    deep = "(" * 150 + 'cosine("rest")' + ")" * 150
    assert resolve(deep, run).schedule.duration == 4000


@pytest.mark.parametrize("formula", ["0.5 * cos(step) ** 2", "1 / (2 + step)", "5", "3 * step / (3 * step + 1)"])
def test_a_formula_that_begins_as_a_duration_does_is_a_formula(formula):
    text = f'warmup("3 steps") * expression("{formula}")'

    assert durations(text) == ["3 steps"]
    assert resolve(text, RUN).schedule(2) == parse("warmup(3)")(2) * parse(f'expression("{formula}")')(2)
    assert Plan.of({"glidepath": 1, "rules": [{"schedule": f'expression("{formula}")'}]}).rules[0].schedule == parse(
        f'expression("{formula}")'
    )


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('warmup("0%") >> cosine("rest")', "cosine(40)"),
        ('warmup("0 steps") >> hold("0%") >> linear("rest")', "linear(40)"),
        ('warmup("25%") >> hold("rest") >> cosine("75%")', "warmup(10) >> cosine(30)"),
    ],
)
def test_a_duration_of_nothing_is_no_phase(text, left):
    assert Plan(text, {"length": "40 steps"}).driven[0].complete == parse(left)
