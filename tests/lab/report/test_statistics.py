"""Statistics against scipy and against values worked out by hand."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from glidepath.lab.report.statistics import estimate, holm, paired_difference

samples = st.lists(st.floats(-1e3, 1e3, allow_subnormal=False).map(lambda x: round(x, 3)), min_size=2, max_size=12)


@given(samples)
def test_the_interval_is_scipys(values):
    one = estimate(values)
    if len(set(values)) == 1:
        assert one.high - one.low == pytest.approx(0.0, abs=1e-9)
        return
    low, high = stats.t.interval(0.95, len(values) - 1, loc=one.mean, scale=stats.sem(values))

    assert (one.low, one.high) == pytest.approx((low, high), rel=1e-9, abs=1e-9)


def test_the_interval_of_five_by_hand():
    """Mean 3, sd √2.5, t(0.975, 4) = 2.776445: half width 1.963243."""
    one = estimate([1.0, 2.0, 3.0, 4.0, 5.0])

    assert (one.low, one.high) == pytest.approx((1.036757, 4.963243), abs=1e-6)


@given(st.lists(st.tuples(st.integers(-500, 500), st.integers(-500, 500)), min_size=2, max_size=12))
def test_the_paired_test_is_scipys(pairs):
    ours, theirs = [a / 8 for a, _ in pairs], [b / 8 for _, b in pairs]
    if len({a - b for a, b in pairs}) == 1:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = stats.ttest_rel(ours, theirs)
    one = paired_difference(ours, theirs)

    assert one.p == pytest.approx(expected.pvalue, rel=1e-7, abs=1e-12)
    assert one.lower_on == sum(a < b for a, b in pairs)
    assert one.higher_on == sum(a > b for a, b in pairs)


def test_differences_that_are_all_the_same_need_no_division_by_zero():
    assert paired_difference([1.0, 2.0], [1.0, 2.0]).p == 1.0
    assert paired_difference([2.0, 3.0], [1.0, 2.0]).p == 0.0


def test_one_seed_says_nothing_about_spread():
    one = paired_difference([1.0], [2.0])

    assert (one.estimate.low, one.estimate.sd, one.p) == (None, None, None)


def test_holm_by_hand():
    """Sorted 0.005 0.01 0.02 0.04 times 4 3 2 1, made monotone."""
    assert holm([0.02, 0.005, 0.04, 0.01]) == pytest.approx([0.04, 0.02, 0.04, 0.03])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_lies_between_no_correction_and_bonferroni_and_keeps_the_order(values):
    corrected = holm(values)

    assert all(p <= c <= min(1.0, len(values) * p) for p, c in zip(values, corrected, strict=True))
    order = sorted(range(len(values)), key=values.__getitem__)
    assert [corrected[i] for i in order] == sorted(corrected)
