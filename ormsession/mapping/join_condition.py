"""The condition that joins two mapped selectables, and what follows from it.

A relationship is a condition such as ``users.id = addresses.user_id``.  Everything else is read off it:

1. **foreign**: which columns refer.  Marked by ``foreign()``, else those of ``foreign_keys=``, else by the
   foreign keys of the tables.
2. **remote**: which columns are those of the related rows.  Marked by ``remote()``, else those of
   ``remote_side=``, else by the table they belong to; where both sides are one table, the foreign ones.
3. **local**: the other columns of the parent's selectable.
4. **direction**: a foreign column that is remote makes it one-to-many, one that is not makes it
   many-to-one; a secondary table, many-to-many.
5. **pairs**: columns that are set equal, for joining (local, remote) and for writing (source, foreign).

The marks are annotations on each *occurrence* of a column in the condition, since one column can occur on
both sides of a self-referential one.  Whoever builds a statement from the condition replaces columns by
their mark and needs to know nothing else.

The errors name the relationship, the candidates and the parameter that decides between them.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, and_, bindparam
from sqlalchemy import exc as core_exc
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.expression import BindParameter, ColumnElement

from .. import exc
from .._core import column_set, join_condition, selectables_overlap, visit_binary_product

Pair = tuple[Any, Any]


class RelationshipDirection(enum.Enum):
    """Which way the foreign key of a relationship points."""

    ONETOMANY = 1
    MANYTOONE = 2
    MANYTOMANY = 3


ONETOMANY = RelationshipDirection.ONETOMANY
MANYTOONE = RelationshipDirection.MANYTOONE
MANYTOMANY = RelationshipDirection.MANYTOMANY


def foreign(expr: Any) -> Any:
    """Mark a column in a ``primaryjoin`` as the one that refers.

    :param expr: a column or an attribute of a mapped class.
    """
    return _marked(expr, "foreign")


def remote(expr: Any) -> Any:
    """Mark a column in a ``primaryjoin`` as one of the related rows.

    :param expr: a column or an attribute of a mapped class.
    """
    return _marked(expr, "remote")


def _marked(expr: Any, mark: str) -> Any:
    while hasattr(expr, "__clause_element__") and not getattr(expr, "is_clause_element", False):
        expr = expr.__clause_element__()

    def replace(element: Any, **kw: Any) -> Any:
        return element._annotate({mark: True}) if _is_column(element) else None

    return replace(expr) if _is_column(expr) else visitors.replacement_traverse(expr, {}, replace)


def _is_column(element: Any) -> bool:
    return isinstance(element, ColumnElement) and getattr(element, "table", None) is not None


def marks(element: Any, *wanted: str) -> bool:
    """True when a column occurrence carries all of these marks."""
    annotations = element._annotations
    return all(mark in annotations for mark in wanted)


def plain(element: Any) -> Any:
    """The column itself, without marks."""
    return element._deannotate() if element._annotations else element


@dataclass(frozen=True, slots=True)
class JoinSides:
    """What a relationship leads from and to.

    :param name: the relationship, for messages.
    :param local: the local table of the parent, which is tried first.
    :param is_mapped: whether columns are mapped on either side, and so can be written.
    """

    name: str
    parent: Any
    target: Any
    local: Any
    target_local: Any
    secondary: Any = None
    is_mapped: Callable[..., bool] = lambda *columns: True


@dataclass(frozen=True, slots=True)
class LazyClause:
    """The condition with parameters in place of one side: finds the related rows of one object.

    :param columns: name of a parameter -> the column whose value it takes.
    """

    criterion: Any
    columns: Mapping[str, Any]


class JoinCondition:
    """A join condition with its marks, direction and pairs.

    :param sides: what is joined.
    :param primaryjoin: the condition, None to find it by foreign keys.
    :param secondaryjoin: between secondary table and target, None to find it.
    :param foreign_keys: columns that count as referring, whatever the tables say.
    :param remote_side: columns of the related rows.
    :param writes: values are copied along the condition, so there must be something to copy.
    """

    def __init__(
        self,
        sides: JoinSides,
        *,
        primaryjoin: Any = None,
        secondaryjoin: Any = None,
        foreign_keys: Collection[Any] = (),
        remote_side: Collection[Any] = (),
        writes: bool = True,
    ) -> None:
        self.sides = sides
        self.foreign_keys = column_set(foreign_keys)
        self.remote_side = column_set(remote_side)
        self.writes = writes
        self.primaryjoin, self.secondaryjoin = self._conditions(primaryjoin, secondaryjoin)
        # without the marks that depend on which side one looks from, for the relationship on the other side
        self.primaryjoin_given, self.secondaryjoin_given = self.primaryjoin, self.secondaryjoin
        self.is_marked_remote = self._has_mark("remote")
        self._mark_foreign()
        self._mark_remote()
        self._mark_local()
        self.local_remote_pairs, self.synchronize_pairs = self._pairs(self.primaryjoin)
        self.secondary_synchronize_pairs: list[Pair] = []
        if self.secondaryjoin is not None:
            more, self.secondary_synchronize_pairs = self._pairs(self.secondaryjoin)
            self.local_remote_pairs += more
        self._check_foreign(self.primaryjoin, self.synchronize_pairs, "primary")
        if self.secondaryjoin is not None:
            self._check_foreign(self.secondaryjoin, self.secondary_synchronize_pairs, "secondary")
        self.direction = self._direction()
        if not self.local_remote_pairs:
            raise exc.no_column_pairs(sides.name)
        self._check_remote()

    # ------------------------------------------------------------ the conditions

    def _conditions(self, primaryjoin: Any, secondaryjoin: Any) -> tuple[Any, Any]:
        sides = self.sides
        foreign_keys = self.foreign_keys or None
        try:
            if sides.secondary is not None:
                if secondaryjoin is None:
                    secondaryjoin = join_condition(sides.target, sides.secondary, sides.target_local, foreign_keys)
                if primaryjoin is None:
                    primaryjoin = join_condition(sides.parent, sides.secondary, sides.local, foreign_keys)
            elif primaryjoin is None:
                primaryjoin = join_condition(sides.parent, sides.target, sides.local, foreign_keys)
        except core_exc.NoForeignKeysError as error:
            raise exc.no_foreign_keys(sides.name, sides.secondary) from error
        except core_exc.AmbiguousForeignKeysError as error:
            raise exc.ambiguous_foreign_keys(sides.name, sides.secondary) from error
        return primaryjoin, secondaryjoin

    def _has_mark(self, mark: str) -> bool:
        return any(
            mark in element._annotations
            for condition in (self.primaryjoin, self.secondaryjoin)
            if condition is not None
            for element in visitors.iterate(condition)
        )

    def _mark(self, choose: Callable[[Any], bool], mark: str) -> None:
        """Mark every occurrence of a column that *choose* picks."""

        def replace(element: Any, **kw: Any) -> Any:
            if _is_column(element) or mark in element._annotations:
                return element._annotate({mark: True}) if choose(element) else element
            return None

        self.primaryjoin = visitors.replacement_traverse(self.primaryjoin, {}, replace)
        if self.secondaryjoin is not None:
            self.secondaryjoin = visitors.replacement_traverse(self.secondaryjoin, {}, replace)

    # ------------------------------------------------------------ marks

    def _mark_foreign(self) -> None:
        if self._has_mark("foreign"):
            return
        if self.foreign_keys:
            self._mark(lambda element: element in self.foreign_keys, "foreign")
            return
        in_secondary = column_set(() if self.sides.secondary is None else self.sides.secondary.c)

        def referring(a: Any, b: Any) -> Any:
            if isinstance(a, Column) and isinstance(b, Column):
                if a.references(b):
                    return a
                if b.references(a):
                    return b
            if (a in in_secondary) != (b in in_secondary):
                return a if a in in_secondary else b
            return None

        def visit(binary: Any) -> None:
            left, right = binary.left, binary.right
            if isinstance(left, ColumnElement) and isinstance(right, ColumnElement):
                found = referring(left, right)
                if found is not None and found is left:
                    binary.left = left._annotate({"foreign": True})
                elif found is not None:
                    binary.right = right._annotate({"foreign": True})

        self.primaryjoin = visitors.cloned_traverse(self.primaryjoin, {}, {"binary": visit})
        if self.secondaryjoin is not None:
            self.secondaryjoin = visitors.cloned_traverse(self.secondaryjoin, {}, {"binary": visit})

    @property
    def refers_to_itself(self) -> bool:
        """Parent and target are the same selectable."""
        return self.sides.parent is self.sides.target or self.sides.local is self.sides.target_local

    def _mark_remote(self) -> None:
        sides = self.sides
        if self._has_mark("remote"):
            if self.remote_side:
                raise exc.remote_side_redundant(sides.name)
            return
        if sides.secondary is not None:
            in_secondary = column_set(sides.secondary.c)
            self._mark(lambda element: element in in_secondary, "remote")
        elif self.refers_to_itself:
            self._set_twins_apart()
            if self.remote_side:
                self._mark(lambda element: element in self.remote_side and not marks(element, "twin"), "remote")
            else:
                self._mark(lambda element: marks(element, "foreign") and not marks(element, "twin"), "remote")
        elif self.remote_side:
            self._mark(lambda element: element in self.remote_side, "remote")
        else:
            parent, target = sides.parent, sides.target
            overlapping = selectables_overlap(parent, target)

            def is_remote(element: Any) -> bool:
                if not target.c.contains_column(element):
                    return False
                if not parent.c.contains_column(element):
                    return True
                return (
                    overlapping
                    and sides.target_local.c.contains_column(element)
                    and not sides.local.c.contains_column(element)
                )

            self._mark(is_remote, "remote")
            if overlapping:
                self._mark_partners()

    def _mark_partners(self) -> None:
        """Of a column that both sides have, the occurrence that meets a column of the parent alone is remote."""
        of_parent, of_target = self.sides.parent.c.contains_column, self.sides.target.c.contains_column

        def is_partner(element: Any, other: Any) -> bool:
            return (
                _is_column(element)
                and _is_column(other)
                and not (marks(element, "remote") or marks(other, "remote"))
                and (of_parent(element) and of_target(element))
                and (of_parent(other) and not of_target(other))
            )

        def visit(binary: Any) -> None:
            left, right = binary.left, binary.right
            if is_partner(left, right):
                binary.left = left._annotate({"remote": True})
            elif is_partner(right, left):
                binary.right = right._annotate({"remote": True})

        self.primaryjoin = visitors.cloned_traverse(self.primaryjoin, {}, {"binary": visit})

    def _set_twins_apart(self) -> None:
        """Where a column is compared with itself, one occurrence is the parent's and one the related row's."""

        def visit(binary: Any) -> None:
            left, right = binary.left, binary.right
            if _is_column(left) and _is_column(right) and plain(left) is plain(right):
                binary.right = right._annotate({"twin": True})

        self.primaryjoin = visitors.cloned_traverse(self.primaryjoin, {}, {"binary": visit})

    def _check_remote(self) -> None:
        """Warn of columns that are called remote and belong to the parent alone."""
        if self.refers_to_itself or self.sides.secondary is not None:
            return
        parent, target = self.sides.parent, self.sides.target
        strangers = [c for c in self.remote_columns if parent.c.contains_column(c) and not target.c.contains_column(c)]
        if strangers:
            exc.warn_remote_is_local(strangers)

    def _mark_local(self) -> None:
        columns = column_set(self.sides.parent.c)
        self._mark(lambda element: "remote" not in element._annotations and element in columns, "local")

    # ------------------------------------------------------------ what follows

    def _pairs(self, condition: Any) -> tuple[list[Pair], list[Pair]]:
        joined: dict[Pair, None] = {}
        written: list[Pair] = []

        def visit(binary: Any, left: Any, right: Any) -> None:
            if marks(right, "remote") and not marks(left, "remote") and self.sides.is_mapped(left):
                joined[plain(left), plain(right)] = None
            elif marks(left, "remote") and not marks(right, "remote") and self.sides.is_mapped(right):
                joined[plain(right), plain(left)] = None
            if binary.operator is operators.eq and self.sides.is_mapped(left, right):
                if marks(right, "foreign"):
                    written.append((plain(left), plain(right)))
                elif marks(left, "foreign"):
                    written.append((plain(right), plain(left)))

        visit_binary_product(visit, condition)
        return list(joined), written

    def _check_foreign(self, condition: Any, written: list[Pair], which: str) -> None:
        if written or (not self.writes and any(marks(element, "foreign") for element in self._columns(condition))):
            return
        if self.writes and any(marks(element, "foreign") for element in self._columns(condition)):
            raise exc.no_equality(self.sides.name, which, condition)
        raise exc.no_relevant_foreign_keys(self.sides.name, which, condition)

    def _columns(self, condition: Any) -> Iterator[Any]:
        for element in visitors.iterate(condition):
            if _is_column(element):
                yield element

    def _direction(self) -> RelationshipDirection:
        if self.secondaryjoin is not None:
            return MANYTOMANY
        columns = [element for element in self._columns(self.primaryjoin) if marks(element, "foreign")]
        in_target = [c for c in columns if self.sides.target.c.contains_column(c)]
        in_parent = [c for c in columns if self.sides.parent.c.contains_column(c)]
        if in_target and in_parent:
            in_target = [c for c in columns if marks(c, "remote")]
            in_parent = [c for c in columns if not marks(c, "remote")]
            if in_target and in_parent:
                # a column that is compared with itself says nothing
                twins = set(self.remote_columns) & set(self.local_columns)
                in_target = [c for c in in_target if plain(c) not in twins]
                in_parent = [c for c in in_parent if plain(c) not in twins]
            if bool(in_target) == bool(in_parent):
                raise exc.ambiguous_direction(self.sides.name)
        if not in_target and not in_parent:
            raise exc.no_direction(self.sides.name)
        return ONETOMANY if in_target else MANYTOONE

    def _marked_columns(self, *wanted: str) -> list[Any]:
        found: dict[Any, None] = {}
        for condition in (self.primaryjoin, self.secondaryjoin):
            if condition is not None:
                for element in self._columns(condition):
                    if marks(element, *wanted):
                        found[plain(element)] = None
        return list(found)

    @property
    def remote_columns(self) -> list[Any]:
        """The columns of the related rows."""
        return self._marked_columns("remote")

    @property
    def local_columns(self) -> list[Any]:
        """The columns of the parent."""
        return self._marked_columns("local")

    @property
    def foreign_key_columns(self) -> list[Any]:
        """The columns that refer."""
        return self._marked_columns("foreign")

    # ------------------------------------------------------------ the condition in statements

    def seen_from_the_other_side(self) -> Any:
        """The primary condition for the relationship on the other side.

        What the user marked as remote is local there, and the other way round.  Without such marks the other
        side finds its own.
        """
        if not self.is_marked_remote:
            return self.primaryjoin_given

        def swap(element: Any, **kw: Any) -> Any:
            notes = element._annotations
            if not ("remote" in notes or "local" in notes):
                return None
            kept = {name: value for name, value in notes.items() if name not in ("remote", "local", "twin")}
            return plain(element)._annotate({**kept, "local" if "remote" in notes else "remote": True})

        return visitors.replacement_traverse(self.primaryjoin, {}, swap)

    def lazy_clause(self, *, reverse: bool = False) -> LazyClause:
        """The condition for the related rows of one object.

        :param reverse: for the parents of one related object.
        """
        parameters: dict[Any, BindParameter[Any]] = {}

        def parameter(element: Any) -> Any:
            column = plain(element)
            if column not in parameters:
                # named, so that the statement is made once and executed with other values
                parameters[column] = bindparam(f"lazy_{len(parameters)}", type_=element.type)
            return parameters[column]

        side = self.sides.target if self.sides.secondary is not None else None

        def replace(element: Any, **kw: Any) -> Any:
            if not _is_column(element):
                return None
            if not reverse:
                return parameter(element) if marks(element, "local") else None
            if side is not None:
                return parameter(element) if not marks(element, "remote") and side.c.contains_column(element) else None
            return parameter(element) if marks(element, "remote") else None

        primary, secondary = self.primaryjoin, self.secondaryjoin
        if secondary is None or not reverse:
            primary = visitors.replacement_traverse(primary, {}, replace)
        if secondary is not None:
            if reverse:
                secondary = visitors.replacement_traverse(secondary, {}, replace)
            primary = and_(primary, secondary)
        return LazyClause(unmarked(primary), {str(bind.key): column for column, bind in parameters.items()})

    def adapted(
        self,
        parent: Callable[[Any], Any],
        target: Callable[[Any], Any],
        secondary: Callable[[Any], Any] | None = None,
    ) -> tuple[Any, Any]:
        """Primary and secondary condition with the columns of each side replaced.

        :param parent: what stands for a column of the parent.
        :param target: what stands for a column of the related rows.
        :param secondary: what stands for a column of the secondary table.
        """
        remote_side = target if self.secondaryjoin is None else (secondary or _same)
        primary = _replaced(self.primaryjoin, lambda element: remote_side if marks(element, "remote") else parent)
        if self.secondaryjoin is None:
            return primary, None
        return primary, _replaced(
            self.secondaryjoin, lambda element: remote_side if marks(element, "remote") else target
        )


def _same(column: Any) -> Any:
    return column


def _replaced(condition: Any, side_of: Callable[[Any], Callable[[Any], Any]]) -> Any:
    def replace(element: Any, **kw: Any) -> Any:
        return side_of(element)(plain(element)) if _is_column(element) else None

    return visitors.replacement_traverse(condition, {}, replace)


def unmarked(condition: Any) -> Any:
    """The condition without any marks."""
    return _replaced(condition, lambda element: _same)


def columns_of(expressions: Iterable[Any]) -> list[Any]:
    """The plain columns that column-like arguments mean."""
    found = []
    for expression in expressions:
        while hasattr(expression, "__clause_element__") and not getattr(expression, "is_clause_element", False):
            expression = expression.__clause_element__()
        found.append(plain(expression))
    return found
