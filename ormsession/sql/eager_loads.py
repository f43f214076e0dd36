"""Whether a statement loads related objects along at all: what ``Query.enable_eagerloads`` says.

It is an option of the statement rather than an execution option, because a statement with other related
objects in its rows is another statement, which Core's compiled cache has to keep apart.
"""

from __future__ import annotations

from typing import Any

from .._core import ExecutableOption, HasCacheKey, InternalTraversal

_KEY = "eager loads"


class EagerLoads(ExecutableOption, HasCacheKey):
    """The option: load related objects along, as mapping and options say, or not."""

    inherit_cache = True
    _cache_key_traversal = [("is_enabled", InternalTraversal.dp_boolean)]
    _is_has_cache_key = True
    _is_core = False
    _is_compile_state = True
    _is_user_defined = False
    propagate_to_loaders = False

    def __init__(self, is_enabled: bool) -> None:
        self.is_enabled = is_enabled

    def process_compile_state(self, compile_state: Any) -> None:
        """Leave the answer where loaders ask for it."""
        compile_state.attributes[_KEY] = self.is_enabled


def loads_eagerly(compile_state: Any) -> bool:
    """True unless the statement was told to load nothing along."""
    return bool(compile_state.attributes.get(_KEY, True))
