"""The size and the names of things, so that a reader can hold one of them in mind.

A function or a module beyond the limit is fine when it says why: by a comment that begins with `Long:` inside
it (for a module, in its head docstring).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import modules

LINES_OF_A_FUNCTION = 50  # without its docstring
LINES_OF_A_MODULE = 700
POSITIONAL_PARAMETERS = 5
SAYS_NOTHING = {"base", "common", "helper", "helpers", "misc", "util", "utils"}


def functions(module: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, str]]:
    """Name, node and source of every function of a module."""
    source = modules()[module].read_text(encoding="utf-8")
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{module}.{node.name}", node, "\n".join(lines[node.lineno - 1 : node.end_lineno])


@pytest.mark.parametrize("module", modules())
def test_a_function_fits_on_a_screen_or_says_why_not(module):
    too_long = []
    for name, node, source in functions(module):
        documentation = ast.get_docstring(node, clean=False) or ""
        length = len(source.splitlines()) - len(documentation.splitlines())
        if length > LINES_OF_A_FUNCTION and "# Long:" not in source:
            too_long.append(f"{name}: {length} lines")
    assert too_long == []


@pytest.mark.parametrize("module", modules())
def test_a_function_has_few_positional_parameters(module):
    too_many = []
    for name, node, _ in functions(module):
        positional = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
        if len([argument for argument in positional if argument not in ("self", "cls")]) > POSITIONAL_PARAMETERS:
            too_many.append(f"{name}({', '.join(positional)})")
    assert too_many == []


@pytest.mark.parametrize("module", modules())
def test_a_module_is_short_or_says_why_not(module):
    source = modules()[module].read_text(encoding="utf-8")
    length, head = len(source.splitlines()), ast.get_docstring(ast.parse(source)) or ""
    says_why = "Long:" in head
    assert length <= LINES_OF_A_MODULE or says_why, f"{length} lines"


def test_every_module_is_named_after_what_it_owns():
    assert [name for name in modules() if name.rpartition(".")[2] in SAYS_NOTHING] == []
