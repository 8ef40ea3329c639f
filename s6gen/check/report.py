"""Findings as text: for people, for programs, for GitHub and GitLab."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from s6gen.check.finding import Finding
from s6gen.text import printable

BOLD, PLAIN = "\033[1m", "\033[0m"
COLOURS = {"error": "\033[1;31m", "warning": "\033[1;33m"}
"""Red and yellow, both bold."""


def text(findings: Sequence[Finding], *, colour: bool = False) -> str:
    """A line for each: path:line: error: what is wrong; what to do [rule]."""
    lines = [text_line(finding, colour=colour) for finding in findings]
    return "".join(lines)


def text_line(finding: Finding, *, colour: bool) -> str:
    """One finding for people, and for editors that jump to its line."""
    location = printable(f"{finding.path}:{finding.shown_line}")
    message = printable(finding.message)
    severity = finding.severity
    if colour:
        location = f"{BOLD}{location}{PLAIN}"
        severity = f"{COLOURS[severity]}{severity}{PLAIN}"
    return f"{location}: {severity}: {message} [{finding.rule}]\n"


def as_json(findings: Sequence[Finding], database: Mapping[str, Any] | None) -> str:
    """Everything for programs: the findings, and the database if there is no error."""
    import json  # here, as it takes time that other formats need not spend

    objects = []
    for finding in findings:
        objects.append(
            {
                "path": finding.path,
                "line": finding.line or None,
                "severity": finding.severity,
                "rule": finding.rule,
                "message": finding.message,
            }
        )
    return json.dumps({"findings": objects, "db": database}, indent=1) + "\n"


def github(findings: Sequence[Finding]) -> str:
    """Workflow commands, which GitHub shows beside the line (Workflow commands)."""
    return "".join(github_line(finding) for finding in findings)


def github_line(finding: Finding) -> str:
    """One workflow command: error or warning."""
    properties = {"file": printable(finding.path), "title": finding.rule}
    if finding.line:
        properties["line"] = str(finding.line)
    parts = []
    for key, value in properties.items():
        parts.append(f"{key}={value.translate(PROPERTY)}")
    message = printable(finding.message).translate(DATA)
    return f"::{finding.severity} {','.join(parts)}::{message}\n"


DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
"""The characters that the message of a workflow command must not have."""
PROPERTY = DATA | str.maketrans({":": "%3A", ",": "%2C"})
"""The characters that a property of a workflow command must not have."""


def gitlab(findings: Sequence[Finding]) -> str:
    """A code quality report, which GitLab shows in a merge request.

    (Code Quality report format)
    """
    import json  # here, as it takes time that other formats need not spend

    objects = []
    for finding in findings:
        path = printable(finding.path)
        lines = {"begin": finding.shown_line}
        objects.append(
            {
                "description": printable(finding.message),
                "check_name": finding.rule,
                "fingerprint": fingerprint(finding),
                "severity": "minor" if finding.is_warning else "critical",
                "location": {"path": path, "lines": lines},
            }
        )
    return json.dumps(objects, indent=1) + "\n"


def fingerprint(finding: Finding) -> str:
    """SHA-256 in hex: how GitLab knows a finding again when its line has moved."""
    import hashlib  # here, as it takes time that other formats need not spend

    key = "\0".join((finding.path, finding.rule, finding.message))
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


FORMATS: Mapping[str, Callable[[Sequence[Finding]], str]] = {
    "github": github,
    "gitlab": gitlab,
}
