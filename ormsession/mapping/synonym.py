"""The class attribute of a synonym: another name for an attribute of the same class.

On an instance it reads and writes the attribute that it names, through the property that the class itself
defines under the synonym's name when there is one.  On the class it stands for that attribute in SQL:
operators, and everything else that it does not know itself, go to the target.

The target is looked up at each use: it may be mapped after the synonym, be replaced, or be a synonym too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy.sql.operators import ColumnOperators

from .. import exc
from .._core import roles
from ..tracking.attributes import Attribute
from ..tracking.symbols import PASSIVE_OFF
from .inspection import InspectionAttr

if TYPE_CHECKING:
    from ..tracking.history import History
    from ..tracking.state import InstanceState
    from .properties import SynonymProperty


class SynonymImpl:
    """The implementation behind a synonym: that of its target."""

    accepts_scalar_loader = False
    collection = False
    is_object = False
    is_plain = False
    supports_population = False
    dynamic = False
    active_history = False
    expire_missing = False
    load_on_unexpire = False
    load = None

    def __init__(self, attribute: SynonymAttribute) -> None:
        self.attribute = attribute
        self.key = attribute.key

    def _target(self, state: InstanceState) -> Any:
        return state.manager[self.attribute.name].impl

    def get(self, state: InstanceState, dict_: dict[str, Any], passive: int = PASSIVE_OFF) -> Any:
        """The value of the target."""
        return self._target(state).get(state, dict_, passive)

    def get_history(self, state: InstanceState, dict_: dict[str, Any], passive: int = PASSIVE_OFF) -> History:
        """The history of the target."""
        history: History = self._target(state).get_history(state, dict_, passive)
        return history

    def set(self, state: InstanceState, dict_: dict[str, Any], value: Any, initiator: Any = None, **kw: Any) -> None:
        """Set the target, through the property of the class when there is one."""
        self.attribute.__set__(state(), value)

    def delete(self, state: InstanceState, dict_: dict[str, Any]) -> None:
        """Delete the target's value."""
        self.attribute.__delete__(state())

    def set_committed_value(self, state: InstanceState, dict_: dict[str, Any], value: Any) -> Any:
        """Set the target without history."""
        return self._target(state).set_committed_value(state, dict_, value)


class SynonymAttribute(InspectionAttr, roles.JoinTargetRole, roles.OnClauseRole, ColumnOperators):
    """What ``User.other_name`` is; made when a class with a synonym is mapped.

    The roles let Core keep it in a statement as the target of a join, when it names a relationship.

    :param class_: the mapped class, or an alias of it.
    :param prop: the synonym.
    :param descriptor: the property of the class that reads and writes instead, or None.
    :param adapt: turns an attribute of the mapped class into that of an alias.
    """

    is_attribute = True

    def __init__(
        self, class_: Any, prop: SynonymProperty, descriptor: Any = None, adapt: Callable[[Any], Any] | None = None
    ) -> None:
        self.class_ = class_
        self.original_property = prop
        self.key = prop.key
        self.name = prop.name
        self.parent = prop.parent
        self.descriptor = descriptor
        self.impl = SynonymImpl(self)
        self._adapt = adapt
        self.__doc__ = prop.doc if prop.doc is not None else getattr(descriptor, "__doc__", None)

    # ------------------------------------------------------------ on instances

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        if self.descriptor is not None:
            return self.descriptor.__get__(instance, owner)
        return getattr(instance, self.name)

    def __set__(self, instance: Any, value: Any) -> None:
        if self.descriptor is not None:
            self.descriptor.__set__(instance, value)
        else:
            setattr(instance, self.name, value)

    def __delete__(self, instance: Any) -> None:
        if self.descriptor is not None:
            self.descriptor.__delete__(instance)
        else:
            delattr(instance, self.name)

    # ------------------------------------------------------------ on the class

    def target(self) -> Any:
        """The attribute that is meant.

        :raises InvalidRequestError: when the class has something else than a mapped attribute there.
        """
        target = getattr(self.class_, self.name)
        if not isinstance(target, (Attribute, SynonymAttribute)):
            raise exc.synonym_of_unmapped(self.class_, self.name, target)
        factory = self.original_property.comparator_factory
        if factory is not None:
            target = factory(target.property, self.parent)
        return target if self._adapt is None else self._adapt(target)

    @property
    def info(self) -> dict[Any, Any]:
        """The user's own notes about the synonym."""
        return self.original_property.info

    @property
    def _parententity(self) -> Any:
        return self.target()._parententity

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        # attributes of the user's own kind of property come first
        descriptor = self.__dict__.get("descriptor")
        if descriptor is not None and hasattr(descriptor, name):
            return getattr(descriptor, name)
        return getattr(self.target(), name)

    def __clause_element__(self) -> Any:
        return self.target().__clause_element__()._annotate({"proxy_key": self.key})

    def adapt_to_entity(self, entity: Any) -> SynonymAttribute:
        """The same synonym on an alias of the class."""
        return SynonymAttribute(
            self.class_, self.original_property, self.descriptor, lambda target: target.adapt_to_entity(entity)
        )

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        """Apply an operator to the target."""
        return op(self.target(), *other, **kwargs)

    def reverse_operate(self, op: Any, other: Any, **kwargs: Any) -> Any:
        """Apply an operator with the target on its right."""
        return op(other, self.target(), **kwargs)

    __hash__ = object.__hash__

    def __str__(self) -> str:
        return f"{str(self.target()).rpartition('.')[0] if self._adapt else self.class_.__name__}.{self.key}"

    def __repr__(self) -> str:
        return f"<synonym {self}>"

    # last, since the name hides the decorator
    @property
    def property(self) -> Any:
        """The property of the attribute that is meant."""
        return self.target().property
