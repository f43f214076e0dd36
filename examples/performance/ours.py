"""The scenarios with ormsession."""

from __future__ import annotations

from entities import Person, scenarios_with
from schema import person

from ormsession import Session, registry

registry().map_imperatively(Person, person)

SCENARIOS = scenarios_with(Session)
