"""How far the parts of a command are together."""

from glidepath.lab.engines.progress import CommandPart, CommandProgress, Status


class Listener:
    def __init__(self):
        self.seen: list[Status] = []

    def status(self, status):
        self.seen.append(status)

    def note(self, text):
        raise AssertionError(text)


def test_several_parts_begin_as_one_and_the_last_may_not_be_needed():
    listener = Listener()
    whole = CommandProgress(listener, [CommandPart(1, 10, 10.0)] * 8)
    whole.begin(3)
    whole.status(Status(3, 1, 3, 30, 30, 1.0, None))
    whole.skip(2)
    whole.begin(2)
    whole.status(Status(1, 0, 2, 10, 20, 1.0, None))

    first, second = listener.seen
    assert (first.runs_done, first.runs_found, first.runs_total, first.updates_done, first.updates_total) == (
        3,
        1,
        8,
        30,
        80,
    )
    assert (second.runs_done, second.runs_found, second.runs_total) == (4, 1, 6)
    assert (second.updates_done, second.updates_total) == (40, 60)
    assert whole.later == 10
    whole.skip(5)
    assert whole.later == 0
