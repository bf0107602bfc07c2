"""Jobs of every kind are values that any process can carry out: JSON both ways, one name, one outcome."""

import json
from dataclasses import replace

import pytest

from glidepath import GlidepathError, recipes
from glidepath.lab import InProcess, RunSpec, Session, Store, Workers, find_task
from glidepath.lab.engines.engine import Failed, Finished
from glidepath.lab.engines.training import carry_out
from glidepath.lab.records.jobs import Measured, job_from_dict, job_to_dict
from glidepath.lab.search.branches import BranchJob
from glidepath.lab.search.snapshots import SnapshotJob


@pytest.fixture
def jobs(tiny):
    return [
        RunSpec(tiny, recipes.warmup_cosine(12), 0.1, 0, 12),
        SnapshotJob(tiny, 0.1, 0, cycles=2, last=1, length=6),
        BranchJob(tiny, 0.1, 0, warmup=2, branches=((4, 6), (8, 12))),
    ]


def _outcomes(engine, jobs):
    events = []
    engine.execute(jobs, events.append)
    return {
        event.record.spec.hash: (event.record.spec, event.record, event.files)
        for event in events
        if isinstance(event, Finished)
    }


def test_every_kind_comes_back_equal_from_its_json_text_with_the_same_name(jobs):
    for job in jobs:
        again = job_from_dict(json.loads(json.dumps(job_to_dict(job))))

        assert again == job
        assert again.hash == job.hash
        assert hash(again) == hash(job)
    assert len({job.hash for job in jobs}) == 3


def test_the_name_is_that_of_what_decides_the_outcome(jobs, tiny):
    for job in jobs:
        assert replace(job, task=replace(tiny, about="other words", budget=7)).hash == job.hash
        assert replace(job, task=replace(tiny, batch=17)).hash != job.hash
        assert replace(job, seed=1).hash != job.hash
        assert replace(job, peak_rate=0.2).hash != job.hash
    assert replace(jobs[1], last=2).hash != jobs[1].hash
    assert replace(jobs[2], warmup=1).hash != jobs[2].hash


def test_one_session_keeps_records_of_every_kind_and_makes_each_once(jobs, tmp_path):
    asked = []

    class Asked(InProcess):
        def execute(self, specs, emit):
            asked.extend(specs)
            super().execute(specs, emit)

    session = Session(Store(tmp_path / "records", tmp_path / "files"), Asked())
    records = session.records([*jobs, *jobs])
    again = session.records(jobs)

    assert asked == jobs
    assert again == records
    assert [records[job.hash].spec for job in jobs] == jobs
    assert [records[job.hash].updates for job in jobs] == [12, 48, 14]
    assert all(records[job.hash].updates == job.budget for job in jobs)
    assert len(records[jobs[1].hash].files) == 2
    named = {name for job in jobs for name in records[job.hash].files}  # snapshots, and a log of each branch
    assert {path.name for path in (tmp_path / "files").iterdir()} == named


def test_workers_give_the_same_numbers_and_the_same_files(jobs):
    here, there = _outcomes(InProcess(), jobs[1:]), _outcomes(Workers(1), jobs[1:])

    assert here.keys() == there.keys() == {job.hash for job in jobs[1:]}
    for key, (spec, record, files) in here.items():
        assert there[key][0] == spec
        assert there[key][1].values == record.values
        assert there[key][1].files == record.files
        assert there[key][2] == files


def test_progress_counts_all_the_runs_of_a_job(jobs, monkeypatch):
    monkeypatch.setattr("glidepath.lab.engines.training._PROGRESS_SECONDS", 0.0)  # after every update, however fast
    told = []
    record = carry_out(replace(jobs[1], length=200), told.append).record

    assert told == sorted(told)
    assert told
    assert told[-1] <= record.updates == 1600


def test_a_record_of_numbers_comes_back_equal(jobs):
    record = carry_out(jobs[2], lambda updates: None).record

    assert Measured.from_dict(json.loads(json.dumps(record.to_dict()))) == record
    with pytest.raises(GlidepathError, match=r"record: values\.4\.test must be valid"):
        Measured.from_dict({**record.to_dict(), "values": {"4": {"test": "low"}}})


@pytest.mark.parametrize(
    "data", [None, [], {}, {"kind": "run"}, {"kind": "os:system", "job": {}}, {"kind": "run", "job": {}, "more": 1}]
)
def test_what_is_no_job_is_refused(data):
    with pytest.raises(GlidepathError, match="job: data must be a job of kind run, snapshots, branches"):
        job_from_dict(data)


def test_fields_are_checked_all_at_once(tiny):
    with pytest.raises(GlidepathError) as error:
        SnapshotJob(tiny, 0.0, -1, cycles=2, last=3, length=1)
    assert [str(problem) for problem in error.value.problems] == [
        "snapshots: peak_rate must be a finite number above 0 and at most 1e+100, got 0.0",
        "snapshots: seed must be an integer from 0 to 4294967295, got -1",
        "snapshots: last must be at most the number of cycles (2), got 3",
    ]
    rule = r"branches: branches must be at least one pair \(start, length\), 1 <= start < length, by ascending start"
    for wrong in [(), ((3,),), ((5, 5),), ((4, 6), (3, 9)), ((1.0, 2),)]:
        with pytest.raises(GlidepathError, match=rule):
            BranchJob(tiny, 0.1, 0, warmup=0, branches=wrong)
    with pytest.raises(GlidepathError, match="branches: fields must be task, peak_rate, seed, warmup, branches, got"):
        BranchJob.from_dict({"task": tiny.to_dict()})


@pytest.mark.parametrize("engine", [InProcess(), Workers(1)], ids=["here", "worker"])
def test_a_job_that_is_refused_is_told_in_its_own_words_alone(tiny, tmp_path, monkeypatch, engine):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    text = "class two:\n    def data(): return (1, 2), (3, 4)\n    def model(): return None\n"
    (tmp_path / "two_pairs.py").write_text(text)
    spec = RunSpec(find_task("two_pairs:two"), recipes.warmup_cosine(12), 0.1, 0, 12)
    events = []
    engine.execute([spec], events.append)

    rule = "task two_pairs:two: data() must be (train, validation, test), each a pair (inputs, labels), got 'tuple'"
    assert [event.reason for event in events if isinstance(event, Failed)] == [rule]
