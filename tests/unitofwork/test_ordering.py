"""The ordering knows no tables and no rows: letters are enough to test it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ormsession.unitofwork.ordering import Cycle, Edge, put_in_order


def edges(*pairs: str, optional: bool = False) -> list[Edge[str]]:
    return [Edge(pair[0], pair[1], optional=optional) for pair in pairs]


def test_nodes_without_edges_keep_the_order_they_were_given_in() -> None:
    assert put_in_order("cab", []).nodes == ("c", "a", "b")


def test_a_node_given_twice_comes_once() -> None:
    assert put_in_order("aba", []).nodes == ("a", "b")


def test_an_edge_moves_only_the_node_that_has_to_wait() -> None:
    assert put_in_order("abcd", edges("da")).nodes == ("b", "c", "d", "a")


def test_a_chain_given_backwards_is_turned_around() -> None:
    assert put_in_order("dcba", edges("ab", "bc", "cd")).nodes == ("a", "b", "c", "d")


def test_of_the_nodes_that_may_come_next_the_one_given_first_comes_first() -> None:
    assert put_in_order("zyxa", edges("az", "ax")).nodes == ("y", "a", "z", "x")


def test_an_edge_to_a_node_that_was_not_given_is_ignored() -> None:
    assert put_in_order("ab", edges("xa", "by")).nodes == ("a", "b")


def test_two_equal_edges_count_as_one_wait() -> None:
    assert put_in_order("ba", edges("ab", "ab")).nodes == ("a", "b")


def test_an_optional_edge_is_obeyed_when_nothing_speaks_against_it() -> None:
    order = put_in_order("ba", edges("ab", optional=True))
    assert order.nodes == ("a", "b")
    assert order.cut == ()


def test_a_cycle_is_cut_at_its_optional_edge() -> None:
    order = put_in_order("abc", [*edges("ab", "bc"), *edges("ca", optional=True)])
    assert order.nodes == ("a", "b", "c")
    assert order.cut == (Edge("c", "a", optional=True),)


def test_an_optional_edge_beside_a_cycle_is_not_cut() -> None:
    order = put_in_order("abx", [*edges("ab"), *edges("ba", "xa", optional=True)])
    assert order.nodes == ("x", "a", "b")
    assert [(edge.before, edge.after) for edge in order.cut] == [("b", "a")]


def test_a_cycle_of_optional_edges_starts_with_the_node_given_first() -> None:
    assert put_in_order("bca", edges("ab", "bc", "ca", optional=True)).nodes == ("b", "c", "a")


def test_an_optional_edge_with_a_hard_one_beside_it_is_no_place_to_cut() -> None:
    order = put_in_order("ab", [*edges("ba"), *edges("ba", "ab", optional=True)])
    assert order.nodes == ("b", "a")
    assert order.cut == (Edge("a", "b", optional=True),)


def test_parallel_optional_edges_are_cut_together() -> None:
    order = put_in_order("ab", [*edges("ab"), *edges("ba", "ba", optional=True)])
    assert order.nodes == ("a", "b")
    assert len(order.cut) == 2


def test_a_hard_cycle_is_refused_and_named() -> None:
    with pytest.raises(Cycle) as caught:
        put_in_order("xabc", edges("xa", "ab", "bc", "ca"))
    cycle = caught.value.edges
    assert {edge.before for edge in cycle} == set("abc")
    assert all(edge.after == following.before for edge, following in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
    assert str(caught.value) == "a -> b -> c -> a"


def test_a_hard_edge_from_a_node_to_itself_is_a_cycle_of_one() -> None:
    with pytest.raises(Cycle, match="a -> a"):
        put_in_order("ab", edges("aa"))


def test_the_hard_cycle_is_named_also_when_optional_edges_run_beside_it() -> None:
    with pytest.raises(Cycle) as caught:
        put_in_order("ab", [*edges("ab", "ba", optional=True), *edges("ab", "ba")])
    assert not any(edge.optional for edge in caught.value.edges)


def test_a_chain_of_a_hundred_thousand_nodes_needs_no_recursion() -> None:
    chain = [Edge(number, number + 1) for number in range(100_000)]
    assert put_in_order(range(100_000, -1, -1), chain).nodes == tuple(range(100_001))


def test_ten_thousand_small_cycles_are_cut_one_by_one() -> None:
    pairs = [Edge(number, number ^ 1, optional=True) for number in range(20_000)]
    order = put_in_order(range(20_000), pairs)
    assert order.nodes == tuple(range(20_000))
    assert len(order.cut) == 10_000


letters = st.sampled_from("abcdefgh")
any_edges = st.lists(st.builds(Edge, letters, letters, st.just(""), st.booleans()), max_size=25)


def obeys(nodes: tuple[str, ...], edge: Edge[str]) -> bool:
    return nodes.index(edge.before) < nodes.index(edge.after)


def has_hard_cycle(all_edges: list[Edge[str]]) -> bool:
    """Decided by brute force: take away nodes without a hard predecessor until none can be taken."""
    left = set("abcdefgh")
    while True:
        free = {
            node for node in left if not any(e.after == node and e.before in left for e in all_edges if not e.optional)
        }
        if not free:
            return bool(left)
        left -= free


@given(st.permutations("abcdefgh"), any_edges)
def test_every_order_holds_all_nodes_and_obeys_every_edge_that_was_not_cut(given_nodes, all_edges) -> None:
    try:
        order = put_in_order(given_nodes, all_edges)
    except Cycle as cycle:
        assert has_hard_cycle(all_edges)
        assert all(edge in all_edges and not edge.optional for edge in cycle.edges)
        return
    assert not has_hard_cycle(all_edges)
    assert sorted(order.nodes) == list("abcdefgh")
    assert all(edge.optional for edge in order.cut)
    assert all(obeys(order.nodes, edge) for edge in all_edges if edge not in order.cut)


@given(st.permutations("abcdefgh"), any_edges)
def test_only_edges_on_a_cycle_are_cut(given_nodes, all_edges) -> None:
    try:
        order = put_in_order(given_nodes, all_edges)
    except Cycle:
        return
    for edge in order.cut:
        reached, todo = set(), [edge.after]
        while todo:
            node = todo.pop()
            if node not in reached:
                reached.add(node)
                todo.extend(other.after for other in all_edges if other.before == node)
        assert edge.before in reached


@given(st.permutations("abcdefgh"), any_edges)
def test_the_same_input_gives_the_same_order(given_nodes, all_edges) -> None:
    try:
        first = put_in_order(given_nodes, all_edges)
    except Cycle:
        return
    assert put_in_order(given_nodes, list(reversed(all_edges))).nodes == first.nodes or first.cut
    assert put_in_order(given_nodes, all_edges) == first
