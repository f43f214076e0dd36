"""Both sides of a relationship agree: a change of one attribute changes the other one too.

``connect`` listens to an attribute and repeats each change on the attribute of that name of the objects
that enter or leave.  The other side is never loaded for it.

A chain of events carries the token of the attribute and operation that started it.  Where the next step
would come back to an attribute that the chain started from, it ends.  A step to an attribute that is
neither the one that started it nor the one it is connected with means that an object of the wrong type
was given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from .. import exc
from .symbols import NO_KEY, OP_REMOVE, PASSIVE_NO_FETCH, LoaderStatus

if TYPE_CHECKING:
    from .attributes import Attribute, AttributeEventToken
    from .state import InstanceState


def connect(attribute: Attribute, key: str, *, uselist: bool) -> None:
    """Repeat changes of *attribute* on the attribute *key* of what it holds.

    :param uselist: *attribute* holds a collection.
    """
    other_side = OtherSide(attribute, key)
    options = {"retval": True, "raw": True, "include_key": True}
    if uselist:
        event.listen(attribute, "append", other_side.appended, **options)
    else:
        event.listen(attribute, "set", other_side.replaced, **options)
    event.listen(attribute, "remove", other_side.removed, **options)


class OtherSide:
    """The listeners of one attribute that keep the attribute on the other side in step."""

    def __init__(self, attribute: Attribute, key: str) -> None:
        self.attribute = attribute
        self.key = key

    def replaced(self, state: InstanceState, child: Any, old: Any, initiator: AttributeEventToken) -> Any:
        """Another object is held."""
        if child is old:
            return child
        if old is not None and not isinstance(old, LoaderStatus):
            self._leave(state, old, initiator, check_kind=False)
        if child is not None:
            self._join(state, child, initiator)
        return child

    def appended(self, state: InstanceState, child: Any, initiator: AttributeEventToken, key: Any = NO_KEY) -> Any:
        """One more object is held."""
        if child is not None:
            self._join(state, child, initiator)
        return child

    def removed(self, state: InstanceState, child: Any, initiator: AttributeEventToken, key: Any = NO_KEY) -> Any:
        """An object is held no more."""
        if child is not None and not isinstance(child, LoaderStatus) and not self._stays(state, child):
            self._leave(state, child, initiator, check_kind=True)
        return child

    def _stays(self, state: InstanceState, child: Any) -> bool:
        """True when the collection holds the object once more."""
        impl = self.attribute.impl
        held = state.dict.get(impl.key)
        return impl.collection and held is not None and sum(each is child for each in held._sa_iterator()) > 1

    def _side_of(self, child: Any) -> tuple[InstanceState, dict[str, Any], Any]:
        child_state = getattr(child, "_sa_instance_state", None)
        if child_state is None:
            raise exc.unmapped_instance(child)
        attribute = child_state.manager.get(self.key)
        if attribute is None:
            raise exc.unknown_attribute(type(child), self.key)
        return child_state, child.__dict__, attribute.impl

    def _join(self, state: InstanceState, child: Any, initiator: AttributeEventToken) -> None:
        child_state, child_dict, impl = self._side_of(child)
        self._check_conflict(state, impl, initiator)
        if initiator.impl is not impl:
            impl.append(child_state, child_dict, state(), initiator, PASSIVE_NO_FETCH)

    def _leave(self, state: InstanceState, child: Any, initiator: AttributeEventToken, *, check_kind: bool) -> None:
        child_state, child_dict, impl = self._side_of(child)
        if check_kind:
            self._check_conflict(state, impl, initiator)
        # an object that moved to another collection must leave the one it was in, though both are one attribute
        if initiator.impl is impl and (not impl.collection or initiator.op is OP_REMOVE):
            return
        if not check_kind or impl.collection or child_dict.get(self.key) is state() or self.key not in child_dict:
            own = self.attribute.impl
            impl.pop(child_state, child_dict, state(), own._remove_token, PASSIVE_NO_FETCH)

    def _check_conflict(self, state: InstanceState, impl: Any, initiator: AttributeEventToken) -> None:
        started, own = initiator.parent_token, self.attribute.impl.parent_token
        if started is not own and started is not impl.parent_token:
            raise exc.backref_conflict(state(), initiator.impl, impl, own)
