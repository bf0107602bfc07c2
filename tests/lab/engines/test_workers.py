"""Worker processes: the same records as in this process, and a real SIGKILL costs one run's time and nothing else."""

import os
import signal
from dataclasses import replace

import pytest

from glidepath import GlidepathError
from glidepath.lab import InProcess, Workers
from glidepath.lab.engines.engine import Advanced, Capacity, Failed, Finished, Retried
from glidepath.lab.tasks.declared import CharTransformer

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")


def _measured(record):
    machine = {name: value for name, value in record.machine.items() if name != "threads"}
    return replace(record, wall_seconds=0.0, cpu_seconds=0.0, machine=machine)


def _by_hash(events):
    return {event.record.spec.hash: _measured(event.record) for event in events if isinstance(event, Finished)}


def test_what_ends_a_run_or_its_worker_costs_that_run_alone(spec, started):
    """One worker: a run raises, another's worker is killed once, a third's each time; what the listener raises ends the last of them."""
    wrong = replace(spec, task=replace(spec.task, model=CharTransformer()))
    long, doomed = replace(spec, seed=1, budget=1000), replace(spec, budget=10**7)
    last, endless = replace(spec, seed=2), replace(spec, seed=3, budget=10**7)
    events = []

    def hear(event):
        if not isinstance(event, Advanced):
            events.append(event)
        elif event.spec == endless:
            raise KeyboardInterrupt
        elif event.spec == doomed or (event.spec == long and len(started) == 1):
            os.kill(started[-1].pid, signal.SIGKILL)

    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        Workers(count=1).execute([wrong, spec, long, doomed, last, endless], hear)
    here = []
    InProcess().execute([spec, long, last], here.append)

    kinds = [Capacity, Failed, Finished, Retried, Finished, Retried, Retried, Failed, Finished]
    assert [type(event) for event in events] == kinds
    raised, again, *once_more, given_up = (event for event in events if isinstance(event, Failed | Retried))
    assert "model: a char_transformer cannot read examples" in raised.reason
    assert [event.spec for event in (again, *once_more, given_up)] == [long, doomed, doomed, doomed]
    assert "killed by signal 9" in again.reason
    assert given_up.reason.startswith("given up after 3 tries; worker ")
    assert _by_hash(events) == _by_hash(here)
    # The last one ended by itself when its input closed, in the middle of a run.
    assert [process.poll() for process in started] == [-signal.SIGKILL] * 4 + [0]


def test_workers_that_never_start_are_an_error_with_their_last_words(spec, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setattr("glidepath.lab.engines.workers._environment", lambda: {"PATH": "", "PYTHONHOME": "/nowhere"})

    with pytest.raises(
        GlidepathError,
        match=r"(?s)workers: processes must be able to start, got 3 deaths in a row; the last: .*encodings",
    ):
        Workers(count=1).execute([spec], lambda event: None)


def test_the_count_is_checked():
    with pytest.raises(GlidepathError, match="workers: count must be an integer from 1 to 9007199254740992, got 0"):
        Workers(count=0)
