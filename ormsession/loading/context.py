"""What holds for one execution of an entity statement.

:class:`LoadOptions` is what the caller of a session asked for.  :class:`LoadContext` is that together with the
session whose objects are loaded and what happened so far; it is handed to the row loops, and to listeners
of the instance events ``load`` and ``refresh`` as their ``context``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import exc
from ..tracking.identity import IdentityMap, Space
from ..tracking.ownership import Owner
from ..tracking.state import InstanceState

_NO_OPTIONS: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What the caller wants of a load."""

    populate_existing: bool = False
    """Rows overwrite objects that are already there, changes included."""
    yield_per: int | None = None
    """Fetch and load this many rows at a time."""
    prebuffer_rows: bool = False
    """Load all rows before the result is handed out."""
    identity_token: Any = None
    """Tells apart equal primary keys of several databases; kept with each object."""
    check_version: bool = False
    """Rows of objects that are already there must have the version id of the object."""
    propagated: tuple[Any, ...] = ()
    """Loader options that the loaded objects keep for their own later loads."""
    execution_options: Mapping[str, Any] = field(default_factory=lambda: _NO_OPTIONS)


DEFAULT_OPTIONS = LoadOptions()


class LoadContext:
    """One execution of an entity statement: for whom, how, and what was loaded so far."""

    __slots__ = ("fresh", "identity_map", "is_observed", "options", "seen", "session", "statement")

    def __init__(self, session: Owner, options: LoadOptions, statement: Any = None) -> None:
        self.session: Any = session
        """Owner of the loaded objects."""
        self.options = options
        self.statement = statement
        self.identity_map: IdentityMap = session.identity_map
        """The map the execution began with; the session has another one once it was closed."""
        self.fresh: list[InstanceState] = []
        """New objects whose ``load`` event is due; written by the row loop, emptied after each chunk of rows."""
        self.seen: set[InstanceState] = set()
        """Objects that need not be overwritten by another row of this result; used with ``populate_existing``."""
        self.is_observed = bool(session.dispatch.loaded_as_persistent)
        """Whether the session wants to hear of each new object."""

    @property
    def execution_options(self) -> Mapping[str, Any]:
        """The execution options of the statement."""
        return self.options.execution_options

    @property
    def populate_existing(self) -> bool:
        """Whether rows overwrite objects that are already there."""
        return self.options.populate_existing

    def space(self, identity_class: type) -> Space:
        """Where the loaded objects of a hierarchy stand by primary key.

        :raises InvalidRequestError: when the session was closed or emptied since the statement was executed.
        """
        if self.session.identity_map is not self.identity_map:
            raise exc.identity_map_gone(identity_class)
        space: Space = self.identity_map.space(identity_class, self.options.identity_token)
        return space

    def emit_loaded(self) -> None:
        """Tell listeners of the objects that were made since the last time."""
        fresh, self.fresh = self.fresh, []
        for state in fresh:
            if state.manager.dispatch.load:
                state.manager.dispatch.load(state, self)
            if self.is_observed:
                self.session.loaded((state,))
