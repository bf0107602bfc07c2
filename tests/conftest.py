"""What every test shares: one thread a process, and hypothesis told how to search."""

import gc
import os

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before the first import of an array library: the workers share the cores
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # loopback stays loopback; read when ray is imported
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# No deadline: the first call of a schedule compiles it, and two workers share the machine.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples in every run: a change fails or passes for what it does, not for its luck.
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI", "").lower() in {"1", "true"} else "default")


@pytest.fixture(autouse=True)
def _the_same_words_after_every_test() -> Iterator[None]:
    """Forgets the formulas that a test, or an example of a docstring, registered: other tests look at the whole vocabulary."""
    from glidepath.core import custom

    before = set(custom._formulas)
    yield
    for name in set(custom._formulas) - before:
        custom.unregister(name)


def pytest_collection_finish() -> None:
    """Leaves what is imported by now out of every collection of garbage, of which the frameworks ask for many: it never becomes garbage."""
    gc.freeze()
