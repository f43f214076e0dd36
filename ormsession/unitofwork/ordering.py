"""Puts nodes in an order that respects edges.

Pure: a node is anything hashable, an edge says that one node comes before another.  Nothing here knows of
tables, rows or objects, so the tests speak of letters.

Rules:

* The order is deterministic.  Of the nodes that may come next, the one that was given first comes first, so a
  caller states its preference by the order in which it hands over the nodes.
* An edge may be *optional*: it is obeyed unless it is part of a cycle.  Then it may be cut, and the result says
  which edges were.  Only edges of a cycle are ever cut.
* A cycle without an optional edge has no order: `Cycle` is raised and carries the edges of the cycle in turn.

How it works: nodes without an open predecessor wait in a heap (Kahn's algorithm).  When the heap runs dry while
nodes remain, the walk from the first remaining node back along open edges must meet itself; that loop is the
cycle to cut.  Searching strongly connected components first was rejected: it visits the whole graph although
nearly every flush has no cycle at all.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Node = TypeVar("Node", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Edge(Generic[Node]):
    """`before` comes before `after`; `reason` is for people, `optional` allows the edge to be cut."""

    before: Node
    after: Node
    reason: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Order(Generic[Node]):
    """The nodes in order, and the optional edges that this order does not obey."""

    nodes: tuple[Node, ...]
    cut: tuple[Edge[Node], ...] = ()


class Cycle(Exception):
    """The hard edges form a cycle; `edges` holds it: each edge ends where the next one starts."""

    def __init__(self, edges: Sequence[Edge[Any]]) -> None:
        self.edges = tuple(edges)
        path = " -> ".join(str(edge.before) for edge in edges)
        super().__init__(f"{path} -> {edges[0].before}" if edges else "")


def put_in_order(nodes: Iterable[Node], edges: Iterable[Edge[Node]]) -> Order[Node]:
    """The nodes in an order that obeys every hard edge, and every optional edge outside a cycle.

    Edges that name a node which was not given are ignored: it is not there to wait for.
    """
    given = tuple(dict.fromkeys(nodes))
    return Order(*_Sorting(given, edges).run())


class _Sorting(Generic[Node]):
    """One run of the algorithm; thrown away afterwards."""

    def __init__(self, given: tuple[Node, ...], edges: Iterable[Edge[Node]]) -> None:
        self.given = given
        # position of each node in the caller's preference; written once
        self.position = {node: index for index, node in enumerate(given)}
        # edges that still hold their `after` back, by that node; shrinks only by cutting
        self.incoming: dict[Node, list[Edge[Node]]] = {}
        self.outgoing: dict[Node, list[Edge[Node]]] = {}
        for edge in edges:
            if edge.before in self.position and edge.after in self.position:
                self.incoming.setdefault(edge.after, []).append(edge)
                self.outgoing.setdefault(edge.before, []).append(edge)
        # number of open incoming edges per node; at zero the node enters the heap
        self.waiting_for = {node: len(held) for node, held in self.incoming.items()}
        self.done: set[Node] = set()
        self.cut: list[Edge[Node]] = []

    def run(self) -> tuple[tuple[Node, ...], tuple[Edge[Node], ...]]:
        if not self.incoming:
            return self.given, ()
        result: list[Node] = []
        ready = [index for index, node in enumerate(self.given) if node not in self.waiting_for]
        first_open = 0
        while len(result) < len(self.given):
            while ready:
                node = self.given[heapq.heappop(ready)]
                result.append(node)
                self.done.add(node)
                for edge in self.outgoing.get(node, ()):
                    self.release(edge, ready)
            while first_open < len(self.given) and self.given[first_open] in self.done:
                first_open += 1
            if first_open < len(self.given):
                self.cut_one(self.find_cycle(self.given[first_open]), ready)
        return tuple(result), tuple(self.cut)

    def release(self, edge: Edge[Node], ready: list[int]) -> None:
        self.waiting_for[edge.after] -= 1
        if not self.waiting_for[edge.after]:
            heapq.heappush(ready, self.position[edge.after])

    def find_cycle(self, start: Node) -> list[Edge[Node]]:
        """Walk back along open edges until a node comes up again; that part of the walk, turned around."""
        walked: list[Edge[Node]] = []
        met_at: dict[Node, int] = {start: 0}
        node = start
        while True:
            edge = next(edge for edge in self.incoming[node] if edge.before not in self.done)
            walked.append(edge)
            node = edge.before
            if node in met_at:
                return walked[met_at[node] :][::-1]
            met_at[node] = len(walked)

    def cut_one(self, cycle: list[Edge[Node]], ready: list[int]) -> None:
        """Cut the step of the cycle whose end the caller prefers first; all its parallel edges go with it."""
        candidates = [edge for edge in cycle if self.can_be_cut(edge.before, edge.after)]
        if not candidates:
            raise Cycle([self.hardest(edge) for edge in cycle])
        chosen = min(candidates, key=lambda edge: self.position[edge.after])
        before, after = chosen.before, chosen.after
        parallel = [edge for edge in self.incoming[after] if edge.before == before]
        self.incoming[after] = [edge for edge in self.incoming[after] if edge.before != before]
        self.outgoing[before] = [edge for edge in self.outgoing[before] if edge.after != after]
        for edge in parallel:
            self.cut.append(edge)
            self.release(edge, ready)

    def can_be_cut(self, before: Node, after: Node) -> bool:
        return all(edge.optional for edge in self.incoming[after] if edge.before == before)

    def hardest(self, step: Edge[Node]) -> Edge[Node]:
        """The hard edge among parallel ones: the one to name in an error."""
        return next(edge for edge in self.incoming[step.after] if edge.before == step.before and not edge.optional)
