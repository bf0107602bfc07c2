"""Training on several processes, for real: gloo on this machine, one thread each, killed and resumed with other numbers of them."""

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from glidepath.lab.distributed import Ranks, Stream
from glidepath.lab.tasks import cifar, data

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parent / "ranks" / "training.py"
SOURCE = str(Path(__file__).parents[3] / "src")
_spec = importlib.util.spec_from_file_location("ranks_training", SCRIPT)
script = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)


def environment(**more):
    quiet = {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": SOURCE, "NO_COLOR": "1"}
    return {**os.environ, **quiet, **more}


def launch(folder, *starts):
    """Start some processes that find each other as under torchrun, and then others; return what each wrote."""
    ports = [socket.socket() for _ in starts]
    for free in ports:
        free.bind(("127.0.0.1", 0))
    words = [f"{world} {free.getsockname()[1]} {names}" for free, (world, names) in zip(ports, starts, strict=True)]
    for free in ports:
        free.close()
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), *words],
        env=environment(**{"MASTER_ADDR": "127.0.0.1", cifar.VARIABLE: str(folder)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as started:
        try:
            said, errors = started.communicate()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
    assert json.loads(said) == [[-signal.SIGKILL] * world for world, _ in starts], errors[-4000:]
    return [[json.loads((folder / f"{world}-{rank}.json").read_text()) for rank in range(world)] for world, _ in starts]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("ranks")
    (made / "cifar-100-binary").mkdir()
    return made


@pytest.fixture(scope="module")
def copy(folder):
    """The tiny copy of CIFAR-100 in this process too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cifar.VARIABLE, str(folder))
        patch.setattr(cifar, "PUBLISHED", script.images(folder))
        data._loaded.cache_clear()
        yield folder
        data._loaded.cache_clear()


@pytest.fixture(scope="module")
def several(copy):
    return launch(copy, (2, "losses text leaves diverges stops grows unwritable killed"), (4, "losses killed"))


@pytest.fixture(scope="module")
def two(several):
    return several[0]


@pytest.fixture(scope="module")
def four(several):
    return several[1]


@pytest.fixture(scope="module")
def one(copy):
    return script.losses(Ranks(), copy)


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_killed_with_two_resumed_with_four_then_one_is_the_uninterrupted_run(copy, two, four):
    """Rates against samples bit for bit; every sample of every epoch exactly once; the record whole."""
    whole, last = script.Seen(), script.Seen()
    script.image_run(Ranks(), copy / "whole", whole)
    script.image_run(Ranks(), copy / "killed", last)
    starts = [[lines(copy / f"killed-{world}-{rank}.jsonl") for rank in range(world)] for world in (2, 4)]
    starts.append([last.updates])
    begins = [start[0][0][0] for start in starts]
    assert begins == [0, 32, 64]  # killed at 48 and at 80 samples, before the checkpoint that was due there

    rates, taken = {}, {}
    for start, end in zip(starts, [*begins[1:], 10**9], strict=True):
        for updates in start:
            assert [update[:2] for update in updates] == [update[:2] for update in start[0]]
        for pieces in zip(*start, strict=True):
            at, rate = pieces[0][:2]
            if at < end:  # what came after the last checkpoint was lost, and was made again
                rates[at] = rate
                taken[at] = [place for _, _, _, first, count in pieces for place in range(first, first + count)]
    assert rates == {at: rate for at, rate, *_ in whole.updates}
    assert len(set(rates.values())) == 14
    places = [place for at in sorted(taken) for place in taken[at]]
    assert places == list(range(112))
    stream = Stream(script.IMAGES, data.load(script.IMAGES.data), 0)
    numbers = [int(number) for place in places for _, each in stream.numbers(place, 1) for number in each]
    for epoch in range(3):
        assert sorted(numbers[36 * epoch : 36 * (epoch + 1)]) == list(range(36))
    assert numbers[:36] != numbers[36:72]

    ours, theirs = (json.loads((copy / name / "record.json").read_text()) for name in ("killed", "whole"))
    for column in ("update", "samples", "tokens", "lr", "stride", "progress", "plan", "fingerprint", "ended"):
        assert ours[column] == theirs[column]
    assert ours["update"] == list(range(14))
    assert [(part["samples"], part["processes"], part["batch"]) for part in ours["segments"]] == [
        (0, 2, 8),
        (32, 4, 8),
        (64, 1, 8),
    ]
    assert [each["updates"] for each in ours["evaluations"]] == [each["updates"] for each in theirs["evaluations"]]
    assert len(ours["loss"]) == 14
    assert None not in ours["loss"]
    assert len(list((copy / "killed" / "checkpoints").iterdir())) == 2


def test_with_one_batch_for_all_the_losses_do_not_depend_on_the_processes(one, two, four):
    """24 updates of 10 samples on 1, 2 and 4 processes, whole and in pieces of 2: equal within 1e-6 of each loss (1.2e-7 measured)."""
    reference = [loss for _, _, loss, *_ in one["None"]["updates"]]
    assert reference[-1] < 0.8 * reference[0]
    for ranks in ([{"losses": one}], two, four):
        for rank in ranks:
            for found in rank["losses"].values():
                assert [update[:2] for update in found["updates"]] == [update[:2] for update in one["None"]["updates"]]
                assert [update[2] for update in found["updates"]] == pytest.approx(reference, rel=1e-6)
                assert found["test"] == pytest.approx(one["None"]["test"], rel=1e-6)
        assert all(
            [u[2] for u in rank["losses"]["None"]["updates"]] == [u[2] for u in ranks[0]["losses"]["None"]["updates"]]
            for rank in ranks
        )


def test_one_rank_with_another_schedule_or_rate_is_told_on_all_before_anything_is_written(two):
    for rank in two:
        schedule, rate, written = rank["text"]
        assert "train: the plan must be the same on every rank, got on rank 1 $.rules[0].schedule: warmup" in schedule
        assert '-> cosine("rest")' in schedule
        assert "train: the run must be the same on every rank, got on rank 1 peak_rate: 0.01 -> 0.5" in rate
        assert not written


def test_a_rank_that_leaves_the_plan_is_told_on_all_within_the_updates_of_a_check(two):
    """Rank 1 applies other rates from update 7 on; checked every 5, update 10 is refused on both, before it is made."""
    for said, made in (rank["leaves"] for rank in two):
        assert made == 10
        assert "ranks: every value must be the same on every rank, got rank 0: 0.00" in said
        assert "rank 1: 0.00125" in said


def test_one_rank_diverges_and_all_stop_before_that_update(two):
    assert [rank["diverges"] for rank in two] == [["diverged", 4, 4]] * 2


def test_a_signal_to_one_rank_stops_all_at_one_update_and_the_same_command_goes_on(one, two):
    reference = one["None"]["updates"]
    for rank in two:
        ended, samples, then, first, second = rank["stops"]
        assert (ended, samples, then) == ("stopped", 60, "finished")  # the signal of update 4 is heard in update 5
        assert [update[:2] for update in first + second] == [update[:2] for update in reference]
        assert [update[2] for update in first + second] == pytest.approx([u[2] for u in reference], rel=1e-6)


def test_batches_of_each_process_keep_the_curve_against_samples(copy, one, two):
    """6 samples on each of 2 processes, then 6 on one: the rates lie on the curve of one process, at other samples."""
    ended, before = two[0]["grows"]
    seen = script.Seen()
    script.text_run(Ranks(), copy / "grows", seen, batch=6, per_process=True)
    curve = script.training_of(script.TEXT, schedule=script.SCHEDULE, length=script.LENGTH["text"]).plan

    assert ended == "stopped"
    assert [update[0] for update in before] == list(range(0, 132, 12))
    assert [update[0] for update in seen.updates] == list(range(132, 240, 6))
    for at, rate, *_ in before + seen.updates:
        assert rate == curve.value(samples=at, base=script.TEXT.peak_rate)
    record = json.loads((copy / "grows" / "record.json").read_text())
    assert record["segments"][1]["changed"][0] == "$.batch.schedule: hold(value=12) -> hold(value=6)"


def test_what_rank_0_cannot_write_is_an_error_on_all(two):
    for rank in two:
        assert "train: the folder must be writable, got" in rank["unwritable"]


def test_a_rank_whose_launcher_is_dead_hears_the_wish_to_stop(copy, two):
    """`torchrun` killed outright cannot pass anything on: its ranks notice by themselves, and free their folder."""
    assert (copy / "orphan.txt").read_text() == "listens\nended by itself\n"


def test_torchrun_starts_again_from_the_last_checkpoint(tmp_path):
    """The command line under torchrun, rank 1 killed once: it goes on after the last checkpoint, and exits with 0."""
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--nnodes=1", "--max-restarts=1"),
        *("--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", "--local-addr=127.0.0.1", "--monitor-interval=0.1"),
        *(str(SCRIPT), str(tmp_path), "train", "--length", "20480 tokens", "--out", str(tmp_path / "out")),
        *("--checkpoint", "4096 tokens", "--device", "cpu"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())

    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.splitlines()[:4] == [
        "ended       finished",
        "updates     40",
        "samples     640",
        "tokens      20,480",
    ]
    assert "goes on after 16 updates and 256 samples, saved by 2 processes" in done.stderr
    first, second = (lines(tmp_path / f"command-{start}-0.jsonl") for start in (0, 1))
    assert [update[0] for update in first[:16] + second] == list(range(0, 640, 16))
    assert first[16:] == second[: len(first) - 16]  # the updates that were lost are made again, to the last bit
    assert json.loads((tmp_path / "out" / "record.json").read_text())["update"] == list(range(40))
