"""The roots that verify a CA's own TLS, and what is said if they do not."""

from __future__ import annotations

import ssl
import time

from ..messages import utc

DATES = (9, 10)
"""OpenSSL's codes for a certificate that is not yet valid, and for an expired one."""


def tls_context(ca_bundle: str) -> ssl.SSLContext:
    """Return the TLS context for the roots in a PEM file, "" for the system's.

    What the user names is trusted as openssl and curl do it: Python 3.13 wants more of
    a root, and an intermediate may be named as well. Raises OSError.
    """
    context = ssl.create_default_context(cafile=ca_bundle or None)
    if ca_bundle:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def distrust(error: ssl.SSLCertVerificationError, ca_bundle: str) -> str:
    """Return why a CA's own TLS certificate is not trusted, and what helps."""
    why = f"its TLS certificate is not trusted: {error.verify_message}"
    if error.verify_code in DATES:
        return f"{why} (the clock says {utc(time.time())})"
    if ca_bundle:
        return f"{why} (by the roots in {ca_bundle})"
    return f"{why} (for a private CA: --ca-bundle)"
