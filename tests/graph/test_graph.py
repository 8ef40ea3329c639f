"""s6gen graph: what is drawn, and that Graphviz takes it."""

import subprocess
from pathlib import Path

import pytest
from support.command import call
from support.program import require
from support.trees import Files, bundle, in_memory, longrun, on_disk, oneshot, pipeline

from s6gen.graph.draw import dot_text, mermaid_text
from s6gen.graph.picture import picture_of
from s6gen.sources.service_set import service_set

SYSTEM: Files = (
    oneshot("mount")
    | oneshot("net", dependencies="mount\n")
    | pipeline("sshd")
    | {"sshd/dependencies": "net\nmount\nclock\n", "sshd-log/dependencies": "mount\n"}
    | {"sshd-log/pipeline-name": "sshd-pipeline\n"}
    | longrun("cron", dependencies="basic\n")
    | bundle("basic", "mount", "net")
    | bundle("default", "basic", "sshd-pipeline", "cron")
)


def dot_lines(files: Files) -> str:
    """The picture as Graphviz text, without the first and last lines that are always the same."""
    return "\n".join(
        dot_text(picture_of(service_set([in_memory(files)]))).splitlines()[4:-1]
    )


def test_boxes_frames_and_needs() -> None:
    assert dot_lines(SYSTEM) == "\n".join(
        [
            '  "mount" [label="mount", shape=ellipse];',
            '  "net" [label="net", shape=ellipse];',
            '  "cron" [label="cron"];',
            '  "sshd-log" [label="sshd-pipeline:\\lsshd\\l| sshd-log\\l"];',
            '  "clock" [label="clock", shape=plaintext];',
            "  subgraph cluster_0 {",
            '    label="basic";',
            '    "mount";',
            '    "net";',
            "  }",
            "  subgraph cluster_1 {",
            '    label="default (also: basic)";',
            '    "sshd-log";',
            '    "cron";',
            "  }",
            '  "net" -> "mount";',
            '  "sshd-log" -> "net";',
            '  "sshd-log" -> "clock";',
            '  "cron" -> "mount" [lhead=cluster_0];',
        ]
    )


def test_mermaid() -> None:
    files = oneshot('a "#1"') | longrun("b", dependencies='a "#1"\n') | bundle("x", "b")

    assert mermaid_text(picture_of(service_set([in_memory(files)]))) == (
        "flowchart LR\n"
        '  n0(["a #quot;#35;1#quot;"])\n'
        '  n1["b"]\n'
        '  subgraph n2["x"]\n'
        "    n1\n"
        "  end\n"
        "  n1 --> n0\n"
    )


def test_a_funnel_is_one_box() -> None:
    files = (
        longrun("p1", producer_for="m\n")
        | longrun("p2", producer_for="m\n")
        | longrun("m", producer_for="l\n", consumer_for="p1\np2\n")
        | longrun("l", consumer_for="m\n")
    )

    assert dot_lines(files) == '  "l" [label="p2\\lp1\\l| m\\l| | l\\l"];'


def test_cycles_are_drawn_as_they_are() -> None:
    files = oneshot("a", dependencies="b\n") | oneshot("b", dependencies="a\n")

    assert dot_lines(files).splitlines()[2:] == ['  "a" -> "b";', '  "b" -> "a";']


@pytest.mark.parametrize("wide", [False, True], ids=["a chain", "a bundle"])
def test_ten_thousand(wide: bool) -> None:
    files: dict[str, str] = {}
    for number in range(10000):
        files |= {f"s{number}/type": "oneshot\n", f"s{number}/up": ""}
        if not wide:
            files[f"s{number}/dependencies"] = f"s{number + 1}\n"
    names = "".join(f"s{number}\n" for number in range(10000))
    files |= {"x/type": "bundle\n", "x/contents": names} if wide else oneshot("s10000")

    assert dot_lines(files).count("->") == (0 if wide else 10000)


def test_graphviz_draws_it(tmp_path: Path) -> None:
    require("dot")
    on_disk(SYSTEM, tmp_path / "src")
    code, out, err = call(
        "graph", "--given", "clock", "--format", "svg", "src", cwd=tmp_path
    )

    assert (code, err, out.count("<svg"), ">clock<" in out) == (0, "", 1, True)
    text = call("graph", "--given", "clock", "src", cwd=tmp_path)[1]
    subprocess.run(
        ["dot", "-Tplain"], input=text.encode(), check=True, capture_output=True
    )


def test_svg_needs_graphviz(tmp_path: Path) -> None:
    on_disk(SYSTEM, tmp_path / "src")

    assert call(
        "graph", "--format", "svg", "src", cwd=tmp_path, PATH=str(tmp_path)
    ) == (
        100,
        "",
        "s6gen: fatal: --format svg needs dot; install Graphviz, or take --format dot\n",
    )


def test_unsound_sources_are_drawn_with_a_warning(tmp_path: Path) -> None:
    on_disk(SYSTEM, tmp_path / "src")
    code, out, err = call("graph", "src", cwd=tmp_path)

    assert (code, out.count('"clock"')) == (0, 3)
    assert err == (
        "s6gen: warning: s6-rc-compile would refuse these sources; s6gen check tells why "
        "(1 error)\n"
    )


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    assert call("graph", "src", cwd=tmp_path) == (
        111,
        "",
        "s6gen: fatal: unable to open src: No such file or directory\n",
    )


def test_a_pipeline_of_three_thousand() -> None:
    files: dict[str, str] = {}
    for number in range(3000):
        files |= longrun(f"s{number}", producer_for=f"s{number + 1}\n")
        files[f"s{number}/consumer-for"] = f"s{number - 1}\n"
    del files["s0/consumer-for"], files["s2999/producer-for"]

    assert dot_lines(files).count("[label=") == 1
