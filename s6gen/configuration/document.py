"""s6gen.toml: read, structured, and checked as a whole."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from s6gen.configuration import structure
from s6gen.configuration.layers import COMMAND_LINE, HostLayers, Layer, Layers
from s6gen.configuration.mistakes import Mistake, fatals_in
from s6gen.configuration.toml_file import Table, is_own, parse_toml, read_text
from s6gen.configuration.toml_lines import TablePath
from s6gen.errors import Fatal
from s6gen.names import is_service_name, is_visible_file_name
from s6gen.services.renew_lets_encrypt import REQUIRED_KEYS, RenewLetsEncrypt
from s6gen.text import is_visible

MAX_CERTIFICATES = 10_000
"""Certificates and hosts of a file. Each takes a millisecond and 30 files."""
PROBE = Layer({"page": "page", "domain": "example.org"}, COMMAND_LINE)
"""A certificate, so that defaults can be tried without one."""


@attrs.frozen(kw_only=True)
class Document:
    """The keys and tables at the top of the file."""

    output: str = "sv"
    """The directory for the source directories, relative to the file."""
    templates: str | None = None
    """One's own templates, relative to the file."""
    bundle: str = "renew-lets-encrypt"
    """The bundle of all that is rendered for a host."""
    outside: bool = False
    """Output and templates may lead outside of the file's directory."""
    machine_defaults: bool = True
    """If false, the machine's defaults do not count."""
    defaults: Table = attrs.Factory(dict)
    certificate: list[Table] = attrs.Factory(list)
    host: dict[str, Table] = attrs.Factory(dict)


DOCUMENT_KEYS = {
    field.name: field.name.replace("_", "-") for field in attrs.fields(Document)
}
"""By attribute of Document its key."""


@attrs.frozen(kw_only=True)
class Configuration:
    """A file, and all that stands in it."""

    path: Path
    text: str
    table: Table
    """The file as TOML."""
    document: Document
    is_own: bool = True
    """The file belongs to the user."""

    @property
    def may_lead_outside(self) -> bool:
        """Tell whether the file may lead outside of its directory (`bounds.py`)."""
        return self.is_own and self.document.outside

    @property
    def host_layers(self) -> HostLayers:
        """By host, or None for no host, the layers of each certificate."""
        if not self.document.host:
            return {None: self.layers_of(None, self.document.certificate)}
        hosts: dict[str | None, list[Layers]] = {}
        for host, table in self.document.host.items():
            hosts[host] = self.layers_of(host, table.get("certificate", []))
        return hosts

    def layers_of(self, host: str | None, tables: Iterable[Table]) -> list[Layers]:
        """Return the layers of each certificate in an array of tables."""
        array: TablePath = ("certificate",)
        if host is not None:
            array = ("host", host, "certificate")
        certificates = []
        for number, table in enumerate(tables):
            own = self.layer(table, (*array, number))
            certificates.append((*self.default_layers(host), own))
        return certificates

    def default_layers(self, host: str | None) -> Layers:
        """Return the layers that lie below every certificate of a host."""
        defaults = self.layer(self.document.defaults, ("defaults",))
        if host not in self.document.host:
            return (defaults,)
        own = dict(self.document.host[host])
        own.pop("certificate", None)
        return (defaults, self.layer(own, ("host", host)))

    def layer(self, table: Table, path: TablePath) -> Layer:
        """Return a table of the file as a layer."""
        return Layer(table, str(self.path), path)


def read_document(path: Path) -> Configuration:
    """Return what a file says. Raises Fatals with every mistake of its form."""
    return parse_document(read_text(path), path, is_own=is_own(path))


def parse_document(text: str, path: Path, *, is_own: bool = True) -> Configuration:
    """Return what a text says that is, or will be, the file at path.

    Raises Fatals with every mistake of its form.
    """
    table = parse_toml(text, path)
    try:
        document = structure_document(table)
    except cattrs.ClassValidationError as error:
        raise fatals_in(path, text, structure.mistakes(error, DOCUMENT_KEYS)) from None
    configuration = Configuration(
        path=path, text=text, table=table, document=document, is_own=is_own
    )
    wrong = list(faults(configuration))
    if wrong:
        raise fatals_in(path, text, wrong)
    return configuration


def structure_document(table: Table) -> Document:
    """Return the top of the file. Raises cattrs' error for wrong types and keys."""
    converter = structure.exact_converter()
    overrides: dict[str, Any] = {}
    for name, key in DOCUMENT_KEYS.items():
        overrides[name] = override(rename=key)
    structure_table = make_dict_structure_fn(
        Document, converter, _cattrs_forbid_extra_keys=True, **overrides
    )
    return structure_table(table, Document)


def faults(configuration: Configuration) -> Iterator[Mistake]:
    """Yield what is wrong beyond the types of the top of the file."""
    too_many = list(number_faults(configuration.document))
    if too_many:
        yield from too_many
        return
    yield from top_faults(configuration.document)
    wrong_hosts = list(host_faults(configuration))
    if wrong_hosts:  # only of tables with arrays in them there is more to say
        yield from wrong_hosts
    else:
        yield from all_default_faults(configuration)


def top_faults(document: Document) -> Iterator[Mistake]:
    """Yield what is wrong with the settings at the top, and with their combination."""
    yield from path_faults("output", document.output)
    yield from path_faults("templates", document.templates)
    if not is_service_name(document.bundle):
        yield Mistake("bundle", f"must be a service's name: {document.bundle!r}")
    if document.host and document.certificate:
        yield Mistake("certificate", "is for no host: write [[host.NAME.certificate]]")


def number_faults(document: Document) -> Iterator[Mistake]:
    """Yield a mistake for more certificates than can be rendered at once."""
    count = len(document.certificate) + len(document.host)
    for table in document.host.values():
        if isinstance(table, dict) and isinstance(table.get("certificate"), list):
            count += len(table["certificate"])
    if count > MAX_CERTIFICATES:
        reason = f"more than {MAX_CERTIFICATES} certificates and hosts: use more files"
        yield Mistake("", reason)


def all_default_faults(configuration: Configuration) -> Iterator[Mistake]:
    """Yield what is wrong with the defaults of all certificates, and of each host."""
    unused = not any(configuration.host_layers.values())
    yield from default_faults(configuration.default_layers(None)[-1], unused=unused)
    for host, table in configuration.document.host.items():
        unused = not table.get("certificate")
        yield from default_faults(configuration.default_layers(host)[-1], unused=unused)


def path_faults(key: str, path: str | None) -> Iterator[Mistake]:
    """Yield a mistake for a text that cannot be the path of a directory."""
    if path is None:
        return
    if path == "" or "\0" in path:
        yield Mistake(key, f"must be a directory: {path!r}")


def host_faults(configuration: Configuration) -> Iterator[Mistake]:
    """Yield what is wrong with the hosts' names and tables."""
    for host, table in configuration.document.host.items():
        layer = configuration.layer({}, ("host", host))
        if not (is_visible_file_name(host) and all(map(is_visible, host))):
            yield Mistake("", f"not a name for a host: {host!r}", layer)
        yield from host_table_faults(table, layer)


def host_table_faults(table: Any, layer: Layer) -> Iterator[Mistake]:
    """Yield a mistake for a host that is not a table, or has no array of tables."""
    if not isinstance(table, dict):
        yield Mistake("", "must be a table", layer)
        return
    try:
        structure.structure_tables(table.get("certificate", []), list)
    except Fatal as fatal:
        yield Mistake("certificate", str(fatal), layer)


def default_faults(layer: Layer, *, unused: bool) -> Iterator[Mistake]:
    """Yield what is wrong with defaults.

    Their values are tried too if they are unused: no certificate brings that to light.
    """
    for key in REQUIRED_KEYS:
        if key in layer.values:
            yield Mistake(key, "is each certificate's own", layer)
    yield from length_faults(layer)
    if unused:
        yield from value_faults(layer)


def length_faults(layer: Layer) -> Iterator[Mistake]:
    """Yield a mistake for a list that is too long to be gone through so often."""
    for key, value in layer.values.items():
        try:
            structure.refuse_long(value)
        except Fatal as fatal:
            yield Mistake(key, str(fatal), layer)


def value_faults(layer: Layer) -> Iterator[Mistake]:
    """Yield what is wrong with the values of defaults."""
    result = structure.structure_certificate((layer, PROBE))
    if isinstance(result, RenewLetsEncrypt):
        return
    for mistake in result:
        if mistake.layer is layer:
            yield mistake


def read_machine_layer(path: Path) -> Layer:
    """Return a machine's file of defaults. Raises Fatals with every mistake in it."""
    text = read_text(path)
    layer = Layer(parse_toml(text, path), str(path))
    wrong = list(default_faults(layer, unused=True))
    if wrong:
        raise fatals_in(path, text, wrong)
    return layer
