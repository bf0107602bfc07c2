"""Several drivers of one search: whose trials are whose, which are dead, and where the search is kept.

A driver that trains a trial makes its beat change; where a beat has not changed for a while, whoever sees it takes the trial for dead
and has it asked for again. No clocks are compared, so that it does not matter on which machines the drivers are.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import threading
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from ...core import GlidepathError

_BEAT_SECONDS = 10.0
_DEAD_SECONDS = 60.0
_LOOK_SECONDS = 0.5


def storage_at(place: str | Path) -> optuna.storages.BaseStorage:
    """Where a search is kept.

    Args:
        place: A database as `sqlite:///file.db`, or the file of an Optuna journal.

    Raises:
        GlidepathError: If it cannot be opened.
    """
    try:
        if "://" in str(place):
            return optuna.storages.get_storage(str(place))
        return optuna.storages.JournalStorage(JournalFileBackend(str(place)))
    except OSError:
        raise
    except Exception as error:  # whatever the database's library raises
        rule, said = "a database such as sqlite:///search.db, or a journal's file", str(error).partition("\n")[0]
        raise GlidepathError.of("tune", "storage", rule, f"{place}: {said}"[:300]) from error


class SearchDriver:
    """One of the processes that search together.

    Args:
        study: The search.
        folder: Of this driver, which holds it alone.
        alone: Whether there can be no other: then whatever is unfinished is dead.
    """

    def __init__(self, study: optuna.Study, folder: Path, *, alone: bool) -> None:
        self.study, self.alone = study, alone
        self.name = f"{socket.gethostname()}:{folder.resolve()}"
        self.trials: list[optuna.Trial] = []
        """What it has in hand."""
        self._seen: dict[int, tuple[object, float]] = {}

    @property
    def salt(self) -> int:
        """What sets its points apart from those of the others; 0 where it is alone."""
        return 0 if self.alone else int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:3], "big")

    def ask(self, most: int) -> optuna.Trial | None:
        """The next trial, marked as this driver's; None where others asked at the same moment for the last ones.

        Args:
            most: Trials of the whole search.
        """
        trial = self.study.ask()
        trial.set_user_attr("driver", self.name)
        states = (TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED)
        before = self.study.get_trials(deepcopy=False, states=states)
        if sum(one.number < trial.number for one in before) < most:
            self.trials.append(trial)
            return trial
        self.study.tell(trial, state=TrialState.FAIL)
        if given := trial.user_attrs.get("given"):
            self.again(given)
        return None

    def again(self, given: Mapping[str, Any]) -> None:
        """Has a point asked for that is given, not proposed."""
        self.study.enqueue_trial(dict(given), user_attrs={"given": given})

    def unfinished(self) -> list[optuna.trial.FrozenTrial]:
        """The trials that somebody has in hand, after those of the dead were asked for again."""
        left: list[optuna.trial.FrozenTrial] = []
        mine = {trial.number for trial in self.trials}
        for one in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            beat, now = one.user_attrs.get("beat"), time.monotonic()
            before, since = self._seen.setdefault(one.number, (beat, now))
            if beat != before:
                self._seen[one.number] = beat, now
            own = one.user_attrs.get("driver") == self.name
            dead = one.number not in mine and (self.alone or own or (beat == before and now - since > _DEAD_SECONDS))
            if not dead:
                left.append(one)
                continue
            with contextlib.suppress(ValueError, RuntimeError):  # another driver was first
                self.study.tell(one.number, state=TrialState.FAIL)
                if one.params:
                    self.again(one.params)
        return left

    def wait(self) -> None:
        """A moment, in which others may finish theirs."""
        time.sleep(_LOOK_SECONDS)

    @contextlib.contextmanager
    def beating(self) -> Generator[None]:
        """Makes the beats of what it has in hand change."""
        over = threading.Event()

        def work() -> None:
            while not (self.alone or over.wait(_BEAT_SECONDS)):
                for trial in list(self.trials):
                    # Over by now; or the storage is away, which the search itself will tell.
                    with contextlib.suppress(Exception):
                        trial.set_user_attr("beat", os.urandom(4).hex())

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
