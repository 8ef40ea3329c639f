"""Cycles in a directed graph, of any depth: no recursion."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

Graph = Mapping[str, Sequence[str]]

MOST = 100
"""Cycles that are looked for. Who has more wants to know of a few."""


def cycles(graph: Graph) -> Iterator[list[str]]:
    """Cycles that have no node in common: at least one from every knot in the graph."""
    done: set[str] = set()
    reported: set[str] = set()
    tried = 0
    for root in graph:
        if root in done:
            continue
        path = {root: None}
        work = [(root, iter(graph[root]))]
        while work:
            node, successors = work[-1]
            for successor in successors:
                if successor in path:
                    if tried < MOST and reported.isdisjoint((successor, node)):
                        tried += 1
                        cycle = shortest_path(graph, successor, node)
                        if reported.isdisjoint(cycle):
                            reported.update(cycle)
                            yield cycle
                elif successor not in done:
                    path[successor] = None
                    work.append((successor, iter(graph.get(successor, ()))))
                    break
            else:
                work.pop()
                del path[node]
                done.add(node)


def shortest_path(graph: Graph, start: str, end: str) -> list[str]:
    """The nodes from start to end, which must be reachable."""
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
    return path[::-1]
