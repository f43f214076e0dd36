"""Making an attribute of a class tracked: the descriptor, its implementation, and what both inherit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import events
from .attributes import Attribute, ScalarAttributeImpl
from .backrefs import connect
from .related import CollectionAttributeImpl, ObjectAttributeImpl, ScalarObjectAttributeImpl

if TYPE_CHECKING:
    from .instrumentation import ClassManager
    from .state import InstanceState


def register_attribute(
    class_: type,
    key: str,
    *,
    comparator: Any = None,
    parententity: Any = None,
    attribute_class: type[Attribute] | None = None,
    impl_class: type[ScalarAttributeImpl] | None = None,
    uselist: bool = False,
    useobject: bool = False,
    callable_: Callable[[InstanceState, int], Any] | None = None,
    active_history: bool = False,
    doc: str | None = None,
    backref: str | None = None,
    parent_token: Any = None,
    **options: Any,
) -> Attribute:
    """Track the attribute *key* of *class_*, which must be instrumented.

    :param comparator: what the attribute means in SQL; not used here.
    :param parententity: what the attribute belongs to, for those who care.
    :param attribute_class: the descriptor's class.
    :param impl_class: the implementation; by default chosen by *useobject*.
    :param uselist: the attribute holds a collection.
    :param useobject: the attribute holds other tracked objects.
    :param callable_: called with (state, passive) to load an absent value.
    :param active_history: load the old value before a change.
    :param backref: the attribute of the objects held that is kept in step.
    :param parent_token: what listeners see as ``initiator.parent_token``; by default the descriptor.
    :param options: handed to the implementation.
    :return: the descriptor, which is now an attribute of the class.
    """
    manager: ClassManager = class_.__dict__["_sa_class_manager"]
    impl_class = impl_class or _usual_impl(uselist=uselist, useobject=useobject)
    impl = impl_class(class_, key, active_history=active_history, load=callable_, **options)
    attribute = (attribute_class or Attribute)(class_, key, impl, comparator=comparator, parent=parententity)
    if doc is not None:
        attribute.__doc__ = doc
    impl.tokens_for(attribute if parent_token is None else parent_token)
    _enter(manager, attribute, backref, uselist=uselist)
    return attribute


def _usual_impl(*, uselist: bool, useobject: bool) -> type[ScalarAttributeImpl]:
    if uselist:
        return CollectionAttributeImpl
    return ScalarObjectAttributeImpl if useobject else ScalarAttributeImpl


def _enter(manager: ClassManager, attribute: Attribute, backref: str | None, *, uselist: bool) -> None:
    key, impl = attribute.key, attribute.impl
    inherited = manager.get(key)
    if inherited is not None and inherited.class_ is not attribute.class_:
        attribute.dispatch._update(inherited.dispatch)
        impl.active_history = impl.active_history or inherited.impl.active_history
    if backref is not None:
        connect(attribute, backref, uselist=uselist)
    manager.instrument_attribute(key, attribute)
    if events.instrumentation_factory.dispatch.attribute_instrument:
        events.instrumentation_factory.dispatch.attribute_instrument(attribute.class_, key, attribute)


def register_pending_attribute(
    class_: type,
    key: str,
    *,
    attribute_class: type[Attribute] | None = None,
    comparator: Any = None,
    parententity: Any = None,
    doc: str | None = None,
) -> Attribute:
    """Put an attribute on the class of which it is not known yet what it holds; it can be listened to already.

    :return: the descriptor; :func:`complete_attribute` puts an implementation behind it.
    """
    return register_attribute(
        class_,
        key,
        attribute_class=attribute_class,
        impl_class=ScalarObjectAttributeImpl,
        comparator=comparator,
        parententity=parententity,
        doc=doc,
    )


def complete_attribute(
    attribute: Attribute,
    *,
    impl_class: type[ScalarAttributeImpl] | None = None,
    uselist: bool = False,
    useobject: bool = True,
    active_history: bool = False,
    trackparent: bool = False,
    typecallable: Any = None,
    backref: str | None = None,
    **options: Any,
) -> None:
    """Put the implementation behind an attribute that was registered as pending.

    The parameters are those of :func:`register_attribute`.
    """
    impl_class = impl_class or _usual_impl(uselist=uselist, useobject=useobject)
    if issubclass(impl_class, ObjectAttributeImpl):
        options["trackparent"] = trackparent
    if issubclass(impl_class, CollectionAttributeImpl):
        options["typecallable"] = typecallable
    pending = attribute.impl
    impl = impl_class(
        attribute.class_, attribute.key, active_history=active_history or pending.active_history, **options
    )
    impl.dispatch = attribute.dispatch
    impl.tokens_for(attribute)
    attribute.impl = impl
    if backref is not None:
        connect(attribute, backref, uselist=uselist)
    manager: ClassManager = attribute.class_.__dict__["_sa_class_manager"]
    for affected in (manager, *manager.subclass_managers(True)):
        affected.refresh_plain()


def unregister_attribute(class_: type, key: str) -> None:
    """Stop tracking the attribute *key* of *class_*."""
    class_.__dict__["_sa_class_manager"].uninstrument_attribute(key)


# SQLAlchemy 2.1's names for these two
_register_attribute = register_attribute
_unregister_attribute = unregister_attribute
