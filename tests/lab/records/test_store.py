"""The folder of records: whole or not at all, and damage is found."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from glidepath import GlidepathError
from glidepath.core.files import canonical_json, write_whole
from glidepath.lab import Store
from glidepath.lab.records.store import only_writer


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "records")


def test_a_record_comes_back_equal_under_the_name_of_its_hash(store, spec, made_up):
    record = made_up(spec, 41.25)
    assert store.read(spec) is None
    store.write(record)

    assert store.read(spec) == record
    assert [path.name for path in store.folder.iterdir()] == [f"{spec.hash}.json"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_record_cut_off_is_found(store, spec, made_up, share):
    store.write(made_up(spec, 41.25))
    whole = store.path(spec).read_bytes()
    store.path(spec).write_bytes(whole[: int(share * (len(whole) - 1))])

    with pytest.raises(
        GlidepathError, match=rf"record {spec.hash[:12]}: file must be a whole JSON record, got JSONDecodeError"
    ):
        store.read(spec)


def test_one_altered_digit_is_found(store, spec, made_up):
    store.write(made_up(spec, 41.25))
    text = store.path(spec).read_text()
    assert text.count("41.25") == 1
    store.path(spec).write_text(text.replace("41.25", "31.25"))

    with pytest.raises(GlidepathError, match="file must be equal to its checksum, got other content"):
        store.read(spec)


def test_a_record_under_another_name_is_found(store, spec, made_up):
    other = replace(spec, seed=1)
    store.write(made_up(other, 41.25))
    store.path(other).rename(store.path(spec))

    with pytest.raises(GlidepathError, match=rf"file must be the run that its name says, got run {other.hash[:12]}"):
        store.read(spec)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"\xff\xfe", "readable UTF-8"),
        (b"[1, 2]", "a whole JSON record"),
        (b'{"format": 1}', "a whole JSON record"),
        (b'{"format": 9, "sha256": "", "record": {}}', "of format 1"),
        (b'{"format": 1, "sha256": "", "record": {"a": NaN}}', "a whole JSON record"),
        (b"[" * 100_000, "a whole JSON record"),
    ],
)
def test_hostile_files_are_refused(store, spec, content, rule):
    store.folder.mkdir()
    store.path(spec).write_bytes(content)

    with pytest.raises(GlidepathError, match=f"file must be {rule}"):
        store.read(spec)


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, "old")

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("glidepath.lab.records.store.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")

    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_the_file_is_synced_before_it_gets_its_name(tmp_path, monkeypatch):
    path = tmp_path / "file"
    synced = []
    real = os.fsync

    def watch(handle):
        synced.append(path.exists())
        real(handle)

    monkeypatch.setattr("glidepath.lab.records.store.os.fsync", watch)
    write_whole(path, "text")

    assert synced[0] is False
    assert path.read_text() == "text"


def test_leftovers_of_a_killed_writer_are_swept(store, spec, made_up):
    store.write(made_up(spec, 40.0))
    (store.folder / ".half.json.abc.tmp").write_text("{")
    store.sweep()

    assert [path.name for path in store.folder.iterdir()] == [f"{spec.hash}.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX locks there: documented")
def test_a_second_writer_is_refused_until_the_first_has_died(tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom glidepath.lab.records.store import only_writer\n"
        "with only_writer(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        says = (
            r"compare: out must be a folder that no other glidepath process uses, got .*, "
            rf"held by process {other.pid} \(compare\) on \S+ since \d{{4}}-\d\d-\d\dT\S+ "
            rf"\(wait for it, choose another, or end it with: kill {other.pid}\)"
        )
        with pytest.raises(GlidepathError, match=says), only_writer(tmp_path):
            pass
        other.kill()
    with only_writer(tmp_path):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"process": "x", "machine": 1}'])
def test_a_lock_that_does_not_say_who_holds_it_is_told_as_such(tmp_path, text):
    with only_writer(tmp_path):
        (tmp_path / ".lock").write_text(text)
        with (
            pytest.raises(
                GlidepathError, match=r"held by a process that did not say who it is \(wait for it or choose"
            ),
            only_writer(tmp_path),
        ):
            pass


def test_a_record_is_whole_at_once_and_nobody_waits_for_the_disk(store, spec, made_up, monkeypatch):
    """A loss of power may cut the last ones off, which their checksums tell; a kill loses nothing."""
    monkeypatch.setattr("glidepath.lab.records.store.os.fsync", lambda handle: pytest.fail("waits"))
    store.write(made_up(spec, 41.25))
    assert store.read(spec) == made_up(spec, 41.25)
    store.path(spec).write_bytes(b"")
    with pytest.raises(GlidepathError, match="file must be a whole JSON record"):
        store.read(spec)


def test_a_record_that_was_written_in_another_layout_is_whole_by_its_content(store, spec, made_up):
    store.write(made_up(spec, 41.25))
    store.path(spec).write_text(json.dumps(json.loads(store.path(spec).read_text()), indent=2))
    assert store.read(spec) == made_up(spec, 41.25)


def test_what_is_written_is_strict_json(store, spec, made_up):
    store.write(made_up(spec, None))

    def refuse(constant):
        raise AssertionError(constant)

    text = store.path(spec).read_text()
    document = json.loads(text, parse_constant=refuse)
    assert document["record"]["losses"][-1] is None
    assert text == canonical_json(document) + "\n"
