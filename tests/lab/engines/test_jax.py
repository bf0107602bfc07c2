"""The engine that trains with JAX: the records of the torch loop to within rounding, and the manners of every engine.

Float32 sums taken in another order differ by 1e-7, and stay that close for hundreds of updates. Then, in some runs, the
input of a ReLU comes to lie within rounding of zero: one engine sees a slope there and the other none, and from then on
the two are different runs. So most runs are held to 1e-6 in every loss, and all runs until they part.
"""

import threading
from collections import defaultdict
from dataclasses import replace
from subprocess import Popen

import numpy as np
import pytest

from glidepath import GlidepathError, recipes
from glidepath.lab import DEFAULT_SCHEDULES, TASKS, InProcess, Jax, RunSpec, compare, default_schedule, run
from glidepath.lab.engines.engine import Advanced, Failed, Finished
from glidepath.lab.search.branches import BranchJob
from glidepath.lab.tasks.declared import AdamW, CharTransformer, Cnn1d, Mlp, Mnist1d, ResNet, Sgd

pytest.importorskip("jax", reason="the engine is an extra: pip install '.[jax]'")

from glidepath.lab.engines.jax import training as fast
from glidepath.lab.engines.jax.program import CHUNK, program

BOUND = 1e-6
UPDATES = {"mnist1d": 100, "mnist1d-cnn": 40, "digits": 60, "text": 10}
DEEP = CharTransformer(width=16, layers=2, heads=4, context=16)


def _grid(name):
    task, budget = replace(TASKS[name], evaluations=2), UPDATES[name]
    if isinstance(task.data, Mnist1d):
        task = replace(
            task, data=Mnist1d(train=1000, validation=250, test=500)
        )  # its making takes time in every process
    task = replace(task, model=DEEP) if name == "text" else task
    warmup = round(task.warmup * budget)
    return [
        RunSpec(task, default_schedule(schedule, budget, warmup), task.peak_rate, seed, budget)
        for schedule in DEFAULT_SCHEDULES
        for seed in range(1 if name == "text" else 2)  # where most of the time would go
    ]


@pytest.fixture(scope="module")
def made():
    """Of two engines, the loop in torch and the worker that runs JAX: the records by run, and where the last run was when it was stopped.

    For every task twelve runs, six schedules with two seeds (text: one); to the worker, also one that is without end.
    """
    specs = [spec for name in UPDATES for spec in _grid(name)]
    endless, records, seen, workers = replace(specs[0], budget=10**8), defaultdict(list), [], []
    before = set(threading.enumerate())

    def keep(event):
        assert not isinstance(event, Failed), event.reason
        if isinstance(event, Finished):
            records[event.record.spec].append(event.record)
        elif isinstance(event, Advanced) and event.spec == endless:
            seen.append(event.updates)
            if len(seen) == 3:
                raise KeyboardInterrupt

    InProcess().execute(specs, keep)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "glidepath.lab.engines.workers.subprocess.Popen",
            lambda *a, **k: workers.append(Popen(*a, **k)) or workers[-1],
        )
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            Jax(count=1).execute([*specs, endless], keep)
    return records, seen, workers, set(threading.enumerate()) - before


@pytest.fixture(scope="module")
def pairs(made):
    """The records of both engines, by task."""
    return {name: [tuple(made[0][spec]) for spec in _grid(name)] for name in UPDATES}


def _apart(here, there):
    """The largest relative difference between two records' losses, those measured on validation and test data included."""
    mine, theirs = (
        np.array([*one.losses, *(each.loss for each in one.evaluations), one.test.loss]) for one in (here, there)
    )
    return np.abs(theirs / mine - 1.0).max()


@pytest.mark.parametrize("name", UPDATES)
def test_the_same_runs_have_the_records_of_the_torch_loop(pairs, name):
    smooth = name == "text"  # GELU has no corner: no run has a reason to part
    together = [(here, there) for here, there in pairs[name] if _apart(here, there) <= (BOUND / 2 if smooth else BOUND)]
    assert len(together) >= (len(pairs[name]) if smooth else 10)
    one_turned_over = {"mnist1d": 100 / 500, "mnist1d-cnn": 100 / 500, "digits": 100 / 497, "text": 4e-6}[name]
    for here, there in together:
        assert there.test.metric == pytest.approx(here.test.metric, abs=1.001 * one_turned_over)
    for here, there in pairs[name]:
        assert there.losses[:2] == pytest.approx(here.losses[:2], rel=BOUND)
        assert there.rates == here.rates
        assert [one.updates for one in there.evaluations] == [one.updates for one in here.evaluations]
        kept = ("spec", "stride", "updates", "diverged_at", "data_sha256")
        assert [getattr(there, field) for field in kept] == [getattr(here, field) for field in kept]
    means = [np.mean([pair[side].test.metric for pair in pairs[name]]) for side in (0, 1)]
    assert means[1] == pytest.approx(means[0], abs=0.5)


def test_the_record_says_what_made_it(pairs):
    here, there = pairs["digits"][0]

    assert there.versions.items() - here.versions.items() == {("jax", there.versions["jax"])}
    assert (there.machine["engine"], there.machine["threads"]) == ("jax", 1)
    assert "engine" not in here.machine


def test_records_of_both_engines_stand_side_by_side_and_the_comparison_says_so(tiny, tmp_path):
    """What torch made is not made again; that JAX made the rest is among the remarks under the table."""
    asked = []

    class InThisProcess:
        def execute(self, specs, emit):
            asked.extend(specs)
            for spec in specs:
                emit(Finished(fast.run(spec)))

    compare([tiny], ["constant"], 2, out=tmp_path, engine=InProcess())
    comparison = compare([tiny], ["constant", "cosine"], 2, out=tmp_path, engine=InThisProcess())

    assert {str(spec.schedule) for spec in asked} == {"cosine(40)"}
    assert len(asked) == 2
    assert comparison.tasks[0].versions["jax"].endswith(" and none")
    assert "Records of tiny were made with different versions of jax." in (tmp_path / "table.txt").read_text()


@pytest.mark.parametrize(
    "changed",
    [
        {"optimizer": Sgd(momentum=0.0, weight_decay=0.1), "model": Mlp(hidden=(8, 8, 8))},
        {"optimizer": AdamW(weight_decay=0.3), "peak_rate": 0.01, "batch": 1000, "model": Cnn1d(channels=5)},
    ],
    ids=["plain sgd", "adamw"],
)
def test_other_models_and_optimizers_agree_too(tiny, changed):
    task = replace(tiny, **changed)
    spec = RunSpec(task, recipes.warmup_cosine(24, warmup=3), task.peak_rate, 5, 24)

    assert _apart(run(spec), fast.run(spec)) <= BOUND


@pytest.mark.parametrize("rate", [1e30, 40.0, 3e38])
def test_divergence_ends_the_run_at_the_same_update(spec, rate):
    lost = replace(spec, schedule=recipes.constant(), peak_rate=rate)
    here, there = run(lost), fast.run(lost)

    assert here.diverged_at is not None
    assert there.diverged_at == here.diverged_at
    assert (there.updates, there.test, there.rates) == (here.updates, None, here.rates)
    assert [one is None for one in there.losses] == [one is None for one in here.losses]
    assert len(there.evaluations) == len(here.evaluations)


def test_weights_lost_in_the_last_update_are_found_by_the_test(spec):
    lost = replace(spec, schedule=recipes.constant(), peak_rate=3e38, budget=1)
    here, there = run(lost), fast.run(lost)

    assert there.losses[0] is not None
    assert (there.diverged_at, there.test) == (here.diverged_at, here.test) == (1, None)


def test_one_compilation_serves_every_schedule_rate_seed_and_budget(tiny):
    """Budgets below, at and above a whole chunk, and long enough to be thinned."""
    task = replace(tiny, model=Mlp(hidden=(7,)))
    budgets = (1, CHUNK, 2 * CHUNK + 3, 2100)
    records = [
        fast.run(RunSpec(task, recipes.warmup_cosine(budget), 0.1 / budget**0.5, budget, budget)) for budget in budgets
    ]

    made = program(task.model, task.optimizer)
    assert made.advance._cache_size() == made.measure._cache_size() == 1
    assert [(one.updates, len(one.losses), one.stride) for one in records] == [
        (1, 1, 1),
        (CHUNK, CHUNK, 1),
        (2 * CHUNK + 3, 2 * CHUNK + 3, 1),
        (2100, 1050, 2),
    ]


def test_a_schedule_that_attach_refuses_is_refused(spec):
    with pytest.raises(GlidepathError, match="lr must be finite and at least 0 at every step"):
        fast.run(replace(spec, schedule=recipes.constant() - 2.0))


def test_what_jax_cannot_run_is_refused_before_anything_runs(spec, tmp_path, started):
    wide = replace(spec, task=replace(spec.task, name="mine", model=ResNet()))
    cifar = replace(spec, task=TASKS["cifar100"])
    wrong = r"jax: task must be .*, got mine \(resnet18 on mnist1d\) \(`--engine workers` runs it\)"
    other = r"jax: task must be .*, got cifar100 \(resnet18 on cifar100\) \(`--engine workers` runs it\)"
    with pytest.raises(GlidepathError, match=f"(?s){wrong}.*{other}") as refused:
        Jax().execute([spec, wide, replace(wide, seed=1), cifar], pytest.fail)
    with pytest.raises(GlidepathError, match=wrong):
        compare([wide.task], ["constant"], 2, out=tmp_path / "out", engine=Jax())

    assert len(refused.value.problems) == 2
    assert not started
    assert not (tmp_path / "out").exists()


def test_jobs_that_are_no_runs_are_refused(tiny, started):
    job = BranchJob.__new__(BranchJob)
    object.__setattr__(job, "task", tiny)
    with pytest.raises(GlidepathError, match=r"jax: job must be a run, got branches of tiny \(`--engine workers`"):
        Jax().execute([job], pytest.fail)

    assert not started


def test_without_jax_it_says_what_to_install(spec, monkeypatch, started):
    monkeypatch.setattr("glidepath.lab.engines.workers.importlib.util.find_spec", lambda name: None)
    with pytest.raises(GlidepathError, match=r"jax: package must be installed.*pip install '\.\[jax\]'"):
        Jax().execute([spec], pytest.fail)

    assert not started


def test_the_count_is_checked():
    with pytest.raises(GlidepathError, match="jax: count must be an integer from 1 to 9007199254740992, got 0"):
        Jax(count=0)


def test_a_long_run_tells_how_far_it_is_and_ctrl_c_leaves_nothing_behind(made):
    _, seen, workers, threads = made

    assert seen == sorted(set(seen))
    assert seen[0] % CHUNK == 0 < seen[0] < seen[-1] < 10**8
    assert [worker.poll() is not None for worker in workers] == [True]
    assert not threads
