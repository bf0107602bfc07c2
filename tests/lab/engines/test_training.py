"""Training: the schedule reaches the weights, seeds are paired, divergence is a result."""

from dataclasses import replace

import pytest
import torch

from glidepath import recipes
from glidepath.lab import RunSpec, run
from glidepath.lab.engines.training import evaluation_steps, minibatches
from glidepath.lab.tasks.data import load
from glidepath.lab.tasks.declared import CharTransformer
from glidepath.lab.tasks.models import build


def _measured(record):
    return replace(record, wall_seconds=0.0, cpu_seconds=0.0)


def test_the_recorded_rates_are_peak_times_schedule_and_the_loss_falls(spec):
    record = run(spec)

    assert record.rates == tuple(0.1 * spec.schedule(k) for k in range(40))
    assert len(record.losses) == record.updates == 40
    assert sum(record.losses[-10:]) < sum(record.losses[:10])
    assert [one.updates for one in record.evaluations] == [10, 20, 30, 40]
    assert record.test.updates == 40
    assert 0.0 <= record.test.metric <= 100.0
    assert record.diverged_at is None
    assert record.data_sha256 == load(spec.task.data).sha256


def test_a_run_is_a_function_of_its_specification(spec):
    assert _measured(run(spec)) == _measured(run(spec))
    assert run(replace(spec, seed=1)).losses != run(spec).losses


def test_seeds_are_paired_across_schedules_rates_and_budgets(spec):
    """One seed: the same first weights, the same minibatches, so the first loss is equal; another seed: none of it."""
    other = replace(spec, schedule=recipes.constant(), peak_rate=0.3, budget=25)
    data = load(spec.task.data)

    def first(of):
        return [inputs for _, (inputs, _) in zip(range(30), minibatches(of, data), strict=False)]

    assert all(torch.equal(a, b) for a, b in zip(first(spec), first(other), strict=True))
    assert not torch.equal(first(spec)[0], first(replace(spec, seed=1))[0])
    assert run(spec).losses[0] == run(other).losses[0] != run(replace(spec, seed=1)).losses[0]
    assert run(spec).losses[:20] != run(other).losses[:20]


def test_an_epoch_shows_every_example_once(spec):
    data = load(spec.task.data)
    epoch = [labels for _, (_, labels) in zip(range(len(data.train[1]) // 16), minibatches(spec, data), strict=False)]

    counts = torch.cat(epoch).bincount(minlength=10)
    assert (counts <= torch.from_numpy(data.train[1]).bincount(minlength=10)).all()
    assert counts.sum() == 192


def test_text_targets_are_the_inputs_shifted_by_one(tiny_text):
    spec = RunSpec(tiny_text, recipes.constant(), 0.01, 0, 3)
    inputs, targets = next(minibatches(spec, load(tiny_text.data)))

    assert inputs.shape == targets.shape == (4, 32)
    assert torch.equal(inputs[:, 1:], targets[:, :-1])


def test_text_trains_and_a_position_sees_nothing_of_its_future(tiny_text):
    record = run(RunSpec(tiny_text, recipes.constant(), 0.01, 0, 12))

    assert record.losses[-1] < record.losses[0]
    assert record.test.metric == record.test.loss
    data = load(tiny_text.data)
    model = build(CharTransformer(), data)
    tokens = torch.randint(len(data.symbols), (1, 32))
    changed = tokens.clone()
    changed[0, 20:] = (changed[0, 20:] + 1) % len(data.symbols)
    same = (model(tokens) - model(changed)).abs().amax(-1)[0] < 1e-6
    assert same[:20].all()
    assert not same[20:].any()


def test_divergence_ends_the_run_and_is_recorded(spec):
    record = run(replace(spec, schedule=recipes.constant(), peak_rate=1e30))

    assert record.updates == record.diverged_at + 1 < 40
    assert record.losses[-1] is None
    assert record.test is None


def test_the_callers_threads_and_random_state_are_left_alone(spec):
    torch.manual_seed(4711)
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    run(spec)

    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_long_runs_are_thinned_to_means(spec, monkeypatch):
    whole = run(spec)
    monkeypatch.setattr("glidepath.lab.engines.training._TRACE_LENGTH", 10)
    thinned = run(spec)

    assert thinned.stride == 4
    assert thinned.rates == whole.rates[::4]
    assert thinned.losses == pytest.approx([sum(whole.losses[i : i + 4]) / 4 for i in range(0, 40, 4)], rel=1e-7)


def test_evaluations_are_even_and_never_more_than_updates():
    assert sorted(evaluation_steps(100, 4)) == [25, 50, 75, 100]
    assert sorted(evaluation_steps(3, 20)) == [1, 2, 3]


def test_a_model_that_cannot_read_the_data_says_so(spec):
    with pytest.raises(TypeError, match="model: a char_transformer cannot read examples"):
        run(replace(spec, task=replace(spec.task, model=CharTransformer())))
