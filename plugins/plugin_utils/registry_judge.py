# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Whether certificates can do what they are declared for. Phrases go on after the variable's path."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_hosts import answers_for, split
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_pem import Certificate, PrivateKey
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import printable

_SHOWN = 3


@dataclass(frozen=True)
class Judgement:
    """What forbids to use them, and what is worth a word."""

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    # What is wrong with the private key.
    key: str | None = None


def authorities(found: Sequence[Certificate], host: str, layers: Sequence[str], now: datetime.datetime) -> Judgement:
    """Whether FOUND can vouch for HOST."""
    problems = list(_strangers(found, host))
    late = list(_out_of_force(found, now))
    if late and len(late) == len(found):
        problems.append(f"has nothing that is in force: {_some(late)}; give the authority that is used today")
    if problems:
        return Judgement(tuple(problems))
    rotation = [f"has certificates that are not in force beside such as are: {_some(late)}"] if late else []
    return Judgement(notes=(*rotation, *_own(found, layers), *_incomplete(found), *_narrow(found), *_weak(found)))


def _strangers(found: Sequence[Certificate], host: str) -> Iterator[str]:
    """Those that vouch for nobody, and those that vouch for somebody else."""
    for one in found:
        own = not one.authority and one.signed_by(one)
        if one.authority or (own and answers_for(one.names, host)):
            continue
        if one.ca:
            yield f"has {one.subject!r}, whose key usage does not let it sign certificates; give the one that signs"
        elif own:
            yield _not_for(one, host)
        else:
            there = any(one is not other and one.signed_by(other) for other in found)
            remedy = "leave it out, the other is there" if there else f"give that of {one.issuer!r}"
            yield f"has {one.subject!r}, no authority but a server's certificate signed by {one.issuer!r}; {remedy}"


def _not_for(one: Certificate, host: str) -> str:
    name = split(host)[0]
    if not one.names:
        return (
            f"has {one.subject!r}, a server's own certificate without a subjectAltName, and engines look at nothing "
            f"else; make one that has {name} there"
        )
    names = _some([printable(each) for each in one.names])
    wrong = f"has {one.subject!r}, a server's own certificate, for {names} and not for {name}"
    return f"{wrong}; give the one that {host} shows"


def _out_of_force(found: Sequence[Certificate], now: datetime.datetime) -> Iterator[str]:
    for one in found:
        if one.not_after < now:
            yield f"{one.subject!r} expired on {day(one.not_after)}"
        elif one.not_before > now:
            yield f"{one.subject!r} is not valid before {day(one.not_before)}"


def _own(found: Sequence[Certificate], layers: Sequence[str]) -> Iterator[str]:
    """Where none is a stranger, those that are no authorities are what the server itself shows."""
    for one in found:
        if not one.authority:
            yield (
                f"has {one.subject!r}, the server's own certificate and no authority; it is trusted, and its successor "
                "has to be added before the server shows it"
            )
            if "os" in layers:
                yield f"has {one.subject!r}, which is no authority, and stores of the RedHat family leave such ones out"


def _incomplete(found: Sequence[Certificate]) -> Iterator[str]:
    subjects = {one.subject for one in found}
    for one in found:
        if one.authority and not one.self_issued and one.issuer not in subjects:
            yield (
                f"has {one.subject!r} and not {one.issuer!r}, which signed it; engines are content with that, programs "
                "with OpenSSL, git among them, want both"
            )


def _narrow(found: Sequence[Certificate]) -> Iterator[str]:
    for one in found:
        if one.authority and not one.for_servers:
            yield (
                f"has {one.subject!r}, whose extended key usage lacks serverAuth; engines refuse servers that it "
                "vouches for, and stores of the RedHat family leave it out"
            )


def _weak(found: Sequence[Certificate]) -> Iterator[str]:
    for one in found:
        if one.weak:
            yield f"has {one.subject!r} with {' and '.join(one.weak)}, which today's programs refuse or soon will"


def client(found: Sequence[Certificate], key: PrivateKey | None, now: datetime.datetime) -> Judgement:
    """Whether a client can show FOUND with KEY; None is one that could not be read."""
    own = _own_of(found, key)
    stranger = None
    if key is not None and own.public != key.public:
        stranger = f"is not the key of {own.subject!r} in client_cert; give the key that it was made with"
    right = _chain(own, found)
    problems = [
        f"has {one.subject!r}, which signed none of the others; leave it out" for one in found if one not in right
    ]
    if not problems and right != list(found):
        order = ", ".join(repr(one.subject) for one in right)
        problems.append(f"is in the wrong order; the client's own comes first, then who signed it: {order}")
    late = list(_out_of_force([one for one in right if one is own or not one.self_issued], now))
    if late:
        problems.append(f"is not in force: {_some(late)}; give the one that is used today")
    if not own.for_clients:
        problems.append(
            f"has {own.subject!r}, which is not for clients (its extended key usage lacks clientAuth); have one made "
            "for a client"
        )
    return Judgement(tuple(problems), tuple(_weak(found)), stranger)


def _own_of(found: Sequence[Certificate], key: PrivateKey | None) -> Certificate:
    """The certificate of the key; when there is none, the first that signed no other."""
    of_key = [one for one in found if key is not None and one.public == key.public]
    if of_key:
        return of_key[0]
    alone = (one for one in found if not any(other is not one and other.signed_by(one) for other in found))
    return next(alone, found[0])


def _chain(own: Certificate, found: Sequence[Certificate]) -> list[Certificate]:
    """OWN, who signed it, who signed that, as far as they are there."""
    chain, rest = [own], [one for one in found if one is not own]
    while above := next((one for one in rest if chain[-1].signed_by(one)), None):
        chain.append(above)
        rest.remove(above)
    return chain


def day(moment: datetime.datetime) -> str:
    """A date for people."""
    return moment.strftime("%Y-%m-%d")


def _some(texts: Sequence[str]) -> str:
    """A few of them, and how many there are besides."""
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
