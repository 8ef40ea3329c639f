"""`s6gen render`, told in order: certificates, services, tree, check, compare, write.

`prepare` renders in memory. `preview` compares that with what is there, and `apply`
writes it. Nothing here prints.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from s6gen.check.errors import tree_errors
from s6gen.configuration.addition import with_certificate
from s6gen.configuration.bounds import (
    Place,
    output_place,
    refuse_private_names,
    templates_place,
)
from s6gen.configuration.certificates import certificate_layers, certificates
from s6gen.configuration.find import read_configuration
from s6gen.errors import Exit, Fatal, Fatals
from s6gen.files import read_text_file
from s6gen.output.change import Action, Update, Wanted, changes_of_action
from s6gen.output.directory import lock_output, open_output
from s6gen.output.next_record import record_after
from s6gen.output.plan import plan
from s6gen.output.read import foreign_files, has_record, hosts_below, read_present
from s6gen.output.record import service_name_of
from s6gen.output.write import replace_file, write_update
from s6gen.rendering.expand import render
from s6gen.rendering.origin import origins
from s6gen.rendering.templates import Templates
from s6gen.rendering.tree import File, Tree
from s6gen.services.host import host_services
from s6gen.services.kind import Kind
from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt

if TYPE_CHECKING:  # it takes a while to load, and is not needed without a file
    from s6gen.configuration.document import Configuration


class RenderOptions(NamedTuple):
    """The command line of `s6gen render`. None and False are what was not given.

    A NamedTuple, because making an attrs class takes longer, at every start of s6gen.
    """

    values: Mapping[str, Any]
    """The parameters of certificates that were given, by their keys in s6gen.toml."""
    config: str | None = None
    output: str | None = None
    templates: str | None = None
    host: str | None = None
    check: bool = False
    diff: bool = False
    save: bool = False
    force: bool = False
    merge: bool = False
    prune: bool = False


class Rendering(NamedTuple):
    """The wanted content of each output directory, and the s6gen.toml behind it."""

    wanted: Mapping[Path, Wanted]
    configuration: "Configuration | None" = None
    """The file as it was read; None if there is none."""
    addition: "Configuration | None" = None
    """The file with one more certificate, if that is to be saved."""


def prepare(options: RenderOptions) -> Rendering:
    """Render everything that is asked for, in memory. Raises Fatal for any mistake."""
    configuration = read_configuration(options.config, may_be_missing=options.save)
    addition = None
    if options.save:
        addition = with_certificate(
            configuration, options.config, options.values, options.host
        )
        # The addition has the values of the command line in it.
        options = options._replace(values={})
    current = addition or configuration
    wanted = wanted_directories(current, options)
    if current is not None and not wanted:
        reason = "asks for no certificate: add a [[certificate]]"
        raise Fatal(f"{current.path}: {reason}")
    if options.prune and not is_complete(current, options):
        raise Fatal("--prune: is for all that s6gen.toml asks for: leave out --page")
    return Rendering(wanted, configuration, addition)


def is_complete(configuration: "Configuration | None", options: RenderOptions) -> bool:
    """Tell whether everything is rendered that an s6gen.toml asks for."""
    return configuration is not None and "page" not in options.values


def wanted_directories(
    configuration: "Configuration | None", options: RenderOptions
) -> dict[Path, Wanted]:
    """Return what is wanted in each output directory: one, or one for each host.

    In those that were rendered before and no longer are, nothing is wanted.
    """
    top = output_place(configuration, options.output)
    template = Wanted(
        tree={},
        complete=is_complete(configuration, options),
        force=options.force,
        prune=options.prune,
        merge=options.merge,
        within=top.within,
    )
    wanted = asked_directories(configuration, options, top, template)
    if template.complete and options.host is None:
        for output, unwanted in unwanted_directories(top, template).items():
            wanted.setdefault(output, unwanted)
    return wanted


def asked_directories(
    configuration: "Configuration | None",
    options: RenderOptions,
    top: Place,
    template: Wanted,
) -> dict[Path, Wanted]:
    """Return what the certificates ask for, in the output directory of each host."""
    templates = templates_in(templates_place(configuration, options.templates))
    wanted: dict[Path, Wanted] = {}
    layers = certificate_layers(configuration, options.values, options.host)
    hosts = certificates(layers)
    services = {
        host: services_of_host(host_certificates, configuration)
        for host, host_certificates in hosts.items()
    }
    trees = render(services.values(), templates)
    for (host, kinds), tree in zip(services.items(), trees, strict=True):
        output, within, _ = host_place(top, host)
        refuse_invalid(tree, output)
        if configuration is not None and not template.complete:
            tree = tree_of_page(tree, hosts[host], options.values["page"])
        if tree or has_record(output, within):
            wanted[output] = template._replace(
                tree=tree,
                origins=origins(kinds),
                host=host or "",
                within=within,
            )
            refuse_private_names(wanted[output].services | {host or ""})
    return wanted


def unwanted_directories(top: Place, template: Wanted) -> dict[Path, Wanted]:
    """Return the directories that were rendered before: nothing is wanted in them."""
    unwanted = {}
    for host in rendered_hosts(top):
        output, within, _ = host_place(top, host)
        unwanted[output] = template._replace(host=host or "", within=within)
    return unwanted


def templates_in(own: Place | None) -> Templates:
    """Return s6gen's templates, with those in a directory in front of them."""
    if own is None:
        return Templates()
    return Templates(own.path, own.within, follows_links=own.follows_links)


def host_place(top: Place, host: str | None) -> Place:
    """Return the directory of a host; the top itself if there is only one.

    A link at the name of a host is never followed.
    """
    if host is None:
        return top
    return Place(top.path / host, top.within or top.path)


def services_of_host(
    host_certificates: Sequence[RenewLetsEncrypt], configuration: "Configuration | None"
) -> Sequence[Kind]:
    """Return the services of a host: its certificates', their loggers, and a bundle.

    Raises Fatals, with the file that asks for them, if they cannot be together.
    """
    if not host_certificates:
        return ()
    if configuration is None:
        return host_services(host_certificates)
    try:
        return host_services(host_certificates, configuration.document.bundle)
    except Fatal as fatal:
        path = configuration.path
        raise Fatals(f"{path}: {message}" for message in fatal.messages) from None


def refuse_invalid(tree: Tree, output: Path) -> None:
    """Raise Fatal if s6-rc-compile would refuse a tree.

    Only a template of the administrator's own can be the cause.
    """
    files = [(path, file.content, file.is_executable) for path, file in tree.items()]
    for error in tree_errors(files, str(output)):
        raise Fatal(f"s6-rc would refuse this: {error.path}: {error.message}")


def tree_of_page(
    tree: Tree, host_certificates: Iterable[RenewLetsEncrypt], page: str
) -> dict[str, File]:
    """Return the part of a tree that is about a page: its service, and the logger."""
    names = set()
    for certificate in host_certificates:
        if certificate.page == page:
            names.update([certificate.service, certificate.log_service])
    files = {}
    for path, file in tree.items():
        if service_name_of(path) in names:
            files[path] = file
    return files


def rendered_hosts(top: Place) -> list[str | None]:
    """Return the hosts that were rendered before; None for the directory itself."""
    hosts: list[str | None] = [*hosts_below(top.path, top.within)]
    return [None, *hosts] if has_record(top.path, top.within) else hosts


def preview(rendering: Rendering) -> list[Update]:
    """Return what would change in each output directory. Nothing is touched."""
    updates = []
    for output, wanted in rendering.wanted.items():
        with open_output(output, wanted.within) as top:
            update = compare(wanted, output, top)
            names = sorted(wanted.services)
            # A file that is about to be removed is in the record of the last rendering.
            ours = update.present.record | update.record_after
            foreign = foreign_files(top, names, ours)
        paths: list[str] = []
        for of_service in foreign.values():
            paths += of_service
        updates.append(update._replace(foreign=tuple(paths)))
    return updates


def apply(rendering: Rendering) -> list[Update]:
    """Write the file of certificates, if it changes, and all output directories.

    Nobody else renders into them meanwhile. Raises Fatals, and writes nothing at all,
    if one change is refused.
    """
    updates, tops = [], []
    with contextlib.ExitStack() as stack:
        for output, wanted in rendering.wanted.items():
            top = stack.enter_context(lock_output(output, wanted.within))
            updates.append(compare(wanted, output, top))
            tops.append(top)
        raise_refusals(updates)
        save(rendering.configuration, rendering.addition, tops)
        for update, top in zip(updates, tops, strict=True):
            write_update(update, top)
    return updates


def compare(wanted: Wanted, output: Path, top: int | None) -> Update:
    """Read an output directory, and decide what changes in it.

    `top` is the open directory, or None where it is missing.
    """
    present = read_present(wanted, output, top)
    changes = plan(wanted, present)
    after = record_after(wanted, present, changes)
    return Update(output, wanted, present, changes, after)


def raise_refusals(updates: Iterable[Update]) -> None:
    """Raise Fatals with all changes that are refused, if there are any."""
    messages = []
    for path, change in changes_of_action(updates, Action.REFUSED):
        messages.append(f"{path}: {change.reason}: {change.advice}")
    if messages:
        raise Fatals(messages)


def save(
    before: "Configuration | None",
    addition: "Configuration | None",
    locked: Iterable[int],
) -> None:
    """Write the file with one more certificate, if there is one to be saved.

    `locked` are the open output directories: the file may be in one. Raises Fatal if
    somebody has changed the file since it was read.
    """
    if addition is not None:
        text_before = None if before is None else before.text
        replace_file(addition.path, addition.text, text_before, locked)
    elif before is not None and text_now(before.path) != before.text:
        reason = "was changed meanwhile: try again"
        raise Fatal(f"{before.path}: {reason}", Exit.TEMPORARY)


def text_now(path: Path) -> str:
    """Return the text that a file has now; "" if it is gone."""
    if not path.exists():
        return ""
    # Not at the top: without a file there is nothing to be loaded for it.
    from s6gen.configuration.toml_file import MAX_FILE

    return read_text_file(path, MAX_FILE).text
