"""The list of tests that pass: it may grow, it may not shrink.

`passing.txt` holds the ids of the tests of SQLAlchemy's suite that pass with `ormsession`, for one version of
SQLAlchemy that stands in its first line.  A test is one line below the line of its file:

    # SQLAlchemy 2.1.9
    test/orm/test_session.py
     SessionTest::test_one

Both files and tests are sorted, so a change of the list reads as a change in the project's history.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re

LIST = pathlib.Path(__file__).resolve().parent / "passing.txt"
HEAD = "# SQLAlchemy "


@dataclasses.dataclass(frozen=True, slots=True)
class PassingList:
    """Ids of passing tests, and the SQLAlchemy whose tests they are."""

    version: str
    tests: frozenset[str]

    def files(self) -> frozenset[str]:
        return frozenset(file_of(test) for test in self.tests)

    def of_file(self, name: str) -> frozenset[str]:
        return frozenset(test for test in self.tests if file_of(test) == name)


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """What a run says about the list."""

    lost: list[str]  # listed, and does not pass
    gained: list[str]  # passes, and is not listed


def file_of(test: str) -> str:
    return test.partition("::")[0]


def compare(listed: frozenset[str], passed: frozenset[str]) -> Comparison:
    return Comparison(lost=sorted(listed - passed), gained=sorted(passed - listed))


def read(path: pathlib.Path = LIST) -> PassingList:
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or not re.fullmatch(re.escape(HEAD) + r"\d+(\.\w+)+", lines[0]):
        raise ValueError(f"{path}: the first line must say {HEAD!r} and a version")
    tests: set[str] = set()
    file = ""
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        if not line.startswith(" "):
            file = line
        elif file:
            tests.add(f"{file}::{line[1:]}")
        else:
            raise ValueError(f"{path}:{number}: a test before the first file")
    return PassingList(lines[0].removeprefix(HEAD), frozenset(tests))


def write(passing: PassingList, path: pathlib.Path = LIST) -> None:
    lines = [HEAD + passing.version]
    for file in sorted(passing.files()):
        lines.append(file)
        lines.extend(sorted(" " + test.partition("::")[2] for test in passing.of_file(file)))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
