"""Each rule for which s6-rc-compile refuses a source: one that is wrong, and one that is not."""

import pytest
from support.trees import Files, bundle, in_memory, longrun, oneshot, pipeline, service

from s6gen.check.errors import errors, tree_errors
from s6gen.sources.service_set import service_set


def error_lines(files: Files, *given: str) -> list[str]:
    """The errors in a source, in one line each."""
    return [
        f"{finding.path}:{finding.line}: {finding.message} [{finding.rule}]"
        for finding in errors(service_set([in_memory(files)], given))
    ]


GOOD = {
    "a oneshot": oneshot("a"),
    "an empty up": oneshot("a", ""),
    "a longrun": longrun("a"),
    "a bundle": bundle("x", "a") | oneshot("a"),
    "an empty bundle": bundle("x") | {"x/contents.d/.keep": ""},
    "type without newline": oneshot("a") | {"a/type": "oneshot"},
    "type with more after the newline": longrun("a") | {"a/type": "longrun\nfoo"},
    "a pipeline": pipeline("p"),
    "a pipeline with a name": pipeline("p")
    | {"p-log/pipeline-name": "pp\n"}
    | bundle("x", "pp"),
    "a list with comments": oneshot("a", dependencies="# none\n \tb\n") | oneshot("b"),
    "dependencies.d comes first": oneshot("a", dependencies="nosuch\n")
    | {"a/dependencies.d/b": ""}
    | oneshot("b"),
    "numbers": longrun("a", notification_fd="3\n", lock_fd="4", timeout_up="5000\n\n"),
    "what other types read": oneshot("a", notification_fd="x", consumer_for="nosuch"),
    "files and dot files": oneshot("a") | {"README": "", ".git/config": ""},
    "a chain": oneshot("a")
    | oneshot("b", dependencies="a\n")
    | oneshot("c", dependencies="b\n"),
}


@pytest.mark.parametrize("files", GOOD.values(), ids=GOOD)
def test_nothing_wrong(files: Files) -> None:
    assert error_lines(files) == []


BAD = {
    "no type": (
        {"a/up": "true\n"},
        "src/a/type:0: missing; write oneshot, longrun or bundle into it, or move this away "
        "[type-is-known]",
    ),
    "a misspelt type": (
        longrun("a") | {"a/type": "Longrun \n"},
        "src/a/type:1: 'Longrun \\n' is no type; write longrun and a newline, nothing else "
        "[type-is-known]",
    ),
    "no run": (
        service("a", "longrun"),
        "src/a/run:0: missing; a longrun needs a run script [run-is-a-regular-file]",
    ),
    "run is a directory": (
        service("a", "longrun") | {"a/run/x": ""},
        "src/a/run:0: is not a regular file; a longrun needs a run script [run-is-a-regular-file]",
    ),
    "no up": (
        service("a", "oneshot"),
        "src/a/up:0: missing; a oneshot needs it, though it may be empty [up-is-there]",
    ),
    "no contents": (
        service("x", "bundle"),
        "src/x/contents.d:0: missing; a bundle needs it (git keeps no empty directory: put a "
        ".gitkeep there) [contents-are-there]",
    ),
    "an open block": (
        oneshot("a", "true\nif { test -e x\n"),
        "src/a/up:2: unmatched {; close the block with a } that stands alone [scripts-are-lexed]",
    ),
    "an open quote": (
        oneshot("a", down='echo "x\n'),
        'src/a/down:1: unmatched quote; close the quote, or write \\" for the character itself '
        "[scripts-are-lexed]",
    ),
    "a timeout with a unit": (
        oneshot("a", timeout_up="5s\n"),
        "src/a/timeout-up:1: '5s\\n' is no number; write milliseconds in decimal digits, without "
        "sign or blanks [timeouts-are-milliseconds]",
    ),
    "an empty number": (
        longrun("a", notification_fd=""),
        "src/a/notification-fd:1: is empty; write a file descriptor in decimal digits, without "
        "sign or blanks [numbers-are-unsigned]",
    ),
    "one descriptor for two": (
        longrun("a", notification_fd="3\n", lock_fd="3\n"),
        "src/a/lock-fd:1: 3 is the notification-fd as well; choose another [descriptors-differ]",
    ),
    "finish is a directory": (
        longrun("a") | {"a/finish/x": ""},
        "src/a/finish:0: cannot be copied: is a directory; replace it by a readable file or "
        "directory, or remove it [finish-can-be-copied]",
    ),
    "data is a file": (
        longrun("a", data="x"),
        "src/a/data:0: is not a directory; make it one, or give it another name "
        "[folders-are-folders]",
    ),
    "dependencies.d is a file": (
        oneshot("a") | {"a/dependencies.d": "b\n"},
        "src/a/dependencies.d:0: is not a directory; make it one that holds a file for each name, "
        "or call it dependencies [folder-can-be-listed]",
    ),
    "dependencies is a directory": (
        oneshot("a") | {"a/dependencies/b": ""},
        "src/a/dependencies:0: cannot be read: is a directory; replace it by a readable file or "
        "directory, or remove it [names-can-be-read]",
    ),
    "two consumers": (
        longrun("a", producer_for="b\nc\n") | longrun("b") | longrun("c"),
        "src/a/producer-for:2: names 2 services; a producer has exactly one consumer "
        "[producer-for-names-one]",
    ),
    "two names for a pipeline": (
        pipeline("p") | {"p-log/pipeline-name": "x\ny\n"},
        "src/p-log/pipeline-name:0: holds 2 names; write one, or remove it [pipeline-has-one-name]",
    ),
    "a pipeline named like a service": (
        pipeline("p") | {"p-log/pipeline-name": "p\n"},
        "src/p-log/pipeline-name:1: p is already defined in src/p; rename one "
        "[names-are-defined-once]",
    ),
    "a reserved name": (
        oneshot("s6rc-a"),
        "src/s6rc-a:0: names that begin with s6rc- or s6-rc- are reserved; rename it "
        "[names-are-allowed]",
    ),
    "a reserved dependency": (
        oneshot("a", dependencies="\ns6rc-fdholder\n"),
        "src/a/dependencies:2: s6rc-fdholder: names that begin with s6rc- or s6-rc- are reserved; "
        "remove it [names-are-allowed]",
    ),
    "not declared back": (
        longrun("p", producer_for="l\n") | longrun("l"),
        "src/p/producer-for:1: l does not declare it back; write p into src/l/consumer-for "
        "[consumers-are-longruns]",
    ),
    "a producer that is none": (
        longrun("p") | longrun("l", consumer_for="p\n"),
        "src/l/consumer-for:1: p does not declare it back; write l into src/p/producer-for "
        "[producers-are-longruns]",
    ),
    "a oneshot as consumer": (
        longrun("p", producer_for="o\n") | oneshot("o"),
        "src/p/producer-for:1: o is a oneshot; pipelines are made of longruns only "
        "[consumers-are-longruns]",
    ),
    "a bundle as producer": (
        longrun("l", consumer_for="x\n") | bundle("x", "l"),
        "src/l/consumer-for:1: x is a bundle; pipelines are made of longruns only "
        "[producers-are-longruns]",
    ),
    "a bundle in itself": (
        bundle("x", "y") | bundle("y", "x"),
        "src/x/contents.d/y:0: bundle cycle: x -> y -> x; remove one of these steps "
        "[bundles-have-no-cycle]",
    ),
    "a dependency cycle": (
        oneshot("a", dependencies="b\n")
        | oneshot("b", dependencies="c\n")
        | oneshot("c", dependencies="a\n"),
        "src/a/dependencies:1: dependency cycle: a -> b -> c -> a; remove one of these steps "
        "[dependencies-have-no-cycle]",
    ),
    "a cycle through a bundle": (
        oneshot("a", dependencies="x\n") | bundle("x", "a"),
        "src/a/dependencies:1: dependency cycle: a -> x (bundle) -> a; remove one of these steps "
        "[dependencies-have-no-cycle]",
    ),
    "a cyclic pipeline": (
        longrun("p", producer_for="q\n", consumer_for="q\n")
        | longrun("q", producer_for="p\n", consumer_for="p\n"),
        "src/p/producer-for:1: dependency cycle: p -> q -> p; remove one of these steps "
        "[dependencies-have-no-cycle]",
    ),
    "a misspelt dependency": (
        oneshot("a", dependencies="netwroking\n") | oneshot("networking"),
        "src/a/dependencies:1: 'netwroking' is not defined; did you mean networking? "
        "[names-are-defined]",
    ),
    "a blank behind a dependency": (
        oneshot("a", dependencies="networking \n") | oneshot("networking"),
        "src/a/dependencies:1: 'networking ' is not defined; did you mean networking? "
        "[names-are-defined]",
    ),
    "two names in a line": (
        oneshot("a", dependencies="b c\n") | oneshot("b") | oneshot("c"),
        "src/a/dependencies:1: 'b c' is not defined; write one name a line [names-are-defined]",
    ),
    "a misspelt consumer": (
        longrun("p", producer_for="logegr\n") | longrun("logger", consumer_for="p\n"),
        "src/p/producer-for:1: 'logegr' is not defined; did you mean logger? [names-are-defined]",
    ),
    "a list of producers that is a directory": (
        longrun("p", producer_for="l\n") | longrun("l") | {"l/consumer-for/p": ""},
        "src/l/consumer-for:0: cannot be read: is a directory; replace it by a readable file or "
        "directory, or remove it [file-can-be-read]",
    ),
    "an unknown dependency": (
        oneshot("a") | {"a/dependencies.d/nosuch": ""},
        "src/a/dependencies.d/nosuch:0: nothing here defines nosuch; add what is missing, or if it "
        "comes from elsewhere lay that beneath with --layer DIR or name it with --given NAME "
        "[names-are-defined]",
    ),
}


@pytest.mark.parametrize(("files", "expected"), BAD.values(), ids=BAD)
def test_one_thing_wrong(files: Files, expected: str) -> None:
    assert error_lines(files) == [expected]


def test_all_that_is_wrong_is_told_at_once() -> None:
    files = longrun("a", dependencies="b\n", timeout_up="x") | service("b", "oneshot")

    assert [line.split(" ")[0] for line in error_lines(files)] == [
        "src/a/timeout-up:1:",
        "src/b/up:0:",
    ]


def test_a_fragment_gets_one_line() -> None:
    files = {
        **oneshot("a", dependencies="base\nnet\ndisk\nlog\nclock\nuser\nmore\n"),
        **oneshot("b", dependencies="base\nnet\ndisk\n"),
        "lower/dependencies.d/a": "",
    }

    assert error_lines(files) == [
        "src/a/dependencies:1: nothing here defines base, net, disk, log, clock, user and 1 more "
        "and there is no type in lower; add what is missing, or if it comes from elsewhere lay "
        "that beneath with --layer DIR or name it with --given NAME [names-are-defined]"
    ]


def test_what_is_given_is_not_missing() -> None:
    files = oneshot("a", dependencies="base\nnet\n") | {"lower/dependencies.d/a": ""}

    assert error_lines(files, "base", "net", "lower") == []


def test_the_same_name_in_two_sources() -> None:
    both = [in_memory(oneshot("a"), "one"), in_memory(longrun("a"), "two")]

    assert [
        (finding.path, finding.message) for finding in errors(service_set(both))
    ] == [("two/a", "already defined in one/a; rename or remove one of them")]


def test_each_cycle_is_told_once() -> None:
    files = {
        **oneshot("a", dependencies="b\n"),
        **oneshot("b", dependencies="a\nc\n"),
        **oneshot("c", dependencies="d\n"),
        **oneshot("d", dependencies="c\n"),
        **oneshot("e", dependencies="e\na\n"),
    }

    assert [
        line.partition("cycle: ")[2].partition(";")[0] for line in error_lines(files)
    ] == [
        "a -> b -> a",
        "c -> d -> c",
        "e -> e",
    ]


@pytest.mark.parametrize(
    ("version", "expected"),
    [pytest.param((0, 6, 1, 1), [], id="0.6.1.1"), ((0, 7, 0, 0), ["src/a/reload"])],
)
def test_reload_is_read_from_0_7_on(
    version: tuple[int, ...], expected: list[str]
) -> None:
    services = service_set([in_memory(oneshot("a", reload="{"))], (), version)

    assert [finding.path for finding in errors(services)] == expected


def test_many_cycles_at_once() -> None:
    names = [f"s{number}" for number in range(3000)]
    files = {f"{name}/type": "oneshot\n" for name in names} | {
        f"{name}/up": "" for name in names
    }
    files |= {f"{name}/dependencies": "all\n" for name in names}
    files |= {
        "all/type": "bundle\n",
        "all/contents": "".join(f"{name}\n" for name in names),
    }

    assert len(error_lines(files)) == 1


def test_a_chain_of_ten_thousand() -> None:
    files: dict[str, str] = {}
    for number in range(10000):
        files |= {f"s{number}/type": "oneshot\n", f"s{number}/up": ""}
        files[f"s{number}/dependencies"] = f"s{number + 1}\n"
    files |= {"s10000/type": "oneshot\n", "s10000/up": ""}
    wide = {
        "all/type": "bundle\n",
        "all/contents": "".join(f"s{n}\n" for n in range(10001)),
    }

    assert error_lines(files | wide) == []
    assert error_lines(files | {"s10000/dependencies": "s0\n"}) == [
        "src/s0/dependencies:1: dependency cycle: s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> s6 -> s7 -> "
        "s8 -> s9 -> (9990 more) -> s10000 -> s0; remove one of these steps "
        "[dependencies-have-no-cycle]"
    ]


def test_a_tree_that_is_not_written_yet() -> None:
    files = [
        ("a/up", b"", False),
        ("a/type", b"oneshot\n", False),
        ("a/dependencies.d/mount", b"", False),
    ]
    broken = [("a/up", b"}", False), *files[1:]]

    assert tree_errors(files, "sv") == []
    assert [finding.path for finding in tree_errors(broken, "sv")] == ["sv/a/up"]
