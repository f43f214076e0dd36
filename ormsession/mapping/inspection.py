"""What can be asked of everything that ``inspect`` returns or that stands on a mapped class.

``InspectionAttr`` carries the flags that tell the kinds apart (``is_mapper``, ``is_attribute`` ...).  The
attributes of the tracking room carry the same flags without this base, since tracking lies below mapping.
Extensions of a class (hybrids and the like) derive from it and name themselves in ``extension_type``.
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar

from ..tracking.attributes import Attribute


class NotExtension(enum.Enum):
    """The extension type of what is no extension."""

    NOT_EXTENSION = "not_extension"


class InspectionAttr:
    """Base of everything that takes part in mapping and can be inspected; all flags are False here."""

    is_selectable: ClassVar[bool] = False
    is_aliased_class: ClassVar[bool] = False
    is_instance: ClassVar[bool] = False
    is_mapper: ClassVar[bool] = False
    is_bundle: ClassVar[bool] = False
    is_property: ClassVar[bool] = False
    is_attribute: ClassVar[bool] = False
    is_clause_element: ClassVar[bool] = False
    extension_type: Any = NotExtension.NOT_EXTENSION


def descriptors_of(cls: type) -> dict[str, Any]:
    """Everything on *cls* and its bases that takes part in mapping, by name: the nearest class first."""
    found: dict[str, Any] = {}
    for base in cls.__mro__:
        for name, value in base.__dict__.items():
            if name in found or (name.startswith("__") and name.endswith("__")):
                continue
            if isinstance(value, (Attribute, InspectionAttr)):
                found[name] = value
    return found
