# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A TLS handshake in memory, to see whether certificates do what they were made for."""

from __future__ import annotations

import ssl
from pathlib import Path

from tests.support.pki import Issued


def handshake(
    folder: Path, server: Issued, trusted: str, name: str, client: Issued | None = None, wanted: str | None = None
) -> None:
    """A client that trusts TRUSTED asks SERVER for NAME, as engines do: what is trusted need not be a root.

    With WANTED the server wants a certificate of that authority. ssl.SSLError when one does not believe the other.
    """
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ours.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    ours.load_verify_locations(cadata=trusted)
    if client is not None:
        _show(ours, folder, client)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _show(theirs, folder, server)
    if wanted is not None:
        theirs.load_verify_locations(cadata=wanted)
        theirs.verify_mode = ssl.CERT_REQUIRED
    ends = [ours.wrap_bio(one, other, server_hostname=name), theirs.wrap_bio(other, one, server_side=True)]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                continue


def _show(context: ssl.SSLContext, folder: Path, issued: Issued) -> None:
    path = folder / "chain.pem"
    path.write_text(issued.chain_pem + issued.key_pem)
    context.load_cert_chain(path)
