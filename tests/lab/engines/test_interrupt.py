"""The driver is stopped, by Ctrl-C or by SIGKILL: records stay, workers go, the next call makes what is missing."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glidepath.lab import InProcess, compare
from glidepath.lab.engines.engine import Finished

pytestmark = pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks for processes in /proc")

_CODE = """
import json, sys
from glidepath.lab import Task, Workers, compare
task = Task.from_dict(json.loads(sys.argv[1]))
compare([task], ["constant", "linear"], 4, budget=800, out=sys.argv[2], engine=Workers(count=int(sys.argv[3])))
"""


def _children(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _wait_until_gone(pids):
    while any(Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids):
        time.sleep(0.02)


@pytest.mark.parametrize(("how", "count"), [(signal.SIGINT, 1), (signal.SIGKILL, 2)])
def test_a_stopped_comparison_goes_on_where_it_was(tiny, tmp_path, how, count):
    out, records = tmp_path / "out", tmp_path / "out" / "records"
    arguments = [sys.executable, "-c", _CODE, json.dumps(tiny.to_dict()), str(out), str(count)]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as driver:
        while len(list(records.glob("*.json"))) < 2:
            assert driver.poll() is None, driver.stderr.read()
            time.sleep(0.01)
        workers = _children(driver.pid)
        os.kill(driver.pid, how)
        driver.wait()
        errors = driver.stderr.read()
    assert len(workers) == count
    _wait_until_gone(workers)
    assert ("KeyboardInterrupt" in errors) is (how == signal.SIGINT)
    before = {path.name: path.read_bytes() for path in records.glob("*.json")}
    assert 2 <= len(before) < 8

    class Counting(InProcess):
        made = 0

        def execute(self, specs, emit):
            def hear(event):
                Counting.made += isinstance(event, Finished)
                emit(event)

            super().execute(specs, hear)

    comparison = compare([tiny], ["constant", "linear"], 4, budget=800, out=out, engine=Counting())

    assert Counting.made == 8 - len(before)
    after = {path.name: path.read_bytes() for path in records.iterdir()}
    assert len(after) == 8
    assert before.items() <= after.items()
    assert sorted(after) == sorted(f"{run}.json" for row in comparison.tasks[0].schedules for run in row.runs)
