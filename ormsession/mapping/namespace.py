"""Read-only collections whose entries have names: the attributes and columns of a mapper.

Iterating gives the entries rather than their names, as it does for the columns of a table; an entry is
reached as an attribute, as an item or with ``get``.  The collections are views made for inspection: no
hot path reads them.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import Any, Generic, TypeVar

Entry = TypeVar("Entry")


class Namespace(Generic[Entry]):
    """Entries by name, in order, read-only.

    >>> entries = Namespace({"id": 1, "name": 2})
    >>> entries.id, entries["name"], list(entries), entries.keys()
    (1, 2, [1, 2], ['id', 'name'])
    """

    __slots__ = ("_entries",)

    _entries: Mapping[str, Entry]

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        object.__setattr__(self, "_entries", dict(entries))

    def __getattr__(self, name: str) -> Entry:
        # an unpickled or copied object has no entries yet
        if name == "_entries" or name not in self._entries:
            raise AttributeError(name)
        return self._entries[name]

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError(f"{type(self).__name__} is read-only")

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._entries]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._entries)})"

    def __getstate__(self) -> dict[str, Any]:
        return {"entries": dict(self._entries)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        object.__setattr__(self, "_entries", state["entries"])

    def keys(self) -> list[str]:
        """The names, in order."""
        return list(self._entries)

    def values(self) -> ValuesView[Entry]:
        """The entries, in order."""
        return self._entries.values()

    def items(self) -> ItemsView[str, Entry]:
        """Pairs of name and entry, in order."""
        return self._entries.items()

    def get(self, name: str, default: Any = None) -> Any:
        """The entry of that name, or *default*."""
        return self._entries.get(name, default)


class ColumnNamespace(Namespace[Any]):
    """Columns by the name of the attribute that stands for them."""

    __slots__ = ()

    def contains_column(self, column: object) -> bool:
        """Whether that very column is here."""
        return any(column is mine for mine in self._entries.values())
