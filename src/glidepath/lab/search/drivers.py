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
from collections.abc import Generator
from pathlib import Path

import optuna
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from ...core import GlidepathError

_BEAT_SECONDS = 10.0
_DEAD_SECONDS = 60.0


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
        # What sets its points apart from those of the others.
        self.salt = 0 if alone else int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:3], "big")
        self._asked: list[optuna.Trial] = []
        self._seen: dict[tuple[int, object], float] = {}

    def ask(self, count: int, most: int) -> Generator[optuna.Trial]:
        """The next trials, marked as this driver's; fewer where others asked at the same moment for the last ones.

        Args:
            count: How many.
            most: Trials of the whole search.
        """
        self._asked.clear()
        states = (TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED)
        for _ in range(count):
            trial = self.study.ask()
            trial.set_user_attr("driver", self.name)
            if sum(one.number < trial.number for one in self.study.get_trials(deepcopy=False, states=states)) >= most:
                self.study.tell(trial, state=TrialState.FAIL)
                break
            self._asked.append(trial)
            yield trial

    def unfinished(self) -> int:
        """How many trials others have in hand, after those of the dead were asked for again; called when it has none itself."""
        left = 0
        for one in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            now = time.monotonic()
            since = self._seen.setdefault((one.number, one.user_attrs.get("beat")), now)
            if not self.alone and one.user_attrs.get("driver") != self.name and now - since <= _DEAD_SECONDS:
                left += 1
                continue
            with contextlib.suppress(ValueError, RuntimeError):  # another driver was first
                self.study.tell(one.number, state=TrialState.FAIL)
                if one.params:
                    self.study.enqueue_trial(one.params)
        return left

    @contextlib.contextmanager
    def beating(self) -> Generator[None]:
        """Makes the beats of what it has in hand change."""
        over = threading.Event()

        def work() -> None:
            while not (self.alone or over.wait(_BEAT_SECONDS)):
                for trial in list(self._asked):
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
