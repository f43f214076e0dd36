"""The list of passing foreign tests can be read, grows in order and never loses an entry unnoticed."""

from __future__ import annotations

import importlib.util
import pathlib
import sys

import pytest

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "conformance"


@pytest.fixture(scope="module")
def ratchet():
    specification = importlib.util.spec_from_file_location("conformance_ratchet", FOLDER / "ratchet.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # dataclasses look their module up
    specification.loader.exec_module(module)
    yield module
    del sys.modules[specification.name]


def test_the_list_in_the_project_is_sorted_and_written_as_the_runner_writes_it(ratchet, tmp_path):
    again = tmp_path / "passing.txt"
    ratchet.write(ratchet.read(), again)
    assert again.read_text() == ratchet.LIST.read_text()


def test_a_written_list_reads_back_the_same(ratchet, tmp_path):
    passing = ratchet.PassingList("2.1.9", frozenset({"b.py::B::two", "b.py::B::one[a::b]", "a.py::test"}))
    path = tmp_path / "passing.txt"
    ratchet.write(passing, path)
    assert ratchet.read(path) == passing
    assert path.read_text() == "# SQLAlchemy 2.1.9\na.py\n test\nb.py\n B::one[a::b]\n B::two\n"


def test_a_list_without_its_version_is_refused(ratchet, tmp_path):
    path = tmp_path / "passing.txt"
    path.write_text("a.py\n test\n")
    with pytest.raises(ValueError, match="the first line must say"):
        ratchet.read(path)


def test_a_listed_test_that_does_not_pass_is_lost_and_an_unlisted_that_passes_is_gained(ratchet):
    found = ratchet.compare(frozenset({"a::1", "a::2"}), frozenset({"a::2", "a::3"}))
    assert (found.lost, found.gained) == (["a::1"], ["a::3"])
