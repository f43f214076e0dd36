"""The package's source as these tests look at it: its modules, parsed, and every import in them."""

from __future__ import annotations

import ast
import dataclasses
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
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    ]
    inside = {id(child) for function in functions for child in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, None, node.lineno, id(node) in inside)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1])
                origin = f"{base}.{origin}" if origin else base
            for alias in node.names:
                yield Import(module, origin, alias.name, node.lineno, id(node) in inside)


def all_imports() -> list[Import]:
    return [found for module, path in modules().items() for found in imports_of(module, path)]
