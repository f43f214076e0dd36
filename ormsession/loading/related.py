"""Loading the objects that a relationship leads to, when its attribute is used and absent.

A :class:`RelatedLoad` is the loader of one relationship attribute.  It lies in the ``load`` slot of the
attribute, or, where an option decided otherwise for the objects of one statement, in the loaders of an object.
What it needs of the relationship is worked out once, as a :class:`LazyPlan`:

* where the foreign key of the object is the primary key of the other one (*by key*), the identity map is asked
  first and no SQL is sent for an object that is there; else the target's kept SELECT by primary key is executed;
* in all other cases a SELECT of the target with the join condition is executed, in which parameters stand for
  the columns of this object; it is built once per relationship too.

An object that stands for no row has nothing to load.  Without a session that is an error, as for any other
absent attribute; a loader that refuses says so before anything is looked up (``"raise"``), or only when SQL
would be needed (``"raise_on_sql"``).

Options that the object was loaded with, and that lead through this relationship, apply to what is loaded here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .. import exc
from ..tracking.ownership import Owner, owner_of
from ..tracking.state import InstanceState
from ..tracking.symbols import (
    ATTR_EMPTY,
    ATTR_WAS_SET,
    LOAD_AGAINST_COMMITTED,
    NO_AUTOFLUSH,
    NO_RAISE,
    NO_VALUE,
    NON_PERSISTENT_OK,
    PASSIVE_NO_RESULT,
    PASSIVE_OFF,
    RELATED_OBJECT_OK,
    SQL_OK,
)
from .context import DEFAULT_OPTIONS, LoadOptions
from .lazy_plan import LazyPlan, lazy_plan
from .options import options_below
from .peers import fetch_word, flush_before, is_watched, note, peers_of, permit, statements_for
from .result import load_all
from .selectin import load_for_all
from .statements import KEYS_PER_STATEMENT, entity_select
from .steps import criteria_of

if TYPE_CHECKING:
    from ..mapping.relationship import RelationshipProperty

Refusal = Literal["never", "always", "sql"]

_REFUSALS: dict[str, Refusal] = {"raise": "always", "raise_on_sql": "sql"}


@dataclass(frozen=True, slots=True)
class RelatedLoad:
    """The loader of one relationship attribute; tracking calls it with the state when the attribute is absent."""

    key: str
    refusal: Refusal = "never"
    is_shared: bool = False
    """Load for all peers of the object, whatever session and statement say."""
    is_explicit: bool = False
    """Somebody asked for the objects by name: it is no implicit load."""

    def __call__(self, state: InstanceState, passive: int) -> Any:
        """Load the related objects.

        :return: the object or list of objects, or the symbol that says why there is none.
        :raises DetachedInstanceError: when the object belongs to no session.
        :raises InvalidRequestError: when the attribute must not be loaded implicitly.
        """
        known = self._known_at_once(state, passive)
        if known is not None:
            return known
        prop = state.mapper.props[self.key]
        if state.pk is None and (not passive & NON_PERSISTENT_OK or not _loads_without_row(state, prop)):
            return ATTR_EMPTY if passive & NON_PERSISTENT_OK else PASSIVE_NO_RESULT
        if self.refusal == "always" and not passive & NO_RAISE:
            raise exc.raiseload_relationship(state, self.key, "raise")
        plan = lazy_plan(prop)
        if not plan.is_by_key and not passive & SQL_OK:
            return PASSIVE_NO_RESULT
        owner = owner_of(state)
        if owner is None:
            if passive & NO_RAISE:
                return PASSIVE_NO_RESULT
            raise exc.detached_lazy(state, self.key)
        values = _values(state, plan, passive)
        if values is PASSIVE_NO_RESULT or values is NO_VALUE:
            return PASSIVE_NO_RESULT if values is PASSIVE_NO_RESULT else ATTR_EMPTY
        if self.key in state.dict:  # loading the values has loaded this too
            return ATTR_WAS_SET
        if all(value is None for value in values):
            return [] if prop.uselist else None
        return self._find(owner, state, plan, values, prop=prop, passive=passive)

    def _known_at_once(self, state: InstanceState, passive: int) -> Any:
        """The related object in the commonest case, by a third of the way: one key, loaded, and the session has it."""
        plan: LazyPlan | None = state.manager.mapper.memo.get((LazyPlan, self.key))
        if plan is None or plan.only_source is None or state.pk is None or state.extras is not None:
            return None
        if self.refusal == "always" or passive & LOAD_AGAINST_COMMITTED:
            return None
        owner = owner_of(state)
        value = state.dict.get(plan.only_source)
        if owner is None or value is None:
            return None
        space = owner.identity_map.spaces.get(plan.identity_class)
        found = None if space is None else space.get(value)
        if found is None or (found.extras is not None and found.expired):
            return None
        instance = found()
        return instance if isinstance(instance, plan.class_) else None  # type: ignore[arg-type]

    def worded(self, lazy: str) -> RelatedLoad | NothingLoad:
        """The loader of the same attribute that another lazy word asks for."""
        return loader_for(self.key, lazy)

    def load_now(self, state: InstanceState, passive: int) -> Any:
        """The same without a refusal: somebody asked for the objects explicitly."""
        return RelatedLoad(self.key, is_explicit=True)(state, passive)

    def _find(
        self,
        owner: Owner,
        state: InstanceState,
        plan: LazyPlan,
        values: Any,
        *,
        prop: RelationshipProperty,
        passive: int,
    ) -> Any:
        if plan.is_by_key and not _criteria(state, prop):
            known = _known_by_key(owner, state, prop, values, passive)
            if known is not NO_VALUE:
                return known
        if not passive & SQL_OK or not passive & RELATED_OBJECT_OK:
            return PASSIVE_NO_RESULT
        if self.refusal == "sql" and not passive & NO_RAISE:
            raise exc.raiseload_relationship(state, self.key, "raise_on_sql")
        if not self.is_explicit and (self.is_shared or is_watched(owner, state)):
            return self._fetch_watched(owner, state, plan, values, prop=prop, passive=passive)
        return _fetch(owner, state, prop, plan, values, autoflush=not passive & NO_AUTOFLUSH)

    def _fetch_watched(
        self,
        owner: Owner,
        state: InstanceState,
        plan: LazyPlan,
        values: Any,
        *,
        prop: RelationshipProperty,
        passive: int,
    ) -> Any:
        """Load for peers, or with a warning, or not: as the session, the statement or the relationship wants."""
        key = self.key
        if not permit(owner, state, key, passive):
            return PASSIVE_NO_RESULT
        states = [state]
        word = fetch_word(owner, state)
        if (self.is_shared or word == "peers") and state.pk is not None and not passive & LOAD_AGAINST_COMMITTED:
            flush_before(owner, passive)
            states = peers_of(owner, state, lambda other: key in other.unloaded and not _has_other_loader(other, self))
        note(owner, state, key, peers=len(states), statements=statements_for(states, KEYS_PER_STATEMENT))
        if len(states) > 1:
            below = options_below(state.load_options, key)
            load_options = LoadOptions(
                identity_token=state.identity_token, propagated=below, execution_options={"fetch": word}
            )
            criteria = _criteria(state, prop)
            load_for_all(
                owner, prop, states, load_options=load_options, options=below, criteria=criteria, load_rows=load_all
            )
            if key in state.dict:
                return ATTR_WAS_SET
        return _fetch(owner, state, prop, plan, values, autoflush=not passive & NO_AUTOFLUSH)


def _has_other_loader(state: InstanceState, load: RelatedLoad) -> bool:
    """Whether an option decided for this object that its attribute is loaded in another way."""
    return bool((state.loader_callables or {}).get(load.key, load) != load)


@dataclass(frozen=True, slots=True)
class NothingLoad:
    """The loader of an attribute that is never loaded: it is empty."""

    key: str

    def __call__(self, state: InstanceState, passive: int) -> Any:
        """Nothing."""
        return [] if state.mapper.props[self.key].uselist else None

    def worded(self, lazy: str) -> RelatedLoad | NothingLoad:
        """The loader of the same attribute that another lazy word asks for."""
        return loader_for(self.key, lazy)

    def load_now(self, state: InstanceState, passive: int) -> Any:
        """The related objects after all: somebody asked for them explicitly."""
        return RelatedLoad(self.key, is_explicit=True)(state, passive)


def _loads_without_row(state: InstanceState, prop: RelationshipProperty) -> bool:
    return prop.load_on_pending and owner_of(state) is not None


def _values(state: InstanceState, plan: LazyPlan, passive: int) -> Any:
    """The values of this object that the plan needs, in its order; or the symbol for why there are none."""
    values = []
    dict_ = state.dict
    for _, key in plan.sources:
        impl = state.manager[key].impl
        asked = passive & ~RELATED_OBJECT_OK | PASSIVE_OFF & RELATED_OBJECT_OK
        if passive & LOAD_AGAINST_COMMITTED:
            value = impl.get_committed_value(state, dict_, asked)
        else:
            value = impl.get(state, dict_, asked)
        if value is PASSIVE_NO_RESULT or value is NO_VALUE:
            return value
        values.append(value)
    return values


def _criteria(state: InstanceState, prop: RelationshipProperty) -> tuple[Any, ...]:
    """What the options that the object was loaded with want of related rows."""
    if state.extras is None or not state.load_options:
        return ()
    return criteria_of(state.load_options, prop.parent, prop.key)


def _known_by_key(
    owner: Owner, state: InstanceState, prop: RelationshipProperty, values: Sequence[Any], passive: int
) -> Any:
    """The related object when the session knows it; ``NO_VALUE`` when it does not."""
    pk = values[0] if len(values) == 1 else tuple(values)
    found = owner.identity_map.get_state(prop.mapper.class_manager.identity_class, pk, state.identity_token)
    instance = None if found is None else found()
    if found is None or instance is None:
        return NO_VALUE
    if not isinstance(instance, prop.mapper.class_):
        return None
    if found.extras is not None and found.expired:
        if not passive & SQL_OK:
            return PASSIVE_NO_RESULT
        if passive & RELATED_OBJECT_OK:
            try:
                found.load_expired(passive)
            except exc.ObjectDeletedError:
                owner.row_is_gone(found)
                return None
    return instance


def _fetch(
    owner: Owner,
    state: InstanceState,
    prop: RelationshipProperty,
    plan: LazyPlan,
    values: Sequence[Any],
    *,
    autoflush: bool,
) -> Any:
    """Ask the database for the related objects."""
    if plan.is_by_key:
        statement, parameters = entity_select(prop.mapper, values[0] if len(values) == 1 else tuple(values))
    else:
        statement = plan.statement
        parameters = {name: value for (name, _), value in zip(plan.sources, values, strict=True)}
    load_options = DEFAULT_OPTIONS
    options = options_below(state.load_options, prop.key) if state.extras is not None else ()
    criteria = _criteria(state, prop)
    if criteria:
        statement = statement.where(*criteria)
    if options:
        statement = statement.options(*options)
    if options or state.identity_token is not None:
        load_options = LoadOptions(identity_token=state.identity_token, propagated=options)
    result = owner.run(
        statement, parameters, mapper=prop.mapper, autoflush=autoflush, for_relationship=True, loaded_from=state
    )
    found = list({id(instance): instance for instance in load_all(owner, result, options=load_options)}.values())
    if prop.uselist:
        return found
    if len(found) > 1:
        exc.warn_several_rows_for_one(state, prop.key)
    return found[0] if found else None


def loader_for(key: str, lazy: str) -> RelatedLoad | NothingLoad:
    """The loader that a lazy word asks for, once the attribute is used.

    :param key: the attribute.
    :param lazy: a word such as ``relationship(lazy=...)`` takes.
    """
    if lazy == "noload":
        return NothingLoad(key)
    return RelatedLoad(key, _REFUSALS.get(lazy, "never"), is_shared=lazy == "peers")
