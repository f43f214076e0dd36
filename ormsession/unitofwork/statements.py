"""The SQL of a flush: constructs built once per mapper, table and set of columns, and executed again and again.

A construct that is kept keeps its cache key, so Core finds the compiled statement without looking at it again.
All of them live in ``mapper.memo`` and go with the mapper.

A *form* says, besides the statement, how it has to be sent and what comes back: which attributes RETURNING
answers with, which ones Python's defaults filled in, and which ones are unknown afterwards.
"""

from __future__ import annotations

import enum
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Column, Delete, Dialect, Insert, Select, Update, and_, bindparam, delete, insert, select, tuple_

from ..mapping.mapper import Mapper
from .columns import TableColumns
from .operations import NO_EXPRESSIONS, AssociationBatch, Batch, OperationKind

Form = TypeVar("Form")

Attributes = tuple[tuple[str, str], ...]
"""(parameter, attribute) pairs"""

Fetched = list[tuple[Column[Any], str]]
"""(column, attribute) pairs"""


class Sending(enum.Enum):
    """How the rows of a batch go out."""

    TOGETHER = "one executemany, nothing comes back"
    TOGETHER_RETURNING = "one executemany, a row comes back for each in their order"
    ONE_BY_ONE = "a statement for each row, its key comes back"
    ONE_BY_ONE_RETURNING = "a statement for each row, a row comes back"


@dataclass(frozen=True, slots=True, eq=False)
class InsertForm:
    """How rows with one set of columns are inserted into one table.

    :param fetched: attributes that come back with each row.
    :param filled: attributes that Python's defaults fill while the statement runs.
    :param selected: attributes that have to be read at once, and that the INSERT cannot give back.
    :param unknown: attributes that the database made and that are loaded when somebody asks.
    """

    statement: Insert
    sending: Sending
    fetched: tuple[tuple[Column[Any], str], ...]
    filled: Attributes
    selected: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class UpdateForm:
    """How rows with one set of columns are updated in one table; the fields are those of `InsertForm`."""

    statement: Update
    fetched: tuple[tuple[Column[Any], str], ...]
    filled: Attributes
    selected: tuple[str, ...]
    unknown: tuple[str, ...]


def _kept(mapper: Mapper, key: tuple[Any, ...], build: Callable[[], Form]) -> Form:
    found: Form | None = mapper.memo.get(key)
    if found is None:
        found = mapper.memo[key] = build()
    return found


# ---------------------------------------------------------------- INSERT


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a database can do for one table, as far as a flush cares."""

    returns_one: bool
    returns_many: bool

    @classmethod
    def of(cls, dialect: Dialect, columns: TableColumns, verb: str) -> Abilities:
        """The abilities for INSERT or UPDATE (*verb*) of a table."""
        allowed = columns.uses_returning
        if verb == "update":
            return cls(allowed and dialect.update_returning, False)
        return cls(
            allowed and dialect.insert_returning,
            allowed and dialect.insert_executemany_returning_sort_by_parameter_order,
        )


def insert_form(
    columns: TableColumns,
    names: tuple[str, ...],
    expressions: Mapping[str, Any],
    dialect: Dialect,
    *,
    single: bool,
) -> InsertForm:
    """How to insert rows that give the columns *names*, some of them as SQL."""
    abilities = Abilities.of(dialect, columns, "insert")
    if expressions:
        return _make_insert_form(columns, names, expressions, abilities, single=True)
    key = ("unitofwork.insert", columns, names, abilities, single)
    return _kept(
        columns.mapper, key, lambda: _make_insert_form(columns, names, NO_EXPRESSIONS, abilities, single=single)
    )


def _make_insert_form(
    columns: TableColumns,
    names: tuple[str, ...],
    expressions: Mapping[str, Any],
    abilities: Abilities,
    *,
    single: bool,
) -> InsertForm:
    given = set(names).difference(expressions)
    keys, made, filled = _left_out(columns, given, expressions)
    eager = columns.mapper.eager_defaults
    wanted = made
    if not (eager is True or (eager == "auto" and abilities.returns_many)):
        wanted = [pair for pair in made if _is_version_of_server(columns, pair[1])]
    fetched = keys + wanted if abilities.returns_one else keys
    selected = () if abilities.returns_one else tuple(attribute for _, attribute in wanted)
    known = {attribute for _, attribute in fetched}.union(selected)
    made_or_sql = [*(attribute for _, attribute in made), *(columns.attribute_of[name] for name in expressions)]
    unknown = tuple(attribute for attribute in dict.fromkeys(made_or_sql) if attribute not in known)

    statement: Insert = columns.table.insert()
    if expressions:
        statement = statement.values({columns.table.c[name]: value for name, value in expressions.items()})
    sending = Sending.ONE_BY_ONE if expressions or fetched else Sending.TOGETHER
    if fetched and not single and abilities.returns_many:
        sending = Sending.TOGETHER_RETURNING
        statement = statement.returning(*[column for column, _ in fetched], sort_by_parameter_order=True)
    elif wanted and abilities.returns_one:
        # keys alone come back without being asked for, by whatever means the driver has
        sending = Sending.ONE_BY_ONE_RETURNING
        statement = statement.returning(*[column for column, _ in fetched])
    return InsertForm(statement, sending, tuple(fetched), filled, selected, unknown)


def _left_out(
    columns: TableColumns, given: Collection[str], expressions: Mapping[str, Any]
) -> tuple[Fetched, Fetched, Attributes]:
    """Columns that no row gives as a value: keys to ask for, what the server makes, what Python fills."""
    key_names = {key.name for key in columns.pk}
    keys: Fetched = []
    made: Fetched = []
    filled = []
    for each in columns.sometimes:
        if each.name in given:
            continue
        if each.made_by == "python" and each.name not in expressions:
            filled.append((each.name, each.attribute))
        elif each.name in key_names:
            keys.append((each.column, each.attribute))
        elif each.made_by == "server":
            made.append((each.column, each.attribute))
    return keys, made, tuple(filled)


def _is_version_of_server(columns: TableColumns, attribute: str) -> bool:
    """Whether the attribute is a version that the server makes: it must be known after every flush."""
    version = columns.version
    return version is not None and version.generator is None and version.attribute == attribute


# ---------------------------------------------------------------- UPDATE


def update_form(
    columns: TableColumns, names: tuple[str, ...], expressions: Mapping[str, Any], dialect: Dialect
) -> UpdateForm:
    """How to update rows that set the columns *names*, some of them to SQL."""
    abilities = Abilities.of(dialect, columns, "update")
    if expressions:
        return _make_update_form(columns, names, expressions, abilities)
    key = ("unitofwork.update", columns, names, abilities)
    return _kept(columns.mapper, key, lambda: _make_update_form(columns, names, NO_EXPRESSIONS, abilities))


def _make_update_form(
    columns: TableColumns, names: tuple[str, ...], expressions: Mapping[str, Any], abilities: Abilities
) -> UpdateForm:
    table, given = columns.table, set(names).difference(expressions)
    made = [attribute for name, attribute in columns.updated_by_server if name not in given]
    by_sql = [columns.attribute_of[name] for name in expressions]
    keys = [key.attribute for key in columns.pk if key.name in expressions]
    eager = columns.mapper.eager_defaults is True
    wanted = [key for key in made if eager or _is_version_of_server(columns, key)]
    wanted += [key for key in by_sql if _is_version_of_server(columns, key) and key not in wanted]
    fetched = [(columns.column_of[key], key) for key in [*keys, *wanted]] if abilities.returns_one else []
    selected = () if abilities.returns_one else tuple(wanted)
    known = {key for _, key in fetched}.union(selected)
    unknown = tuple(key for key in dict.fromkeys([*made, *by_sql]) if key not in known)
    filled = tuple((name, key) for name, key in columns.updated_by_python if name not in names)

    statement = update_statement(columns)
    if expressions:
        statement = statement.values({table.c[name]: value for name, value in expressions.items()})
    if fetched:
        statement = statement.returning(*[column for column, _ in fetched])
    return UpdateForm(statement, tuple(fetched), filled, selected, unknown)


def update_statement(columns: TableColumns) -> Update:
    """UPDATE of one row, found by its key and version; what is set is said by the parameters."""

    def build() -> Update:
        statement: Update = columns.table.update()
        for key in columns.pk:
            statement = statement.where(key.column == bindparam(key.where, type_=key.column.type))
        version = columns.version
        if version is not None:
            statement = statement.where(version.column == bindparam(version.where, type_=version.column.type))
        return statement

    return _kept(columns.mapper, ("unitofwork.update statement", columns), build)


# ---------------------------------------------------------------- DELETE and SELECT


def delete_statement(columns: TableColumns) -> Delete:
    """DELETE of one row, found by its key and version."""

    def build() -> Delete:
        statement: Delete = columns.table.delete()
        for key in columns.pk:
            statement = statement.where(key.column == bindparam(key.name, type_=key.column.type))
        version = columns.version
        if version is not None:
            statement = statement.where(version.column == bindparam(version.name, type_=version.column.type))
        return statement

    return _kept(columns.mapper, ("unitofwork.delete", columns), build)


KEYS = "keys"
"""The parameter of `select_statement`: the keys of the rows, bare values or tuples."""


def select_statement(columns: TableColumns, attributes: Iterable[str]) -> Select[Any]:
    """The key and some columns of many rows of a table, for values that could not be returned."""
    wanted = tuple(attributes)

    def build() -> Select[Any]:
        keys = [key.column for key in columns.pk]
        key = keys[0] if len(keys) == 1 else tuple_(*keys)
        found = select(*keys, *[columns.column_of[attribute] for attribute in wanted])
        return found.where(and_(key.in_(bindparam(KEYS, expanding=True))))

    return _kept(columns.mapper, ("unitofwork.select", columns, wanted), build)


_ASSOCIATIONS: weakref.WeakKeyDictionary[Any, dict[Any, Any]] = weakref.WeakKeyDictionary()
"""Secondary table -> (kind, columns) -> statement; goes with the table."""


def association_statement(table: Any, kind: OperationKind, columns: tuple[str, ...]) -> Any:
    """INSERT or DELETE of rows of a secondary table that are named by these columns."""
    made = _ASSOCIATIONS.setdefault(table, {})
    statement = made.get((kind, columns))
    if statement is None:
        if kind is OperationKind.INSERT:
            statement = insert(table).inline()
        else:
            statement = delete(table).where(*(table.c[name] == bindparam(name) for name in columns))
        made[kind, columns] = statement
    return statement


def text_of(batch: Batch | AssociationBatch) -> str:
    """The statement of a batch as text for people: without what a dialect adds, such as RETURNING."""
    names = list(batch.names)
    statement: Any
    if isinstance(batch, AssociationBatch):
        statement = association_statement(batch.table, batch.kind, batch.names)
    elif batch.kind is OperationKind.DELETE:
        statement = delete_statement(batch.columns)
    else:
        table = batch.columns.table
        statement = table.insert() if batch.kind is OperationKind.INSERT else update_statement(batch.columns)
        if batch.expressions:
            statement = statement.values({table.c[name]: value for name, value in batch.expressions.items()})
            names = [name for name in names if name not in batch.expressions]
    deleting = batch.kind is OperationKind.DELETE
    text = " ".join(str(statement.compile(column_keys=None if deleting else names)).split())
    return text.replace(" () VALUES ()", " DEFAULT VALUES")
