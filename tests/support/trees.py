"""Source directories as dict literals: path to content, a directory's path ending in a slash."""

from collections.abc import Mapping
from pathlib import Path

from s6gen.sources.entries import Source, source_of

Files = Mapping[str, str | bytes]


def encoded(content: str | bytes) -> bytes:
    """What is in the file."""
    return content if isinstance(content, bytes) else content.encode()


def in_memory(files: Files, path: str = "src") -> Source:
    """The source that these files are; scripts with #! are executable."""
    contents = ((name, encoded(content)) for name, content in files.items())
    return source_of(((name, it, it.startswith(b"#!")) for name, it in contents), path)


def on_disk(files: Files, root: Path) -> Path:
    """The same as a directory."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(encoded(content))
            path.chmod(0o755 if encoded(content).startswith(b"#!") else 0o644)
    return root


def oneshot(name: str, up: str = "true\n", **files: str) -> dict[str, str]:
    """A oneshot."""
    return service(name, "oneshot", up=up, **files)


def longrun(
    name: str, run: str = "#!/bin/sh\nexec sleep 1\n", **files: str
) -> dict[str, str]:
    """A longrun."""
    return service(name, "longrun", run=run, **files)


def bundle(name: str, *contents: str) -> dict[str, str]:
    """A bundle."""
    return service(name, "bundle") | {
        f"{name}/contents.d/{one}": "" for one in contents
    }


def service(name: str, kind: str, **files: str) -> dict[str, str]:
    """The files of a service; underscores in names stand for dashes."""
    listed = {
        f"{name}/{file.replace('_', '-')}": content for file, content in files.items()
    }
    return {f"{name}/type": f"{kind}\n"} | listed


def pipeline(
    name: str, producer: str = "#!/bin/sh\nexec 2>&1 daemon\n"
) -> dict[str, str]:
    """A longrun and its logger."""
    log = "#!/bin/execlineb -P\ns6-log -d3 t /var/log/x\n"
    return {
        **longrun(name, producer, producer_for=f"{name}-log\n"),
        **longrun(f"{name}-log", log, consumer_for=f"{name}\n", notification_fd="3\n"),
    }
