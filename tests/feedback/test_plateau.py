"""The plateau controller: its floors, its laws, and that it is a value."""

import json
import math
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glidepath import GlidepathError
from glidepath.feedback import Controller, Guard, Plateau, PlateauState, replay

NUMBERS = st.floats(-1e6, 1e6)
PLATEAUS = st.builds(
    Plateau,
    factor=st.floats(0.1, 0.9),
    patience=st.integers(0, 3),
    threshold=st.sampled_from([0.0, 1e-4, 0.1]),
    relative=st.sampled_from(["relative", "absolute"]),
    mode=st.sampled_from(["min", "max"]),
    cooldown=st.integers(0, 3),
    floor=st.sampled_from([0.0, 0.1]),
    floors=st.dictionaries(st.sampled_from(["head", "body"]), st.floats(0, 1), max_size=2),
    window=st.sampled_from([None, 1, 3]),
    not_finite=st.sampled_from(["hold", "bad", "cut"]),
    after=st.integers(0, 5),
)
METRICS = st.lists(st.one_of(NUMBERS, st.sampled_from([math.nan, math.inf, -math.inf, 0.0])), max_size=25)


@given(PLATEAUS)
def test_a_controller_is_a_value(plateau):
    assert Controller.of(str(plateau)) == plateau
    assert Controller.from_json(plateau.to_json()) == plateau
    assert Controller.of(plateau.to_dict()).fingerprint == plateau.fingerprint
    assert hash(plateau) == hash(Controller.of(str(plateau)))


@given(PLATEAUS, METRICS)
def test_the_multiplier_never_rises_and_keeps_its_floors(plateau, metrics):
    state = plateau.begin()
    before = 1.0
    for i, metric in enumerate(metrics):
        state, decision = plateau.observe(state, (i, metric))
        assert 0 <= decision.multiplier <= before
        before = decision.multiplier
        assert decision.reason
    assert before >= plateau.floor
    for name, floor in plateau.floors:
        assert plateau.multiplier(state, group=name) >= floor


@given(PLATEAUS, METRICS)
def test_mirrored_metrics_give_mirrored_decisions(plateau, metrics):
    mirrored = plateau.replace(mode="max" if plateau.mode == "min" else "min")

    ours = [decision.action for _, decision in replay(plateau, metrics)]
    assert [decision.action for _, decision in replay(mirrored, [-metric for metric in metrics])] == ours


@given(PLATEAUS, METRICS, st.integers(0, 25))
def test_replay_from_the_middle_goes_on_as_the_whole(plateau, metrics, cut):
    whole = replay(plateau, list(enumerate(metrics)))
    first, rest = list(enumerate(metrics))[:cut], list(enumerate(metrics))[cut:]
    state = plateau.read_state(json.loads(json.dumps(plateau.run(first).to_dict())))

    assert whole[:cut] + replay(plateau, rest, state) == whole


def test_the_state_handed_in_is_left_as_it_was():
    plateau = Plateau(patience=0)
    state = plateau.run([(0, 1.0)])
    twice = [plateau.observe(state, (1, 2.0)) for _ in range(2)]

    assert twice[0] == twice[1]
    assert state == PlateauState(last=0, best=1.0)
    with pytest.raises(FrozenInstanceError, match="cannot assign"):
        state.best = 0.0


def test_floors_of_groups():
    plateau = Plateau(factor=0.1, patience=0, floor=0.01, floors={"head": 0.5, "norm": 1.0})
    rows = replay(plateau, [1.0] * 5)
    state = plateau.run(enumerate([1.0] * 5))

    assert [plateau.multiplier(state, group=name) for name in (None, "head", "norm", "body")] == [
        0.1**2,
        0.5,
        1.0,
        0.1**2,
    ]
    assert [decision.action for _, decision in rows] == ["first", "cut", "cut", "floor", "floor"]
    assert "is at its floor 0.01" in rows[3][1].reason


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"factor": -1}, "factor must be a number between 0 and 1, both excluded, got -1"),
        ({"factor": 1.0}, "factor must be a number between 0 and 1, both excluded, got 1.0"),
        ({"patience": 2.5}, "patience must be an integer from 0 to"),
        ({"mode": "Min"}, "mode must be one of 'min', 'max', got 'Min'"),
        ({"threshold": math.nan}, "threshold must be a finite number from 0 to 1e\\+100, got nan"),
        ({"floors": {"head": 2}}, "that of 'head' a number from 0 to 1, got"),
        ({"window": 0}, "window must be an integer from 1 to"),
        ({"patients": 3}, "did you mean 'patience'"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(GlidepathError, match=message):
        Plateau(**arguments)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "plateau \\(state\\): last must be given, got nothing"),
        ({"last": 1, "best": "x", "bad": 0, "cooling": 0, "cuts": 0, "recent": []}, "best must be a number, got 'x'"),
        ({"last": 1, "best": 1, "bad": True, "cooling": 0, "cuts": 0, "recent": []}, "bad must be an integer"),
        (
            {"last": 1, "best": 1, "bad": 0, "cooling": 0, "cuts": 0, "recent": [], "x": 1},
            "x must be one of its fields",
        ),
        (None, "must be an object with"),
    ],
)
def test_a_spoilt_state_is_refused(data, message):
    with pytest.raises(GlidepathError, match=message):
        Plateau().read_state(data)


def test_the_state_of_another_controller_is_refused():
    with pytest.raises(GlidepathError, match="state must be a PlateauState, as from begin\\(\\), got GuardState"):
        Plateau().observe(Guard().begin(), (0, 1.0))


@pytest.mark.parametrize(
    "text", ["plateu(0.5)", "plateau(0.5", "__import__('os').system('true')", "plateau(lambda: 1)", 3]
)
def test_text_that_is_no_controller_is_refused(text):
    with pytest.raises(GlidepathError, match="controller"):
        Controller.of(text)


def test_what_is_seen_in_the_pause_after_a_cut_does_not_count():
    said = replay(Plateau(patience=1, cooldown=2), [1.0] * 10)

    # The first is the best; two bad ones cut; two of the pause; two bad ones cut.
    pause = ["cooling", "cooling"]
    assert [decision.action for _, decision in said] == [
        "first",
        "waiting",
        "cut",
        *pause,
        "waiting",
        "cut",
        *pause,
        "waiting",
    ]


def test_nothing_is_heard_before_its_phase_begins():
    said = replay(Plateau(patience=0, after=3), [0.1, 5.0, 5.0, 1.0, 1.0])

    assert [decision.action for _, decision in said] == ["held", "held", "held", "first", "cut"]
