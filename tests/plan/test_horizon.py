"""Derived horizons equal what a loop over real loaders counts."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, DistributedSampler, Subset

from glidepath import GlidepathError
from glidepath.plan import Horizon, Plan, Stage


def counted(horizon, epochs):
    """Count updates and samples of a run over real loaders; None if some process would never update."""
    data = list(range(horizon.samples))
    loaders = []
    for rank in range(horizon.processes):
        if horizon.split == "pad":
            sampler = DistributedSampler(data, horizon.processes, rank, shuffle=False)
            loaders.append(DataLoader(data, horizon.batch, sampler=sampler, drop_last=horizon.drop_last))
        else:
            loaders.append(
                DataLoader(Subset(data, data[rank :: horizon.processes]), horizon.batch, drop_last=horizon.drop_last)
            )
    updates = samples = 0
    window, waiting = 0, 0
    for _ in range(epochs):
        if horizon.last_window != "carry":
            window = waiting = 0
        shares = [sum(len(batch) for batch in loader) for loader in loaders] if horizon.split == "drop" else None
        for batches in zip(*loaders, strict=horizon.split == "pad"):  # the shortest share ends the epoch
            sizes = [len(batch) for batch in batches]
            if shares is not None:  # uneven shares: everybody goes as far as the shortest
                sizes = [min(sizes)] * len(sizes)
            window, waiting = window + 1, waiting + sum(sizes)
            if window == horizon.accumulation:
                updates, samples = updates + 1, samples + waiting
                window = waiting = 0
        if window and horizon.last_window == "step":
            updates, samples = updates + 1, samples + waiting
    return updates, samples


HORIZONS = st.builds(
    Horizon,
    length=st.integers(1, 3).map(lambda n: f"{n} epochs"),
    samples=st.integers(1, 60),
    batch=st.integers(1, 9),
    accumulation=st.integers(1, 4),
    processes=st.integers(1, 4),
    drop_last=st.booleans(),
    split=st.sampled_from(["pad", "drop"]),
    last_window=st.sampled_from(["step", "drop", "carry"]),
)


@settings(max_examples=400)
@given(HORIZONS)
def test_a_derived_horizon_equals_a_counted_loop(horizon):
    expected = counted(horizon, int(horizon.length.split()[0]))
    if counted(horizon, 1)[0] == 0 and horizon.last_window != "carry":
        with pytest.raises(GlidepathError, match="enough for an update in an epoch"):
            horizon.derived()
        return
    try:
        derived = horizon.derived()
    except GlidepathError:
        assert expected[0] == 0
        return
    assert (derived.updates, derived.samples) == expected
    if expected[0]:  # the same run, its length given in updates
        assert horizon.replace(length=f"{expected[0]} steps").derived().samples == expected[1]


@settings(max_examples=200)
@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=4, unique=True).map(sorted),
    st.lists(st.integers(1, 400), min_size=3, max_size=3, unique=True).map(sorted),
    st.integers(1, 2000),
    st.sampled_from(["samples", "tokens", "updates"]),
)
def test_updates_through_a_batch_ramp_equal_a_counted_loop(sizes, begins, goal, clock):
    stages = [Stage(begin, size) for begin, size in zip([0, *begins], sizes, strict=False)]
    scale = 7 if clock == "tokens" else 1
    updates = samples = 0
    while samples < goal:
        at = updates if clock == "updates" else samples * scale
        samples += [stage.size for stage in stages if stage.begin <= at][-1]
        updates += 1
    horizon = Horizon(f"{goal} samples", batch=1, tokens_per_sample=7)

    derived = horizon.derived(stages, clock)
    assert (derived.updates, derived.samples) == (updates, samples)
    again = horizon.replace(length=f"{updates} steps").derived(stages, clock)
    assert (again.updates, again.samples) == (updates, samples)


def test_the_derivation_is_printed_line_by_line():
    horizon = Horizon("2 epochs", samples=103, batch=8, accumulation=3, processes=2, drop_last=True, last_window="drop")

    assert str(horizon.derived()).splitlines() == [
        "samples of a process: 52 = ceil(103 samples / 2 processes)",
        "batches of an epoch: 6 = floor(52 / batch 8), the last 4 dropped",
        "updates of an epoch: 2 = floor(6 / accumulation 3)",
        "samples of an update: 48 = batch 8 x accumulation 3 x 2 processes",
        "samples of an epoch: 96 = 48 x 2 processes",
        "updates: 4 = 2 epochs x 2",
        "samples: 192",
        "epochs: 2",
    ]


@pytest.mark.parametrize(
    ("horizon", "said"),
    [
        (Horizon(), "updates: unknown: no length is given"),
        (Horizon("3 epochs", batch=4), "updates: unknown: 3 epochs of data of unknown length"),
        (Horizon("3 epochs", samples=100), "updates: unknown: 3 epochs of data of unknown length"),
        (Horizon("1e9 tokens", batch=4), "updates: unknown: a budget of tokens needs horizon.tokens_per_sample"),
        (Horizon("1e6 samples"), "updates: unknown: a budget of samples needs horizon.batch"),
    ],
)
def test_unknown_length_is_said_not_guessed(horizon, said):
    derived = horizon.derived()

    assert derived.updates is None
    assert said in str(derived)


def test_budgets_of_a_stream():
    horizon = Horizon("2e9 tokens", batch=4, accumulation=2, processes=8, tokens_per_sample=2048)
    derived = horizon.derived()

    assert derived.updates == math.ceil(2e9 / (4 * 2 * 8 * 2048))
    assert derived.total("tokens") == 2_000_000_000
    assert derived.total("samples") == math.ceil(2e9 / 2048)
    assert derived.total("epochs") is None
    assert derived.convert(Fraction(10**9), "tokens", "samples") == Fraction(10**9, 2048)


def test_fractions_of_an_epoch():
    assert Horizon("0.5 epochs", samples=100, batch=8).derived().updates == 7  # 6.5, halves up
    assert Horizon("1.1 epochs", samples=100, batch=10).derived().samples == 110


def test_an_epoch_without_an_update_is_refused():
    with pytest.raises(GlidepathError, match="samples must be enough for an update in an epoch, got 5"):
        Horizon("1 epoch", samples=5, batch=8, drop_last=True).derived()


def test_wrong_fields_are_refused_together():
    with pytest.raises(GlidepathError, match='length must be a length such as "40 steps"') as refused:
        Horizon("10%", samples=0, batch=2.5, split="none", drop_last=1)
    assert len(refused.value.problems) == 5


def test_torch_is_the_loader_that_is_counted():
    assert (
        len(DataLoader(torch.zeros(10), 3, drop_last=True))
        == Horizon("1 epoch", samples=10, batch=3, drop_last=True).derived().updates
    )


def test_a_budget_of_samples_past_a_carried_epoch_rounds_up_once():
    carried = Horizon("5001 samples", samples=5000, batch=128, accumulation=3, last_window="carry")
    assert carried.derived().updates == 14  # 40 batches are 13 updates and a batch that waits

    ramp = Horizon("5001 samples", samples=5000, batch=128)
    assert ramp.derived([Stage(0, 128)], "samples").updates == 40  # the batch size of a plan runs across epochs


def test_a_budget_that_ends_within_a_sample_includes_it():
    rules = [{"schedule": 'cosine("rest")'}]

    assert (
        Plan.of({"clock": "samples", "horizon": {"length": "1000.5 samples", "batch": 7}, "rules": rules}).total == 1001
    )
