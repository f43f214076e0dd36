"""What may be said about a mapping: the options of a mapper, checked.

``MapperOptions`` is the one list of options with their defaults.  It is made by ``parse_options`` from the
keyword arguments of ``map_imperatively``: an unknown name is refused with the names that exist, and the
values whose form can be checked without the table are brought into one form (tuples, frozen sets).  What
needs the table (does the column exist, is there a primary key) is checked where the table is read.

The options that arrange classes in a hierarchy are named here too, so that they are told from misspelled
ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Literal

from .. import exc

HIERARCHY_OPTIONS = frozenset(
    {
        "concrete",
        "inherit_condition",
        "inherit_foreign_keys",
        "inherits",
        "polymorphic_abstract",
        "polymorphic_identity",
        "polymorphic_load",
        "polymorphic_on",
        "with_polymorphic",
    }
)
"""Options of class hierarchies; only their defaults are accepted."""

REMOVED_OPTIONS: dict[str, str] = {
    "extension": "listen to mapper events with sqlalchemy.event instead",
    "non_primary": "select from an aliased() class over the other selectable instead",
    "order_by": "put order_by() on the statement instead",
}
"""Options of old releases, with what to write today."""


@dataclasses.dataclass(frozen=True, slots=True)
class MapperOptions:
    """The options of one mapper; see ``registry.map_imperatively`` for what each does."""

    primary_key: tuple[Any, ...] = ()
    """Columns that tell rows apart; empty to take those of the table."""
    properties: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Attribute name to column or property."""
    include_properties: tuple[Any, ...] | None = None
    """Columns, or names of columns, that are mapped; None for all."""
    exclude_properties: tuple[Any, ...] = ()
    """Columns, or names of columns, that are not mapped."""
    column_prefix: str = ""
    """Put before the names of columns to make the names of attributes."""
    version_id_col: Any = None
    """The column that counts, or names, the versions of a row."""
    version_id_generator: Callable[[Any], Any] | Literal[False] | None = None
    """Makes a version from the last one; None counts, False leaves it to the server."""
    eager_defaults: bool | Literal["auto"] = "auto"
    """Whether values made by the server are fetched while flushing; "auto" when that costs no statement."""
    batch: bool = True
    """Whether rows are written in batches; False writes one object after the other."""
    confirm_deleted_rows: bool = True
    """Whether a DELETE that matches fewer rows than objects warns."""
    passive_updates: bool = True
    """Whether the database itself carries a changed primary key to the rows that refer to it."""
    passive_deletes: bool = False
    """Whether the database itself deletes rows of tables further down the hierarchy."""
    allow_partial_pks: bool = True
    """Whether a row with some, not all, primary key columns NULL is an object."""
    always_refresh: bool = False
    """Whether every row overwrites the object that is already known."""
    legacy_is_orphan: bool = False
    """Whether a pending object is an orphan only without any of its parents."""

    def with_property(self, key: str, prop: Any) -> MapperOptions:
        """The same options with one more property."""
        return dataclasses.replace(self, properties={**self.properties, key: prop})


OPTION_NAMES = tuple(field.name for field in dataclasses.fields(MapperOptions))


def parse_options(cls: type, given: Mapping[str, Any]) -> MapperOptions:
    """Check the keyword arguments of a mapping and bring them into one form.

    :param cls: the class that is mapped, for messages.
    :param given: option name to value.
    :raises ArgumentError: for a name that is no option, or a value of the wrong form.
    """
    values = dict(given)
    for name in HIERARCHY_OPTIONS.intersection(values):
        value = values.pop(name)
        if not (value is None or value is False):  # a column would answer == with a criterion
            raise exc.hierarchy_option(cls, name)
    unknown = [name for name in values if name not in OPTION_NAMES]
    if unknown:
        raise exc.unknown_mapper_option(cls, unknown[0], OPTION_NAMES, REMOVED_OPTIONS.get(unknown[0]))
    values["properties"] = _parse_properties(cls, values.get("properties"))
    values["primary_key"] = _as_tuple(values.get("primary_key"))
    values["column_prefix"] = values.get("column_prefix") or ""
    for name in ("include_properties", "exclude_properties"):
        if name in values:
            values[name] = _parse_names(cls, name, values[name])
    values["exclude_properties"] = values.get("exclude_properties") or ()
    if values.get("eager_defaults", "auto") not in (True, False, "auto"):
        raise exc.bad_mapper_option(cls, "eager_defaults", values["eager_defaults"], 'True, False or "auto"')
    generator = values.get("version_id_generator")
    if not (generator is None or generator is False or callable(generator)):
        raise exc.bad_mapper_option(cls, "version_id_generator", generator, "a function of the last version, or False")
    return MapperOptions(**values)


def _parse_properties(cls: type, properties: Any) -> dict[str, Any]:
    if properties is None:
        return {}
    try:
        parsed = dict(properties)
    except (TypeError, ValueError):
        raise exc.bad_mapper_option(cls, "properties", properties, "a dictionary of attribute names") from None
    for key in parsed:
        if not isinstance(key, str):
            raise exc.bad_mapper_option(cls, "properties", key, "names of attributes as keys")
    return parsed


def _parse_names(cls: type, option: str, names: Any) -> tuple[Any, ...] | None:
    if names is None:
        return None
    # a single string would be read as its letters
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise exc.bad_mapper_option(cls, option, names, "a collection of column names or columns")
    return tuple(names)


def _as_tuple(columns: Any) -> tuple[Any, ...]:
    if columns is None:
        return ()
    if isinstance(columns, Collection) and not isinstance(columns, str) and not hasattr(columns, "__clause_element__"):
        return tuple(columns)
    return (columns,)
