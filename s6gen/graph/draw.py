"""Writes a picture of services down: for Graphviz, and for Mermaid."""

from collections.abc import Iterator

from s6gen.graph.picture import ELSEWHERE, Box, Frame, Picture
from s6gen.sources.service import ONESHOT
from s6gen.text import printable

SHAPES = {ONESHOT: "ellipse", ELSEWHERE: "plaintext"}


def dot(picture: Picture) -> str:
    """The picture in Graphviz's language (The DOT Language)."""
    return "\n".join(dot_lines(picture)) + "\n"


def dot_lines(picture: Picture) -> Iterator[str]:
    """Line by line."""
    yield "digraph services {"
    yield "  rankdir=LR; compound=true; newrank=true;"
    yield '  node [shape=box, fontname="sans-serif", fontsize=11, height=0.3];'
    yield '  graph [fontname="sans-serif", fontsize=11, labeljust=l, color=gray50];'
    for box in picture.boxes:
        yield f"  {dot_string(box.name)} [label={dot_label(box)}{dot_shape(box)}];"
    anchors = {}
    for number, frame in enumerate(picture.frames):
        anchors[frame.name] = (
            frame.boxes[0] if frame.boxes else frame.name,
            f"cluster_{number}",
        )
        yield f"  subgraph cluster_{number} {{"
        yield f"    label={dot_string(frame_label(frame))};"
        if not frame.boxes:
            yield f'    {dot_string(frame.name)} [label="", style=invis, width=0.5];'
        for name in frame.boxes:
            yield f"    {dot_string(name)};"
        yield "  }"
    for name, needed in picture.edges:
        node, cluster = anchors.get(needed, (needed, ""))
        head = f" [lhead={cluster}]" if cluster else ""
        yield f"  {dot_string(name)} -> {dot_string(node)}{head};"
    yield "}"


def dot_string(text: str) -> str:
    """A quoted string."""
    return '"' + printable(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def dot_label(box: Box) -> str:
    """A box's text; the lines of a pipeline start at the left."""
    if len(box.lines) == 1:
        return dot_string(box.lines[0])
    return '"' + "".join(dot_string(line)[1:-1] + "\\l" for line in box.lines) + '"'


def dot_shape(box: Box) -> str:
    """What sets a box apart."""
    return f", shape={SHAPES[box.kind]}" if box.kind in SHAPES else ""


def frame_label(frame: Frame) -> str:
    """A bundle's name, and what else is in it."""
    return f"{frame.name} (also: {', '.join(frame.also)})" if frame.also else frame.name


def mermaid(picture: Picture) -> str:
    """The picture in Mermaid's language (Mermaid: Flowcharts)."""
    return "\n".join(mermaid_lines(picture)) + "\n"


def mermaid_lines(picture: Picture) -> Iterator[str]:
    """Line by line."""
    names = [box.name for box in picture.boxes] + [
        frame.name for frame in picture.frames
    ]
    ids = {name: f"n{number}" for number, name in enumerate(names)}
    yield "flowchart LR"
    for box in picture.boxes:
        label = mermaid_string("\n".join(box.lines))
        if box.kind == ONESHOT:
            yield f"  {ids[box.name]}([{label}])"
        elif box.kind == ELSEWHERE:
            yield f"  {ids[box.name]}>{label}]"
        else:
            yield f"  {ids[box.name]}[{label}]"
    for frame in picture.frames:
        yield f"  subgraph {ids[frame.name]}[{mermaid_string(frame_label(frame))}]"
        for name in frame.boxes:
            yield f"    {ids[name]}"
        yield "  end"
    for name, needed in picture.edges:
        yield f"  {ids[name]} --> {ids[needed]}"


def mermaid_string(text: str) -> str:
    """A quoted string: what Mermaid or HTML would read becomes an entity."""
    lines = (printable(line) for line in text.split("\n"))
    escaped = (
        line.replace("#", "#35;")
        .replace('"', "#quot;")
        .replace("<", "#lt;")
        .replace(">", "#gt;")
        for line in lines
    )
    return '"' + "<br>".join(escaped) + '"'
