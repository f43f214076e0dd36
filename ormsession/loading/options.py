"""Loader options: what one statement wants to be loaded otherwise than it is mapped.

``select(User).options(defer(User.notes), selectinload(User.addresses).load_only(Address.email))``.  An option is a
:class:`Load`: a chain of *steps* (:mod:`.steps`), each about an attribute, a group of deferred attributes or all
attributes (``"*"``) of the entity where the chain stands.  A step for a relationship moves the chain to the entity
behind it.  Functions like :func:`defer` start a chain at the entity of the first attribute; ``Load(Entity)`` names it.

Options take part in the statement's cache key, so a statement is compiled once per set of options.  When it
is compiled, :meth:`Load.process_compile_state` checks each step against the entities of the statement and
enters it where ``sql`` and the row loop look for it.  Steps behind a relationship wait in the loaded objects
(``state.load_options``) until that relationship is loaded: :func:`options_below` gives what is left of them then.

Rules

* An option for an entity that the statement does not select is an error, not silently without effect.
* Two steps that want different things for the same attribute are an error: the program has to say which one it means.
* Primary key columns are always loaded, whatever options say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from .. import exc
from .._core import ExecutableOption, HasCacheKey
from ..mapping.lookup import inspect
from ..mapping.properties import ColumnProperty, SynonymProperty
from ..mapping.relationship import RelationshipProperty
from ..sql.columns import ColumnChoice
from ..sql.criteria import LoaderCriteriaOption
from ..sql.entity import elements_of, entity_of
from .steps import CONTAINED, EVERYTHING, RelatedChoice, Step, entity_name


class LoaderOption(ExecutableOption, HasCacheKey):
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

    >>> select(User).options(Load(User).defer(User.notes).joinedload(User.addresses))       # doctest: +SKIP
    """

    _is_compile_state = True

    def __init__(self, entity: Any) -> None:
        inspected: Any = inspect(entity)
        self._set(inspected, (), inspected, ())

    def _set(self, root: Any, path: tuple[str, ...], entity: Any, steps: tuple[Step, ...]) -> None:
        self.root = root
        """The entity of the statement that the chain begins at; None while no attribute has said it."""
        self.path = path
        """The relationships that the chain has gone through."""
        self.entity = entity
        """The entity at the end of the path."""
        self.steps = steps
        self.propagate_to_loaders = any(step.path or step.is_related for step in steps)

    @classmethod
    def _of(cls, root: Any, path: tuple[str, ...], entity: Any, steps: tuple[Step, ...]) -> Load:
        option = cls.__new__(cls)
        option._set(root, path, entity, steps)
        return option

    # ------------------------------------------------------------ steps

    def _bound_to(self, entity: Any, attribute: Any) -> Any:
        """The entity where the chain stands, once it is known that *attribute* belongs to it."""
        if self.entity is None:
            return entity
        if entity is not self.entity and not (self.path and entity.mapper is self.entity.mapper):
            raise exc.attribute_of_other_entity(attribute, self.entity, self.path)
        return self.entity

    def _with_columns(self, name: str, attributes: Iterable[Any], choice: ColumnChoice) -> Load:
        option = self
        for attribute in attributes:
            if _is_everything(attribute):
                entity, word = option.entity, EVERYTHING
            else:
                owner, prop = mapped_attribute(attribute)
                if not isinstance(prop, ColumnProperty):
                    raise exc.wrong_kind_for_option(attribute, prop, "column loader", "column property")
                entity, word = option._bound_to(owner, attribute), prop.key
            root = option.root if option.root is not None else entity
            option = Load._of(root, option.path, entity, (*option.steps, Step(name, option.path, entity, word, choice)))
        return option

    def _with_relationship(self, name: str, lazy: str | None, keys: tuple[Any, ...], **how: Any) -> Load:
        option = self
        for attribute in keys[:-1]:
            option = option._through("defaultload", None, attribute)
        return option._through(name, lazy, keys[-1], **how) if keys else option

    def _through(self, name: str, lazy: str | None, attribute: Any, **how: Any) -> Load:
        """The chain with a step for a relationship, moved to the entity behind it."""
        target = getattr(attribute, "_of_type", None)
        criteria = getattr(attribute, "_extra_criteria", ())
        if lazy is None and criteria:
            lazy = attribute.property.lazy  # as it is mapped, but not all of it
        choice = None if lazy is None else RelatedChoice(lazy, target=target, criteria=criteria, **how)
        if _is_everything(attribute):
            step = Step(name, self.path, self.entity, EVERYTHING, choice or RelatedChoice("select"))
            return Load._of(self.root, self.path, self.entity, (*self.steps, step))
        owner, prop = mapped_attribute(attribute)
        if not isinstance(prop, RelationshipProperty):
            raise exc.wrong_kind_for_option(attribute, prop, f"{lazy or 'default'} loader", "relationship property")
        entity = self._bound_to(owner, attribute)
        steps = self.steps if choice is None else (*self.steps, Step(name, self.path, entity, prop.key, choice))
        root = self.root if self.root is not None else entity
        return Load._of(root, (*self.path, prop.key), prop.entity if target is None else target, steps)

    # ------------------------------------------------------------ columns

    def defer(self, key: Any, raiseload: bool = False) -> Load:
        """Do not load an attribute until it is used.

        :param key: an attribute of the entity, or ``"*"`` for all.
        :param raiseload: refuse to load it even then.
        """
        return self._with_columns("defer", (key,), ColumnChoice(True, raiseload))

    def undefer(self, key: Any) -> Load:
        """Load an attribute that is mapped as deferred.

        :param key: an attribute of the entity, or ``"*"`` for all.
        """
        return self._with_columns("undefer", (key,), ColumnChoice(False))

    def undefer_group(self, name: str) -> Load:
        """Load the deferred attributes of a group.

        :param name: the ``group`` that they were mapped with.
        """
        step = Step("undefer_group", self.path, self.entity, f"group:{name}", ColumnChoice(False))
        return Load._of(self.root, self.path, self.entity, (*self.steps, step))

    def load_only(self, *attrs: Any, raiseload: bool = False) -> Load:
        """Load these attributes and the primary key, and no others until they are used.

        :param attrs: attributes of one entity.
        :param raiseload: refuse to load the others even then.
        :raises ArgumentError: when the attributes belong to several entities.
        """
        if len({id(mapped_attribute(attribute)[0]) for attribute in attrs}) > 1:
            raise exc.wildcard_for_several_entities()
        option = self._with_columns("load_only", attrs, ColumnChoice(False))
        step = Step("load_only", option.path, option.entity, EVERYTHING, ColumnChoice(True, raiseload))
        return Load._of(option.root, option.path, option.entity, (*option.steps, step))

    # ------------------------------------------------------------ relationships

    def lazyload(self, *keys: Any) -> Load:
        """Load related objects when they are used."""
        return self._with_relationship("lazyload", "select", keys)

    def joinedload(self, *keys: Any, innerjoin: bool | None = None) -> Load:
        """Load related objects along with their object; *innerjoin* tells that there always are some."""
        return self._with_relationship("joinedload", "joined", keys, inner=innerjoin)

    def contains_eager(self, *keys: Any) -> Load:
        """Take related objects from what the statement joins itself; ``of_type(alias)`` says from which alias."""
        return self._with_relationship("contains_eager", CONTAINED, keys)

    def selectinload(self, *keys: Any, chunksize: int | None = None) -> Load:
        """Load related objects along with their object, for *chunksize* objects at a time."""
        if chunksize is not None and (not isinstance(chunksize, int) or chunksize < 1):
            raise exc.bad_chunk_size(chunksize)
        return self._with_relationship("selectinload", "selectin", keys, size=chunksize)

    def subqueryload(self, *keys: Any) -> Load:
        """Load related objects along with their object."""
        return self._with_relationship("subqueryload", "subquery", keys)

    def immediateload(self, *keys: Any) -> Load:
        """Load related objects along with their object."""
        return self._with_relationship("immediateload", "immediate", keys)

    def noload(self, *keys: Any) -> Load:
        """Leave the attribute empty."""
        return self._with_relationship("noload", "noload", keys)

    def raiseload(self, *keys: Any, sql_only: bool = False) -> Load:
        """Refuse to load related objects; with *sql_only*, only when the session does not know them already."""
        return self._with_relationship("raiseload", "raise_on_sql" if sql_only else "raise", keys)

    def defaultload(self, *keys: Any) -> Load:
        """Go on to the entity behind a relationship, which is loaded as it is mapped."""
        return self._with_relationship("defaultload", None, keys)

    def options(self, *options: Load) -> Load:
        """Add other options, which begin at the entity where this one stands.

        :raises ArgumentError: when one says nothing of attributes, and so belongs to the statement itself.
        """
        steps = list(self.steps)
        for option in options:
            if not isinstance(option, Load):
                raise exc.option_cannot_follow(option)
            for step in option.steps:
                entity = step.entity if step.entity is not None else self.entity
                steps.append(Step(step.name, self.path + step.path, entity, step.word, step.choice))
        return Load._of(self.root, self.path, self.entity, tuple(steps))

    # ------------------------------------------------------------ in a statement

    def below(self, key: str) -> Load | None:
        """What is left of the option for objects loaded through a relationship; None when nothing is."""
        steps = tuple(left for step in self.steps if (left := step.below(key)) is not None)
        return Load._of(None, (), None, steps) if steps else None

    def rebased(self, mapper: Any) -> Load | None:
        """The option for a statement of its own about an object of *mapper*; None when nothing is left of it.

        It may have been given for an alias, or speak of rows that another statement joined.
        """
        if self.root is not None and self.root.mapper is not mapper:
            return None
        steps = tuple(
            step if step.path or step.entity is None else replace(step, entity=mapper)
            for step in self.steps
            if step.path or not (isinstance(step.choice, RelatedChoice) and step.choice.lazy == CONTAINED)
        )
        return Load._of(None if self.root is None else mapper, (), mapper, steps) if steps else None

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> tuple[Any, ...]:
        def key_of(entity: Any) -> Any:
            return entity and entity._gen_cache_key(anon_map, bindparams)

        def choice_key(choice: Any) -> Any:
            if isinstance(choice, ColumnChoice):
                return choice
            criteria = tuple(each._gen_cache_key(anon_map, bindparams) for each in choice.criteria)
            return (choice.lazy, choice.inner, choice.size, key_of(choice.target), criteria)

        return (
            Load,
            *((step.name, step.path, key_of(step.entity), step.word, choice_key(step.choice)) for step in self.steps),
        )

    def process_compile_state(self, compile_state: Any) -> None:
        """Enter what is wanted in the compile state of a statement; called by ``sql`` while it is compiled.

        :raises ArgumentError: when an entity is not selected by the statement.
        :raises InvalidRequestError: when other options want something else for the same attribute.
        """
        selected = [entity_of(element) for element in elements_of(compile_state.select_statement)]
        entities = [entity for entity in selected if entity is not None]
        if self.root is not None and self.steps and self.root not in entities:
            raise exc.option_without_entity(self.steps[0], self.root, [entity_name(entity) for entity in entities])
        for step in self.steps:
            if not step.path:
                for entity in entities if step.entity is None else (step.entity,):
                    enter(compile_state, entity, step)

    def __reduce__(self) -> tuple[Any, ...]:
        # mappers are found again by their classes; what is said of an alias means nothing to another process
        steps = tuple(
            (step.name, step.path, step.entity and step.entity.class_, step.word, step.choice)
            for step in self.steps
            if step.entity is None or not step.entity.is_aliased_class
        )
        root, entity = (None if each is None else each.class_ for each in (self.root, self.entity))
        return _restored, (root, self.path, entity, steps)

    def __repr__(self) -> str:
        return f"<Load {', '.join(str(step) for step in self.steps)}>"


def _restored(
    root: type | None, path: tuple[str, ...], entity: type | None, steps: tuple[tuple[Any, ...], ...]
) -> Load:
    """An option that was pickled."""

    def mapper_of(class_: type | None) -> Any:
        return None if class_ is None else inspect(class_)

    found = tuple(Step(name, at, mapper_of(class_), word, choice) for name, at, class_, word, choice in steps)
    return Load._of(mapper_of(root), path, mapper_of(entity), found)


def enter(compile_state: Any, entity: Any, step: Step) -> None:
    """Note in a compile state what a step wants of an entity.

    :raises InvalidRequestError: when other options want something else for the same attribute.
    """
    place = (entity, step.word, step.is_related)
    earlier: Step | None = compile_state.attributes.get(place)
    if earlier is not None and earlier.choice != step.choice:
        raise exc.conflicting_options(step, earlier)
    compile_state.attributes[place] = step
    if isinstance(step.choice, ColumnChoice):
        compile_state.column_options.setdefault(entity, {})[step.word] = step.choice


def related_choices(compile_state: Any, entity: Any) -> dict[str, RelatedChoice]:
    """What the options of a statement want for the relationships of one of its entities."""
    return {
        step.word: step.choice
        for place, step in compile_state.attributes.items()
        if isinstance(step, Step) and isinstance(step.choice, RelatedChoice) and place[0] is entity
    }


def options_below(options: Iterable[Any], key: str) -> tuple[Load | LoaderCriteriaOption, ...]:
    """What is left of an object's options for the objects that one of its relationships leads to."""
    left = (option.below(key) for option in options if isinstance(option, (Load, LoaderCriteriaOption)))
    return tuple(option for option in left if option is not None)


def _is_everything(attribute: Any) -> bool:
    if isinstance(attribute, str):
        if attribute != EVERYTHING:
            raise exc.string_in_option()
        return True
    return False


def mapped_attribute(attribute: Any) -> tuple[Any, Any]:
    """The entity and the property of an attribute given to an option; synonyms are resolved.

    :raises ArgumentError: when it is no mapped attribute.
    """
    if isinstance(attribute, str):
        raise exc.string_in_option()
    entity = getattr(attribute, "parent", None)
    key = getattr(attribute, "key", None)
    if not getattr(attribute, "is_attribute", False) or entity is None or key is None:
        raise exc.option_needs_attribute(attribute)
    entity.mapper.ensure_configured()
    prop = entity.mapper.props.get(key)
    while isinstance(prop, SynonymProperty):
        prop = entity.mapper.props.get(prop.name)
    return entity, prop


# ---------------------------------------------------------------- options by function

_start = partial(Load._of, None, (), None, ())


def defer(key: Any, raiseload: bool = False) -> Load:
    """An option: do not load an attribute until it is used.

    :param key: an attribute of an entity of the statement, or ``"*"`` for all attributes.
    :param raiseload: refuse to load it even then.

    >>> select(User).options(defer(User.notes))                                            # doctest: +SKIP
    """
    return _start().defer(key, raiseload)


def undefer(key: Any) -> Load:
    """An option: load an attribute that is mapped as deferred.

    :param key: an attribute of an entity of the statement, or ``"*"`` for all attributes.
    """
    return _start().undefer(key)


def undefer_group(name: str) -> Load:
    """An option: load the deferred attributes of a group.

    :param name: the ``group`` that they were mapped with.
    """
    return _start().undefer_group(name)


def load_only(*attrs: Any, raiseload: bool = False) -> Load:
    """An option: load these attributes and the primary key, and no others until they are used.

    :param attrs: attributes of one entity.
    :param raiseload: refuse to load the others even then.
    :raises ArgumentError: when the attributes belong to several entities.
    """
    return _start().load_only(*attrs, raiseload=raiseload)


def lazyload(*keys: Any) -> Load:
    """An option: load related objects when they are used.

    :param keys: a relationship, or several that lead from one to the next; the option is about the last.
    """
    return _start().lazyload(*keys)


def joinedload(*keys: Any, innerjoin: bool | None = None) -> Load:
    """An option: load related objects along with their object.

    :param keys: a relationship, or several that lead from one to the next; the option is about the last.
    :param innerjoin: there always are related objects.
    """
    return _start().joinedload(*keys, innerjoin=innerjoin)


def contains_eager(*keys: Any) -> Load:
    """An option: take related objects from what the statement joins itself.

    :param keys: a relationship, or several that lead from one to the next; the option is about the last.
        ``of_type(alias)`` says from which alias the objects are taken.

    >>> select(User).join(User.addresses).options(contains_eager(User.addresses))          # doctest: +SKIP
    """
    return _start().contains_eager(*keys)


def selectinload(*keys: Any, chunksize: int | None = None) -> Load:
    """An option: load related objects along with their object.

    :param keys: a relationship, or several that lead from one to the next; the option is about the last.
    :param chunksize: for how many objects one statement asks.
    """
    return _start().selectinload(*keys, chunksize=chunksize)


def subqueryload(*keys: Any) -> Load:
    """An option: load related objects along with their object.

    :param keys: a relationship, or several that lead from one to the next; the option is about the last.
    """
    return _start().subqueryload(*keys)


def immediateload(*keys: Any) -> Load:
    """An option: load related objects along with their object.

    :param keys: a relationship, or several that lead from one to the next; the option is about the last.
    """
    return _start().immediateload(*keys)


def noload(*keys: Any) -> Load:
    """An option: leave relationships empty.

    :param keys: a relationship, or several that lead from one to the next; the option is about the last.
    """
    return _start().noload(*keys)


def raiseload(*keys: Any, sql_only: bool = False) -> Load:
    """An option: refuse to load related objects.

    :param keys: a relationship, or several that lead from one to the next, or ``"*"`` for all.
    :param sql_only: refuse only when the session does not know the objects already.
    """
    return _start().raiseload(*keys, sql_only=sql_only)


def defaultload(*keys: Any) -> Load:
    """An option: go on to the entity behind a relationship, which is loaded as it is mapped.

    :param keys: a relationship, or several that lead from one to the next.

    >>> select(User).options(defaultload(User.addresses).defer(Address.notes))             # doctest: +SKIP
    """
    return _start().defaultload(*keys)
