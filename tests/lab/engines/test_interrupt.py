"""The driver is stopped by Ctrl-C: records stay, workers go, the next call makes what is missing. SIGKILL is in `test_faults`."""

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
compare([task], ["constant", "linear"], 4, budget=800, out=sys.argv[2], engine=Workers(count=1))
"""


def _children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_comparison_stopped_by_ctrl_c_goes_on_where_it_was(tiny, tmp_path):
    out, records = tmp_path / "out", tmp_path / "out" / "records"
    arguments = [sys.executable, "-c", _CODE, json.dumps(tiny.to_dict()), str(out)]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as driver:
        while len(list(records.glob("*.json"))) < 2:
            assert driver.poll() is None, driver.stderr.read()
            time.sleep(0.01)
        workers = _children(driver.pid)
        os.kill(driver.pid, signal.SIGINT)
        driver.wait()
        errors = driver.stderr.read()
    assert len(workers) == 1
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert "KeyboardInterrupt" in errors
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
