"""Related objects that are loaded along with their object.

Some relationships are to be there at once, because they are mapped so (``lazy="selectin"`` ...) or because an
option says so.

* The objects of a statement get theirs all together, by :func:`load_along`: one statement per relationship and 500
  objects (:mod:`.selectin`), whatever the word is.
* One object that is loaded again asks :func:`load_related`.  It goes through the loader in the slot of the
  attribute, so what the session knows costs no SQL; a loader that refuses implicit loads is told that this one is not.

Rejected for ``"subquery"``: repeating the statement inside another one, as the word suggests.  Keys ask the same
question, in less SQL, and the answer fits the objects even when other rows were committed in between.  Rejected for
``"immediate"``: going from object to object, which costs a statement each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..tracking.state import InstanceState
from ..tracking.symbols import (
    ATTR_EMPTY,
    ATTR_WAS_SET,
    NO_AUTOFLUSH,
    NO_RAISE,
    PASSIVE_NO_RESULT,
    PASSIVE_OFF,
    RELATED_OBJECT_OK,
)
from .context import LoadContext, LoadOptions
from .lazy_plan import lazy_plan
from .options import options_below
from .selectin import load_for_all
from .statements import KEYS_PER_STATEMENT
from .steps import EAGER, EVERYTHING, RelatedChoice, choices_of, criteria_of, related_words, relationships_of
from .way import ReachedBy

if TYPE_CHECKING:
    from ..mapping.mapper import Mapper
    from ..mapping.relationship import RelationshipProperty


KNOWN = "known"
"""Said of a many-to-one that is followed only to objects that the session has: it would lead back otherwise."""

_NOW = PASSIVE_OFF | NO_RAISE | NO_AUTOFLUSH
_ONLY_KNOWN = _NOW & ~RELATED_OBJECT_OK


def load_related(state: InstanceState, keys: Iterable[str], *, passive: int = _NOW) -> None:
    """Load relationships of an object, those that are absent.

    :param state: of the object.
    :param keys: names of relationship attributes.
    :param passive: what may be done for it.
    """
    values = state.dict
    for key in keys:
        if key in values or key in state.committed_state:
            continue
        impl: Any = state.manager[key].impl
        found = impl.load.load_now(state, passive)
        if found is ATTR_WAS_SET or found is PASSIVE_NO_RESULT:
            continue
        impl.set_committed_value(state, values, None if found is ATTR_EMPTY else found)


def own_related_loaders(mapper: Mapper, words: Mapping[str, str]) -> dict[str, Any]:
    """The loaders that objects need of their own where options want another way than the mapped one.

    :param mapper: of the objects.
    :param words: how each relationship is to be loaded.
    """
    loaders: dict[str, Any] = {}
    for key, word in words.items():
        impl: Any = mapper.class_manager[key].impl
        if impl.dynamic:
            continue  # never loaded, whatever options say
        usual = impl.load
        wanted = usual.worded(word)
        if wanted != usual:
            loaders[key] = wanted
    return loaders


def eager_keys(state: InstanceState) -> list[str]:
    """The relationships of an object that are to be loaded along with it, by mapping and by the options it keeps."""
    mapper = state.mapper
    options = state.load_options if state.extras is not None else ()
    words = related_words(mapper, choices_of(options, mapper))
    return [key for key, word in words.items() if word in EAGER and not mapper.class_manager[key].impl.dynamic]


@dataclass(frozen=True, slots=True)
class EagerStep:
    """A relationship that is loaded along with the objects of a statement."""

    prop: RelationshipProperty
    word: str
    size: int | None = None
    """How many keys one statement asks for, where an option says so."""


def eager_steps(mapper: Mapper, choices: Mapping[str, RelatedChoice], way: ReachedBy) -> tuple[EagerStep, ...]:
    """The relationships that are loaded along with the objects of an entity.

    :param mapper: of the entity.
    :param choices: what options want for its relationships.
    :param way: how the statement was reached, the entity included.
    """
    steps: list[EagerStep] = []
    for key, word in related_words(mapper, choices).items():
        prop: Any = mapper.props[key]
        if word not in EAGER or mapper.class_manager[key].impl.dynamic:
            continue
        choice = choices.get(key)
        if choice is None and EVERYTHING not in choices and way.ends_before(prop):
            if word != "immediate" or not lazy_plan(prop).is_by_key:
                continue
            word = KNOWN
        steps.append(EagerStep(prop, word, getattr(choice, "size", None)))
    return tuple(steps)


def load_along(
    instances: Iterable[Any],
    steps: Sequence[EagerStep],
    way: ReachedBy,
    context: LoadContext,
    load_rows: Any,
) -> None:
    """Load relationships of all objects of one fetch, those that are absent.

    :param instances: the objects; None and repeated ones among them.
    :param steps: the relationships, from :func:`eager_steps`.
    :param way: as there.
    :param context: of the execution that made the objects.
    :param load_rows: makes objects from a cursor result: ``result.load_all``.
    """
    states = list({instance._sa_instance_state: None for instance in instances if instance is not None})
    if not states:
        return
    for step in steps:
        prop, key = step.prop, step.prop.key
        below = options_below(context.options.propagated, key)
        wanted = states if below else [state for state in states if _is_absent(state, key)]
        if step.word == KNOWN:
            for state in wanted:
                load_related(state, (key,), passive=_ONLY_KNOWN)
        elif wanted:
            load_for_all(
                context.session,
                prop,
                wanted,
                load_options=_options_for_related(context.options, below),
                options=(*below, way),
                criteria=criteria_of(context.options.propagated, prop.parent, key),
                is_deep=bool(below) or any(each.lazy in EAGER for each in relationships_of(prop.mapper)),
                size=step.size or KEYS_PER_STATEMENT,
                load_rows=load_rows,
            )


def _is_absent(state: InstanceState, key: str) -> bool:
    return key not in state.dict and key not in state.committed_state


def _options_for_related(options: LoadOptions, below: tuple[Any, ...]) -> LoadOptions:
    """What holds for related objects: the same as for their objects, but not how these are fetched."""
    execution_options = {key: value for key, value in options.execution_options.items() if key != "yield_per"}
    return LoadOptions(
        populate_existing=options.populate_existing,
        identity_token=options.identity_token,
        propagated=below,
        execution_options=execution_options,
    )
