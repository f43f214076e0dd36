"""The package's source as these tests look at it: its modules, parsed, and every import in them."""

from __future__ import annotations

import ast
import dataclasses
import functools
import pathlib
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "ormsession"


@dataclasses.dataclass(frozen=True, slots=True)
class Import:
    """One imported module or name."""

    importer: str  # dotted name of the module it stands in
    imported: str  # dotted name of the module; for `from m import n` that of m
    name: str | None  # n of `from m import n`
    line: int
    inside_function: bool
    for_types: bool  # stands below `if TYPE_CHECKING:`, so that it is never carried out

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}{f'.{self.name}' if self.name else ''}"


def module_name(path: pathlib.Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> dict[str, pathlib.Path]:
    """All modules of the package, by dotted name."""
    return {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(module: str, path: pathlib.Path) -> Iterator[Import]:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    inside = {id(node) for function in ast.walk(tree) if isinstance(function, functions) for node in ast.walk(function)}
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for alias in node.names:
            if isinstance(node, ast.Import):
                imported, name = alias.name, None
            else:
                imported, name = origin_of(node, package), alias.name
            yield Import(module, imported, name, node.lineno, id(node) in inside, id(node) in for_types)


def origin_of(node: ast.ImportFrom, package: str) -> str:
    """The dotted name of the module that `from ... import` names, also a relative one."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module])])


@functools.cache
def all_imports() -> tuple[Import, ...]:
    return tuple(found for module, path in modules().items() for found in imports_of(module, path))
