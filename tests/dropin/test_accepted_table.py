"""The tables of mended defects in docs/drop-in.md: every row names its tests, and they are there."""

import re
from itertools import groupby
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs/drop-in.md"


def test_every_mended_defect_has_a_test():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    tables = [list(group) for table, group in groupby(lines, lambda line: line.startswith("|")) if table]
    mended = [rows[2:] for rows in tables if rows[0].endswith("| test |")]
    assert len(mended) == 2  # PyTorch's and OneFlow's
    tests = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))
    for row in [row for rows in mended for row in rows]:
        names = re.findall(r"`(test_\w+)`", row)
        assert names, row
        assert all(f"def {name}(" in tests for name in names), row
