"""What the package offers: every name is there, listed once, and says what it does."""

from __future__ import annotations

import inspect
import types

import pytest

import ormsession

CALLABLE = [name for name in ormsession.__all__ if callable(getattr(ormsession, name, None))]


def test_every_listed_name_exists_and_is_listed_once():
    assert [name for name in ormsession.__all__ if not hasattr(ormsession, name)] == []
    assert len(set(ormsession.__all__)) == len(ormsession.__all__)


def test_nothing_public_is_left_out_of_the_list():
    public = {
        name
        for name, value in vars(ormsession).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType) and name != "annotations"
    }
    assert public - set(ormsession.__all__) == set()


@pytest.mark.parametrize("name", CALLABLE)
def test_every_public_class_and_function_says_what_it_does(name):
    text = inspect.getdoc(getattr(ormsession, name))
    assert text, f"ormsession.{name} has no docstring"
    assert text.split("\n\n")[0].rstrip().endswith((".", ":")), f"ormsession.{name}: the first sentence has no end"


def public_methods() -> list[str]:
    found = []
    for name in CALLABLE:
        value = getattr(ormsession, name)
        if not inspect.isclass(value) or not value.__module__.startswith("ormsession"):
            continue
        for attribute, member in vars(value).items():
            if not attribute.startswith("_") and isinstance(
                member, types.FunctionType | property | classmethod | staticmethod
            ):
                found.append(f"{name}.{attribute}")
    return sorted(found)


@pytest.mark.parametrize("path", public_methods())
def test_every_public_method_says_what_it_does(path):
    name, attribute = path.split(".")
    member = inspect.getattr_static(getattr(ormsession, name), attribute)
    function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
    assert inspect.getdoc(function), f"ormsession.{path} has no docstring"
