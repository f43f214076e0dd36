"""The README is true: its Python blocks run, print what it says, and its links lead somewhere.

The blocks of one section share their names, from top to bottom.  A block marked `text` right after a Python
block is what that block prints.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import re
import sys
import types

import pytest

from ormsession.tracking.lifecycle import diagram
from tests.architecture.source import ROOT

README = ROOT / "README.md"


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    section: str
    language: str
    text: str
    line: int
    follows: bool  # nothing but white space between it and the block before


def blocks() -> list[Block]:
    found: list[Block] = []
    section, inside, language, start, between = "", None, "", 0, True
    for number, line in enumerate(README.read_text(encoding="utf-8").splitlines(), 1):
        fence = re.match(r"```(\w*)$", line)
        if inside is None and fence:
            inside, language, start = [], fence[1], number
        elif inside is not None and fence:
            found.append(Block(section, language, "\n".join(inside) + "\n", start, not between))
            inside, between = None, False
        elif inside is not None:
            inside.append(line)
        else:
            between = between or bool(line.strip())
            if line.startswith("## "):
                section = line.removeprefix("## ")
    return found


SECTIONS = list(dict.fromkeys(block.section for block in blocks() if block.language == "python"))


@pytest.mark.parametrize("section", SECTIONS)
def test_the_python_blocks_of_a_section_run_and_print_what_stands_below_them(section, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("readme")  # dataclasses look their module up
    monkeypatch.setitem(sys.modules, "readme", module)
    printed = None
    for block in (block for block in blocks() if block.section == section):
        if block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                code = compile("\n" * block.line + block.text, str(README), "exec")
                exec(code, module.__dict__)
            printed = out.getvalue()
        elif block.language == "text" and block.follows and printed is not None:
            assert printed == block.text, f"README.md line {block.line}"


def test_the_first_two_shell_blocks_are_the_commands_for_the_example_and_for_the_tests():
    example, tests = [block.text for block in blocks() if block.language == "sh"][:2]
    assert example.count("\n") == tests.count("\n") == 1
    assert "examples/environment_catalog.py" in example
    assert "pytest" in tests


def test_the_diagram_of_the_life_cycle_is_drawn_from_the_table_that_the_code_uses():
    (drawn,) = [block.text for block in blocks() if block.language == "mermaid"]
    assert drawn == diagram() + "\n"


def test_links_within_the_project_lead_to_files_and_tests_that_exist():
    missing = []
    for target in re.findall(r"\]\((?!https?:|#)([^)\s]+)\)", README.read_text(encoding="utf-8")):
        path, _, _ = target.partition("#")
        if not os.path.exists(ROOT / path):
            missing.append(target)
    assert missing == []


def test_tests_named_in_the_readme_exist():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", README.read_text(encoding="utf-8"))
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).exists() or not re.search(rf"^\s*def {name}\(", (ROOT / path).read_text(), re.MULTILINE)
    ]
    assert missing == []
