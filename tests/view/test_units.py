"""What stands at the axis: factor or learning rate; and groups with bases of their own, told apart by name."""

import pytest

from glidepath import GlidepathError, parse
from glidepath.core.rate import Rate
from glidepath.view import animation, figure, terminal

FACTOR = parse("cosine(100)")
ABSOLUTE = Rate(0.1 * FACTOR)


@pytest.mark.parametrize(
    ("schedules", "base", "unit"),
    [
        (FACTOR, 1.0, "factor"),
        (FACTOR, 0.1, "learning rate"),
        (ABSOLUTE, 1.0, "learning rate"),
        ([ABSOLUTE, 0.5 * ABSOLUTE], 1.0, "learning rate"),
        ([FACTOR, ABSOLUTE], 1.0, "factor or learning rate"),
        ([FACTOR, ABSOLUTE], 0.1, "learning rate"),
    ],
)
def test_the_axis_says_what_the_values_are(schedules, base, unit):
    assert figure(schedules, base=base).axes[0].get_ylabel() == unit
    assert terminal(schedules, base=base, colour=False).splitlines()[0].strip() == unit


def test_a_base_multiplies_factors_and_no_rates():
    lines = figure([FACTOR, ABSOLUTE], base=0.01).axes[0].get_lines()

    assert [max(line.get_ydata()) for line in lines] == [0.01, 0.1]
    assert terminal([FACTOR, ABSOLUTE], base=0.01, height=5, colour=False).splitlines()[1].split()[0] == "0.1"


def test_groups_keep_their_names_and_bases():
    """K7: shown separately with names, not averaged."""
    groups = {"body": FACTOR, "head": parse("linear(100)"), "norm": ABSOLUTE}
    drawing = figure(groups, base={"body": 0.001, "head": 0.004})
    lines = drawing.axes[0].get_lines()

    assert [max(line.get_ydata()) for line in lines] == [0.001, 0.004, 0.1]
    assert [text.get_text() for text in drawing.legends[0].get_texts()] == ["1  body", "2  head", "3  norm"]
    assert len({(line.get_color(), str(line._dash_pattern)) for line in lines}) == 3
    drawn = terminal(groups, base={"body": 0.001, "head": 0.004}, colour=False)
    assert [line.split()[-1] for line in drawn.splitlines()[-3:]] == ["body", "head", "norm"]
    assert animation(groups, base={"body": 0.001}, frames=8, width=300)[:3] == b"GIF"


def test_a_base_for_no_curve_is_refused():
    with pytest.raises(
        GlidepathError, match=r"base must be for one of body, head, got 'haed' \(did you mean 'head'\?\)"
    ):
        figure({"body": FACTOR, "head": FACTOR}, base={"haed": 0.1})
