"""The bare script: what s6gen-acme asks for, asked with the acme package and nothing else.

    python3 -P benchmarks/bare.py DIRECTORY_URL CA_FILE CHALLENGE_DIRECTORY NAME

No checks, no files but the answer, no waiting beyond 20 ms. It is the measure for CPU time.
"""

import sys
import time
from pathlib import Path

from acme import client, crypto_util, messages
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from josepy import jwa, jwk


def main(directory_url: str, ca_file: str, challenges: str, name: str) -> None:
    """Get a certificate and print it."""
    account_key = jwk.JWKEC(key=ec.generate_private_key(ec.SECP256R1()))
    network = client.ClientNetwork(account_key, alg=jwa.ES256)
    network.session.verify = network.verify_ssl = ca_file  # type: ignore[assignment]
    acme = client.ClientV2(
        client.ClientV2.get_directory(directory_url, network), network
    )
    acme.new_account(messages.NewRegistration.from_data(terms_of_service_agreed=True))
    domain_key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    order = acme.new_order(crypto_util.make_csr(domain_key, [name]))
    (http,) = (
        one
        for one in order.authorizations[0].body.challenges
        if one.chall.typ == "http-01"
    )
    response, validation = http.response_and_validation(account_key)
    answer = Path(challenges) / http.chall.encode("token")
    answer.write_text(validation)
    acme.answer_challenge(http, response)
    wait(acme, order.uri, "ready")
    acme.begin_finalization(order)
    url = wait(acme, order.uri, "valid")["certificate"]
    print(acme._post_as_get(url).text)
    answer.unlink()


def wait(acme: client.ClientV2, url: str, status: str) -> dict[str, str]:
    """Look at the order until it has this status."""
    while True:
        order = acme._post_as_get(url).json()
        if order["status"] == status:
            return dict(order)
        time.sleep(0.02)


if __name__ == "__main__":
    main(*sys.argv[1:])
