"""Configuring mappers: once, for all that are new, safe from several threads.

Mapping a class concerns that class alone; what needs other mappers (their properties, the loaders of the
rooms above) waits until something is used: the first construction of an object, a statement, or a call of
``configure_mappers``.  A registry knows whether it has mappers that wait (``has_new_mappers``), so the usual
answer, nothing to do, costs one look.

How a run goes: ``before_configured``, of all mappers and then of each registry; for each waiting mapper
``before_mapper_configured`` and the mapper's own ``configure`` with ``mapper_configured`` at its end; at last
``after_configured``, of each registry and then of all mappers.  A listener
of ``before_mapper_configured`` may answer ``EXT_SKIP``: that mapper waits for another run.

A mapper whose configuration fails keeps the error.  Every later run names that mapper and its error again,
because others may depend on it, until it is disposed.  A run that is started from inside a run does
nothing: the outer one is going to do it.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .. import exc
from ..events import EXT_SKIP, MapperEvents

if TYPE_CHECKING:
    from .mapper import Mapper
    from .registry import registry as Registry

registries: weakref.WeakSet[Registry] = weakref.WeakSet()
"""All registries that live; a registry enters itself."""

_LOCK = threading.RLock()


class _Run:
    """The run in progress; guarded by ``_LOCK``."""

    is_active = False


def configure_mappers() -> None:
    """Configure all mappers of all registries that have not been configured.

    Happens by itself when a mapped class is first used; calling it early brings mistakes to light.

    :raises InvalidRequestError: when a mapper cannot be configured, or could not be before.
    """
    configure_registries(list(registries), cascade=True)


def configure_registries(wanted: Iterable[Registry], *, cascade: bool) -> None:
    """Configure the waiting mappers of some registries.

    :param cascade: also those of the registries that these depend on; else that is an error.
    """
    chosen = [registry for registry in wanted if registry.has_new_mappers]
    if not chosen:
        return
    with _LOCK:
        # another thread may have done it while this one waited for the lock
        if _Run.is_active or not any(registry.has_new_mappers for registry in chosen):
            return
        _Run.is_active = True
        try:
            _run(chosen, cascade=cascade)
        finally:
            _Run.is_active = False
    _emit("after_configured")


def _emit(name: str) -> None:
    """Emit an event whose target is the mapper class itself: it concerns all mappers."""
    target: Any = MapperEvents._target_class
    getattr(target.dispatch._for_class(target), name)()


def _run(chosen: list[Registry], *, cascade: bool) -> None:
    _emit("before_configured")
    done: list[Registry] = []
    for registry in with_dependencies(chosen):
        if not cascade and registry._new_mappers and registry not in chosen:
            raise exc.registries_not_configured()
        if not registry._new_mappers:
            continue
        registry.dispatch.before_configured(registry)
        skipped = False
        for mapper in registry.waiting_mappers():
            skipped = _configure(mapper) or skipped
        if not skipped:
            done.append(registry)
    for registry in done:
        registry.all_configured()
        registry.dispatch.after_configured(registry)


def _configure(mapper: Mapper) -> bool:
    """Configure one mapper; True when a listener wants it skipped."""
    if mapper.configure_error is not None:
        raise exc.mapper_failed_before(mapper, mapper.configure_error) from mapper.configure_error
    if mapper.configured:
        return False
    for listener in mapper.dispatch.before_mapper_configured:
        if listener(mapper, mapper.class_) is EXT_SKIP:
            return True
    try:
        mapper.configure()
    except BaseException as error:
        mapper.configure_error = error
        raise
    return False


def with_dependencies(chosen: Iterable[Registry]) -> list[Registry]:
    """The registries and all that they depend on, each once."""
    found: list[Registry] = []
    waiting = list(chosen)
    while waiting:
        registry = waiting.pop()
        if registry not in found:
            found.append(registry)
            waiting.extend(registry.dependencies)
    return found


def with_dependents(chosen: Iterable[Registry]) -> list[Registry]:
    """The registries and all that depend on them, each once."""
    found: list[Registry] = []
    waiting = list(chosen)
    while waiting:
        registry = waiting.pop()
        if registry not in found:
            found.append(registry)
            waiting.extend(registry.dependents)
    return found


def clear_mappers() -> None:
    """Take the mapping off all mapped classes; for test suites that map again and again.

    A program that maps its classes once has no need of it.  ``registry.dispose`` does the same for the
    classes of one registry.
    """
    with _LOCK:
        dispose_registries(list(registries), cascade=True)


def dispose_registries(chosen: Iterable[Registry], *, cascade: bool) -> None:
    """Take the mapping off the classes of some registries.

    :param cascade: also those of the registries that depend on these; else that is an error.
    """
    chosen = list(chosen)
    all_of_them = with_dependents(chosen)
    if not cascade and any(registry.has_mappers and registry not in chosen for registry in all_of_them):
        raise exc.dependent_registries()
    for registry in all_of_them:
        registry.forget_mappers()
