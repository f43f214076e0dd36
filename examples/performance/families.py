"""The scenarios with relationships: parents and their children.

As in ``entities``, the code is the same for both libraries; each gives the module that users import.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import Any

from schema import CHILDREN, FamilyRow, Setting, child, parent
from schema import families as wanted_families
from sqlalchemy import select

Steps = Generator[None, None, Any]


class Parent:
    """Mapped by the library that is measured, as is Child."""

    id: int
    name: str
    children: list[Child]


class Child:
    id: int
    name: str
    parent: Parent


def map_with(library: Any) -> None:
    """Map both classes."""
    registry = library.registry()
    children = library.relationship(Child, back_populates="parent", order_by=child.c.id)
    registry.map_imperatively(Parent, parent, properties={"children": children})
    registry.map_imperatively(
        Child, child, properties={"parent": library.relationship(Parent, back_populates="children")}
    )


def as_rows(parents: Iterable[Parent]) -> list[FamilyRow]:
    return [(one.id, one.name, each.id, each.name) for one in parents for each in one.children]


def graph(setting: Setting, library: Any) -> Steps:
    with library.Session(setting.engine) as session:
        names = [name for _, name, _, _ in wanted_families(setting.size)[::CHILDREN]]
        parents = [
            Parent(name=name, children=[Child(name=f"child {number}") for number in range(1, CHILDREN + 1)])
            for name in names
        ]
        yield
        session.add_all(parents)
        session.flush()
        yield
        rows_now = as_rows(parents)
        session.commit()
        return rows_now


def loading(setting: Setting, library: Any, strategy: str | None) -> Steps:
    """Load all parents and touch the children of each."""
    with library.Session(setting.engine) as session:
        statement = select(Parent)
        if strategy is not None:
            statement = statement.options(getattr(library, strategy)(Parent.children))
        yield
        parents = session.scalars(statement).unique().all()
        count = sum(len(one.children) for one in parents)
        yield
        assert count == setting.size * CHILDREN
        return as_rows(parents)


def many_to_one(setting: Setting, library: Any) -> Steps:
    with library.Session(setting.engine) as session:
        parents = session.scalars(select(Parent)).all()
        children = session.scalars(select(Child)).all()
        yield
        found = [each.parent for each in children]
        yield
        assert len(parents) == setting.size
        return [(one.id, one.name, each.id, each.name) for one, each in zip(found, children, strict=True)]


def scenarios_with(library: Any) -> dict[str, Callable[[Setting], Steps]]:
    """The scenarios by name, run with one library."""
    return {
        "graph": partial(graph, library=library),
        "lazy": partial(loading, library=library, strategy=None),
        "selectin": partial(loading, library=library, strategy="selectinload"),
        "joined": partial(loading, library=library, strategy="joinedload"),
        "many_to_one": partial(many_to_one, library=library),
    }
