"""Every command that keeps records, killed five times at random moments: what it ends with is what an undisturbed run ends with."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.soak, pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")]

ONE = ["-w", "1"]
COMMANDS: dict[str, list[str]] = {
    "compare": ["compare", "cosine", "-t", "mnist1d", "-s", "3", "-n", "200", *ONE],
    "compare on JAX": ["compare", "cosine", "-t", "mnist1d", "-s", "3", "-n", "100", "-e", "jax"],
    "tune": ["tune", "cosine", "-t", "mnist1d", "--trials", "3", "-s", "1", "--fresh", "1", "-n", "100", *ONE],
    "branches": ["branches", "300", "600", "-t", "mnist1d", "-s", "2", *ONE],
    "snapshots": ["snapshots", "-t", "mnist1d", "--cycles", "3", "--last", "2", "-n", "300", "-s", "2", *ONE],
    "train": ["train", "mnist1d", "-s", "warmup(20) >> cosine(380)", "-n", "400 updates", "--checkpoint", "10%"],
}
# `segments` says where a run was taken up again, which is what a killed one has more of.
PASSING = (
    "second",
    "time",
    "machine",
    "version",
    "command",
    "folder",
    "started",
    "memory",
    "stamp",
    "host",
    "cpu",
    "segments",
)


def start(arguments: list[str], out: Path) -> subprocess.Popen[bytes]:
    call = [sys.executable, "-m", "glidepath", *arguments, "-o", str(out)]
    return subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)


def lasting(data: Any) -> Any:
    """Return data without what differs from one run to the next: seconds, machines, versions, and the checksum over them."""
    if isinstance(data, dict):
        kept = {key for key in data if key != "sha256" and not any(word in key.lower() for word in PASSING)}
        return {key: lasting(data[key]) for key in sorted(kept)}
    return [lasting(item) for item in data] if isinstance(data, list) else data


def outcome(out: Path) -> dict[str, Any]:
    """Return what every JSON file of a folder says; all of them are whole."""
    files = [path for path in out.rglob("*.json") if "machine" not in path.name]
    return {str(path.relative_to(out)): lasting(json.loads(path.read_text())) for path in sorted(files)}


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_five_times_it_ends_as_if_it_had_not_been(name: str, tmp_path: Path):
    arguments, moments = COMMANDS[name], random.Random(name)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    begin = time.monotonic()
    with start(arguments, whole) as run:
        said = run.stdout.read().decode()
    assert run.returncode == 0, said
    seconds = time.monotonic() - begin

    for _ in range(5):
        with start(arguments, killed) as run:
            time.sleep(moments.uniform(0.3, 1.0) * seconds)
            os.killpg(run.pid, signal.SIGKILL)
        outcome(killed)
    with start(arguments, killed) as run:
        said = run.stdout.read().decode()
    assert run.returncode == 0, said

    assert outcome(whole)
    assert outcome(killed) == outcome(whole)


def test_find_killed_says_the_same_when_it_is_asked_again():
    call = [sys.executable, "-m", "glidepath", "find", "mnist1d", "--steps", "60", "--repeats", "3", "--json"]
    first = subprocess.run(call, capture_output=True, check=False)
    for delay in (2, 4, 6, 8, 10):
        with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True) as run:
            time.sleep(delay)
            os.killpg(run.pid, signal.SIGKILL)
    again = subprocess.run(call, capture_output=True, check=False)

    assert again.returncode == first.returncode  # 1 where no range is found: an answer too
    assert lasting(json.loads(again.stdout)) == lasting(json.loads(first.stdout))
