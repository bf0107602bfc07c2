"""Logs that are dropped on the page: files with text, files without, and folders with their paths."""

import base64
import tempfile
from pathlib import Path

import pytest

from glidepath import GlidepathError
from glidepath.playground.forecasting import Dropped, logged

EVENTS = base64.b64decode("GAAAAAAAAACjf0uyCQAAAAAAAAAAGg1icmFpbi5FdmVudDoy")  # the head of an event file, damaged


def told(*files: dict) -> list[str]:
    return logged(Dropped.of({"files": list(files)}))["read"]


def test_a_folder_is_read_with_its_paths():
    rows = "".join(f"{step},{2 - step / 100},0.1\n" for step in range(30))
    files = (
        {"name": "run/lightning_logs/version_0/metrics.csv", "text": "step,train_loss,lr-Adam\n" + rows},
        {"name": "run/lightning_logs/version_0/hparams.yaml", "text": "lr: 0.1\n"},
    )

    assert "loss: train_loss; rate: lr-Adam" in told(*files)[0]


@pytest.mark.parametrize("name", ["../../evil.csv", "/etc/evil.csv", "a/../../../evil.csv"])
def test_no_path_leaves_the_folder_that_is_made_for_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "here"))
    (tmp_path / "here").mkdir()

    told({"name": name, "text": "step,loss\n0,2\n1,1\n"})

    assert list(tmp_path.rglob("*.csv")) == []


def test_what_is_no_text_comes_in_base_64():
    with pytest.raises(GlidepathError, match="log: event file must be whole"):
        told({"name": "events.out.tfevents.1.host", "data": base64.b64encode(EVENTS).decode()})
    with pytest.raises(GlidepathError, match="log: data must be base 64, got 'no base 64'"):
        told({"name": "events.out.tfevents.1.host", "data": "no base 64"})
