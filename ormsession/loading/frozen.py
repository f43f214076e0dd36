"""Results that were kept (``Result.freeze()``), brought back into a session.

A program may keep what a statement returned, and hand it out again later, to another session.  The objects in
it belong to nobody then; :func:`merge_frozen_result` gives the session its own copies of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import FrozenResult, Result

from ..sql.entity import entity_of


def merge_frozen_result(
    session: Any, statement: Any, frozen_result: FrozenResult[Any], load: bool = True
) -> Callable[[], Result[Any]]:
    """The rows of a frozen result with each object replaced by the session's own.

    :param session: the :class:`.Session` that the objects are merged into.
    :param statement: the statement whose result was frozen; it tells which elements of a row are objects.
    :param frozen_result: what ``Result.freeze()`` returned.
    :param load: load the current rows of objects that the session does not know; False takes them as they are.
    :return: a function that returns a result, each time it is called.

    >>> frozen = session.execute(statement).freeze()                                       # doctest: +SKIP
    >>> merge_frozen_result(other_session, statement, frozen, load=False)().all()          # doctest: +SKIP
    """
    is_entity = [entity_of(element) is not None for element in statement._raw_columns]
    # the result of one entity alone keeps its objects as they are, without rows around them
    kept = [(each,) for each in frozen_result.data] if is_entity == [True] else frozen_result.data
    with session.no_autoflush:
        rows: Any = [
            [
                session.merge(value, load=load) if is_object and value is not None else value
                for value, is_object in zip(row, is_entity, strict=True)
            ]
            for row in kept
        ]
    return frozen_result.with_new_rows(rows)
