"""The scenarios with SQLAlchemy's ORM, for comparison; nothing else of this project imports it."""

from __future__ import annotations

from entities import Person, scenarios_with
from schema import person
from sqlalchemy.orm import Session, registry

registry().map_imperatively(Person, person)

SCENARIOS = scenarios_with(Session)
