"""From an entity statement to a Core statement: the compile-state plugin for SELECT.

Core's compiler asks for the *compile state* of each SELECT that it meets.  For a statement that an entity was
put into (see :mod:`.entity`) it asks here, once per statement shape: the compiled form, and with it our
:class:`EntitySelectState`, is kept in Core's compiled cache.  Steps:

1. Options of the statement say what they want (``process_compile_state``), which fills ``column_options``.
2. Joins are put together (see :mod:`.joins`), while the columns clause still names entities.
3. Each entity in the columns clause is replaced by its columns, and ``layout`` records what became of it.
4. Related entities that are loaded along by a join are added (:mod:`.eager_joins`).
5. From here on it is a plain Core statement: FROM list, names and labels are Core's work.

Inside another statement (subquery, CTE, union) nothing is loaded into objects, and an entity stands for all
its columns, deferred ones included.
"""

from __future__ import annotations

import itertools
from typing import Any

from .._core import CompileState, SelectState, compile_state_functions
from . import eager_joins
from .columns import ColumnChoice as ColumnChoice
from .columns import ColumnOptions, ColumnsClause, column_descriptions, exported_columns
from .criteria import AppliedCriteria, criteria_options
from .eager_joins import EagerJoins
from .entity import FROM_NOTE, PLUGIN, entity_of, from_adapter, naming_of, owning_entity
from .from_statement import FromStatement
from .joins import FromClauses, joined_entity
from .layout import EntitySlot, Layout


@CompileState.plugin_for(PLUGIN, "select")
class EntitySelectState(SelectState):
    """The compile state of a SELECT that has entities or their attributes in it.

    ``layout`` says what the rows hold (see :mod:`.layout`); it is empty for a statement inside another.
    ``loader`` is a place for ``loading`` to keep what it makes from the layout; ``attributes`` is one for options.
    """

    __slots__ = ("attributes", "column_options", "criteria", "layout", "loader", "select_statement")

    def __init__(self, statement: Any, compiler: Any, **kw: Any) -> None:
        # SelectState's own constructor is not called: it derives FROMs and names from one and the same statement
        subject = statement._propagate_attrs["plugin_subject"]
        if subject is not None:  # None for a bundle of plain columns
            subject.mapper.ensure_configured()
        is_outermost = compiler is None or not compiler.stack
        self.statement = self.select_statement = statement
        self.column_options: ColumnOptions = {}
        self.attributes: dict[Any, Any] = {}
        self.layout: Layout = ()
        self.loader: Any = None
        options = criteria_options(statement, compiler)
        self.criteria = AppliedCriteria(options, statement) if options else None
        """What :func:`.with_loader_criteria` adds; None when nothing is left to be added."""
        if is_outermost:
            self._process_options(statement)
        self.from_clauses = statement._from_obj
        if statement._setup_joins or statement._memoized_select_entities:
            self.from_clauses = self._joined_froms(statement)
        core = self._core_statement(statement, is_outermost)
        self.from_clauses = core._from_obj
        self.froms = self._get_froms(core)
        self.statement = core
        self.columns_plus_names = core._generate_columns_plus_names(True)

    def _joined_froms(self, statement: Any) -> tuple[Any, ...]:
        froms = FromClauses(statement._from_obj)
        for memoized in statement._memoized_select_entities:
            froms.add(memoized._setup_joins, memoized._raw_columns)
        froms.add(statement._setup_joins, statement._raw_columns)
        return froms.froms

    def _process_options(self, statement: Any) -> None:
        for option in statement._with_options:
            if option._is_compile_state:
                option.process_compile_state(self)
        for function in compile_state_functions(statement):
            function(self)

    def _core_statement(self, statement: Any, is_outermost: bool) -> Any:
        """The statement with its entities replaced by columns, and what they are selected from."""
        eager = None
        if is_outermost:
            clause = ColumnsClause(self.column_options, naming_of(statement), from_adapter(statement))
            for element in statement._raw_columns:
                clause.add(element)
            columns, self.layout = clause.columns, tuple(clause.slots)
            eager = self._eager_joins(clause, statement)
        else:
            columns = type(self).all_selected_columns(statement)
        core = statement._generate()
        core._raw_columns = columns
        core._setup_joins = core._memoized_select_entities = core._with_options = ()
        core._propagate_attrs = {}
        core._from_obj = (*self.from_clauses, *_froms(statement))
        if self.criteria is not None:
            core._from_obj = tuple(self.criteria.in_joins(each) for each in core._from_obj)
            if is_outermost:  # else Core has yet to say which FROMs belong to the enclosing statement
                self.statement, self.from_clauses, self.froms = core, core._from_obj, self._get_froms(core)
                self._get_display_froms()
        return core if eager is None else eager.applied(core)

    def _get_display_froms(
        self, explicit_correlate_froms: Any = None, implicit_correlate_froms: Any = None
    ) -> list[Any]:
        """Core's answer to what stands in the FROM list; the criteria of what does are added to WHERE, once."""
        froms = super()._get_display_froms(explicit_correlate_froms, implicit_correlate_froms)
        criteria, self.criteria = self.criteria, None
        if criteria is not None:
            self.statement._where_criteria += tuple(criteria.of_froms(froms))
        return froms

    def _eager_joins(self, clause: ColumnsClause, statement: Any) -> EagerJoins | None:
        """What is joined along, as loader options and mappings want it; None when nothing is."""
        entities = [slot.entity for slot in clause.slots if isinstance(slot, EntitySlot)]
        trees = eager_joins.plan_eager_joins(self, entities) if entities else None
        if not trees:
            return None
        eager = EagerJoins(trees, clause, from_adapter(statement))
        eager.criteria = self.criteria
        self.layout = tuple(eager.slots)
        return eager

    # ------------------------------------------------------------ what Core asks of a plugin

    @classmethod
    def all_selected_columns(cls, statement: Any) -> list[Any]:
        """The columns that the statement has as a subquery."""
        return exported_columns(statement)

    @classmethod
    def get_columns_clause_froms(cls, statement: Any) -> list[Any]:
        """The FROMs that the columns clause implies, as entities where it names them."""
        if FROM_NOTE in statement._annotations:
            return [statement._annotations[FROM_NOTE]]
        froms = [
            [entity.__clause_element__()] if (entity := _entity_of_column(element)) else element._from_objects
            for element in statement._raw_columns
        ]
        return cls._normalize_froms(itertools.chain.from_iterable(froms))

    @classmethod
    def _get_filter_by_entities(cls, statement: Any) -> list[Any]:
        """Where ``filter_by`` looks for names: each entity and each FROM once."""
        joins = list(statement._setup_joins)
        for memoized in statement._memoized_select_entities:
            joins.extend(memoized._setup_joins)
        found: dict[Any, Any] = {}
        for element in itertools.chain((join[0] for join in joins), statement._from_obj):
            entity = joined_entity(element)
            found.setdefault(entity or element, entity or element)
        for element in statement._raw_columns:
            entity = owning_entity(element)
            if entity is not None:
                found.setdefault(entity, entity)
            else:
                for origin in element._from_objects:
                    found.setdefault(origin, origin)
        return list(found.values())

    @classmethod
    def determine_last_joined_entity(cls, statement: Any) -> Any:
        """Where ``filter_by`` of SQLAlchemy 2.0 looks for names first."""
        target = statement._setup_joins[-1][0]
        return joined_entity(target) or target

    @classmethod
    def get_column_descriptions(cls, statement: Any) -> list[dict[str, Any]]:
        """What each element of a row is: name, type, expression, entity."""
        return column_descriptions(statement._raw_columns, naming_of(statement))

    @classmethod
    def from_statement(cls, statement: Any, from_statement: Any) -> FromStatement:
        """The entities of *statement*, made from the rows of another one."""
        return FromStatement(statement, from_statement)


def _froms(statement: Any) -> list[Any]:
    """What the columns clause selects from, in its order.

    It has to be named: the columns of a mapped join only know their tables.
    """
    if FROM_NOTE in statement._annotations:
        return []
    froms: list[Any] = []
    for element in statement._raw_columns:
        froms.extend(element._from_objects if entity_of(element) is None else [element])
    return froms


def _entity_of_column(element: Any) -> Any:
    return getattr(element, "_annotations", {}).get("parententity")
