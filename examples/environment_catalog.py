#!/usr/bin/env python3
"""Keep a catalogue of the Python distributions installed here, through a session.

The first run stores what `importlib.metadata` tells about every installed distribution, with its files and
requirements.  Each further run compares the environment with the catalogue and sends SQL only for what has
changed since: nothing at all when nothing has.  No line below asks what changed; the program sets every
attribute to what it read, and the session finds the differences.

    python examples/environment_catalog.py                               # this Python, into a SQLite file
    python examples/environment_catalog.py --path other/site-packages    # another folder
    python examples/environment_catalog.py --url postgresql+psycopg://postgres@localhost/test

The phases of a run, each with its number of statements in the report:

* reading     the metadata; no SQL.  Broken metadata is reported and skipped, and what the catalogue already
              knows about such a distribution is kept: unreadable is not uninstalled.
* comparing   three SELECTs bring the catalogue into the session, then objects are added, set and deleted.
* flush       the INSERTs, UPDATEs and DELETEs, in the order that the foreign keys ask for.
* report      figures that the database computes.

One database holds the catalogue of one environment: what a run does not find any more is deleted.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import Distribution as InstalledDistribution
from importlib.metadata import PackagePath, distributions
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ormsession import Session, registry

# --- tables and classes ------------------------------------------------------------------------------------

LONGEST_NAME = 200
LONGEST_TEXT = 16_000  # a MariaDB TEXT holds 64 kB, a character takes up to four bytes

metadata = MetaData()

distribution_table = Table(
    "distribution",
    metadata,
    Column("name", String(LONGEST_NAME), primary_key=True),  # normalized: lower case, single dashes
    Column("title", String(LONGEST_NAME), nullable=False),  # the name as its author writes it
    Column("version", String(LONGEST_NAME), nullable=False),
    Column("summary", Text),
    Column("requires_python", Text),
    Column("location", Text),
)
file_table = Table(
    "file",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("distribution", ForeignKey("distribution.name"), nullable=False, index=True),
    Column("path", Text, nullable=False),
    Column("size", BigInteger),
    Column("hash", Text),
)
requirement_table = Table(
    "requirement",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("distribution", ForeignKey("distribution.name"), nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("needs", String(LONGEST_NAME), nullable=False),  # normalized name of the distribution asked for
    Column("marker", Text),
)


@dataclass(eq=False)
class Distribution:
    """An installed distribution, as the catalogue knows it."""

    name: str
    title: str
    version: str
    summary: str | None
    requires_python: str | None
    location: str | None


@dataclass(eq=False)
class File:
    """A file that a distribution brought."""

    distribution: str
    path: str
    size: int | None
    hash: str | None


@dataclass(eq=False)
class Requirement:
    """One line of what a distribution asks for."""

    distribution: str
    text: str
    needs: str
    marker: str | None


mappings = registry()
mappings.map_imperatively(Distribution, distribution_table)
mappings.map_imperatively(File, file_table)
mappings.map_imperatively(Requirement, requirement_table)

# --- reading -----------------------------------------------------------------------------------------------


class BrokenMetadata(Exception):
    """The metadata of a distribution cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A distribution that was skipped."""

    where: str
    why: str
    name: str | None  # the normalized name, as far as the folder's name gives it away


@dataclass(frozen=True, slots=True)
class Found:
    """What the metadata of one distribution says, as the values of the catalogue's attributes."""

    name: str
    values: dict[str, Any]
    files: dict[str, dict[str, Any]]  # by path
    requirements: dict[str, dict[str, Any]]  # by text


@dataclass(slots=True)
class Environment:
    """Everything that was read."""

    found: dict[str, Found] = field(default_factory=dict)  # by normalized name
    shadowed: int = 0  # distributions that an earlier folder of the path hides
    problems: list[Problem] = field(default_factory=list)


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def text_of(value: Any, what: str, longest: int = LONGEST_TEXT) -> str:
    """A value that any database takes, or BrokenMetadata."""
    text = str(value)
    if len(text) > longest:
        raise BrokenMetadata(f"{what} has {len(text)} characters, at most {longest} are kept")
    if "\0" in text:
        raise BrokenMetadata(f"{what} holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BrokenMetadata(f"{what} is not valid Unicode") from None
    return text


def optional(value: Any, what: str) -> str | None:
    return None if value is None else text_of(value, what)


def requirement_values(line: str) -> dict[str, Any]:
    """The parts of a requirement that the catalogue keeps, from a line such as `a[b]>=1; python_version<"3"`."""
    text = text_of(line, "a requirement")
    match = re.match(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)", text)
    if match is None:
        raise BrokenMetadata(f"the requirement {text!r} does not begin with a name")
    # the marker follows a semicolon; in a requirement by URL only one after white space
    _, found, marker = re.sub(r"\s;" if " @ " in text else ";", "\n", text, count=1).partition("\n")
    needs = normalized(text_of(match[1], "a name", LONGEST_NAME))
    return {"text": text, "needs": needs, "marker": marker.strip() if found else None}


def file_values(file: PackagePath) -> dict[str, Any]:
    digest = f"{file.hash.mode}={file.hash.value}" if file.hash else None
    return {"path": text_of(file, "a path"), "size": file.size, "hash": optional(digest, "a hash")}


def location_of(installed: InstalledDistribution) -> Path | None:
    """The folder with the metadata, where the distribution lies in a folder."""
    location = getattr(installed, "_path", None)  # no public spelling before Python 3.13
    return Path(str(location)) if location is not None else None


def read_distribution(installed: InstalledDistribution) -> Found:
    """Everything about one distribution; BrokenMetadata when a part of it cannot be used."""
    head = installed.metadata
    title, version = head["Name"], head["Version"]
    if not title or not version:
        raise BrokenMetadata("no name" if not title else "no version")
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", title):
        raise BrokenMetadata(f"{title!r} is not a name")
    location = location_of(installed)
    name = normalized(text_of(title, "the name", LONGEST_NAME))
    values = {
        "name": name,
        "title": title,
        "version": text_of(version, "the version", LONGEST_NAME),
        "summary": optional(head["Summary"], "the summary"),
        "requires_python": optional(head["Requires-Python"], "Requires-Python"),
        "location": optional(location, "the location"),
    }
    files = [file_values(file) for file in installed.files or ()]
    requirements = [requirement_values(line) for line in installed.requires or ()]
    return Found(
        name,
        values,
        files={file["path"]: file for file in files},
        requirements={requirement["text"]: requirement for requirement in requirements},
    )


def problem_of(installed: InstalledDistribution, error: Exception) -> Problem:
    location = location_of(installed)
    stem = location.name if location is not None else ""
    match = re.match(r"(.+?)-\d.*\.(dist|egg)-info$", stem) or re.match(r"([^-]+)\.(dist|egg)-info$", stem)
    why = str(error) if isinstance(error, BrokenMetadata) else f"{type(error).__name__}: {error}"
    return Problem(str(location or installed), why, normalized(match[1]) if match else None)


def read_environment(path: list[str], *, show: Callable[[int, int], None] = lambda done, of: None) -> Environment:
    """Read every distribution found on `path`; `show` is told how far it is."""
    environment = Environment()
    installed = list(distributions(path=path))
    for number, distribution in enumerate(installed, 1):
        try:
            found = read_distribution(distribution)
        except Exception as error:  # metadata is written by anybody: one bad file must not end the run
            environment.problems.append(problem_of(distribution, error))
        else:
            if found.name in environment.found:
                environment.shadowed += 1
            else:
                environment.found[found.name] = found
        show(number, len(installed))
    return environment


# --- comparing ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Changes:
    """What the flush is about to do, in words and figures."""

    lines: list[str]
    objects: Counter[str]  # added, changed, deleted


def set_all(entity: object, values: dict[str, Any]) -> None:
    """Set every attribute; that most of them keep their value is for the session to find out."""
    for name, value in values.items():
        setattr(entity, name, value)


def by_distribution(entities: Iterable[Any], key: str) -> dict[str, dict[str, Any]]:
    """Index `{distribution: {value of key: entity}}`."""
    index: dict[str, dict[str, Any]] = {}
    for entity in entities:
        index.setdefault(entity.distribution, {})[getattr(entity, key)] = entity
    return index


def compare_parts(
    session: Session, part: type[Any], distribution: str, *, stored: dict[str, Any], found: dict[str, dict[str, Any]]
) -> None:
    """Bring the files or the requirements of one distribution to what was found."""
    for key, values in found.items():
        if key in stored:
            set_all(stored[key], values)
        else:
            session.add(part(distribution=distribution, **values))
    for key in stored.keys() - found.keys():
        session.delete(stored[key])


def compare(session: Session, environment: Environment) -> Changes:
    """Bring the objects in the session to what was read.  Sends three SELECTs."""
    stored = {entity.name: entity for entity in session.scalars(select(Distribution))}
    files = by_distribution(session.scalars(select(File)), "path")
    requirements = by_distribution(session.scalars(select(Requirement)), "text")
    lines: list[str] = []
    for name, found in sorted(environment.found.items()):
        version = found.values["version"]
        if name not in stored:
            lines.append(f"+ {name} {version}")
            session.add(Distribution(**found.values))
        else:
            if stored[name].version != version:
                lines.append(f"~ {name} {stored[name].version} -> {version}")
            set_all(stored[name], found.values)
        compare_parts(session, File, name, stored=files.get(name, {}), found=found.files)
        compare_parts(session, Requirement, name, stored=requirements.get(name, {}), found=found.requirements)
    unreadable = {problem.name for problem in environment.problems}
    for name in sorted(stored.keys() - environment.found.keys() - unreadable):
        lines.append(f"- {name} {stored[name].version}")
        for part in (*files.get(name, {}).values(), *requirements.get(name, {}).values()):
            session.delete(part)
        session.delete(stored[name])
    changed = sum(session.is_modified(entity) for entity in session.dirty)
    return Changes(lines, Counter(added=len(session.new), changed=changed, deleted=len(session.deleted)))


# --- counting and reporting --------------------------------------------------------------------------------


@dataclass(slots=True)
class Phase:
    """One step of a run: how long it took and what it sent."""

    name: str
    seconds: float = 0.0
    statements: Counter[str] = field(default_factory=Counter)  # by their first word


class Phases:
    """Counts the statements that the engine sends, phase by phase."""

    def __init__(self) -> None:
        self.all: list[Phase] = []

    @contextlib.contextmanager
    def of(self, engine: Engine) -> Iterator[Phases]:
        event.listen(engine, "before_cursor_execute", self._count)
        try:
            yield self
        finally:
            event.remove(engine, "before_cursor_execute", self._count)

    def _count(self, connection: Connection, cursor: Any, statement: str, *rest: Any) -> None:
        self.all[-1].statements[statement.split(None, 1)[0].upper()] += 1

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[Phase]:
        phase = Phase(name)
        self.all.append(phase)
        started = time.perf_counter()
        yield phase
        phase.seconds = time.perf_counter() - started

    def writes(self) -> int:
        """Statements so far that change rows."""
        return sum(phase.statements[word] for phase in self.all for word in ("INSERT", "UPDATE", "DELETE"))

    def table(self) -> list[str]:
        lines = [f"{'phase':<10} {'statements':>10} {'seconds':>8}"]
        for phase in self.all:
            kinds = ", ".join(f"{count} {word}" for word, count in sorted(phase.statements.items()))
            lines.append(f"{phase.name:<10} {phase.statements.total():>10} {phase.seconds:>8.2f}  {kinds}".rstrip())
        return lines


def report(session: Session) -> list[str]:
    """What the catalogue holds, computed by the database."""
    number, size = session.execute(select(func.count(File.id), func.sum(File.size))).one()
    count = session.scalar(select(func.count()).select_from(distribution_table))
    # a sum of BIGINT is a decimal number on some databases
    lines = [f"{count} distributions, {number} files, {int(size or 0) / 1e6:.1f} MB"]
    largest = (
        select(File.distribution, func.count(File.id), func.sum(File.size).label("bytes"))
        .where(File.size.is_not(None))
        .group_by(File.distribution)
        .order_by(func.sum(File.size).desc(), File.distribution)
        .limit(5)
    )
    lines.extend(
        f"  {name:<30} {files:>6} files {int(total) / 1e6:>8.1f} MB" for name, files, total in session.execute(largest)
    )
    known = select(Distribution.name)
    missing = (
        select(Requirement.needs, Requirement.distribution)
        .where(Requirement.marker.is_(None), Requirement.needs.not_in(known))
        .order_by(Requirement.needs, Requirement.distribution)
    )
    lines.extend(f"  {needs} is not installed, {by} asks for it" for needs, by in session.execute(missing))
    return lines


# --- the command -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """All that one run found out."""

    environment: Environment
    changes: Changes
    figures: list[str]
    phases: Phases


def progress_bar(done: int, of: int) -> None:
    width = 40
    filled = width * done // of
    end = "\n" if done == of else ""
    print(f"\rreading [{'#' * filled}{'.' * (width - filled)}] {done}/{of}", end=end, file=sys.stderr, flush=True)


def open_database(url: URL) -> Engine:
    """An engine for this URL; SQLite is told to check foreign keys as the other databases do."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, record: connection.execute("PRAGMA foreign_keys=ON"))
    return engine


def run(engine: Engine, path: list[str], *, show: Callable[[int, int], None] = lambda done, of: None) -> Run:
    """Bring the catalogue in this database to what is installed on `path`."""
    with Phases().of(engine) as phases:
        with phases.phase("opening"):
            metadata.create_all(engine)
        with phases.phase("reading"):
            environment = read_environment(path, show=show)
        with Session(engine) as session:
            with phases.phase("comparing"):
                changes = compare(session, environment)
            with phases.phase("flush"):
                session.commit()
            with phases.phase("report"):
                figures = report(session)
    return Run(environment, changes, figures, phases)


def print_run(result: Run, *, quiet: bool) -> None:
    for problem in result.environment.problems:
        print(f"skipped {problem.where}: {problem.why}", file=sys.stderr)
    if quiet:
        return
    for line in (*result.figures, *result.changes.lines):
        print(line)
    objects = result.changes.objects
    print(f"{objects['added']} objects added, {objects['changed']} changed, {objects['deleted']} deleted", end="; ")
    print(f"{result.phases.writes()} statements wrote rows")
    if result.environment.shadowed:
        print(f"{result.environment.shadowed} distributions are hidden by one of the same name earlier on the path")
    print()
    for line in result.phases.table():
        print(line)


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Keep a catalogue of the Python distributions installed here, through a session.",
        epilog="Exit status: 0 the catalogue is up to date (skipped metadata is reported on standard error), "
        "1 the database cannot be used, 2 wrong arguments, 130 interrupted.",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--file", type=Path, default=Path("environment_catalog.sqlite"), help="the SQLite file (default: %(default)s)"
    )
    where.add_argument("--url", help="a database instead of the file, as a SQLAlchemy URL")
    parser.add_argument(
        "--path", action="append", metavar="FOLDER", help="scan this folder instead of sys.path; may be repeated"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but what was skipped")
    options = parser.parse_args(arguments)
    try:
        options.database = make_url(options.url) if options.url else URL.create("sqlite", database=str(options.file))
    except ArgumentError:
        parser.error("--url: expected a database URL such as postgresql+psycopg://user@host/name")
    for folder in options.path or ():
        if not Path(folder).is_dir():
            parser.error(f"--path: {folder} is not a folder")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run the command with these arguments; returns the exit status."""
    options = parse_arguments(arguments)
    show = progress_bar if sys.stderr.isatty() and not options.quiet else lambda done, of: None
    try:
        engine = open_database(options.database)
        try:
            result = run(engine, options.path or sys.path, show=show)
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        print(f"the database cannot be used: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the catalogue is as it was before", file=sys.stderr)
        return 130
    print_run(result, quiet=options.quiet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
