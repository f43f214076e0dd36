"""Loader options: what one statement wants to be loaded otherwise than it is mapped.

``select(User).options(defer(User.notes), undefer_group("pictures"))``.  An option is a :class:`Load`: a chain
of *steps*, each of which says what is wanted for one attribute, for a group of deferred attributes or for all
attributes (``"*"``) of an entity.  Functions like :func:`defer` start a chain that takes the entity from its
attributes; ``Load(Entity)`` names it.

Options take part in the statement's cache key, so a statement is compiled once per set of options.  When it
is compiled, :meth:`Load.process_compile_state` checks each step against the entities of the statement and
enters it in ``column_options``, where ``sql`` reads it when it lays out the row.

Rules

* A step for an entity that the statement does not select is an error, not silently without effect.
* Two steps that want different things for the same attribute are an error: the program has to say which one it means.
* Primary key columns are always loaded, whatever options say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import exc
from .._core import ExecutableOption, HasCacheKey
from ..mapping.lookup import inspect
from ..mapping.properties import ColumnProperty, SynonymProperty
from ..sql.columns import ColumnChoice
from ..sql.entity import entity_of

EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Step:
    """What is wanted for one attribute, group or all attributes of an entity."""

    name: str
    """The option that was called, as error messages show it."""
    entity: Any
    """The mapper or alias; None for every entity of the statement."""
    word: str
    """The key of an attribute, ``"group:<name>"`` or ``"*"``; see ``sql.columns``."""
    choice: ColumnChoice

    def __str__(self) -> str:
        if self.entity is None:
            return f"{self.name}({self.word.removeprefix('group:')!r})"
        return f"{self.name}({entity_name(self.entity)}.{self.word.removeprefix('group:')})"


def entity_name(entity: Any) -> str:
    """An entity as messages show it."""
    return str(entity) if entity.is_aliased_class else entity.class_.__name__  # type: ignore[no-any-return]


class LoaderOption(ExecutableOption, HasCacheKey):  # type: ignore[misc]
    """Base of everything that may be given to ``options()`` of an entity statement."""

    _is_has_cache_key = True
    _is_core = False
    _is_compile_state = False
    _is_user_defined = False
    inherit_cache = True
    propagate_to_loaders = False
    """Whether the loaded objects keep the option for their own later loads."""


class UserDefinedOption(LoaderOption):
    """An option that carries something of the program's own to its ``do_orm_execute`` listeners.

    :param payload: what it carries.
    """

    _is_has_cache_key = False
    _is_user_defined = True

    def __init__(self, payload: Any = None) -> None:
        self.payload = payload


class Load(LoaderOption):
    """Options for one entity of a statement.

    :param entity: a mapped class, or an alias of one.

    >>> select(User).options(Load(User).defer(User.notes).undefer_group("pictures"))        # doctest: +SKIP
    """

    _is_compile_state = True

    def __init__(self, entity: Any) -> None:
        self.entity: Any = inspect(entity)
        self.steps: tuple[Step, ...] = ()

    @classmethod
    def _unbound(cls) -> Load:
        """A chain that takes its entity from the attributes that it is given."""
        option = cls.__new__(cls)
        option.entity = None
        option.steps = ()
        return option

    def _with(self, *steps: Step) -> Load:
        option = Load._unbound()
        option.entity = self.entity
        option.steps = self.steps + steps
        return option

    def _step(self, name: str, attribute: Any, choice: ColumnChoice) -> Step:
        if isinstance(attribute, str):
            if attribute != EVERYTHING:
                raise exc.string_in_option()
            return Step(name, self.entity, EVERYTHING, choice)
        entity, key = column_attribute(attribute)
        if self.entity is not None and entity is not self.entity:
            raise exc.attribute_of_other_entity(attribute, self.entity)
        return Step(name, entity, key, choice)

    def defer(self, key: Any, raiseload: bool = False) -> Load:
        """Do not load an attribute until it is used.

        :param key: an attribute of the entity, or ``"*"`` for all.
        :param raiseload: refuse to load it even then.
        """
        return self._with(self._step("defer", key, ColumnChoice(True, raiseload)))

    def undefer(self, key: Any) -> Load:
        """Load an attribute that is mapped as deferred.

        :param key: an attribute of the entity, or ``"*"`` for all.
        """
        return self._with(self._step("undefer", key, ColumnChoice(False)))

    def undefer_group(self, name: str) -> Load:
        """Load the deferred attributes of a group.

        :param name: the ``group`` that they were mapped with.
        """
        return self._with(Step("undefer_group", self.entity, f"group:{name}", ColumnChoice(False)))

    def load_only(self, *attrs: Any, raiseload: bool = False) -> Load:
        """Load these attributes and the primary key, and no others until they are used.

        :param attrs: attributes of one entity.
        :param raiseload: refuse to load the others even then.
        :raises ArgumentError: when the attributes belong to several entities.
        """
        steps = [self._step("load_only", attribute, ColumnChoice(False)) for attribute in attrs]
        entities = {step.entity for step in steps}
        if len(entities) > 1:
            raise exc.wildcard_for_several_entities()
        entity = entities.pop() if entities else self.entity
        return self._with(Step("load_only", entity, EVERYTHING, ColumnChoice(True, raiseload)), *steps)

    def options(self, *options: Load) -> Load:
        """Add the steps of other options for the same entity."""
        return self._with(*(step for option in options for step in option.steps))

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> tuple[Any, ...]:
        return (
            Load,
            *(
                (step.name, step.entity and step.entity._gen_cache_key(anon_map, bindparams), step.word, step.choice)
                for step in self.steps
            ),
        )

    def process_compile_state(self, compile_state: Any) -> None:
        """Enter what is wanted in the compile state of a statement; called by ``sql`` while it is compiled.

        :raises ArgumentError: when an entity is not selected by the statement.
        :raises InvalidRequestError: when other options want something else for the same attribute.
        """
        selected = [entity_of(element) for element in compile_state.select_statement._raw_columns]
        entities = [entity for entity in selected if entity is not None]
        for step in self.steps:
            if step.entity is not None and step.entity not in entities:
                raise exc.option_without_entity(step, [entity_name(entity) for entity in entities])
            for entity in entities if step.entity is None else (step.entity,):
                _enter(compile_state, entity, step)

    def __repr__(self) -> str:
        return f"<Load {', '.join(str(step) for step in self.steps)}>"


def _enter(compile_state: Any, entity: Any, step: Step) -> None:
    place = (entity, step.word)
    earlier: Step | None = compile_state.attributes.get(place)
    if earlier is not None and earlier.choice != step.choice:
        raise exc.conflicting_options(step, earlier)
    compile_state.attributes[place] = step
    compile_state.column_options.setdefault(entity, {})[step.word] = step.choice


def column_attribute(attribute: Any) -> tuple[Any, str]:
    """The entity and the key of a column attribute given to an option; synonyms are resolved.

    :raises ArgumentError: when it is no mapped attribute.
    :raises LoaderStrategyException: when it does not stand for columns.
    """
    entity = getattr(attribute, "parent", None)
    key = getattr(attribute, "key", None)
    if not getattr(attribute, "is_attribute", False) or entity is None or key is None:
        raise exc.option_needs_attribute(attribute)
    entity.mapper.ensure_configured()
    prop = entity.mapper.props.get(key)
    while isinstance(prop, SynonymProperty):
        key = prop.name
        prop = entity.mapper.props.get(key)
    if not isinstance(prop, ColumnProperty):
        raise exc.not_a_column_option(attribute, prop)
    return entity, key


# ---------------------------------------------------------------- options by function


def defer(key: Any, raiseload: bool = False) -> Load:
    """An option: do not load an attribute until it is used.

    :param key: an attribute of an entity of the statement, or ``"*"`` for all attributes.
    :param raiseload: refuse to load it even then.

    >>> select(User).options(defer(User.notes))                                            # doctest: +SKIP
    """
    return Load._unbound().defer(key, raiseload)


def undefer(key: Any) -> Load:
    """An option: load an attribute that is mapped as deferred.

    :param key: an attribute of an entity of the statement, or ``"*"`` for all attributes.
    """
    return Load._unbound().undefer(key)


def undefer_group(name: str) -> Load:
    """An option: load the deferred attributes of a group.

    :param name: the ``group`` that they were mapped with.
    """
    return Load._unbound().undefer_group(name)


def load_only(*attrs: Any, raiseload: bool = False) -> Load:
    """An option: load these attributes and the primary key, and no others until they are used.

    :param attrs: attributes of one entity.
    :param raiseload: refuse to load the others even then.
    :raises ArgumentError: when the attributes belong to several entities.
    """
    return Load._unbound().load_only(*attrs, raiseload=raiseload)
