#!/usr/bin/env python3
"""Run SQLAlchemy's own ORM test suite with `sqlalchemy.orm` replaced by `ormsession`.

    python tests/conformance/run.py                     # compare with passing.txt; 1 when a listed test fails
    python tests/conformance/run.py --update            # add the tests that newly pass to the list
    python tests/conformance/run.py -g session state    # only some groups (or files: -f test/orm/test_merge.py)
    python tests/conformance/run.py --all --causes 20   # also files without a listed test; why tests fail
    python tests/conformance/run.py -f test/orm/test_merge.py --show -- -x --tb=short -k test_x

Files without any listed test are left out unless --all, -g or -f asks for them.  A figure in the table is
"passed / the number of tests that pass with SQLAlchemy's own ORM on SQLite".
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import json
import os
import sys

import ratchet
import suite as theirs

BASELINE: dict[str, int] = json.loads((theirs.HERE / "baseline.json").read_text(encoding="utf-8"))
SHOWN = 40  # newly passing tests that are named one by one


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    choice = parser.add_argument_group("which files")
    choice.add_argument("-g", "--group", nargs="+", choices=sorted(theirs.GROUPS), default=[])
    choice.add_argument("-f", "--file", nargs="+", default=[], metavar="FILE", help="files of the suite")
    choice.add_argument("--all", action="store_true", help="every file of the suite")
    parser.add_argument("--update", action="store_true", help="write the list: it only grows")
    parser.add_argument("--force", action="store_true", help="with --update: also drop tests that fail")
    parser.add_argument("--show", action="store_true", help="pytest's own output; nothing is compared")
    parser.add_argument("--by-file", action="store_true", help="the table by file")
    parser.add_argument("--causes", type=int, default=0, metavar="N", help="the N commonest failures")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--timeout", type=int, default=300, help="seconds for one file")
    parser.add_argument("pytest", nargs="*", help="after --: options for pytest, with --show")
    options = parser.parse_args(arguments)
    if options.force and not options.update:
        parser.error("--force goes with --update")
    if options.pytest and not options.show:
        parser.error("options for pytest need --show: a part of a file cannot be compared")
    return options


def chosen_files(suite, options: argparse.Namespace, listed: ratchet.PassingList) -> list[tuple[str, str]]:
    """Pairs of group and file, in the order of the groups."""
    everything = [(group, name) for group in theirs.GROUPS for name in theirs.files_of(suite, group)]
    if options.file:
        unknown = set(options.file) - {name for _, name in everything}
        if unknown:
            sys.exit(f"not a file of the suite: {', '.join(sorted(unknown))}")
    if options.file or options.group:
        return [(g, name) for g, name in everything if name in options.file or g in options.group]
    with_tests = listed.files()
    return [(g, name) for g, name in everything if options.all or name in with_tests]


def run_files(suite, names: list[str], options: argparse.Namespace) -> dict[str, theirs.Outcome]:
    outcomes: dict[str, theirs.Outcome] = {}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        # the longest first, so that no core waits for a last long file
        ordered = sorted(names, key=lambda name: -BASELINE.get(name, 0))
        futures = {pool.submit(theirs.run_file, suite, name, options.timeout): name for name in ordered}
        for count, future in enumerate(concurrent.futures.as_completed(futures), 1):
            outcomes[futures[future]] = future.result()
            if sys.stderr.isatty():
                print(f"\r{count}/{len(futures)} files", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return outcomes


def print_table(files: list[tuple[str, str]], outcomes: dict[str, theirs.Outcome], *, by_file: bool) -> None:
    passed: collections.Counter[str] = collections.Counter()
    total: collections.Counter[str] = collections.Counter()
    for group, name in files:
        good, base = len(outcomes[name].passed), BASELINE.get(name, 0)
        passed[group] += min(good, base)  # what passes only here does not make up for what does not
        total[group] += base
        if by_file:
            print(f"  {group:<12} {name:<58} {good:>4} / {base:<4}")
        if outcomes[name].broken:
            print(f"  {name}: {outcomes[name].broken.splitlines()[-1]}")
    print(f"{'group':<12} {'passed':>7} {'of':>7}")
    for group in dict.fromkeys(group for group, _ in files):
        print(f"{group:<12} {passed[group]:>7} {total[group]:>7}  {passed[group] / max(total[group], 1):>6.1%}")
    everything, of = passed.total(), total.total()
    print(f"{'all of these':<12} {everything:>7} {of:>7}  {everything / max(of, 1):>6.1%}")


def print_causes(outcomes: dict[str, theirs.Outcome], number: int) -> None:
    causes = collections.Counter(text for outcome in outcomes.values() for text in outcome.message.values())
    missing: collections.Counter[str] = collections.Counter()
    for outcome in outcomes.values():
        missing.update(outcome.missing)
    for title, counts in (("commonest failures", causes), ("names asked for and not found", missing)):
        print(f"\n{title}")
        for text, count in counts.most_common(number):
            print(f"{count:>6}  {text}")


def ran(test: str, outcomes: dict[str, theirs.Outcome]) -> bool:
    return test in outcomes[ratchet.file_of(test)].status


def settle(listed: ratchet.PassingList, outcomes: dict[str, theirs.Outcome], options: argparse.Namespace) -> int:
    """Compare the run with the list, update it where asked; the exit status."""
    passed = frozenset(test for outcome in outcomes.values() for test in outcome.passed)
    expected = frozenset(test for name in outcomes for test in listed.of_file(name))
    found = ratchet.compare(expected, passed)
    print(f"\n{len(expected)} listed, {len(found.gained)} newly pass, {len(found.lost)} no longer pass")
    for test in found.gained[:SHOWN]:
        print("  newly passes:", test)
    if len(found.gained) > SHOWN:
        print(f"  ... and {len(found.gained) - SHOWN} more")
    not_run = collections.Counter(ratchet.file_of(test) for test in found.lost if not ran(test, outcomes))
    for test in (test for test in found.lost if ran(test, outcomes)):
        outcome = outcomes[ratchet.file_of(test)]
        print("  no longer passes:", test, "|", outcome.message.get(test, outcome.status[test]))
    for name, count in not_run.items():
        print(f"  did not run: {count} listed tests of {name}")
    if options.update:
        dropped = frozenset(found.lost) if options.force else frozenset()
        ratchet.write(ratchet.PassingList(listed.version, (listed.tests - dropped) | passed))
        print(f"wrote {ratchet.LIST}")
        return 1 if found.lost and not options.force else 0
    return 1 if found.lost else 0


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    listed = ratchet.read()
    if not options.show and theirs.installed_version() != listed.version:
        print(f"The list is that of SQLAlchemy {listed.version}, installed is {theirs.installed_version()}: "
              f"pip install sqlalchemy=={listed.version}", file=sys.stderr)  # fmt: skip
        return 2
    suite = theirs.folder()
    files = chosen_files(suite, options, listed)
    if options.show:
        return max([theirs.show_file(suite, name, options.pytest) for _, name in files], default=0)
    outcomes = run_files(suite, [name for _, name in files], options)
    print_table(files, outcomes, by_file=options.by_file)
    if options.causes:
        print_causes(outcomes, options.causes)
    return settle(listed, outcomes, options)


if __name__ == "__main__":
    sys.exit(main())
