"""What relationships add to a flush: values that rows take from other objects, and rows of secondary tables.

A :class:`Link` says that an attribute of one object gets its value from an attribute of another, or becomes
NULL.  Links are made from the histories of relationships before a flush is planned, and are what the plan
knows of relationships: from there on nobody looks at one again.  The object that gives the value may have
none yet, when its row is inserted in the same flush; then the link is *late* and its value is read when the
row that needs it is sent.

An :class:`Association` is a row of a secondary table, made from the keys of two objects.  Both sides of a
many-to-many relationship ask for it; it is kept once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ..exc import state_text
from ..tracking.state import InstanceState
from ..tracking.symbols import NO_VALUE


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """An attribute takes its value from another object.

    :param source: whose value it is; None for NULL.
    :param reason: the relationship, for people.
    """

    attribute: str
    source: InstanceState | None
    source_attribute: str
    reason: Any = None

    @property
    def value(self) -> Any:
        """The value as it is known now; None for NULL and for one that is not there yet."""
        return None if self.source is None else value_of(self.source, self.source_attribute)

    @property
    def is_late(self) -> bool:
        """The value does not exist before the row of the source was sent."""
        return self.source is not None and self.value is None

    def __str__(self) -> str:
        return "NULL" if self.source is None else f"{self.source_attribute} of {state_text(self.source)}"


Links = Mapping[InstanceState, Mapping[str, Link]]
NO_LINKS: Links = MappingProxyType({})


def value_of(state: InstanceState, attribute: str) -> Any:
    """The value that an attribute has or will have in the database; None when it is not known."""
    value = state.dict.get(attribute)
    if value is None and state.pk is not None and attribute not in state.committed_state:
        keys = state.manager.mapper.pk_keys
        if attribute in keys:
            return state.pk if len(keys) == 1 else state.pk[keys.index(attribute)]
    return value


def stored_value_of(state: InstanceState, attribute: str) -> Any:
    """The value that an attribute has in the database now, whatever it was set to since."""
    keys = state.manager.mapper.pk_keys
    if state.pk is not None and attribute in keys:
        return state.pk if len(keys) == 1 else state.pk[keys.index(attribute)]
    before = state.committed_state.get(attribute, NO_VALUE)
    return state.dict.get(attribute) if before is NO_VALUE else before


@dataclass(frozen=True, slots=True, eq=False)
class Association:
    """A row of a secondary table.

    :param values: column key -> (object, attribute) whose value it is.
    :param reason: the relationship, for people.
    """

    table: Any
    values: Mapping[str, tuple[InstanceState, str]]
    reason: Any = None

    @property
    def key(self) -> Any:
        """The same for the same row, whichever side asks for it."""
        return (self.table, frozenset((column, id(state), name) for column, (state, name) in self.values.items()))


@dataclass(slots=True)
class Relations:
    """What the relationships of a flush come to.  Filled by the rules, read by the plan."""

    links: dict[InstanceState, dict[str, Link]] = field(default_factory=dict)
    updates_after: dict[InstanceState, dict[str, Link]] = field(default_factory=dict)
    """Links of ``post_update`` relationships: an UPDATE of their own after all rows were inserted."""
    updates_before: dict[InstanceState, dict[str, Link]] = field(default_factory=dict)
    """The same before rows are deleted."""
    added: dict[Any, Association] = field(default_factory=dict)
    removed: dict[Any, Association] = field(default_factory=dict)
    doomed: dict[InstanceState, str] = field(default_factory=dict)
    """Why objects go that nobody marked for deletion; for people."""

    def link(self, state: InstanceState, link: Link, *, afterwards: bool = False) -> None:
        """An attribute of *state* takes its value from elsewhere; a value wins over NULL."""
        links = self.updates_after if afterwards else self.links
        known = links.setdefault(state, {})
        if link.source is not None or link.attribute not in known:
            known[link.attribute] = link

    def associate(self, association: Association) -> None:
        """A row is added."""
        self.added.setdefault(association.key, association)

    def dissociate(self, association: Association) -> None:
        """A row is removed."""
        self.removed.setdefault(association.key, association)

    def __bool__(self) -> bool:
        return bool(self.links or self.updates_after or self.updates_before or self.added or self.removed)
