"""Cycles in a directed graph, of any depth: no recursion."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

Graph = Mapping[str, Sequence[str]]

MOST = 100
"""The number of cycles to look for. A user with more than these needs only a few."""


def cycles(graph: Graph) -> Iterator[list[str]]:
    """Yield cycles that have no node in common.

    There is at least one for every strongly connected component that has a cycle.
    """
    reported: set[str] = set()
    attempts = 0
    for node, successor in back_edges(graph):
        if not reported.isdisjoint((node, successor)):
            continue
        if attempts == MOST:
            return
        attempts += 1
        cycle = shortest_path(graph, successor, node)
        if reported.isdisjoint(cycle):
            reported.update(cycle)
            yield cycle


def back_edges(graph: Graph) -> Iterator[tuple[str, str]]:
    """Yield the edges that close a cycle, in the order of a depth-first search."""
    done: set[str] = set()
    for root in graph:
        if root in done:
            continue
        # The nodes on the way to the current one, and what is left to follow from each.
        path = {root: None}
        work = [(root, iter(graph[root]))]
        while work:
            node, successors = work[-1]
            successor = next(successors, None)
            if successor is None:
                work.pop()
                del path[node]
                done.add(node)
            elif successor in path:
                yield node, successor
            elif successor not in done:
                path[successor] = None
                work.append((successor, iter(graph.get(successor, ()))))


def shortest_path(graph: Graph, start: str, end: str) -> list[str]:
    """The nodes from start to end. There must be a path."""
    # Breadth first: who is reached first is reached by a shortest path.
    came_from = {start: start}
    waiting = deque([start])
    while end not in came_from:
        node = waiting.popleft()
        for successor in graph.get(node, ()):
            if successor not in came_from:
                came_from[successor] = node
                waiting.append(successor)
    path = [end]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    path.reverse()
    return path
