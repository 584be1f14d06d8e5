# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""From a base to an image for dind services in its registry: look, decide, make, push.

What holds already is left alone. An image is told from others by what its labels say it was made from, so that a second
run needs no build to compare.
"""

from __future__ import annotations

import json
import time
from typing import Any, Mapping, NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils import (
    daemon_json,
    dind_image_content,
    dind_image_program,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dind_image_content import ContentError, File, Wanted
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dind_image_engine import (
    Draft,
    Workshop,
    labels,
    repository_digests,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_image import registry_of

# What an image was made from: a digest of all of it, the same for people, and the base's own Id.
LABEL = "runnerkit.dind_image"
LABEL_CONTENT = "runnerkit.dind_image.content"
LABEL_BASE = "runnerkit.dind_image.base"

_FRESH: Mapping[str, Any] = {"changed": False, "built": False, "pulled": False, "pushed": False}


class _Found(NamedTuple):
    """What the host has: the base, the image under its name, and whether that is what is wanted."""

    base: dict[str, Any] | None
    existing: dict[str, Any] | None
    current: bool
    pulled: bool


def build(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """What the module returns; EngineError and ContentError are sentences."""
    content = dind_image_content.wanted(params["registries"], params["os_store"], params["mirrors"])
    name = params["name"]
    auth = params.get("auth")
    login = {**auth, "registry": registry_of(name)} if auth else None
    with Janitor() as janitor:
        deadline = time.monotonic() + params["timeout"]
        workshop = Workshop(Engine(params["socket"]), janitor, deadline, login)
        found = _look(workshop, params, content, check_mode)
        source = found.base or (found.existing if found.current else None)
        if source is None:
            # Check mode, and the base would be pulled first: what is in it is not known yet.
            return _result(
                params, content, found, None, None, {"changed": True, "built": True, "pushed": params["push"]}
            )
        program = _looked_inside(workshop, params, found, source)
        image, done = found.existing, {**_FRESH, "pulled": found.pulled, "changed": found.pulled}
        if not found.current:
            done.update(changed=True, built=True)
            if not check_mode:
                image = _make(workshop, params, content, source, found.existing)
        digest = None
        if params["push"]:
            digest = _digest_there(workshop, name, image) if not done["built"] else None
            if digest is None:
                done.update(changed=True, pushed=True)
                if not check_mode:
                    digest = workshop.push(name)
        return _result(params, content, found, image, program, {**done, "digest": digest})


def _look(workshop: Workshop, params: Mapping[str, Any], content: Wanted, check_mode: bool) -> _Found:
    """What there is, with the base pulled where that is wanted."""
    name, base_name, policy = params["name"], params["base"], params["pull"]
    existing, base = workshop.image(name), workshop.image(base_name)
    known = labels(existing).get(LABEL) if existing else None
    same = known == dind_image_content.digest(base_name, content)
    if policy == "always" and base is not None and check_mode:
        newest = workshop.digest_in_registry(base_name)
        if newest is None or newest in repository_digests(base, base_name):
            return _Found(base, existing, same and _made_from(existing, base), False)
        return _Found(None, existing, False, True)
    if policy == "always" or (policy == "missing" and base is None and not same):
        before = base["Id"] if base else None
        if check_mode:
            return _Found(None, existing, False, True)
        workshop.pull(base_name)
        base = workshop.image(base_name)
        if base is None:
            raise EngineError("protocol", f"base {base_name} was pulled, and the engine still does not have it")
        return _Found(base, existing, same and _made_from(existing, base), base["Id"] != before)
    if base is None and not same:
        raise EngineError(
            "missing", f"base is {base_name}, which is not on this host and pull is never; load it, or let it be pulled"
        )
    # A base that somebody cleaned away is not fetched again to learn what the image was made from.
    return _Found(base, existing, same and (base is None or _made_from(existing, base)), False)


def _made_from(image: Mapping[str, Any] | None, base: Mapping[str, Any]) -> bool:
    return image is not None and labels(image).get(LABEL_BASE) == base["Id"]


def _looked_inside(
    workshop: Workshop, params: Mapping[str, Any], found: _Found, source: Mapping[str, Any]
) -> dict[str, Any]:
    """The versions of what is in it; EngineError where jobs should not get that."""
    name = params["base"] if found.base else params["name"]
    words = dind_image_program.refusal(source, name)
    if words is None:
        program = dind_image_program.look_inside(workshop.engine, workshop.janitor, source, name, workshop.deadline)
        words = dind_image_program.too_old(program["engine"], params["minimum_version"], name)
    if words is not None:
        raise EngineError("refused", words)
    return program


def _digest_there(workshop: Workshop, name: str, image: Mapping[str, Any] | None) -> str | None:
    """The image's digest where its registry has exactly this image under this name."""
    own = repository_digests(image or {}, name)
    there = workshop.digest_in_registry(name) if own else None
    return there if there in own else None


def _make(
    workshop: Workshop,
    params: Mapping[str, Any],
    content: Wanted,
    base: Mapping[str, Any],
    before: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The image, which takes over the name from one that had it before."""
    name = params["name"]
    config = dict(base.get("Config") or {})
    config["Labels"] = {**(config.get("Labels") or {}), **_labels(params["base"], content, base)}
    with workshop.container(base["Id"]) as draft:
        files = _files(draft, params["base"], content)
        _refuse_volumes(config, params["base"], files)
        draft.write(dind_image_content.pack(_missing_folders(draft, files), files))
        draft.commit(name, config, f"{params['base']} with registry CAs, by runnerkit.gitlab.dind_image")
    made = workshop.image(name)
    if made is None:
        raise EngineError("protocol", f"{name} was made, and the engine does not have it")
    if before is not None and before["Id"] != made["Id"]:
        workshop.remove_unnamed(before["Id"], LABEL)
    return made


def _labels(base_name: str, content: Wanted, base: Mapping[str, Any]) -> dict[str, str]:
    return {
        LABEL: dind_image_content.digest(base_name, content),
        LABEL_CONTENT: json.dumps(dind_image_content.summary(base_name, content)),
        LABEL_BASE: base["Id"],
    }


def _files(draft: Draft, base_name: str, content: Wanted) -> dict[str, File]:
    """Everything that the image gets, with what the base has where that is added to."""
    files = {path: File(text) for path, text in dind_image_content.registry_files(content).items()}
    blocks = dind_image_content.authorities(content)
    if content.os_store and blocks:
        files.update(_store(draft, content, blocks))
    if content.mirrors:
        found = draft.read(dind_image_content.DAEMON_JSON)
        path, old = found or (dind_image_content.DAEMON_JSON, File(b""))
        try:
            text = dind_image_content.with_mirrors(old.content.decode("utf-8"), content.mirrors)
        except (daemon_json.DaemonJsonError, UnicodeDecodeError) as error:
            raise ContentError(
                f"mirrors cannot be added to {path} of {base_name}: {error}; give another base"
            ) from error
        files[path] = old._replace(content=text.encode())
    return files


def _store(draft: Draft, content: Wanted, blocks: list[str]) -> dict[str, File]:
    """The store that the base has; one that has none gets what engines look for first."""
    for path, folder, suffix in dind_image_content.STORES:
        found = draft.read(path)
        if found is not None:
            return _store_files(content, blocks, found, folder, suffix)
    path, folder, suffix = dind_image_content.STORES[0]
    return _store_files(content, blocks, (path, File(b"")), folder, suffix)


def _store_files(
    content: Wanted, blocks: list[str], store: tuple[str, File], folder: str, suffix: str
) -> dict[str, File]:
    path, old = store
    files = {path: File(text) for path, text in dind_image_content.store_files(content, folder, suffix).items()}
    files[path] = old._replace(content=dind_image_content.appended(old.content, blocks))
    return files


def _refuse_volumes(config: Mapping[str, Any], base_name: str, files: Mapping[str, File]) -> None:
    """What lies in a volume is no part of an image."""
    for volume in config.get("Volumes") or {}:
        inside = [path for path in files if path.startswith(volume.rstrip("/") + "/")]
        if inside:
            raise ContentError(
                f"base is {base_name}, which has a volume at {volume}, so that {inside[0]} would not stay in an image; "
                "give a base without it, or mount the certificates (registry_ca_registries, trust dind)"
            )


def _missing_folders(draft: Draft, files: Mapping[str, File]) -> list[str]:
    """Folders that the base lacks, those above first. What the engine would make by itself has its daemon's umask."""
    wanted: dict[str, None] = {}
    for path in files:
        parts = path.strip("/").split("/")[:-1]
        wanted.update(dict.fromkeys("/" + "/".join(parts[: count + 1]) for count in range(len(parts))))
    missing: list[str] = []
    for folder in sorted(wanted):
        above = folder.rpartition("/")[0]
        # Below one that is missing there is nothing to ask for.
        if above in missing or not draft.has(folder):
            missing.append(folder)
    return missing


def _result(
    params: Mapping[str, Any],
    content: Wanted,
    found: _Found,
    image: Mapping[str, Any] | None,
    versions: dict[str, Any] | None,
    done: Mapping[str, Any],
) -> dict[str, Any]:
    """What the module returns."""
    done = {**_FRESH, "pulled": found.pulled, "digest": None, **done}
    before = labels(found.existing).get(LABEL_CONTENT) if found.existing else None
    after = dind_image_content.summary(params["base"], content)
    if done["built"]:
        old_base = labels(found.existing).get(LABEL_BASE) if found.existing else None
        new_base = found.base["Id"] if found.base else None
        diff = {"before": _shown(before, old_base), "after": _shown(json.dumps(after), new_base)}
    else:
        same = _shown(json.dumps(after), labels(image or {}).get(LABEL_BASE))
        diff = {"before": same, "after": same}
    header = {"before_header": params["name"], "after_header": params["name"]}
    return {
        **done,
        "name": params["name"],
        "base": params["base"],
        "id": image["Id"] if image and not (done["built"] and image is found.existing) else None,
        "versions": versions,
        "holds": after,
        "diff": {**header, **diff},
    }


def _shown(content: str | None, base: str | None) -> str:
    """What an image was made from, for a diff."""
    if content is None:
        return ""
    try:
        known = json.loads(content)
    except ValueError:
        known = {"content": content}
    return json.dumps({**known, "base_id": base}, indent=2) + "\n" if isinstance(known, dict) else content
