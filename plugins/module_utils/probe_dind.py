# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What the containers of a Docker-in-Docker service may do: an engine inside a privileged throw-away container.

The nested engine is that of an image such as docker:26.1-dind, or this host's own dockerd in an empty container. It
listens on a unix socket in a folder of this host, so it is asked like any other engine. It gets no network, no bridge
and no firewall rules; its data lie in an anonymous volume. Container, volume and folder are gone afterwards.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from typing import Any, Iterator, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_again import again_if_vanished
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_container import (
    Container,
    empty_image,
    throw_away,
    unframe,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_dind_images import (
    bring_images,
    find_image,
    version_in,
    version_numbers,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_dind_log import last_words
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_dind_recipe import (
    HOST_FILES,
    SEARCH_PATH,
    SOCKET,
    recipe,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_engine import acquaint, measure_engine
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_kernel import Kernel
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_layout import Layout, layout
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_result import unknown, untested

OWN = "dind (this host's dockerd)"
RUN = "/run"
PAUSE = 0.03

NO_DOCKERD = re.compile(r'exec: \\?"dockerd\\?": executable file not found')


def measure_dind(
    *,
    engine: Engine,
    janitor: Janitor,
    image: str | None,
    profile: str,
    images: Sequence[str],
    deadline: float,
    kernel: Kernel,
) -> dict[str, Any]:
    """The layer of a nested engine out of IMAGE; None is this host's own dockerd."""
    begin = time.monotonic()
    try:
        layer = again_if_vanished(lambda: _measure(engine, janitor, image, profile, images, deadline, kernel))
    except EngineError as error:
        layer = unknown(profile, error.kind, error.message)
    except OSError as error:
        layer = unknown(profile, "io", f"the folder for the nested engine's socket: {error}")
    names = {"layer": "dind", "name": f"dind ({image})" if image else OWN, "image": image, "user": None}
    return {**layer, **names, "seconds": round(time.monotonic() - begin, 3)}


def _measure(
    engine: Engine,
    janitor: Janitor,
    image: str | None,
    profile: str,
    images: Sequence[str],
    deadline: float,
    kernel: Kernel,
) -> dict[str, Any]:
    with contextlib.ExitStack() as stack:
        place = layout()
        host, info = acquaint(engine, deadline)
        if host["rootless"]:
            raise EngineError(
                "permission",
                f"{engine.socket_path} is that of an engine without root (rootless), which sees a {RUN} of its own and "
                "not this host's; leave the layer dind out, or name the socket of root's engine",
            )
        if image is None:
            version = version_numbers(host["version"] or "")
            _check_own_daemon(place)
            source = stack.enter_context(empty_image(engine, janitor, deadline, place))
        else:
            version = version_in(find_image(engine, image, deadline))
            source = image
        folder = stack.enter_context(_folder(janitor))
        config, host_config = recipe(source, image is None, version, folder, place, info)
        container = stack.enter_context(_privileged(engine, janitor, config, host_config, deadline))
        nested = Engine(os.path.join(folder, SOCKET))
        _wait_for(nested, engine, container, deadline)
        lacking = bring_images(engine, nested, images, deadline)
        layer = measure_engine(
            nested,
            janitor,
            profile=profile,
            images=[image for image in images if image not in lacking],
            deadline=deadline,
            root=f"/proc/{container.pid()}/root",
            interpreter_root=HOST_FILES,
            kernel=kernel,
        )
    if layer["state"] == "measured":
        layer["behaviour"] += [untested(image, reason) for image, reason in lacking.items()]
    return layer


def _check_own_daemon(place: Layout) -> None:
    """The programs of the host's own engine lie where the container can see them."""
    for name in ("dockerd", "containerd", "runc"):
        path = shutil.which(name, path=SEARCH_PATH)
        if path is None:
            raise EngineError(
                "missing",
                f"this host has no {name} on {SEARCH_PATH}; name an image in dind_images to measure that instead",
            )
        real = os.path.realpath(path)
        if not any(real.startswith(folder.rstrip("/") + "/") for folder in place.folders):
            raise EngineError(
                "missing",
                f"this host's {name} is {real}, outside of {', '.join(place.folders)}; name an image in dind_images",
            )


@contextlib.contextmanager
def _folder(janitor: Janitor) -> Iterator[str]:
    """A folder that nobody but root may look into, for the socket."""
    path = os.path.join(RUN, f"runnerkit-probe-{janitor.mark}-{os.urandom(4).hex()}")
    janitor.folder(path)
    try:
        os.mkdir(path, 0o700)
    except PermissionError as error:
        raise EngineError(
            "permission", f"{RUN}, for the nested engine's socket, may not be written by this user; become root"
        ) from error
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if os.path.lexists(path):
            janitor.keep()


@contextlib.contextmanager
def _privileged(
    engine: Engine, janitor: Janitor, config: dict[str, Any], host_config: dict[str, Any], deadline: float
) -> Iterator[Container]:
    with contextlib.ExitStack() as stack:
        try:
            container = stack.enter_context(throw_away(engine, janitor, config, host_config, deadline))
        except EngineError as error:
            raise _explained(error, str(config["Image"])) from error
        yield container


def _explained(error: EngineError, image: str) -> EngineError:
    """What it means that the container did not start."""
    what, _, words = error.message.partition(": ")
    if error.kind != "http" or "start" not in what:
        return error
    if NO_DOCKERD.search(words):
        return EngineError(
            "missing", f"the image {image} holds no dockerd; name a Docker-in-Docker image in dind_images"
        )
    text = f"this engine cannot start a privileged container, and so no Docker-in-Docker service: {words}"
    return EngineError("http", text, error.status)


def _wait_for(nested: Engine, engine: Engine, container: Container, deadline: float) -> None:
    """Until the nested engine answers; EngineError with its last words when it ends, or takes too long."""
    while not _answers(nested, deadline):
        if not _runs(engine, container):
            raise EngineError("program", f"the nested engine ended: {_words(engine, container)}")
        if time.monotonic() + PAUSE > deadline:
            words = _words(engine, container)
            raise EngineError(
                "timeout", f"the nested engine did not answer within the time limit; its last words: {words}"
            )
        time.sleep(PAUSE)


def _answers(nested: Engine, deadline: float) -> bool:
    try:
        nested.request("GET", "/_ping", timeout=max(0.1, min(2.0, deadline - time.monotonic())))
    except EngineError:
        return False
    return True


def _runs(engine: Engine, container: Container) -> bool:
    answer = engine.get(f"/containers/{container.id}/json", timeout=2.0)
    state = answer.get("State") if isinstance(answer, dict) else None
    return bool(state and state.get("Running"))


def _words(engine: Engine, container: Container) -> str:
    """What the nested engine said last."""
    query = {"stdout": 1, "stderr": 1, "tail": 50}
    try:
        answer = engine.request("GET", f"/containers/{container.id}/logs", query=query, timeout=2.0)
    except EngineError as error:
        return f"(its log could not be read: {error.message})"
    return last_words(unframe(answer.body).decode("utf-8", "replace"))
