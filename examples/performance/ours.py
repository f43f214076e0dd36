"""The scenarios with ormsession."""

from __future__ import annotations

import entities
import families
from schema import person

import ormsession

ormsession.registry().map_imperatively(entities.Person, person)
families.map_with(ormsession)

SCENARIOS = entities.scenarios_with(ormsession.Session) | families.scenarios_with(ormsession)
