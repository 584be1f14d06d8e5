# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import engine_api
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_dind_images import bring_images
from tests.unit.plugins.module_utils.fake_engine import answer, fake_engine

LIMIT = 400
KNOWN = answer({"Size": 10})


def bring(table: Mapping[str, bytes | None], image: str) -> tuple[str, list[str], list[bytes]]:
    """What is said of an image, what the host's engine is asked, and what the nested one gets."""
    with fake_engine(table) as fake, fake_engine({"/images/load": answer({})}) as nested:
        lacking = bring_images(Engine(fake.path), Engine(nested.path), [image], time.monotonic() + 5)
        asked = [target for _, target, _ in fake.requests]
        return lacking.get(image, ""), asked, [body for _, _, body in nested.requests]


@pytest.fixture(autouse=True)
def _limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_api, "MAX_BODY_BYTES", LIMIT)


def test_an_image_is_carried_into_the_nested_engine() -> None:
    table = {"/images/lab/musl:1/json": KNOWN, "/images/lab/musl:1/get": answer(b"a tar")}
    assert bring(table, "lab/musl:1") == ("", ["/images/lab/musl:1/json", "/images/lab/musl:1/get"], [b"a tar"])


@pytest.mark.parametrize(
    ("size", "exported"),
    [
        pytest.param(LIMIT + 1, False, id="too large: the host's disk is spared the export"),
        pytest.param(LIMIT, True, id="just large enough by what is said, and too large when it comes"),
        pytest.param(None, True, id="an engine that does not tell"),
    ],
)
def test_a_large_image_is_not_carried(size: int | None, exported: bool) -> None:
    table = {"/images/big:1/json": answer({"Size": size}), "/images/big:1/get": answer(b"x" * (LIMIT + 1))}
    reason, asked, sent = bring(table, "big:1")
    assert reason == "big:1 is too large to be carried into the nested engine; name a small one"
    assert ("/images/big:1/get" in asked) is exported
    assert sent == []


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        pytest.param({}, "x:1 is not on this host and the probe pulls nothing; pull it first", id="not there"),
        pytest.param(
            {"/images/x:1/json": answer([]), "/images/x:1/get": answer({"message": "disk\x1b"}, "500 No")},
            "was answered 500: disk?",
            id="the engine says no",
        ),
    ],
)
def test_what_cannot_be_carried_says_why(table: dict[str, Any], reason: str) -> None:
    assert reason in bring(table, "x:1")[0]
