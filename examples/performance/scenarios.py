"""The scenarios by name: how large they are, and what must have come out in the end.

How a library does the work stands in its own module (``raw``, ``core``, ``orm``, ``ours``), as one generator
function per scenario in a dictionary ``SCENARIOS``::

    def load(setting):
        with Session(setting.engine) as session:          # preparation
            yield                                         # the clock starts
            people = session.scalars(select(Person)).all()
            yield                                         # the clock stops
            return [as_row(someone) for someone in people]  # what is compared with the expectation below

A module that lacks a scenario is reported as missing it.  Whatever a scenario writes is committed before it
returns; the table is then read back and compared too.  A new scenario is a line here and a function in each module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schema import FamilyRow, Row, families, row, rows

MERGED_AGE = 99
"""The age that the scenarios which change a row set."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One line of the table."""

    name: str
    title: str
    size: int
    """Rows or objects of a full run; a quick run takes a fifth of them."""
    result: Callable[[int], Any] | None
    """By size: what the scenario returns; None when it returns nothing to compare."""
    table: Callable[[int], list[Row] | list[FamilyRow]]
    """By size: what the table holds afterwards."""
    filled: bool = True
    """Whether the table holds *size* rows beforehand; else it is empty."""
    family: bool = False
    """Works on parents, *size* of them, with their children."""
    memory: bool = False
    """Bytes per object are measured instead of seconds."""


def keys(size: int) -> list[int]:
    """All keys."""
    return list(range(1, size + 1))


def changed_ages(size: int) -> list[Row]:
    """All rows with another age."""
    return [(*found[:3], MERGED_AGE, found[4]) for found in rows(size)]


def alternately_changed(size: int) -> list[Row]:
    """Rows of even keys with another age, rows of odd keys with another name."""
    return [
        (key, *row(key)[1:3], MERGED_AGE, row(key)[4]) if key % 2 == 0 else (key, "changed", *row(key)[2:])
        for key in range(1, size + 1)
    ]


def rewritten(size: int) -> list[Row]:
    """All rows with another name, age and score."""
    return [(key, "again", row(key)[2], 2, 2.5) for key in range(1, size + 1)]


def nothing(size: int) -> list[Row]:
    """An empty table."""
    return []


SCENARIOS = [
    Scenario("load", "load entities", 100_000, rows, rows),
    Scenario("stream", "stream entities in batches", 100_000, keys, rows),
    Scenario("reload", "load entities that are known already", 100_000, rows, rows),
    Scenario("tuples", "load rows of three columns", 100_000, lambda size: [r[:3] for r in rows(size)], rows),
    Scenario("get_cold", "get by key, from the database", 3_000, rows, rows),
    Scenario("get_warm", "get by key, from the identity map", 20_000, rows, rows),
    Scenario("read", "read a loaded attribute", 20_000, lambda size: 5 * sum(range(1, size + 1)), rows),
    Scenario("write", "write a loaded attribute", 20_000, rewritten, rows),
    Scenario("construct", "construct with keywords", 50_000, rows, nothing, filled=False),
    Scenario("insert_generated", "insert objects, keys made by the database", 50_000, rows, rows, filled=False),
    Scenario("insert_given", "insert objects, keys given", 50_000, rows, rows, filled=False),
    Scenario("insert_bulk", "insert dictionaries", 50_000, None, rows, filled=False),
    Scenario("update", "update one column of loaded objects", 20_000, changed_ages, changed_ages),
    Scenario("update_alternating", "update alternating columns", 20_000, alternately_changed, alternately_changed),
    Scenario("delete", "delete loaded objects", 20_000, None, nothing),
    Scenario("refresh", "load expired objects one by one", 3_000, rows, rows),
    Scenario("merge", "merge objects that differ in one column", 3_000, changed_ages, changed_ages),
    Scenario("transactions", "short transactions: get, change, commit", 1_000, None, changed_ages),
    Scenario("graph", "insert parents with four children each", 5_000, families, families, filled=False, family=True),
    Scenario("lazy", "parents, then the children of each", 1_000, families, families, family=True),
    Scenario("selectin", "parents, then all children in one statement", 5_000, families, families, family=True),
    Scenario("joined", "parents and children in one statement", 5_000, families, families, family=True),
    Scenario("many_to_one", "the parent of each child, from the identity map", 5_000, families, families, family=True),
    Scenario("memory", "memory of loaded entities", 100_000, rows, rows, memory=True),
]

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}

LIBRARIES = {"driver": "raw", "Core": "core", "ORM": "orm", "ormsession": "ours"}
"""Name in the tables -> module that implements the scenarios."""

GROWTH = {
    "load": (10_000, 30_000, 100_000, 300_000, 500_000),
    "insert_generated": (10_000, 30_000, 100_000, 200_000),
}
"""Scenarios whose time is followed over growing sizes, to see that it grows no faster than they do."""
