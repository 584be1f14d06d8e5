# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Logins to registries in the config.json of users of a host.

The folders are theirs, and they may have made links of them: whatever is done there is done as the user, so that
nothing is read or written that the user could not read or write.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
from typing import Any, Iterator, Mapping, NamedTuple, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils import docker_config
from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_auth_record as records
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import remove, remove_leftovers, write_atomically
from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_auth_record import Owned, Record

FOLDER, FILE = ".docker", "config.json"
MODE, FOLDER_MODE = 0o600, 0o700
_BIGGEST = 4 * 1024 * 1024


class AuthError(Exception):
    """The logins cannot be written; the text is a sentence without a password."""


class Account(NamedTuple):
    """A user of the host."""

    name: str
    uid: int
    gid: int
    home: str

    @property
    def path(self) -> str:
        return os.path.join(self.home, FOLDER, FILE)


class Change(NamedTuple):
    """What becomes of a user's file. `before` and `after` are for people; without content it goes."""

    account: Account
    found: bytes | None
    content: bytes | None
    owned: Owned
    made: tuple[str, ...]
    changed: bool
    before: str
    after: str
    warnings: tuple[str, ...]


class Logins(NamedTuple):
    """What is wanted: by registry a name and a password in base64, or a credential helper."""

    auths: Mapping[str, str]
    helpers: Mapping[str, str]


def account_of(name: str) -> Account | None:
    """A user by name; None where there is none."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, found.pw_uid, found.pw_gid, found.pw_dir)


def plan(users: Sequence[str], wanted: Logins, record: Record) -> list[Change]:
    """What has to be done for each user, those included who had logins of ours. Nothing is written."""
    changes = []
    for name in dict.fromkeys([*users, *record.users]):
        account = account_of(name)
        if account is None:
            if name in users:
                raise AuthError(
                    f"gitlab_runner_registry_auth_users names {name!r}, and there is no such user on this host; "
                    "correct the name, or create the user first"
                )
            continue
        # Somebody who left took the logins along.
        if name not in users and not os.path.isdir(account.home):
            continue
        with acting_as(account):
            changes.append(
                _change(
                    account,
                    wanted if name in users else Logins({}, {}),
                    record.users.get(name, Owned()),
                )
            )
    return changes


def apply(changes: Sequence[Change], runners: Sequence[str], record: Record, path: str = records.PATH) -> bool:
    """Write what is planned; whether anything was written. The record first: a run that is killed owes nothing that it
    does not know of.
    """
    owned = {change.account.name: change.owned for change in changes}
    final = Record({name: each for name, each in owned.items() if any(each)}, tuple(sorted(set(runners))))
    before = {name: record.users.get(name, Owned()).union(owned.get(name, Owned())) for name in (*record.users, *owned)}
    intent = Record(
        {name: each for name, each in before.items() if any(each)}, tuple(sorted({*record.runners, *runners}))
    )
    changed = [change for change in changes if change.changed]
    try:
        if intent != record and changed:
            records.write(intent, path)
        for change in changed:
            _write(change)
        if final != (intent if changed else record):
            records.write(final, path)
    except OSError as error:
        raise AuthError(f"cannot write {path}: {error.strerror or error}; see to that, then run this again") from None
    return bool(changed) or final != record


@contextlib.contextmanager
def acting_as(account: Account) -> Iterator[None]:
    """Meanwhile this process may do what the user may do, and no more."""
    if account.uid == os.geteuid():
        yield
        return
    if os.geteuid() != 0:
        raise AuthError(f"the logins of user {account.name} cannot be written by another user; act as root (become)")
    groups = os.getgroups()
    try:
        os.initgroups(account.name, account.gid)
        os.setegid(account.gid)
        os.seteuid(account.uid)
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def _change(account: Account, wanted: Logins, owned: Owned) -> Change:
    found, mode = _read(account)
    if found is None and not (wanted.auths or wanted.helpers):
        return Change(account, None, None, Owned(), (), False, "", "", ())
    try:
        document = docker_config.parse(found or b"")
        wrong = ""
    except docker_config.DockerConfigError as error:
        document, wrong = {}, str(error)
    if wrong:
        raise AuthError(f"{account.path} {wrong}; mend it by hand, nothing was written")
    merged = docker_config.merge(document, wanted.auths, wanted.helpers, owned)
    names = {**wanted.auths, **wanted.helpers, **dict.fromkeys([*owned.auths, *owned.helpers])}
    made = owned.made or (_missing(account) if found is None else ())
    ours = merged.owned
    content = None if not merged.document and account.path in made else docker_config.render(merged.document)
    # Passwords of ours are for nobody else to read.
    open_to_others = bool(mode is not None and mode & 0o077 and ours.auths)
    return Change(
        account=account,
        found=found,
        content=content,
        owned=ours._replace(made=made if ours.auths or ours.helpers else ()),
        made=made,
        changed=merged.document != document or open_to_others or (content is None and found is not None),
        before=docker_config.shown(document, document, names),
        after=docker_config.shown(merged.document, document, names),
        warnings=tuple(_warnings(account, merged.document, wanted)),
    )


def _warnings(account: Account, document: Mapping[str, Any], wanted: Logins) -> Iterator[str]:
    store = document.get(docker_config.STORE)
    if store and wanted.auths:
        yield (
            f"{account.path} has {docker_config.STORE}, so that the docker command of user {account.name} asks that "
            f"for logins and does not look at those for {', '.join(sorted(wanted.auths))}; take it out there, or name "
            "the helper in gitlab_runner_registry_auth"
        )


def missing_users(names: Sequence[str]) -> list[str]:
    """A sentence for each user that check mode misses."""
    return [
        f"gitlab_runner_registry_auth_users names {name!r}, and there is no such user on this host yet; a run is "
        "refused unless it brings that user along"
        for name in names
    ]


def missing_programs(helpers: Mapping[str, str]) -> list[str]:
    """A sentence for each credential helper that this host does not have; the runner goes on without a login then."""
    return [
        f"there is no program docker-credential-{name} on this host, so that nobody logs in to "
        f"{', '.join(sorted(registry for registry, one in helpers.items() if one == name))}; install it"
        for name in sorted(set(helpers.values()))
        if not shutil.which(f"docker-credential-{name}")
    ]


def _read(account: Account) -> tuple[bytes | None, int | None]:
    path = account.path
    if not os.path.isdir(account.home):
        raise AuthError(f"user {account.name} has no home directory ({account.home}), where logins would be looked for")
    try:
        about = os.stat(path)
        # A pipe would be waited for.
        if not stat.S_ISREG(about.st_mode):
            raise AuthError(f"{path} is no file; move it away")
        if about.st_size > _BIGGEST:
            raise AuthError(f"{path} is larger than {_BIGGEST >> 20} MiB, which is no configuration; look at it")
        # Whatever a job of that user puts there in between: nothing is waited for, and nothing endless is read.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
            return stream.read(_BIGGEST), stat.S_IMODE(about.st_mode)
    except FileNotFoundError:
        return None, None
    except OSError as error:
        raise AuthError(
            f"cannot read {path} as user {account.name}: {error.strerror or error}; give it to that user"
        ) from None


def _missing(account: Account) -> tuple[str, ...]:
    """What has to be made for the file, it included."""
    folder = os.path.dirname(account.path)
    return (account.path,) if os.path.isdir(folder) else (folder, account.path)


def _write(change: Change) -> None:
    account, path = change.account, change.account.path

    def ready() -> None:
        if _read(account)[0] != change.found:
            raise AuthError(f"{path} was changed by somebody else in this moment; run this again")

    try:
        with acting_as(account):
            if change.content is None:
                ready()
                _remove(change)
                return
            folder = os.path.dirname(path)
            if not os.path.isdir(folder):
                os.makedirs(folder, FOLDER_MODE, exist_ok=True)
                os.chmod(folder, FOLDER_MODE)
            with contextlib.suppress(OSError):
                remove_leftovers(path)
            write_atomically(path, change.content, MODE, (account.uid, account.gid), ready)
    except OSError as error:
        raise AuthError(
            f"cannot write {path} as user {account.name}: {error.strerror or error}; the file stays as it was"
        ) from None


def _remove(change: Change) -> None:
    """A file in which nothing is left, and the folder that was made for it unless somebody put something there."""
    remove(change.account.path)
    folder = os.path.dirname(change.account.path)
    if folder in change.made:
        with contextlib.suppress(OSError):
            os.rmdir(folder)
