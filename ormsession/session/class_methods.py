"""What ``Session`` and ``sessionmaker`` both answer without a session: keys, owners, closing all."""

from __future__ import annotations

from typing import Any

from ..mapping import lookup
from ..tracking import ownership
from . import legacy


class SessionClassMethods:
    """Questions that need no session of one's own."""

    @classmethod
    def identity_key(
        cls,
        class_: Any = None,
        ident: Any = None,
        *,
        instance: Any = None,
        row: Any = None,
        identity_token: Any = None,
    ) -> tuple[Any, ...]:
        """The key under which a session knows an object; see :func:`ormsession.identity_key`."""
        return lookup.identity_key(class_, ident, instance=instance, row=row, identity_token=identity_token)

    @classmethod
    def object_session(cls, instance: Any) -> Any:
        """The session that owns *instance*, or None; see :func:`ormsession.object_session`."""
        return ownership.object_session(instance)

    @classmethod
    def close_all(cls) -> None:
        """Close all sessions of the process; the older name of :func:`ormsession.close_all_sessions`."""
        legacy.close_all()
