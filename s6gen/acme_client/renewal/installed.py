"""The chain in FILE as it is, compared with what it has to be for."""

from __future__ import annotations

from dataclasses import replace

from ..certificates import describe, misfit, parse_chain
from ..csr import wanted_names_and_key
from ..files import read_file
from ..messages import Fatal, reason
from ..options import Options
from .schedule import InstalledChain


def inspect_chain(options: Options) -> InstalledChain:
    """Read FILE, and compare it with the names and the key that it has to be for."""
    chain = InstalledChain()
    try:
        certificates = parse_chain(read_file(options.out), options.out)
        chain = describe(certificates[0])
        names, key = wanted_names_and_key(options)
    except FileNotFoundError as missing:
        if missing.filename == options.out:
            return chain
        fault = f"is for a key or a CSR that is missing, {missing.filename}"
        return replace(chain, fault=fault)
    except (OSError, Fatal) as error:
        why = reason(error).removeprefix(f"{options.out}: ")
        return replace(chain, fault=f"is not usable: {why}")
    return replace(
        chain,
        fault=misfit(certificates, names, key),
        terms=(options.directory_url, options.profile, *sorted(names)),
    )
