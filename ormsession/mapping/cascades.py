"""Which operations on an object reach the objects that it is related to.

A relationship names its cascades in a string, ``"save-update, merge"``.  The words are those of
``CASCADES``; ``all`` stands for all of them but ``delete-orphan``, and False or ``"none"`` for none.  Who
follows cascades asks for the word; nothing else about them is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import exc

CASCADES = ("save-update", "merge", "expunge", "delete", "delete-orphan", "refresh-expire")
_ALL = frozenset(CASCADES) - {"delete-orphan"}
_WRITING = frozenset(("save-update", "merge", "delete", "delete-orphan"))


class CascadeOptions(frozenset[str]):
    """The cascades of a relationship as a set of words, each also as an attribute.

    :param words: a string such as ``"all, delete-orphan"``, or the words.
    :raises ArgumentError: for a word that is none.

    >>> CascadeOptions("all").delete                                                  # doctest: +SKIP
    True
    """

    save_update: bool
    merge: bool
    expunge: bool
    delete: bool
    delete_orphan: bool
    refresh_expire: bool

    def __new__(cls, words: str | Iterable[str] | bool | None = "") -> CascadeOptions:
        if not words or words is True:
            words = ()
        elif isinstance(words, str):
            words = [word.strip() for word in words.split(",") if word.strip()]
        given = set(words)
        unknown = given.difference((*CASCADES, "all", "none"))
        if unknown:
            raise exc.unknown_cascades(sorted(unknown), CASCADES)
        if "all" in given:
            given |= _ALL
        if "none" in given:
            given.clear()
        self = super().__new__(cls, given - {"all", "none"})
        for word in CASCADES:
            setattr(self, word.replace("-", "_"), word in self)
        if self.delete_orphan and not self.delete:
            exc.warn_orphan_without_delete()
        return self

    @property
    def writing(self) -> list[str]:
        """Those that have to do with what a flush writes, sorted."""
        return sorted(_WRITING & self)

    def __reduce__(self) -> tuple[Any, ...]:
        return (CascadeOptions, (list(self),))

    def __repr__(self) -> str:
        return f"CascadeOptions({','.join(sorted(self))!r})"
