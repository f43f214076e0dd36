"""Tracked classes for the tests of the room: instrumented directly, without tables or mappers."""

from __future__ import annotations

from typing import Any

from ormsession.tracking.identity import IdentityMap
from ormsession.tracking.instrumentation import register_class
from ormsession.tracking.ownership import new_owner_number
from ormsession.tracking.registration import register_attribute


def tracked(class_: type, *keys: str, **options: Any) -> type:
    """*class_* with each of *keys* tracked."""
    register_class(class_)
    for key in keys:
        register_attribute(class_, key, **options)
    return class_


def make_user() -> type:
    """A new tracked class ``User`` with the attributes ``name`` and ``email``."""

    class User:
        pass

    return tracked(User, "name", "email")


class Holder:
    """The least that can own objects: an identity map and a number."""

    def __init__(self) -> None:
        self.identity_map = IdentityMap()
        self.told: list[Any] = []
        self.hash_key = new_owner_number(self)

    def note_modified(self, state: Any, obj: Any) -> None:
        self.told.append(obj)
        self.identity_map.modified[state] = obj

    def take(self, obj: Any, pk: Any) -> Any:
        state = obj._sa_instance_state
        state.pk = pk
        state.session_id = self.hash_key
        state.commit_all(obj.__dict__)
        self.identity_map.add(state)
        return state
