"""Every code block of the README and of the documentation runs as it stands.

A page is one story: its `python` blocks share their names, from the top down, in an empty folder. A `pycon` block is
checked line by line against what it prints; a block that shows an error does it with `try` or as a `pycon` traceback.
Blocks in any other language are left alone.
"""

import doctest
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").glob("**/*.md"))]
BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>python|pycon)\b[^\n]*\n(?P<code>.*?)^(?P=indent)```\s*$", re.MULTILINE | re.DOTALL
)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def blocks(text: str) -> list[tuple[int, str, str]]:
    """Return line number, language and code of every runnable block of a Markdown page."""
    return [
        (
            text.count("\n", 0, found.start("code")),
            found["language"],
            re.sub(f"^{found['indent']}", "", found["code"], flags=re.MULTILINE),
        )
        for found in BLOCK.finditer(text)
    ]


def run(text: str, name: str) -> None:
    """Run the blocks of a page one after another in one namespace."""
    names: dict[str, object] = {"__name__": "__page__"}
    for line, language, code in blocks(text):
        if language == "python":
            exec(
                compile("\n" * line + code, name, "exec"), names
            )  # the empty lines make tracebacks point into the page
        else:
            runner = doctest.DebugRunner(optionflags=FLAGS)
            runner.run(doctest.DocTestParser().get_doctest(code, names, name, name, line), clear_globs=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_code_block_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    run(page.read_text(encoding="utf-8"), str(page.relative_to(ROOT)))


def test_blocks_share_their_names_and_indented_ones_count():
    page = """
```python
a = 2
```

=== "tab"

    ```python
    b = a + 1
    ```

```pycon
>>> a + b
5
```
"""

    assert [(line, language) for line, language, _ in blocks(page)] == [(2, "python"), (8, "python"), (12, "pycon")]
    run(page, "page")


def test_a_wrong_block_fails():
    with pytest.raises(AssertionError, match="no"):
        run("```python\nassert False, 'no'\n```\n", "page")
    with pytest.raises(doctest.DocTestFailure):
        run("```pycon\n>>> 1 + 1\n3\n```\n", "page")


def test_what_pages_hold_of_the_code_is_what_the_code_says_today():
    place = importlib.util.spec_from_file_location("tables", ROOT / "docs" / "tables.py")
    tables = importlib.util.module_from_spec(place)
    place.loader.exec_module(tables)

    for name, make in tables.MADE.items():
        held = (ROOT / "docs" / name).read_text(encoding="utf-8").partition(tables.BEGIN)[2].partition(tables.END)[0]
        assert held == make(), f"docs/{name} is older than the code: python docs/tables.py"


def test_the_files_that_the_walks_name_are_there():
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    walks = page.partition("## 9. ")[2].partition("## 10. ")[0]
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_]*(?:\.py)?)`", walks)

    assert len(named) > 30
    assert [name for name in named if not (ROOT / "src" / "glidepath" / name).exists()] == []
