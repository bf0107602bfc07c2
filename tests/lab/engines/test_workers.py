"""Worker processes: the same records as in this process, and a real SIGKILL costs one run's time and nothing else."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from glidepath import GlidepathError
from glidepath.lab import InProcess, Workers
from glidepath.lab.engines.engine import Advanced, Capacity, Failed, Finished, Retried
from glidepath.lab.engines.workers import _environment
from glidepath.lab.tasks.declared import CharTransformer

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")


def _measured(record):
    machine = {name: value for name, value in record.machine.items() if name != "threads"}
    return replace(record, wall_seconds=0.0, cpu_seconds=0.0, machine=machine)


def _by_hash(events):
    return {event.record.spec.hash: _measured(event.record) for event in events if isinstance(event, Finished)}


def test_a_killed_workers_run_starts_again_and_nothing_is_lost(spec, started):
    """SIGKILL in the middle of the second of three runs, by one worker."""
    long = replace(spec, seed=1, budget=1000)
    specs = [spec, long, replace(spec, seed=2)]
    events = []

    def hear(event):
        events.append(event)
        if isinstance(event, Advanced) and event.spec == long and len(started) == 1:
            os.kill(started[0].pid, signal.SIGKILL)

    Workers(count=1).execute(specs, hear)
    here = []
    InProcess().execute(specs, here.append)

    assert [(event.spec, "killed by signal 9" in event.reason) for event in events if isinstance(event, Retried)] == [
        (long, True)
    ]
    assert len(started) == 2
    assert _by_hash(events) == _by_hash(here)
    assert len([event for event in events if isinstance(event, Finished)]) == 3
    assert all(process.poll() is not None for process in started)


def test_a_run_whose_workers_keep_dying_is_given_up_and_the_others_end(spec, started):
    long = replace(spec, seed=1, budget=10**7)
    events = []

    def hear(event):
        events.append(event)
        if isinstance(event, Advanced) and event.spec == long:
            os.kill(started[-1].pid, signal.SIGKILL)

    Workers(count=1, tries=2).execute([spec, long], hear)

    assert [type(event) for event in events if not isinstance(event, Advanced | Capacity)] == [
        Finished,
        Retried,
        Failed,
    ]
    failed = next(event for event in events if isinstance(event, Failed))
    assert failed.spec == long
    assert failed.reason.startswith("given up after 2 tries; worker ")


def test_workers_that_never_start_are_an_error_with_their_last_words(spec, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setattr("glidepath.lab.engines.workers._environment", lambda: {"PATH": "", "PYTHONHOME": "/nowhere"})

    with pytest.raises(
        GlidepathError,
        match=r"(?s)workers: processes must be able to start, got 3 deaths in a row; the last: .*encodings",
    ):
        Workers(count=1).execute([spec], lambda event: None)


def test_what_a_run_raises_is_told_and_what_the_listener_raises_ends_the_worker(spec, started):
    wrong = replace(spec, task=replace(spec.task, model=CharTransformer()))
    endless, events = replace(spec, budget=10**7), []

    def hear(event):
        if isinstance(event, Advanced) and event.spec == endless:
            raise KeyboardInterrupt
        if not isinstance(event, Advanced):
            events.append(event)

    with pytest.raises(KeyboardInterrupt):
        Workers(count=1).execute([wrong, spec, endless], hear)

    assert [type(event) for event in events] == [Capacity, Failed, Finished]
    assert "model: a char_transformer cannot read examples" in events[1].reason
    assert [process.poll() is not None for process in started] == [True]


def test_an_idle_worker_ends_when_its_input_closes():
    """What happens to a busy one is shown with a killed driver in test_interrupt."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(
        [sys.executable, "-m", "glidepath.lab.engines.worker"], env=_environment(), **pipes
    ) as worker:
        try:
            assert json.loads(worker.stdout.readline()) == {"ready": worker.pid}
            worker.stdin.close()

            assert worker.wait() == 0
        finally:
            worker.kill()


def test_arguments_are_checked():
    with pytest.raises(GlidepathError) as error:
        Workers(count=0, tries=True)

    assert str(error.value).splitlines() == [
        "workers: count must be an integer from 1 to 9007199254740992, got 0",
        "workers: tries must be an integer from 1 to 9007199254740992, got True",
    ]
