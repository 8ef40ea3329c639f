"""How findings are shown: to people, to programs, to GitHub and GitLab."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from s6gen.check.finding import Finding
from s6gen.text import printable

RED, YELLOW, BOLD, PLAIN = "\033[1;31m", "\033[1;33m", "\033[1m", "\033[0m"


def text(findings: Sequence[Finding], *, colour: bool = False) -> str:
    """A line for each: path:line: error: what is wrong; what to do [rule]."""
    return "".join(text_line(finding, colour=colour) + "\n" for finding in findings)


def text_line(finding: Finding, *, colour: bool) -> str:
    """One finding for people, and for editors that jump to it: line 1 stands for the whole."""
    place = printable(f"{finding.path}:{finding.line or 1}")
    message = printable(finding.message)
    kind = severity(finding)
    if colour:
        place = f"{BOLD}{place}{PLAIN}"
        kind = f"{YELLOW if finding.warning else RED}{kind}{PLAIN}"
    return f"{place}: {kind}: {message} [{finding.rule}]"


def severity(finding: Finding) -> str:
    """What kind of finding it is."""
    return "warning" if finding.warning else "error"


def as_json(findings: Sequence[Finding], database: Mapping[str, Any] | None) -> str:
    """Everything for programs: the findings and, if there is no error, what is compiled."""
    import json

    listed = [
        {
            "path": finding.path,
            "line": finding.line or None,
            "severity": severity(finding),
            "rule": finding.rule,
            "message": finding.message,
        }
        for finding in findings
    ]
    return json.dumps({"findings": listed, "db": database}, indent=1) + "\n"


def github(findings: Sequence[Finding]) -> str:
    """Workflow commands, which GitHub shows beside the line (Workflow commands: error, warning)."""
    return "".join(github_line(finding) + "\n" for finding in findings)


def github_line(finding: Finding) -> str:
    """One workflow command."""
    properties = {"file": printable(finding.path), "title": finding.rule}
    if finding.line:
        properties["line"] = str(finding.line)
    listed = ",".join(
        f"{key}={encoded(value, PROPERTY)}" for key, value in properties.items()
    )
    return (
        f"::{severity(finding)} {listed}::{encoded(printable(finding.message), DATA)}"
    )


DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
PROPERTY = DATA | str.maketrans({":": "%3A", ",": "%2C"})


def encoded(text: str, table: dict[int, str]) -> str:
    """Text as a workflow command carries it."""
    return text.translate(table)


def gitlab(findings: Sequence[Finding]) -> str:
    """A code quality report, which GitLab shows in a merge request (Code Quality report format)."""
    import json

    listed = [
        {
            "description": printable(finding.message),
            "check_name": finding.rule,
            "fingerprint": fingerprint(finding),
            "severity": "minor" if finding.warning else "critical",
            "location": {
                "path": printable(finding.path),
                "lines": {"begin": finding.line or 1},
            },
        }
        for finding in findings
    ]
    return json.dumps(listed, indent=1) + "\n"


def fingerprint(finding: Finding) -> str:
    """What tells one finding from another, whatever line it moves to."""
    import hashlib

    key = "\0".join((finding.path, finding.rule, finding.message))
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


FORMATS: Mapping[str, Callable[[Sequence[Finding]], str]] = {
    "github": github,
    "gitlab": gitlab,
}
