"""Names in place of classes, tables and conditions, as ``relationship("Address")`` has them.

A name is looked up when mappers are configured, so it may stand for something defined later.  A text is an
expression over the names of mapped classes, of tables, and of a few functions of SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy

from .. import exc
from .join_condition import foreign, remote

if TYPE_CHECKING:
    from .relationship import RelationshipProperty


class Names(Mapping[str, Any]):
    """What a name means to one relationship."""

    def __init__(self, prop: RelationshipProperty) -> None:
        self.prop = prop

    def __getitem__(self, name: str) -> Any:
        registry = self.prop.parent.registry
        if name in ("foreign", "remote"):
            return foreign if name == "foreign" else remote
        found = registry.classes_named(name)
        if len(found) > 1:
            raise exc.ambiguous_name(self.prop, name, found)
        if found:
            return found.pop()
        if name in registry.metadata.tables:
            return registry.metadata.tables[name]
        if hasattr(sqlalchemy, name):
            return getattr(sqlalchemy, name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def resolved(prop: RelationshipProperty, text: str) -> Any:
    """What *text* means.

    :raises InvalidRequestError: when it names nothing known.
    """
    names = Names(prop)
    try:
        if text in names:
            return names[text]
        return eval(text, {"__builtins__": {}}, names)
    except (NameError, KeyError, AttributeError) as error:
        raise exc.unknown_name(prop, text, error) from error
