"""The scenarios with SQLAlchemy's ORM, for comparison; nothing else of this project imports it."""

from __future__ import annotations

import entities
import families
from schema import person
from sqlalchemy import orm

orm.registry().map_imperatively(entities.Person, person)
families.map_with(orm)

SCENARIOS = entities.scenarios_with(orm.Session) | families.scenarios_with(orm)
