"""Pytest plugin: run somebody else's tests with `sqlalchemy.orm` replaced by `ormsession`.

Load it with `-p orm_alias` before anything imports SQLAlchemy's ORM.  From then on `sqlalchemy.orm`, each
of its submodules, and those modules of `sqlalchemy.ext` that build on the ORM are facades: a name asked of
them is looked up in the `ormsession` package.

A name is resolved in this order:

1. the submodule of `ormsession` that has the same last name (`attributes`, `session` ...),
2. the `ormsession` package itself,
3. any other submodule of `ormsession` that defines the name,
4. else a `Missing` placeholder: importing it works, using it fails the test that uses it.

So the inner layout of `ormsession` is free.  `sqlalchemy.inspect` becomes `ormsession.inspect` where that
exists.

The outcome of each test is appended to the file named by ORM_ALIAS_OUTCOMES at once, so that it is known
also when a later test ends the process or never ends.  The names that were asked for and not found are
counted into the file named by ORM_ALIAS_MISSING.
"""

from __future__ import annotations

import atexit
import collections
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import pkgutil
import sys
import types

CANDIDATE = os.environ.get("ORM_ALIAS_CANDIDATE", "ormsession")
ALIASED_EXT = (
    "associationproxy", "asyncio", "automap", "baked", "declarative", "horizontal_shard", "hybrid",
    "indexable", "instrumentation", "mutable", "orderinglist", "serializer",
)  # fmt: skip
ALIASED = ("sqlalchemy.orm", *(f"sqlalchemy.ext.{name}" for name in ALIASED_EXT))
# Core's own asyncio engine lives in a package whose __init__ pulls the ORM in.
CORE_UNDER_ALIAS = tuple(f"sqlalchemy.ext.asyncio.{name}" for name in ("engine", "base", "exc", "result"))
# Submodules of sqlalchemy.orm that tests import or reach as attributes.
ORM_SUBMODULES = frozenset(
    """attributes base bulk_persistence clsregistry collections context decl_api decl_base dependency
    descriptor_props dynamic evaluator events exc identity instrumentation interfaces loading
    mapped_collection mapper mapperlib path_registry persistence properties query relationships scoping
    session state state_changes strategies strategy_options sync unitofwork util writeonly
    _orm_constructors _typing""".split()  # noqa: SIM905
)
# Names that sqlalchemy.orm has both as a submodule and as a public name: the name is meant.
NAME_WINS = frozenset({"mapper", "dynamic"})

missing_names: collections.Counter[str] = collections.Counter()
progress = types.SimpleNamespace(collected=False)  # set when pytest has imported all test files


class MissingName(NotImplementedError):
    """A test used a name that the candidate does not have."""


class Missing:
    """Stands for a name that the candidate does not have; any use of it raises MissingName."""

    def __init__(self, path: str) -> None:
        self.__dict__["_path"] = path

    def _fail(self, *args: object, **keywords: object) -> None:
        raise MissingName(self.__dict__["_path"])

    __call__ = __iter__ = __enter__ = _fail

    def __getattr__(self, name: str) -> Missing:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Missing(f"{self.__dict__['_path']}.{name}")

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]:
        fail = self._fail

        def refuse_subclass(cls: type, **keywords: object) -> None:
            # subclassing at module level must not stop the collection of the whole file
            if progress.collected:
                fail()

        members = {"__init__": fail, "__init_subclass__": classmethod(refuse_subclass)}
        return (type("Missing_" + self.__dict__["_path"].rpartition(".")[2], (), members),)

    def __getitem__(self, item: object) -> Missing:
        return self

    def __or__(self, other: object) -> Missing:
        return self

    __ror__ = __or__

    def __exit__(self, *details: object) -> None:
        pass

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<missing {self.__dict__['_path']}>"


def candidate_modules() -> dict[str, types.ModuleType]:
    """All importable submodules of the candidate, by dotted name below the package."""
    package = importlib.import_module(CANDIDATE)
    found: dict[str, types.ModuleType] = {}
    for info in pkgutil.walk_packages(package.__path__, CANDIDATE + ".", onerror=lambda name: None):
        if info.name.rpartition(".")[2] in ("__main__", "conftest"):
            continue
        try:
            found[info.name[len(CANDIDATE) + 1 :]] = importlib.import_module(info.name)
        except ImportError:
            continue  # an optional part whose own dependency is not installed
    return found


class Resolver:
    """Finds what a name of SQLAlchemy's ORM is in the candidate."""

    def __init__(self) -> None:
        # None until the first question; empty while the candidate itself is being imported.
        self._modules: dict[str, types.ModuleType] | None = None

    @property
    def modules(self) -> dict[str, types.ModuleType]:
        if self._modules is None:
            self._modules = {}
            self._modules = candidate_modules()
        return self._modules

    def resolve(self, alias: str, name: str) -> object:
        last = alias.rpartition(".")[2]
        package = importlib.import_module(CANDIDATE)
        same = [m for path, m in self.modules.items() if path.rpartition(".")[2] in (last, "_" + last)]
        for module in [*same, package]:
            value = module.__dict__.get(name, self)
            if value is not self and not isinstance(value, types.ModuleType):
                return value
        if hasattr(package, name) and not isinstance(getattr(package, name), types.ModuleType):
            return getattr(package, name)  # a lazy module-level __getattr__
        owners = [m for m in self.modules.values() if name in m.__dict__]
        owners.sort(key=lambda m: getattr(m.__dict__[name], "__module__", None) != m.__name__)
        for module in owners:
            if not isinstance(module.__dict__[name], types.ModuleType):
                return module.__dict__[name]
        missing_names[f"{alias}.{name}"] += 1
        return Missing(f"{alias}.{name}")


resolver = Resolver()


class Alias(types.ModuleType):
    """A facade module: its attributes are the candidate's."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        full = f"{self.__name__}.{name}"
        if self.__name__ == "sqlalchemy.orm" and name in ORM_SUBMODULES and name not in NAME_WINS:
            return importlib.import_module(full)
        if full in CORE_UNDER_ALIAS:
            return importlib.import_module(full)
        value = resolver.resolve(self.__name__, name)
        if isinstance(value, Missing) and self.__name__.startswith("sqlalchemy.ext.asyncio"):
            value = from_core_asyncio(name, value)
        if resolver.modules:
            self.__dict__[name] = value
        return value


def from_core_asyncio(name: str, default: object) -> object:
    for path in CORE_UNDER_ALIAS:
        module = importlib.import_module(path)
        if hasattr(module, name):
            return getattr(module, name)
    return default


class AliasFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers every import of the ORM with a facade."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname in CORE_UNDER_ALIAS:
            return None
        if any(fullname == root or fullname.startswith(root + ".") for root in ALIASED):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec):
        module = Alias(spec.name)
        module.__path__ = []
        if spec.name == "sqlalchemy.ext.asyncio":  # Core's engine module loads from the real folder
            import sqlalchemy.ext

            module.__path__ = [os.path.join(p, "asyncio") for p in sqlalchemy.ext.__path__]
        module.__all__ = []
        return module

    def exec_module(self, module):
        pass


def install() -> None:
    """Put the facades in place; the candidate is imported here, all of it."""
    if any(name == "sqlalchemy.orm" or name.startswith("sqlalchemy.orm.") for name in sys.modules):
        raise RuntimeError("sqlalchemy.orm was imported before the alias was installed")
    sys.meta_path.insert(0, AliasFinder())
    import sqlalchemy

    package = importlib.import_module(CANDIDATE)
    if not resolver.modules:
        raise RuntimeError(f"{CANDIDATE} has no modules to offer")
    inspect = getattr(package, "inspect", None)
    if callable(inspect):
        sqlalchemy.inspect = inspect
        sqlalchemy.inspection.inspect = inspect


def pytest_collection_finish(session) -> None:
    progress.collected = True


def pytest_runtest_logreport(report) -> None:
    """Keep the outcome of a test: of its setup and teardown only what is not a success."""
    path = os.environ.get("ORM_ALIAS_OUTCOMES")
    if not path or (report.when != "call" and report.passed):
        return
    message = ""
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        message = (crash.message if crash else str(report.longrepr)).strip().split("\n")[0][:160]
    with open(path, "a", encoding="utf-8") as out:
        out.write(json.dumps([report.nodeid, report.outcome, message]) + "\n")


def write_missing_names() -> None:
    path = os.environ.get("ORM_ALIAS_MISSING")
    if path and missing_names:
        with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as out:
            json.dump(missing_names, out)


atexit.register(write_missing_names)
install()
