"""s6gen.toml: read, structured, and what is wrong in it."""

import functools
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from s6gen.configuration import structure
from s6gen.configuration.layers import COMMAND_LINE, Layer
from s6gen.configuration.structure import Mistake
from s6gen.configuration.toml_lines import line_of, toml_lines
from s6gen.errors import Fatal, Fatals, os_failure
from s6gen.names import is_file_name, is_service_name

Table = dict[str, Any]


@attrs.frozen(kw_only=True)
class Document:
    """What stands in the file."""

    output: str = "sv"
    """Where the source directories go, relative to the file."""
    templates: str | None = None
    """One's own templates, relative to the file."""
    bundle: str = "renew-lets-encrypt"
    """The bundle of all that is rendered for a host."""
    machine_defaults: bool = True
    """Whether the machine's defaults count as well."""
    defaults: Table = attrs.Factory(dict)
    certificate: list[Table] = attrs.Factory(list)
    host: dict[str, Table] = attrs.Factory(dict)


PROBE = {"page": "page", "domain": "example.org"}
"""A certificate, so that defaults can be tried without one."""
KEYS = {field.name: field.name.replace("_", "-") for field in attrs.fields(Document)}


@attrs.frozen(kw_only=True)
class Configuration:
    """A file, and what stands in it."""

    path: Path
    text: str
    table: Table
    """As it is read."""
    document: Document

    @property
    def output(self) -> Path:
        """The directory that everything is rendered into."""
        return self.path.parent / self.document.output

    @property
    def templates(self) -> Path | None:
        """One's own templates."""
        own = self.document.templates
        return None if own is None else self.path.parent / own

    @property
    def hosts(self) -> Mapping[str | None, list[tuple[Layer, ...]]]:
        """For each host, or for none, the layers of each certificate."""
        if not self.document.host:
            return {None: self.certificates(None, self.document.certificate)}
        return {
            name: self.certificates(name, table.get("certificate", []))
            for name, table in self.document.host.items()
        }

    def certificates(
        self, host: str | None, tables: Iterable[Table]
    ) -> list[tuple[Layer, ...]]:
        """The layers of each certificate in a list of tables."""
        place = () if host is None else ("host", host)
        return [
            (*self.below(host), self.layer(table, (*place, "certificate", number)))
            for number, table in enumerate(tables)
        ]

    def below(self, host: str | None) -> tuple[Layer, ...]:
        """The layers that lie below every certificate of a host."""
        defaults = self.layer(self.document.defaults, ("defaults",))
        if host not in self.document.host:
            return (defaults,)
        table = self.document.host[host]
        own = {key: value for key, value in table.items() if key != "certificate"}
        return (defaults, self.layer(own, ("host", host)))

    def layer(self, table: Table, place: tuple[str | int, ...]) -> Layer:
        """A table of the file."""
        return Layer(table, str(self.path), place)


def configuration(text: str, path: Path) -> Configuration:
    """What a file says. Raises Fatals with every mistake of its form."""
    table = parse(text, path)
    made = structure.converter()
    hook = make_dict_structure_fn(
        Document,
        made,
        _cattrs_forbid_extra_keys=True,
        **{name: override(rename=key) for name, key in KEYS.items()},  # type: ignore[arg-type]
    )
    try:
        document = hook(table, Document)
    except cattrs.ClassValidationError as error:
        wrong = structure.mistakes(error, KEYS, KEYS.values())
        raise listed(told(one, path, text) for one in wrong) from None
    read = Configuration(path=path, text=text, table=table, document=document)
    if found := list(faults(read)):
        raise listed(told(one, path, text) for one in found)
    return read


@functools.cache
def read_text(path: Path) -> str:
    """The text of a file."""
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise Fatal(f"{path}: is not UTF-8") from None
    except OSError as error:
        raise os_failure("read", str(path), error) from None


def parse(text: str, path: Path) -> Table:
    """The table that a text is."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise Fatal(f"{path}:1: is nested too deeply") from None
    except ValueError as error:  # also for a number that is too long
        message = str(error)
        place = message.rpartition(" (at ")[2].removesuffix(")")
        line = place.removeprefix("line ").partition(",")[0]
        number = line if line.isdigit() else len(text.splitlines())
        reason = message.rpartition(" (at ")[0] or message
        raise Fatal(f"{path}:{number}: {reason[:1].lower()}{reason[1:]}") from None


def faults(configuration: Configuration) -> Iterator[Mistake]:
    """What is wrong beyond the types."""
    document = configuration.document
    for key, path in (("output", document.output), ("templates", document.templates)):
        if path is not None and not is_path(path):
            yield Mistake(key, f"must be a directory: {path!r}")
    if not is_service_name(document.bundle):
        yield Mistake("bundle", f"must be a service's name: {document.bundle!r}")
    if document.host and document.certificate:
        yield Mistake("certificate", "is for no host: write [[host.NAME.certificate]]")
    if wrong := list(host_faults(configuration)):
        yield from wrong
        return
    unused = not any(configuration.hosts.values())
    yield from default_faults(configuration.below(None)[-1], unused=unused)
    for name, table in document.host.items():
        unused = not table.get("certificate")
        yield from default_faults(configuration.below(name)[-1], unused=unused)


def host_faults(configuration: Configuration) -> Iterator[Mistake]:
    """Hosts that are none."""
    for name, table in configuration.document.host.items():
        layer = configuration.layer({}, ("host", name))
        if not is_file_name(name) or name.startswith("."):
            yield Mistake("", f"not a name for a host: {name!r}", layer)
        if not isinstance(table, dict):
            yield Mistake("", "must be a table", layer)
            continue
        try:
            structure.tables(table.get("certificate", []), list)
        except Fatal as fatal:
            yield Mistake("certificate", str(fatal), layer)


def is_path(text: str) -> bool:
    """What may be the path of a directory."""
    return text != "" and "\0" not in text


def default_faults(layer: Layer, *, unused: bool) -> Iterator[Mistake]:
    """What is wrong with defaults; the values too where no certificate brings that to light."""
    for key in PROBE:
        if key in layer.values:
            yield Mistake(key, "is each certificate's own", layer)
    result = (
        structure.structure((layer, Layer(PROBE, COMMAND_LINE))) if unused else None
    )
    if isinstance(result, list):
        yield from (one for one in result if one.layer is layer)


def machine_layer(path: Path) -> Layer:
    """What a machine's file of defaults says. Raises Fatals with every mistake."""
    text = read_text(path)
    layer = Layer(parse(text, path), str(path))
    if wrong := list(default_faults(layer, unused=True)):
        raise listed(told(one, path, text) for one in wrong)
    return layer


known_lines = functools.lru_cache(toml_lines)


def told(mistake: Mistake, path: Path, text: str) -> tuple[str, int, str]:
    """Where a mistake is, file and line, and what it is, with its table and key."""
    table = mistake.layer.table if mistake.layer else ()
    line = line_of(known_lines(text), (*table, mistake.key) if mistake.key else table)
    words = (title(table), mistake.key, mistake.message)
    return str(path), line, ": ".join(word for word in words if word)


def listed(found: Iterable[tuple[str, int, str]]) -> Fatals:
    """Mistakes in the order in which they are written, a line each."""
    return Fatals(
        f"{path}:{line}: {message}" if line else message
        for path, line, message in sorted(set(found))
    )


def title(table: tuple[str | int, ...]) -> str:
    """A table's header, with its number if it is one of several."""
    names = ".".join(str(part) for part in table if isinstance(part, str))
    if not table:
        return ""
    return (
        f"[[{names}]] {table[-1] + 1}" if isinstance(table[-1], int) else f"[{names}]"
    )
