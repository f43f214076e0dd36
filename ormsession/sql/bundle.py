"""Several columns of a row under one name: ``select(Bundle("b", User.id, User.name))``.

A bundle stands in a statement as the list of its expressions, annotated with itself.  In the row it is one
element: a row of its own, or whatever :meth:`Bundle.create_row_processor` makes of the values.  Bundles may be
nested.  Inside a bundle columns keep their plain names, however the statement labels its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.sql.expression import ClauseList

from .. import exc
from .._core import HasCacheKey, coercions, result_tuple, roles
from ..mapping.inspection import InspectionAttr
from ..mapping.namespace import Namespace
from .entity import BUNDLE_NOTE, entity_of, owning_entity, propagated

RowProcessor = Callable[[Any], Any]


class Bundle(InspectionAttr, HasCacheKey):
    """Several expressions that are one element of a row.

    :param name: the name of the element.
    :param expressions: attributes, columns, SQL expressions or other bundles.
    :param single_entity: a :class:`.Query` on this bundle alone gives its values rather than rows around them.

    >>> select(Bundle("person", User.id, User.name), Address)  # doctest: +SKIP
    """

    is_bundle = True

    def __init__(self, name: str, *expressions: Any, single_entity: bool = False) -> None:
        self.name = name
        self.exprs = [
            each if isinstance(each, Bundle) else coercions.expect(roles.ColumnsClauseRole, each)
            for each in (getattr(given, "bundle", given) for given in expressions)
        ]
        self.single_entity = single_entity
        self.c = self.columns = Namespace(
            {_key(each): given for each, given in zip(self.exprs, expressions, strict=True)}
        )

    def __clause_element__(self) -> Any:
        clauses = [each.__clause_element__() if isinstance(each, Bundle) else each for each in self.exprs]
        entity = next((owner for each in clauses if (owner := owning_entity(each)) is not None), None)
        expressions = ClauseList(*clauses, _literal_as_text_role=roles.ColumnsClauseRole, group=False)
        notes = {BUNDLE_NOTE: self, "entity_namespace": self}
        return expressions._annotate(notes)._set_propagate_attrs(propagated(entity))

    @property
    def clauses(self) -> Sequence[Any]:
        """The SQL expressions."""
        clauses: Sequence[Any] = self.__clause_element__().clauses
        return clauses

    @property
    def entity_namespace(self) -> Namespace[Any]:
        """Where ``filter_by`` finds names."""
        return self.c

    def label(self, name: str) -> Bundle:
        """The same bundle under another name."""
        copy = type(self).__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.name = name
        return copy

    def create_row_processor(self, query: Any, procs: Sequence[RowProcessor], labels: Sequence[str]) -> RowProcessor:
        """Say what becomes of the values of a row; to be overridden.

        :param query: the statement.
        :param procs: functions that take a row and give one value each.
        :param labels: the names of the values.
        :return: a function that takes a row and gives the element.
        """
        make = result_tuple(list(labels), [()] * len(labels))

        def element(row: Any) -> Any:
            return make([proc(row) for proc in procs])

        return element

    def _gen_cache_key(self, anon_map: Any, bindparams: Any) -> tuple[Any, ...]:
        parts = tuple(each._gen_cache_key(anon_map, bindparams) for each in self.exprs)
        return (type(self), self.name, self.single_entity, parts)


class DictBundle(Bundle):
    """A bundle that is a dictionary in the row.

    :raises sqlalchemy.exc.ArgumentError: when two of its columns have one name.
    """

    def __init__(self, name: str, *expressions: Any, single_entity: bool = False) -> None:
        super().__init__(name, *expressions, single_entity=single_entity)
        if len(self.c) != len(self.exprs):
            raise exc.duplicate_names_in_dictionary()

    def create_row_processor(self, query: Any, procs: Sequence[RowProcessor], labels: Sequence[str]) -> RowProcessor:
        """The values by their names."""

        def element(row: Any) -> dict[str, Any]:
            return {label: proc(row) for label, proc in zip(labels, procs, strict=True)}

        return element


def _key(expression: Any) -> str:
    if isinstance(expression, Bundle):
        return expression.name
    entity = entity_of(expression)
    return str(expression._proxy_key if entity is None else entity.class_.__name__)
