"""The repository keeps the rules of the house: what CI runs, what is pinned, what no tracked file may say."""

import re
import shutil
import stat
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]

# Taken apart, so that this file may be read by its own test.
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
    "|".join([*(rf"(?<![\w.~-]){re.escape(path)}" for path in MACHINE_PATHS), *(re.escape(host) for host in REGISTRY_HOSTS)])
)


def tracked_texts() -> list[Path]:
    """Return the tracked files that are text; a source tree without git has none to name."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8192]]


def pins() -> dict[str, str]:
    """Return the constraint of every package, by its canonical name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
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


@pytest.mark.parametrize("text", [*(f"see {path}x" for path in MACHINE_PATHS), *(f"https://{host}/simple" for host in REGISTRY_HOSTS)])
def test_the_search_finds_what_it_looks_for(text: str):
    assert FORBIDDEN.search(text)


def test_ci_runs_the_tests_and_nothing_else():
    run = ROOT / ".ci" / "run"
    commands = [line for line in run.read_text(encoding="utf-8").splitlines() if line and not line.startswith(("#", "set ", "cd "))]

    assert run.stat().st_mode & stat.S_IXUSR
    assert commands == ["exec make test"]


def test_torch_is_pinned_first():
    first = next(line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#"))

    assert first == "torch==2.13.0"


def test_every_constraint_is_exact_and_public():
    assert {name: pin for name, pin in pins().items() if not re.fullmatch(r"==[0-9][0-9a-z.]*", pin)} == {}


def test_every_declared_dependency_is_pinned(project: dict):
    declared = [*project["dependencies"], *(item for extra in project["optional-dependencies"].values() for item in extra)]
    names = {canonicalize_name(Requirement(item).name) for item in declared} - {"glidepath"}

    assert names - set(pins()) == set()


def test_every_extra_is_in_all(project: dict):
    extras = set(project["optional-dependencies"]) - {"all", "dev"}

    assert Requirement(project["optional-dependencies"]["all"][0]).extras == extras


def test_the_environment_is_the_pinned_one(project: dict):
    installed = {canonicalize_name(dist.name): dist.version.partition("+")[0] for dist in metadata.distributions()}
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {canonicalize_name(Requirement(item).name) for item in asked} - {"glidepath"}

    assert {name: f"=={installed.get(name)}" for name in names} == {name: pins()[name] for name in names}


def test_the_version_is_stated_once():
    import glidepath

    assert glidepath.__version__ == metadata.version("glidepath")


def test_the_import_contracts_are_kept():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
