"""Twenty thousand hostile inputs; in `make soak`, an hour of them (GLIDEPATH_FUZZ_SECONDS sets how long)."""

import os
import time

import pytest

from fuzz.attack import DOORS, attack

PARTS = [(door, part) for door, (_, count) in DOORS.items() for part in range(max(1, round(count / 1000)))]


def test_there_are_twenty_thousand():
    assert sum(count for _, count in DOORS.values()) == 20_000


@pytest.mark.parametrize(("door", "part"), PARTS)
def test_a_value_that_holds_or_our_error(door: str, part: int):
    count, parts = DOORS[door][1], sum(one == door for one, _ in PARTS)
    inside = sum(attack(door, f"tests {k}") for k in range(part, count, parts))

    assert 0 < inside < count  # some are let in and some are not, or nothing was tried


@pytest.mark.soak
@pytest.mark.parametrize("door", DOORS)
def test_an_hour_of_hostile_inputs(door: str):
    seconds = float(os.environ.get("GLIDEPATH_FUZZ_SECONDS", "3600")) * DOORS[door][1] / 20_000
    end, count, failures, slow = time.monotonic() + seconds, 0, list[str](), list[tuple[float, int]]()
    while time.monotonic() < end and len(failures) < 20:
        begin = time.process_time()
        try:
            attack(door, f"soak {count}")
        except AssertionError as error:
            failures.append(str(error))
        slow = sorted([(round(time.process_time() - begin, 2), count), *slow])[-3:]
        count += 1
    print(f"{door}: {count} inputs in {seconds:.0f} seconds; the slowest (seconds, number): {slow}")
    assert not failures, "\n".join(failures)
