"""The rooms of the house: who may import whom, and what may be imported from outside."""

from __future__ import annotations

import ast
import sys

import pytest

from tests.architecture.source import PACKAGE, Import, all_imports, modules

# From the doors down.  A room imports only from lines below its own; rooms of one line do not know each other,
# but the modules of the last line may.
LAYERS = (("testing",), ("session",), ("unitofwork", "loading"), ("sql",), ("mapping",), ("tracking",))
FOUNDATION = ("events", "exc", "_core")

# Modules of SQLAlchemy that its documentation describes; any other is imported by _core.py alone.
DOCUMENTED = {
    "sqlalchemy",
    "sqlalchemy.engine",
    "sqlalchemy.event",
    "sqlalchemy.exc",
    "sqlalchemy.ext.compiler",
    "sqlalchemy.pool",
    "sqlalchemy.schema",
    "sqlalchemy.sql",
    "sqlalchemy.sql.expression",
    "sqlalchemy.sql.operators",
    "sqlalchemy.types",
}


def room_of(module: str) -> str | None:
    """The room, or the module of the foundation; None for the package itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


def height(room: str) -> int:
    for number, rooms in enumerate(reversed(LAYERS), 1):
        if room in rooms:
            return number
    assert room in FOUNDATION, f"ormsession.{room} has no place in the house"
    return 0


def target_room(found: Import) -> str | None:
    if found.imported == "ormsession":  # from . import x, in the package or one level below it
        return room_of(f"ormsession.{found.name}") if f"ormsession.{found.name}" in modules() else None
    return room_of(found.imported)


def own(found: Import) -> bool:
    return found.imported.split(".")[0] == "ormsession"


def test_every_module_of_the_package_stands_in_a_room():
    assert {room_of(module) for module in modules() if room_of(module)} <= {
        *FOUNDATION,
        *(room for rooms in LAYERS for room in rooms),
    }


def test_imports_only_point_down():
    wrong = []
    for found in filter(own, all_imports()):
        here, there = room_of(found.importer), target_room(found)
        if here is None or here == there:
            continue
        if there is None or (height(there) >= height(here) and not (here in FOUNDATION and there in FOUNDATION)):
            wrong.append(str(found))
    assert wrong == []


def test_no_module_imports_inside_a_function():
    assert [str(found) for found in all_imports() if found.inside_function] == []


def test_modules_do_not_import_each_other_in_a_circle():
    edges: dict[str, set[str]] = {module: set() for module in modules()}
    for found in (found for found in filter(own, all_imports()) if not found.for_types):
        whole = f"{found.imported}.{found.name}"
        edges[found.importer].add(whole if whole in edges else found.imported)
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail[trail.index(module) :], module))
        if module not in done:
            for other in sorted(edges.get(module, set()) - {module}):
                visit(other, (*trail, module))
            done.add(module)

    for module in edges:
        visit(module, ())


def test_only_sqlalchemy_is_needed_beside_the_standard_library():
    roots = {found.imported.split(".")[0] for found in all_imports()}
    assert roots - set(sys.stdlib_module_names) - {"ormsession", "sqlalchemy"} == set()


def test_nothing_imports_the_orm_of_sqlalchemy():
    wrong = []
    for found in all_imports():
        whole = f"{found.imported}.{found.name}."
        is_orm = whole.startswith(("sqlalchemy.orm.", "sqlalchemy.ext."))
        if is_orm and not whole.startswith("sqlalchemy.ext.compiler."):  # the one extension that serves Core
            wrong.append(str(found))
    assert wrong == []


def test_undocumented_names_of_sqlalchemy_come_in_through_core_alone():
    wrong = []
    for found in all_imports():
        if not found.imported.startswith("sqlalchemy") or found.importer == "ormsession._core":
            continue
        documented = found.imported in DOCUMENTED or found.imported.startswith("sqlalchemy.dialects.")
        if not documented or (found.name or "").startswith("_"):
            wrong.append(str(found))
    assert wrong == []


def test_core_gives_a_reason_for_every_undocumented_import():
    # one comment stands above each group of imports; an empty line ends a group
    source = (PACKAGE / "_core.py").read_text(encoding="utf-8")
    silent = []
    for group in source.split("\n\n"):
        lines = group.strip().splitlines()
        if any(line.startswith("from sqlalchemy.") for line in lines) and not lines[0].startswith("#"):
            silent.append(lines[0])
    assert silent == []


@pytest.mark.parametrize("module", modules())
def test_every_module_begins_by_saying_what_it_owns(module):
    text = ast.get_docstring(ast.parse(modules()[module].read_text(encoding="utf-8")))
    assert text is not None
    assert len(text) > 20
