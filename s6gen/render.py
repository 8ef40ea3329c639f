"""Parameters in, tree out."""

from collections.abc import Iterator

from s6gen.renew_lets_encrypt import RenewLetsEncrypt
from s6gen.templates import PACKAGE, environment, expand, template_paths
from s6gen.tree import File, Tree, file


def render(service: RenewLetsEncrypt) -> Tree:
    """The source definition directories of a service, as s6-rc-compile takes them."""
    files = {**dict(templated(service)), **dict(copied(service)), **dict(depending(service))}
    return dict(sorted(files.items()))


def templated(service: RenewLetsEncrypt) -> Iterator[tuple[str, File]]:
    """What comes from the template directory, under the names that the parameters give."""
    templates = environment()
    for directory, path in template_paths(service.template, service.directories):
        text = expand(templates, f"{service.template}/{directory}/{path}", service)
        content = text.encode("utf-8", "surrogateescape")
        yield f"{service.directories[directory]}/{path}", file(content)


def copied(service: RenewLetsEncrypt) -> Iterator[tuple[str, File]]:
    """The programs that go along as they are."""
    for path, module in service.programs.items():
        yield path, file((PACKAGE / module).read_bytes())


def depending(service: RenewLetsEncrypt) -> Iterator[tuple[str, File]]:
    """The empty files of dependencies.d (s6-rc-compile: Source format)."""
    for name, dependencies in service.dependencies.items():
        for dependency in dependencies:
            yield f"{name}/dependencies.d/{dependency}", File(b"")
