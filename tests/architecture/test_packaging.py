"""What the project's files say about the project is the same everywhere."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib

from tests.architecture.source import PACKAGE, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_extras_and_dependency_groups_ask_for_the_same():
    assert PROJECT["project"]["optional-dependencies"] == PROJECT["dependency-groups"]


def test_sqlalchemy_is_the_only_dependency():
    assert PROJECT["project"]["dependencies"] == ["sqlalchemy>=2.0,<2.2"]


def test_type_checkers_are_told_that_the_package_is_typed():
    assert (PACKAGE / "py.typed").is_file()


def test_the_ci_script_can_be_run_and_parses():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], check=False).returncode == 0


def test_every_stage_of_the_ci_script_has_its_function():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    stages = re.search(r"^STAGES=\((.*)\)$", script, re.MULTILINE)[1].split()
    assert sorted(stages) == sorted(re.findall(r"^stage_(\w+)\(\)", script, re.MULTILINE))


def test_every_example_has_a_test_that_runs_it():
    examples = {path.stem for path in (ROOT / "examples").glob("*.py")}
    examples |= {path.name for path in (ROOT / "examples").iterdir() if path.is_dir() and not path.name.startswith("_")}
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "examples").glob("test_*.py")}
    assert examples - tests == set()
