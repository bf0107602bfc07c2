"""Faults of several ranks, on real processes: gloo on this machine. Shown on Accelerate's handling of PyTorch's schedulers, too."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from glidepath import linear
from glidepath.feedback import Plateau, replay

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What every rank of four processes says, and then of two."""
    folder, ports = tmp_path_factory.mktemp("ranks"), []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(str(free.getsockname()[1]))
    source = str(HERE.parents[1] / "src")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": source}
    command = [sys.executable, str(HERE / "ranks.py"), str(folder), *ports]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return {n: [json.loads((folder / f"{n}-{rank}.json").read_text()) for rank in range(n)] for n in (2, 4)}


@pytest.fixture(scope="module")
def four(said):
    return said[4]


@pytest.fixture(scope="module")
def two(said):
    return said[2]


def test_f1_the_curve_does_not_depend_on_the_number_of_processes(two, four):
    """F1: counted in samples, 2 and 4 processes walk along one curve; stepped once a process, as a wrapper does, it ends early."""
    for ranks in (two, four):
        assert all(rank["curve"] == ranks[0]["curve"] for rank in ranks)
    coarse, fine = four[0]["curve"], two[0]["curve"]
    assert (fine["updates"], coarse["updates"]) == (100, 50)
    assert {at: fine["values"][at] for at in coarse["values"]} == coarse["values"]
    halved = list(fine["values"].values())[::2]  # two steps of the schedule for every update
    assert halved[:20] != list(fine["values"].values())[:20]


@pytest.mark.parametrize("world", [2, 4])
def test_f2_every_rank_decides_on_the_mean(world, two, four):
    """F2: every rank measures something else: decided alone the ranks part; on the mean they are equal, and equal to one decision on it."""
    ranks = [rank["metrics"] for rank in (two if world == 2 else four)]

    assert len({rank["alone"] for rank in ranks}) > 1
    for rank in ranks:
        assert rank["decided"] == ranks[0]["decided"]
        assert rank["state"] == ranks[0]["state"]
        assert rank["value"] == ranks[0]["value"]
    offline = replay(Plateau(factor=0.5, patience=1), [value for value, _ in ranks[0]["decided"]])
    assert [decision.action for _, decision in offline] == [action for _, action in ranks[0]["decided"]]


@pytest.mark.parametrize("world", [2, 4])
def test_f2_absent_refused_and_different_evaluations(world, two, four):
    """F2: a rank without a measurement is left out, NaN reaches all, a refusal on one rank is a refusal on all, and ids must agree."""
    for number, each in enumerate(two if world == 2 else four):
        rank = each["metrics"]
        assert (rank["absent"], rank["nothing"], rank["nan"]) == (2.0, None, "nan")
        assert ("value must be a real number" in rank["refused"]) == (number == 1)
        assert number == 1 or "must be accepted on every rank, got one refused on rank 1" in rank["refused"]
        assert "the observation's id must be the same on every rank, got rank 0: 102, rank 1: 103" in rank["apart"]


@pytest.mark.parametrize("world", [2, 4])
def test_f3_ranks_that_disagree_are_told_so_within_one_update(world, two, four):
    """F3: a late rank, another plan, another value: the very next update is refused on every rank, with ranks and values."""
    for rank in two if world == 2 else four:
        step, said, weight = rank["late"]["late"]
        others = "".join(f"rank {r}: 4, " for r in range(world - 1))
        assert (step, said) == (
            4,
            f"ranks: the progress must be the same on every rank, got {others}rank {world - 1}: 3",
        )
        assert weight == pytest.approx(-0.4)  # the update was not made
        step, said, _ = rank["late"]["plan"]
        assert step == 0
        assert "ranks: the plan must be the same on every rank, got rank 0: plan a" in said
        assert f"rank {world - 1}: plan b" in said
        step, said, _ = rank["late"]["value"]
        assert (step, f"rank {world - 1}: 0.05" in said, "rank 0: 0.1" in said) == (3, True, True)
        assert rank["late"]["microseconds"] < 50_000


def test_f4_four_processes_resume_on_two(two, four):
    """F4: saved by 4 processes at 800 of 1600 samples, resumed by 2: the rest of the curve is that of an uninterrupted run."""
    whole = two[0]["curve"]["values"]
    rest = two[0]["resume"]["values"]

    assert list(four[0]["resume"]["values"]) == [str(at) for at in range(0, 800, 32)]
    assert rest == {at: value for at, value in whole.items() if int(at) >= 800}
    assert {rank["resume"]["tokens"] for rank in two} == {6400}
    assert all(rank["resume"] == two[0]["resume"] for rank in two)


LINEAR = [0.1 * linear(20)(k) for k in range(8)]


def test_f1_the_number_of_processes_does_not_bend_the_curve(two, four):
    """F1: the same schedule on 2 and 4 processes, in DDP, uses the same value at each update, on every rank."""
    assert [rank["driven"] for rank in (*two, *four)] == [LINEAR] * 6


def test_f1_accelerate_steps_once_per_process(two):
    """F1: Accelerate steps a scheduler once per process: PyTorch's falls twice as fast on 2, our bridge does not."""
    if "accelerated" not in two[0]:
        pytest.skip("accelerate is not installed")
    found = [rank["accelerated"] for rank in two]
    assert [one["world"] for one in found] == [2, 2]
    assert found[0]["peer"] == [pytest.approx(0.1 * (1 - 2 * k / 20)) for k in range(8)]
    assert [one["bridge"] for one in found] == [LINEAR] * 2
