"""Writes a picture of services as text: for Graphviz, and for Mermaid."""

from collections.abc import Iterator

from s6gen.graph.picture import ELSEWHERE, Box, Frame, Picture
from s6gen.sources.service import ONESHOT
from s6gen.text import printable

SHAPES = {ONESHOT: "ellipse", ELSEWHERE: "plaintext"}
"""The shapes of Graphviz, by the kind of box; for others, a rectangle."""


def dot_text(picture: Picture) -> str:
    """Return the picture in Graphviz's language (The DOT Language)."""
    return "\n".join(dot_lines(picture)) + "\n"


def dot_lines(picture: Picture) -> Iterator[str]:
    """The lines of that text."""
    yield "digraph services {"
    yield "  rankdir=LR; compound=true; newrank=true;"
    yield '  node [shape=box, fontname="sans-serif", fontsize=11, height=0.3];'
    yield '  graph [fontname="sans-serif", fontsize=11, labeljust=l, color=gray50];'
    for box in picture.boxes:
        yield f"  {dot_string(box.name)} [label={dot_label(box)}{dot_shape(box)}];"
    for number, frame in enumerate(picture.frames):
        yield from dot_cluster(frame, number)
    yield from dot_edges(picture)
    yield "}"


def dot_cluster(frame: Frame, number: int) -> Iterator[str]:
    """The lines of a frame; number is its own in the picture."""
    yield f"  subgraph cluster_{number} {{"
    yield f"    label={dot_string(frame_label(frame))};"
    if not frame.boxes:
        # Graphviz draws no cluster without a node in it.
        node = dot_string(cluster_node(frame))
        yield f'    {node} [label="", style=invis, width=0.5];'
    for name in frame.boxes:
        yield f"    {dot_string(name)};"
    yield "  }"


def dot_edges(picture: Picture) -> Iterator[str]:
    """The arrows.

    An arrow to a frame leads to a node in it, and is cut off at the frame (lhead).
    """
    clusters = {}
    nodes = {}
    for number, frame in enumerate(picture.frames):
        clusters[frame.name] = f"cluster_{number}"
        nodes[frame.name] = cluster_node(frame)
    for name, needed in picture.edges:
        node = nodes.get(needed, needed)
        arrow = f"  {dot_string(name)} -> {dot_string(node)}"
        if needed in clusters:
            arrow += f" [lhead={clusters[needed]}]"
        yield f"{arrow};"


def cluster_node(frame: Frame) -> str:
    """A node in a frame: its first box or, in an empty one, an invisible node."""
    if frame.boxes:
        return frame.boxes[0]
    return frame.name


def dot_string(text: str) -> str:
    """A quoted string."""
    return '"' + printable(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def dot_label(box: Box) -> str:
    """The text of a box; the lines of a pipeline start at the left."""
    if len(box.lines) == 1:
        return dot_string(box.lines[0])
    return '"' + "".join(dot_string(line)[1:-1] + "\\l" for line in box.lines) + '"'


def dot_shape(box: Box) -> str:
    """The attribute for the shape of a box, if it is no rectangle."""
    if box.kind not in SHAPES:
        return ""
    return f", shape={SHAPES[box.kind]}"


def frame_label(frame: Frame) -> str:
    """The name of a bundle, and its contents that are drawn elsewhere."""
    if not frame.also:
        return frame.name
    return f"{frame.name} (also: {', '.join(frame.also)})"


def mermaid_text(picture: Picture) -> str:
    """Return the picture in Mermaid's language (Mermaid: Flowcharts)."""
    return "\n".join(mermaid_lines(picture)) + "\n"


def mermaid_lines(picture: Picture) -> Iterator[str]:
    """The lines of that text."""
    ids = mermaid_ids(picture)
    yield "flowchart LR"
    for box in picture.boxes:
        label = mermaid_string("\n".join(box.lines))
        yield f"  {ids[box.name]}{mermaid_shape(box, label)}"
    for frame in picture.frames:
        label = mermaid_string(frame_label(frame))
        yield f"  subgraph {ids[frame.name]}[{label}]"
        for name in frame.boxes:
            yield f"    {ids[name]}"
        yield "  end"
    for name, needed in picture.edges:
        yield f"  {ids[name]} --> {ids[needed]}"


def mermaid_ids(picture: Picture) -> dict[str, str]:
    """An id for each box and frame, as names may have any characters."""
    names = [box.name for box in picture.boxes]
    names += [frame.name for frame in picture.frames]
    return {name: f"n{number}" for number, name in enumerate(names)}


def mermaid_shape(box: Box, label: str) -> str:
    """The label of a box, in the brackets that stand for its shape."""
    if box.kind == ONESHOT:
        return f"([{label}])"
    if box.kind == ELSEWHERE:
        return f">{label}]"
    return f"[{label}]"


def mermaid_string(text: str) -> str:
    """A quoted string; the characters that Mermaid or HTML would read are entities."""
    lines = [printable(line).translate(ENTITIES) for line in text.split("\n")]
    return '"' + "<br>".join(lines) + '"'


ENTITIES = str.maketrans({"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;"})
