"""The plateau rules of the peers: against what they recorded, and against the live classes."""

import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glidepath import GlidepathError
from glidepath.feedback import KerasPlateau, OneFlowPlateau, PaddlePlateau, PyTorchPlateau, replay

ROWS = json.loads((Path(__file__).parent / "golden_plateau.json").read_text())
CLASSES = {"torch": PyTorchPlateau, "oneflow": OneFlowPlateau, "keras": KerasPlateau, "paddle": PaddlePlateau}
WORDS = {"min_lr": "floors", "eps": "smallest", "min_delta": "threshold"}


def made(framework, rates, **arguments):
    """Return the controller for a peer's arguments, and the metrics."""
    metrics = arguments.pop("metrics", [])
    if "threshold_mode" in arguments:
        arguments["relative"] = {"rel": "relative", "abs": "absolute"}[arguments.pop("threshold_mode")]
    return CLASSES[framework](rates, **{WORDS.get(key, key): value for key, value in arguments.items()}), metrics


def rates_of(plateau, metrics):
    """Return the first group's rate before anything and after each metric."""
    state = plateau.begin()
    rates = [state.rates[0]]
    for i, metric in enumerate(metrics):
        state, _ = plateau.observe(state, (i, metric))
        rates.append(state.rates[0])
    return rates


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['framework']}-{row['version'][:5]}-{len(str(row))}")
def test_recorded_rates(row):
    plateau, metrics = made(row["framework"], row["base_lr"], **dict(row["kwargs"]))

    assert rates_of(plateau, metrics) == pytest.approx(
        row["values"], rel=1e-6 if row["framework"] == "keras" else 1e-12
    )


def test_a_recorded_row_tells_the_peers_apart():
    row = next(row for row in ROWS if row["framework"] == "keras")
    arguments = {**row["kwargs"]}
    wrong, metrics = made("torch", row["base_lr"], **arguments)

    assert rates_of(wrong, metrics) != pytest.approx(row["values"], rel=1e-6)


VALUES = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.5, math.nan, math.inf, -math.inf]),
    st.floats(-3, 3, width=32),
)
ARGUMENTS = {
    "mode": st.sampled_from(["min", "max"]),
    "factor": st.floats(0.05, 0.95),
    "patience": st.integers(0, 3),
    "threshold": st.sampled_from([0.0, 1e-4, 0.1]),
    "threshold_mode": st.sampled_from(["rel", "abs"]),
    "cooldown": st.integers(0, 3),
    "min_lr": st.sampled_from([0.0, 0.01, 0.5]),
    "eps": st.sampled_from([0.0, 1e-8, 1e-2]),
}


@settings(max_examples=300)
@given(arguments=st.fixed_dictionaries(ARGUMENTS), metrics=st.lists(VALUES, max_size=30))
def test_pytorch_live(arguments, metrics):
    optimizer = torch.optim.SGD(
        [{"params": [torch.zeros(1)], "lr": 0.1}, {"params": [torch.zeros(1)], "lr": 0.3}], lr=0.1
    )
    live = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **arguments)
    for ours in ("torch", "oneflow"):
        plateau, _ = made(ours, [0.1, 0.3], **arguments)
        state = plateau.begin()
        if ours == "torch":
            for i, metric in enumerate(metrics):
                live.step(metric)
                state, decision = plateau.observe(state, (i, metric))
                assert list(state.rates) == [group["lr"] for group in optimizer.param_groups]
                assert (state.bad, state.cooling) == (live.num_bad_epochs, live.cooldown_counter)
                assert decision.multiplier == state.rates[0] / 0.1
                state = plateau.read_state(json.loads(json.dumps(state.to_dict())))  # saved and restored at every place
        else:
            assert list(plateau.run(enumerate(metrics)).rates) == [group["lr"] for group in optimizer.param_groups]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # keras and numpy
@settings(max_examples=60)
@given(
    arguments=st.fixed_dictionaries(
        {key: ARGUMENTS[key] for key in ("mode", "factor", "patience", "cooldown", "min_lr")}
        | {"min_delta": ARGUMENTS["threshold"]}
    ),
    metrics=st.lists(VALUES, max_size=20),
)
def test_keras_live(arguments, metrics):
    keras = pytest.importorskip("keras")
    from types import SimpleNamespace

    optimizer = keras.optimizers.SGD(0.1)
    live = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", **arguments)
    live.set_model(SimpleNamespace(optimizer=optimizer))
    live.on_train_begin()
    plateau, _ = made("keras", 0.1, **arguments)
    state = plateau.begin()
    for i, metric in enumerate(metrics):
        live.on_epoch_end(i, {"val_loss": metric})
        state, _ = plateau.observe(state, (i, metric))
        assert state.rates[0] == float(optimizer.learning_rate)
        assert (state.bad, state.cooling) == (live.wait, live.cooldown_counter)


def test_negative_metrics_pass_as_improvements_where_the_peer_has_it_so():
    worsening = [-1.0 + 0.05 * i for i in range(6)]
    peer = PyTorchPlateau(1.0, factor=0.5, patience=1, threshold=0.1)

    assert [decision.action for _, decision in replay(peer, worsening)] == ["improved"] * 6


def test_paddle_keeps_a_first_nan_as_the_best():
    peer = PaddlePlateau(0.1, factor=0.5, patience=1)

    assert rates_of(peer, [math.nan, 3.0, 2.0, 1.0, 0.5]) == [0.1, 0.1, 0.1, 0.05, 0.05, 0.025]


@pytest.mark.parametrize("cls", CLASSES.values())
def test_each_is_a_value(cls):
    plateau = cls([0.1, 0.2], factor=0.5, mode="max")

    assert cls.from_json(plateau.to_json()) == plateau == cls.of(str(plateau))
    assert hash(plateau) == hash(cls([0.1, 0.2], factor=0.5, mode="max"))


def test_wrong_arguments_are_refused_together():
    with pytest.raises(GlidepathError, match="factor must be a number between 0 and 1") as refused:
        PyTorchPlateau([0.1, -1], factor=1.0, patience=-1, mode="low")
    assert {problem.field for problem in refused.value.problems} == {"rates", "factor", "patience", "mode"}
    with pytest.raises(GlidepathError, match="floors must be one floor, or one for each of the 2 rates"):
        PyTorchPlateau([0.1, 0.2], floors=[0.0, 0.0, 0.0])
