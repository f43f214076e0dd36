"""Related objects that are loaded along with their object.

Whoever has just loaded an object asks :func:`load_related` for the relationships that are to be there at once,
because they are mapped so (``lazy="selectin"`` ...) or because an option says so.  Each goes through the loader
in the slot of its attribute, so what the session knows already costs no SQL; a loader that refuses implicit loads
is told that this one is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..tracking.state import InstanceState
from ..tracking.symbols import ATTR_EMPTY, ATTR_WAS_SET, NO_AUTOFLUSH, NO_RAISE, PASSIVE_NO_RESULT, PASSIVE_OFF
from .steps import EAGER, choices_of, related_words

if TYPE_CHECKING:
    from ..mapping.mapper import Mapper


def load_related(state: InstanceState, keys: Iterable[str], *, autoflush: bool = False) -> None:
    """Load relationships of an object, those that are absent.

    :param state: of the object.
    :param keys: names of relationship attributes.
    :param autoflush: pending changes are flushed first.
    """
    passive = PASSIVE_OFF | NO_RAISE if autoflush else PASSIVE_OFF | NO_RAISE | NO_AUTOFLUSH
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


def load_related_of_all(instances: Iterable[Any], keys: tuple[str, ...]) -> None:
    """Load the same relationships of many objects; elements that are None are skipped."""
    for instance in instances:
        if instance is not None:
            load_related(instance._sa_instance_state, keys)
