"""Training on several processes, what one process can show: the order of samples, checkpoints, plans, restarts, the command line."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from glidepath import GlidepathError, advice, cli
from glidepath.lab.distributed import Ranks, SharedError, Stream, part, train, training_of
from glidepath.lab.distributed.checkpoint import Checkpoint, Checkpoints, History
from glidepath.lab.distributed.ranks import _device
from glidepath.lab.engines.progress import Bar, Silent
from glidepath.lab.engines.training import fresh_model
from glidepath.lab.records.runs import RunSpec
from glidepath.lab.tasks.data import Text, load
from glidepath.lab.tasks.find import adjusted
from glidepath.plan import Plan
from glidepath.plan.given import read

SCHEDULE = 'warmup("10%") >> cosine("rest", floor=0.1)'


@pytest.fixture
def training(tiny):
    """24 updates of 16 samples of a task whose epoch has 200."""
    return training_of(tiny, schedule=SCHEDULE, length="384 samples")


@pytest.fixture
def silent():
    return Silent()


class Halt(Exception):
    """A crash between two updates."""


def until(last, seen):
    def watch(update):
        seen.append((update.samples, update.rate, update.loss))
        if update.index == last:
            raise Halt

    return watch


# The order of samples ----------------------------------------------------------------------------------------------------------------


def test_every_epoch_has_every_sample_once_in_an_order_of_its_own(tiny):
    stream = Stream(tiny, load(tiny.data), 3)
    (first, a), (second, b) = stream.numbers(0, 400)

    assert (first, second, stream.samples) == (0, 1, 200)
    assert sorted(a) == sorted(b) == list(range(200))
    assert not np.array_equal(a, b)
    assert not np.array_equal(a, Stream(tiny, load(tiny.data), 4).numbers(0, 200)[0][1])


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 16])
def test_the_parts_of_all_ranks_in_turn_are_the_update_across_the_end_of_an_epoch_too(tiny, ranks):
    data = load(tiny.data)
    whole = Stream(tiny, data, 0).batch(190, 16)
    pieces = [Stream(tiny, data, 0).batch(*part(190, 16, rank, ranks)) for rank in range(ranks)]

    for all_of_it, parts in zip(whole, zip(*pieces, strict=True), strict=True):
        assert torch.equal(torch.cat(parts), all_of_it)
    counts = [part(190, 16, rank, ranks)[1] for rank in range(ranks)]
    assert max(counts) - min(counts) <= 1


def test_the_windows_of_a_text_do_not_overlap_and_each_epoch_cuts_elsewhere(tiny_text):
    tokens = np.arange(3200)
    text = Text(tokens, tokens, tokens, "a" * 3200, "sum")
    stream = Stream(tiny_text, text, 0)
    assert (stream.samples, stream.tokens) == (99, 32)
    firsts = set()
    for epoch in range(3):
        inputs, targets = stream.batch(99 * epoch, 99)
        assert torch.equal(inputs + 1, targets)
        covered = inputs.flatten().sort().values
        assert torch.equal(covered, torch.arange(int(covered[0]), int(covered[0]) + 99 * 32))
        firsts.add(int(covered[0]))
    assert len(firsts) == 3


# Plans -------------------------------------------------------------------------------------------------------------------------------


def test_a_plan_is_placed_on_the_data_of_its_task(tiny, tiny_text):
    three = training_of(tiny, length="3 epochs").plan
    assert (three.clock, three.total, three.derived.updates, three.batch_size(0)) == ("samples", 608, 38, 16)
    tokens = training_of(tiny_text, length="4096 tokens", batch=8)
    assert (tokens.plan.clock, tokens.plan.total, tokens.plan.derived.samples) == ("tokens", 4096, 128)
    assert training_of(tiny).plan.total == 40 * 16
    assert training_of(tiny, per_process=True, processes=3).plan.batch_size(0) == 48
    own = Plan(SCHEDULE, {"length": "640 samples", "batch": 4, "accumulation": 2, "processes": 2}, "samples")
    assert training_of(tiny, plan=own).plan.batch_size(0) == 16
    assert training_of(tiny, plan=own, batch=10).plan.batch_size(0) == 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"batch": 0, "rate": -1.0, "seed": -1, "length": "3 epocs", "clock": "days"},
            r"batch must be .*\n.*peak_rate must be",
        ),
        (
            {"batch": 0, "length": "3 epocs", "clock": "days"},
            r"length must be .*did you mean 'epochs'.*\n.*clock must be one of",
        ),
        ({"schedule": 'cosin("rest")'}, "must be a known word, got 'cosin"),
        (
            {"schedule": "warmup(5%) >> cosine(rest)"},
            r"schedule must be written with its durations in quotes, .*single quotes",
        ),
        ({"schedule": "cosine(100)", "length": "50 samples"}, "must be"),
        (
            {"length": "4096 tokens", "clock": "tokens"},
            r"(?s)train: length must be in samples or updates: .* no tokens, got '4096 tokens'.*clock must be .*'tokens'",
        ),
        (
            {"length": "9 steps", "clock": "tokens"},
            r"train: clock must be in .* its task has no tokens, got 'tokens' \(task tiny\)",
        ),
        (
            {"plan": Plan("hold()", {"length": "9 tokens"}, "updates")},
            r"plan: length must be in .* its task has no tokens",
        ),
        (
            {"length": "40"},
            r'must be a length such as "40 steps", .*or "2e6 tokens", got .40. \(a number needs its unit\)',
        ),
        (
            {"length": "10%"},
            r'must be a length such as "40 steps", .*or "2e6 tokens", got .10%. \(shares are of this length\)',
        ),
        ({"clock": "epochs", "schedule": "hold()"}, "clock must be updates, samples or tokens for train, got 'epochs'"),
        ({"batch": 3, "processes": 4}, "batch must be at least 4 samples, one for each process, got 3"),
        ({"plan": Plan("hold()", {"samples": 7}), "length": "9 steps"}, "plan must be given alone, got also length"),
        (
            {"plan": Plan("hold()", {"length": "9 steps", "samples": 7})},
            r"horizon.samples must be that of the task's data, 200, got 7",
        ),
        ({"plan": Plan("hold()")}, "must be"),
        (
            {"plan": Plan("hold()", {"length": "9 steps"}, feedback=[{"controller": "plateau()", "monitor": "bleu"}])},
            r"plan\.feedback\[0\]: monitor must be loss or metric, which train measures .*, got 'bleu'",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_before_it_begins(tiny, options, message):
    with pytest.raises(GlidepathError, match=message):
        training_of(tiny, **options)


def test_a_batch_ramp_of_the_plan_is_followed(tiny, tmp_path, silent):
    ramp = {"schedule": 'piecewise_constant(["50%"], [8, 32])', "coupling": "sqrt"}
    plan = Plan(SCHEDULE, {"length": "640 samples"}, "samples", batch=ramp)
    seen = []
    train(training_of(tiny, plan=plan), tmp_path, watch=seen.append, progress=silent)

    assert [update.mine[1] for update in seen] == [8] * 40 + [32] * 10
    assert [update.rate for update in seen] == [plan.value(samples=update.samples, base=0.1) for update in seen]


def test_a_plan_with_a_controller_cuts_the_rate_and_goes_on_after_a_crash(tiny, tmp_path, silent):
    """From the file, as `--plan` takes it: each validation is heard, what is decided is used, and a restart repeats none of it."""
    controller = {"controller": "plateau(factor=0.5, patience=0, threshold=0.9)", "monitor": "loss", "after": "10%"}
    plan = Plan('warmup("20%") >> hold("rest")', {"length": "60 steps"}, feedback=[controller])
    (tmp_path / "plan.yaml").write_text(plan.to_yaml())

    def run(folder, watch):
        return train(
            training_of(tiny, plan=read(tmp_path / "plan.yaml")), folder, checkpoint="10%", watch=watch, progress=silent
        )

    whole, halved = [], []
    run(tmp_path / "a", until(None, whole))
    with suppress(Halt):
        run(tmp_path / "b", until(35, halved))
    run(tmp_path / "b", until(None, halved))

    rates = [rate for _, rate, _ in whole]
    assert rates[:10] == [plan.value(updates=k, base=0.1) for k in range(10)]
    assert [k for k in range(13, 60) if rates[k] != rates[k - 1]] == [30, 45]  # the validations after the first
    assert rates[29:31] + rates[45:46] == [0.1, 0.05, 0.025]
    assert [row[:2] for row in halved[:36]] == [row[:2] for row in whole[:36]]
    assert {row[0]: row[1] for row in halved} == {row[0]: row[1] for row in whole}


# Restarts ----------------------------------------------------------------------------------------------------------------------------


def test_a_run_that_crashed_goes_on_to_the_same_weights_bit_for_bit(training, tmp_path, silent):
    whole, seen, rest = [], [], []
    train(training, tmp_path / "whole", watch=until(None, whole), progress=silent)
    with pytest.raises(Halt):
        train(training, tmp_path / "out", watch=until(13, seen), checkpoint="5 steps", progress=silent)
    outcome = train(training, tmp_path / "out", watch=until(None, rest), checkpoint="5 steps", progress=silent)

    assert seen[:10] + rest == whole
    ours, theirs = (Checkpoints(tmp_path / name / "checkpoints").newest()[0] for name in ("out", "whole"))
    assert ours.tensors.keys() == theirs.tensors.keys()
    assert all(torch.equal(one, theirs.tensors[name]) for name, one in ours.tensors.items())
    again = train(training, tmp_path / "out", watch=until(0, []), progress=silent)  # nothing is left to do
    assert replace(again, progress=outcome.progress) == outcome
    ours, theirs = (json.loads((tmp_path / name / "record.json").read_text()) for name in ("out", "whole"))
    for record in (ours, theirs):
        del record["seconds"], record["segments"]
    assert ours == theirs


def test_the_first_weights_are_those_of_a_run_of_the_lab(training, tmp_path, silent):
    with pytest.raises(Halt):
        train(training, tmp_path, watch=until(0, []), checkpoint="1 steps", progress=silent)
    spec = RunSpec(training.task, training.plan.schedule(), training.rate, 0, 24)
    fresh = fresh_model(spec, load(training.task.data)).state_dict()
    with pytest.raises(Halt):
        train(training, tmp_path, watch=until(1, []), checkpoint="1 steps", progress=silent)
    assert {f"model/{name}" for name in fresh} < set(Checkpoints(tmp_path / "checkpoints").newest()[0].tensors)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"schedule": 'linear("rest")'},
            r"the run must be the one that was saved, got \$\.rules\[0\]\.schedule: warmup",
        ),
        ({"length": "500 samples"}, r"\$\.horizon\.length: 384 samples -> 500 samples"),
        ({"rate": 0.3}, r"peak_rate: 0\.1 -> 0\.3 \(--changed keep"),
        ({"seed": 1}, r"train: seed must be that of the checkpoint, 0, got 1"),
    ],
)
def test_what_changed_since_the_checkpoint_is_refused_and_told(tiny, training, tmp_path, silent, change, message):
    with pytest.raises(Halt):
        train(training, tmp_path, watch=until(12, []), checkpoint="5 steps", progress=silent)
    before = sorted((tmp_path / "checkpoints").iterdir())
    with pytest.raises(SharedError, match=message):
        train(training_of(tiny, **{"schedule": SCHEDULE, "length": "384 samples"} | change), tmp_path, progress=silent)
    assert sorted((tmp_path / "checkpoints").iterdir()) == before


@pytest.mark.parametrize("changed", ["keep", "override"])
def test_a_change_is_taken_or_left_on_demand(tiny, training, tmp_path, silent, changed):
    with pytest.raises(Halt):
        train(training, tmp_path, watch=until(12, []), checkpoint="5 steps", progress=silent)
    other = training_of(tiny, schedule='linear("rest")', length="384 samples", rate=0.3)
    rest = []
    train(other, tmp_path, changed=changed, watch=until(None, rest), progress=silent)

    plan, rate = (training.plan, 0.1) if changed == "keep" else (other.plan, 0.3)
    assert [at for at, _, _ in rest] == list(range(160, 384, 16))
    assert [used for _, used, _ in rest] == [plan.value(samples=at, base=rate) for at, _, _ in rest]
    told = json.loads((tmp_path / "record.json").read_text())["segments"][1]["changed"]
    assert told[0] == ("not taken: " if changed == "keep" else "") + "peak_rate: 0.1 -> 0.3"


def test_a_longer_length_stretches_what_is_left(tiny, training, tmp_path, silent):
    with pytest.raises(Halt):
        train(training, tmp_path, watch=until(12, []), checkpoint="5 steps", progress=silent)
    longer, rest = training_of(tiny, schedule=SCHEDULE, length="608 samples", rate=0.3), []
    with pytest.raises(Halt):
        train(longer, tmp_path, changed="extend", watch=until(19, rest), checkpoint="5 steps", progress=silent)
    train(
        longer, tmp_path, changed="extend", watch=until(None, rest), progress=silent
    )  # again: nothing more to stretch

    expected = {at: training.plan.value(samples=160 + (at - 160) / 2, base=0.1) for at in range(160, 608, 16)}
    assert sorted({at for at, _, _ in rest}) == list(expected)
    assert [used for _, used, _ in rest] == pytest.approx([expected[at] for at, _, _ in rest], rel=1e-12)
    told = [one["changed"] for one in json.loads((tmp_path / "record.json").read_text())["segments"]]
    assert told[1] == ["extended from 384 to 608 samples: stretched from 160 on"]
    assert told[2][0] == "not taken: peak_rate: 0.1 -> 0.3"


@pytest.mark.parametrize(
    ("options", "last", "message"),
    [
        (
            {"length": "320 samples"},
            12,
            "length must be longer than that of the checkpoint, 384 samples, got 320 samples ",
        ),
        ({"length": "500 steps"}, 12, "longer than that of the checkpoint, 384 samples, got 500 updates "),
        (
            {"length": "500 samples"},
            None,
            r"the run must be before its end, 384 samples, .* \(nothing is left to stretch\)",
        ),
    ],
)
def test_a_run_is_extended_only_before_its_end(tiny, training, tmp_path, silent, options, last, message):
    with suppress(Halt):
        train(training, tmp_path, watch=until(last, []), checkpoint="5 steps", progress=silent)
    with pytest.raises(SharedError, match=message):
        train(training_of(tiny, schedule=SCHEDULE, **options), tmp_path, changed="extend", progress=silent)


def test_another_batch_is_followed_where_samples_are_counted_and_refused_where_updates_are(tiny, tmp_path, silent):
    for clock in ("samples", "updates"):
        first = training_of(tiny, schedule=SCHEDULE, length="384 samples", clock=clock)
        with pytest.raises(Halt):
            train(first, tmp_path / clock, watch=until(12, []), checkpoint="5 steps", progress=silent)
    rest = []
    other = training_of(tiny, schedule=SCHEDULE, length="384 samples", batch=12)
    train(other, tmp_path / "samples", watch=until(None, rest), progress=silent)
    assert [at for at, _, _ in rest] == list(range(160, 384, 12))
    assert [used for _, used, _ in rest] == [
        first.plan.replace(clock="samples").value(samples=at, base=0.1) for at, _, _ in rest
    ]
    with pytest.raises(SharedError, match=r"\$\.batch\.schedule: hold\(value=16\) -> hold\(value=12\)"):
        train(
            training_of(tiny, schedule=SCHEDULE, length="384 samples", clock="updates", batch=12),
            tmp_path / "updates",
            progress=silent,
        )


# Checkpoints and the record ----------------------------------------------------------------------------------------------------------


def test_a_damaged_checkpoint_gives_way_to_the_one_before_it(tmp_path):
    files = Checkpoints(tmp_path)
    for updates in (10, 20, 30):
        files.write(updates, Checkpoint({"updates": updates}, {"x": torch.full((3,), float(updates))}))
    (tmp_path / ".half.tmp").write_bytes(b"a writer that was killed")
    second, third = sorted(tmp_path.glob("*.safetensors"))
    assert (second.name[:15], third.name[:15]) == (f"{20:015d}", f"{30:015d}")
    third.write_bytes(third.read_bytes()[:-1])

    again = Checkpoints(tmp_path)
    found, notes = again.newest()
    assert (found.head, found.tensors["x"].tolist()) == ({"updates": 20}, [20.0, 20.0, 20.0])
    assert notes == [f"note: checkpoint {third.name} is damaged; the one before it is taken"]
    again.write(25, Checkpoint({"updates": 25}, {}))
    assert [path.name[:15] for path in sorted(tmp_path.iterdir())] == [f"{20:015d}", f"{25:015d}"]
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(GlidepathError, match=r"a checkpoint must be whole in .*remove the folder to begin anew"):
        Checkpoints(tmp_path).newest()


def test_a_checkpoint_whose_plan_was_altered_is_refused(training, tmp_path, silent):
    with pytest.raises(Halt):
        train(training, tmp_path, watch=until(12, []), checkpoint="5 steps", progress=silent)
    files = Checkpoints(tmp_path / "checkpoints")
    found, _ = files.newest()
    found.head["plan"]["horizon"]["length"] = "400 samples"
    files.write(11, found)
    with pytest.raises(SharedError, match="checkpoint: fingerprint must be that of its plan"):
        train(training, tmp_path, progress=silent)


def test_one_training_at_a_time_uses_a_folder(training, tmp_path, silent):
    def watch(update):
        del update
        with pytest.raises(
            SharedError,
            match=r"train: out must be a folder that no other glidepath process uses, got .*held by process",
        ):
            train(training, tmp_path, progress=silent)
        raise Halt

    with pytest.raises(Halt):
        train(training, tmp_path, watch=watch, progress=silent)


@pytest.mark.parametrize(("updates", "stride"), [(5, 1), (2048, 1), (2049, 2), (10_000, 5)])
def test_a_trace_has_bounded_rows_and_keeps_means_however_it_was_interrupted(tiny, updates, stride):
    length = f"{updates} steps"
    assert -(-training_of(tiny, schedule="hold()", length=length).spec.budget // 2048) == stride
    trace, broken = History(["lr"], stride), History(["lr"], stride)
    for k in range(updates):
        for each in (trace, broken):
            each.add(k, 16 * k, 0, float(k), [0.1 / (k + 1)])
        if k % 997 == 0:
            broken = History.from_dict(json.loads(json.dumps(asdict(broken))))
    columns = trace.columns()

    assert broken.columns() == columns
    assert len(trace.rows) <= 2048
    assert columns["update"] == list(range(0, updates, trace.stride))
    assert columns["samples"] == [16 * k for k in columns["update"]]
    assert columns["lr"] == [0.1 / (k + 1) for k in columns["update"]]
    last = [min(k + trace.stride, updates) - 1 for k in columns["update"]]
    assert columns["loss"] == [(k + end) / 2 for k, end in zip(columns["update"], last, strict=True)]


def test_the_record_is_a_log_that_advice_reads(training, tmp_path, silent):
    train(training, tmp_path, progress=silent)
    log = advice.read(tmp_path / "record.json")

    assert log.series["rate"].values.tolist() == [training.plan.value(samples=16 * k, base=0.1) for k in range(24)]
    assert len(log.series["loss"]) == 24
    assert Plan.of((tmp_path / "plan.json").read_text()) == training.plan


def test_bfloat16_trains_and_is_part_of_the_run(tiny_text, tmp_path, silent):
    plain, half = (training_of(tiny_text, length="48 samples", amp=amp) for amp in (False, True))
    losses = []
    for name, each in (("plain", plain), ("half", half)):
        seen = []
        train(each, tmp_path / name, watch=until(None, seen), progress=silent)
        losses.append([loss for _, _, loss in seen])
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
    with pytest.raises(SharedError, match="amp: False -> True"):
        train(half, tmp_path / "plain", progress=silent)


def test_what_several_processes_say_is_told_once_or_by_rank():
    alone = Ranks()
    with pytest.raises(SharedError, match=r"^lab: task must be one of"):
        alone.together(lambda: training_of("txt"))
    with pytest.raises(SharedError, match=r"^train: the folder must be writable, got no space$"):
        alone.first(lambda: (_ for _ in ()).throw(OSError("no space")))
    assert alone.together(lambda: 3) == alone.first(lambda: 3) == 3


# The command line --------------------------------------------------------------------------------------------------------------------


def test_ctrl_c_keeps_a_checkpoint_and_exits_with_130(tmp_path):
    words = ("--task", "text", "--length", "1000000 samples", "--checkpoint", "50%", "--out", str(tmp_path))
    env = os.environ | {"NO_COLOR": "1", "TERM": "dumb", "OMP_NUM_THREADS": "1"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-m", "glidepath", "train", *words], env=env, **streams) as running:
        assert running.stderr.readline().startswith("text: 1,000,000 samples, 16 samples an update, 1 process on ")
        running.send_signal(signal.SIGINT)
        said, told = running.communicate()
    record = json.loads((tmp_path / "record.json").read_text())

    assert running.returncode == 130
    assert told == "stopped; nothing is lost: the same command goes on, on any number of processes\n"
    assert said.startswith("ended       stopped\nupdates     ")
    assert record["ended"] == "stopped"
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1
    assert record["progress"]["updates"] == len(record["update"]) > 0


def test_what_is_asked_wrongly_is_told_in_words(tmp_path):
    words = ("train", "--task", "text", "--batch", "0", "--length", "3 epocs", "--out", str(tmp_path / "out"))
    done = CliRunner().invoke(cli.app, words)

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == "error: train: batch must be an integer from 1 to 9007199254740992, got 0"
    assert "(did you mean 'epochs'?)" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_task_is_an_argument_or_an_option(tmp_path):
    out = ("--out", str(tmp_path / "out"))
    for words in (("train", "none"), ("train", "--task", "none"), ("train", "none", "-t", "none")):
        done = CliRunner().invoke(cli.app, (*words, *out))
        assert (done.exit_code, done.stderr.splitlines()[0][:30]) == (2, "error: lab: task must be one o")
        assert "got 'none'" in done.stderr
    done = CliRunner().invoke(cli.app, ("train", "digits", "--task", "text", *out))
    assert (done.exit_code, done.stderr) == (2, "error: train: task must be named once, got ['digits', 'text']\n")
    assert not (tmp_path / "out").exists()


def test_a_scheduler_call_counts_updates_and_a_plateau_hears_the_validation(tiny):
    stepped = training_of(tiny, schedule="torch.optim.lr_scheduler.StepLR(optimizer, 7)", length="2 epochs")
    steered = training_of(tiny, schedule="ReduceLROnPlateau(optimizer, patience=1, min_lr=0.01)", length="640 samples")

    assert (stepped.plan.clock, stepped.total) == ("updates", 25)
    assert str(stepped.plan.schedule()) == "step(7)"
    assert steered.plan.feedback[0].monitor == "loss"
    assert steered.plan.feedback[0].controller.floors == (0.01,)
    assert training_of(tiny, schedule="cosine(300)", length="320 samples").plan.clock == "samples"
    assert (
        training_of(tiny, schedule="StepLR(optimizer, 7)", clock="samples", length="320 samples").plan.clock
        == "samples"
    )
    with pytest.raises(GlidepathError, match="train: mode must be 'min'"):
        training_of(tiny, schedule="ReduceLROnPlateau(optimizer, 'max')")


def test_how_long_it_takes_is_told_and_what_is_changed(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("glidepath.lab.engines.progress._MEASURED_SECONDS", 0.0)
    monkeypatch.setattr("glidepath.lab.engines.progress._WORTH_SAYING", 0.0)
    monkeypatch.setattr("glidepath.lab.engines.progress._LONG", 0.0)
    said = io.StringIO()
    task = adjusted(tiny, weight_decay=1e-4)
    train(
        training_of(task, length="64 samples"),
        tmp_path,
        progress=Bar(Console(file=said)),
        command="glidepath train x",
    )

    assert "Changed: weight decay 0.0001." in said.getvalue()
    assert re.search(
        r"tiny: about \S+ hours \(0 minutes; 2 updates of \S+ s\)\.\nCheaper: fewer updates", said.getvalue()
    )


@pytest.mark.parametrize(
    ("asked", "count", "side", "found"),
    [
        ("auto", 0, 2, "cpu"),
        ("cpu", 2, 1, "cpu"),
        ("cuda", 2, 2, "cuda:1"),
        ("auto", 2, 2, "cuda:1"),
        ("cuda:0", 2, 1, "cuda:0"),
    ],
)
def test_the_device_of_a_process(monkeypatch, asked, count, side, found):
    monkeypatch.setattr("torch.cuda.is_available", lambda: count > 0)
    monkeypatch.setattr("torch.cuda.device_count", lambda: count)

    assert str(_device(asked, 1, side)) == found


@pytest.mark.parametrize(
    ("asked", "count", "side", "message"),
    [
        ("cuda", 0, 1, r"one of auto, cpu, got 'cuda' \(torch sees no GPU here\)"),
        ("cuda:0", 0, 1, r"one of auto, cpu, got 'cuda:0' \(torch sees no GPU here\)"),
        ("cuda:1", 2, 2, "one of auto, cpu, cuda for several processes, got 'cuda:1'"),
        ("cuda", 1, 2, "a GPU for each of 2 processes, got 1 GPUs"),
    ],
)
def test_a_device_that_is_not_here_is_refused(monkeypatch, asked, count, side, message):
    monkeypatch.setattr("torch.cuda.is_available", lambda: count > 0)
    monkeypatch.setattr("torch.cuda.device_count", lambda: count)
    with pytest.raises(GlidepathError, match=message):
        _device(asked, 0, side)
