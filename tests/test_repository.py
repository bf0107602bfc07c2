"""The repository keeps the rules of the house: what CI runs, what is pinned, what no tracked file may say."""

import ast
import re
import runpy
import shutil
import stat
import subprocess
import sys
import tomllib
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]

# Taken apart, so that this file passes its own test.
MACHINE_PATHS = [f"/{name}/" for name in ("work", "root", "tmp/bash_jobs", "opt/wheels", "opt/pypi")]
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("download", "pytorch", "org"),
        ("deb", "debian", "org"),
    )
]
FORBIDDEN = re.compile(
    "|".join(
        [rf"(?<![\w.~-]){re.escape(path)}" for path in MACHINE_PATHS] + [re.escape(host) for host in REGISTRY_HOSTS]
    )
)


def tracked_texts() -> list[Path]:
    """Return the tracked files that are text; a source tree without git has none to name."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8192]]


def lines_of(name: str) -> list[str]:
    """Return the lines of a file that say something: neither empty nor comments."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def pins() -> dict[str, str]:
    """Return the constraint of every package, by its canonical name."""
    requirements = [Requirement(line) for line in lines_of("constraints.txt")]
    return {canonicalize_name(requirement.name): str(requirement.specifier) for requirement in requirements}


@pytest.fixture(scope="module")
def project() -> dict:
    """Return the `[project]` table."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_no_tracked_text_names_a_place_on_one_machine_or_a_registry():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in tracked_texts()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if FORBIDDEN.search(line)
    ]

    assert found == []


@pytest.mark.parametrize("place", MACHINE_PATHS + REGISTRY_HOSTS)
def test_the_search_finds_what_it_looks_for(place: str):
    assert FORBIDDEN.search(f"see {place}x")


def test_a_long_file_says_what_holds_it_together():
    silent = [
        path.name
        for path in (ROOT / "src").rglob("*.py")
        if len((text := path.read_text(encoding="utf-8")).splitlines()) > 400
        and not path.name.endswith("strings.py")
        and "Over 400 lines: " not in (ast.get_docstring(ast.parse(text)) or "")
    ]

    assert silent == []


def test_ci_runs_the_tests_and_nothing_else():
    commands = [line for line in lines_of(".ci/run") if not line.startswith(("set ", "cd "))]

    assert (ROOT / ".ci" / "run").stat().st_mode & stat.S_IXUSR
    assert commands == ["exec make test"]


def test_torch_is_pinned_first():
    assert lines_of("constraints.txt")[0] == "torch==2.13.0"


def test_every_constraint_is_exact_and_public():
    assert {name: pin for name, pin in pins().items() if not re.fullmatch(r"==[0-9][0-9a-z.]*", pin)} == {}


def test_every_declared_dependency_is_pinned(project: dict):
    declared = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {canonicalize_name(Requirement(text).name) for text in declared} - {"glidepath-lr"}

    assert names - set(pins()) == set()


def test_every_extra_is_in_all(project: dict):
    extras = set(project["optional-dependencies"]) - {"all", "dev", "tensorflow"}  # which holds other libraries back

    assert Requirement(project["optional-dependencies"]["all"][0]).extras == extras


def test_what_is_installed_has_its_pinned_version():
    installed = {canonicalize_name(dist.name): dist.version.partition("+")[0] for dist in metadata.distributions()}
    pinned = {name: pin for name, pin in pins().items() if name in installed}

    assert {name: f"=={installed[name]}" for name in pinned} == pinned
    assert {"torch", "numpy", "pydantic", "jax", "optax", "keras"} <= set(pinned)


def test_the_version_is_stated_once(project: dict):
    import glidepath

    assert glidepath.__version__ == project["version"]


# `glidepath` on the package index is somebody else's; taken apart, so that this file passes its own test.
OTHER = re.compile(r"pip install.*[ '\"/]" + r"glide" + r"path(?!-lr|\w|[./])|(?<![\w./-])glide" + r"path\[[a-z{]")


def test_no_text_installs_the_distribution_of_somebody_else(project: dict):
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in tracked_texts()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if OTHER.search(line)
    ]

    assert found == []
    assert project["name"] == "glidepath-lr"


@pytest.mark.parametrize("text", ["pip install NAME", "pip install -U 'NAME[lab]'", "the extra NAME[jax]"])
def test_the_search_for_the_other_distribution_finds_it(text: str):
    assert OTHER.search(text.replace("NAME", "glide" + "path"))
    assert not OTHER.search(text.replace("NAME", "glidepath-lr"))


def test_every_hint_names_an_extra_that_there_is(project: dict, monkeypatch: pytest.MonkeyPatch):
    from glidepath.core import errors

    calls = re.compile(r"installing\(\"(\w+)\"\)|missing\([^()]*, \"(\w+)\"\)")
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")]
    named = {name for text in texts for found in calls.findall(text) for name in found if name}

    assert named
    assert named <= set(project["optional-dependencies"])
    assert errors.installing("lab") == "pip install '.[lab]'"
    monkeypatch.setattr(errors, "__file__", "/lib/python3/site-packages/glidepath/core/errors.py")
    assert errors.installing("lab") == "pip install 'glidepath-lr[lab]'"


def test_the_import_contracts_are_kept():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_mutant_is_of_the_code_as_it_is():
    """`make mutate` breaks what is there: a piece of text that is gone breaks nothing."""
    rooms = runpy.run_path(str(ROOT / "tests/mutations.py"))["ROOMS"]
    own = [runpy.run_path(str(ROOT / f"tests/{room}/mutations.py"))["MUTATIONS"] for room in ("core", "torch")]
    rows = [
        *(row for listed in own for row in listed),
        *(row for _, listed in rooms.values() for row in listed),
    ]
    gone = [
        (file, name)
        for name, file, old, new in rows
        if old == new or old not in (ROOT / "src/glidepath" / file).read_text()
    ]
    absent = [
        f"tests/{room}/test_{name}.py"
        for room, (tests, _) in rooms.items()
        for name in tests
        if not (ROOT / f"tests/{room}/test_{name}.py").exists()
    ]

    assert gone == []
    assert absent == []
    assert len(rows) > 90
