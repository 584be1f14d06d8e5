# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The fleet's report in a real browser."""

from __future__ import annotations

import time

import pytest

from tests.browser.conftest import Show
from tests.browser.devtools import Page
from tests.browser.looking import CONTRASTS, OPEN_ALL, PHONE, complaints, requests
from tests.support.sample_report import large_report, sample_report

BROKEN = "#rows tr:nth-child(3) td:nth-of-type(3) "


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_asks_for_nothing_and_gives_no_cause_for_complaint(show: Show, scheme: str) -> None:
    page = show(sample_report(), scheme=scheme)
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.styleSheets.length") == 1
    assert page.evaluate("document.getElementById('controls').hidden") is False
    assert requests(page) == []
    assert complaints(page) == []


def test_what_hosts_say_is_shown_and_does_nothing(show: Show) -> None:
    report = sample_report()
    nasty = "<script>document.title='taken'</script><img src=https://example.com/x onerror=document.title='taken'>"
    report["hosts"][0]["name"] = report["hosts"][0]["findings"][0]["summary"] = nasty
    report["hosts"][0]["cells"]["clone3"]["evidence"] = [nasty]
    page = show(report)
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.title").startswith("Readiness of 7 runner hosts")
    assert page.evaluate("document.querySelectorAll('img, iframe, object').length") == 0
    assert nasty in page.evaluate("document.querySelector('#rows th').textContent")
    assert requests(page) == []


def test_its_policy_holds_against_what_is_put_in_later(show: Show) -> None:
    page = show(sample_report())
    page.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://example.com/x.png'}))")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.taken = 1'}))")
    assert page.evaluate("new Promise((done) => setTimeout(() => done(window.taken ?? 0), 200))") == 0
    blocked = [entry["entry"]["text"] for entry in page.seen("Log.entryAdded")]
    assert len(blocked) == 2
    assert all("Content Security Policy" in text for text in blocked)


def is_open(page: Page, selector: str) -> bool:
    return bool(page.evaluate(f"document.querySelector('{selector}details').open"))


@pytest.mark.parametrize("script", [pytest.param(True, id="with script"), pytest.param(False, id="without script")])
@pytest.mark.parametrize("size", [pytest.param({}, id="on a desk"), pytest.param(PHONE, id="on a phone")])
def test_a_cell_opens_by_click(show: Show, size: dict[str, int], script: bool) -> None:
    page = show(sample_report(), script=script, **size)
    assert not is_open(page, BROKEN)
    page.click(f"{BROKEN}summary")
    assert is_open(page, BROKEN)
    told = page.evaluate(f"document.querySelector('{BROKEN}.why').innerText")
    assert "host: faccessat2 EPERM by the profile" in told
    assert "Fix run playbooks/site.yml with docker_engine_source" in told
    page.click(f"{BROKEN}summary")
    assert not is_open(page, BROKEN)


@pytest.mark.parametrize("key", [pytest.param(("Enter", "\r"), id="enter"), pytest.param((" ", " "), id="space")])
def test_a_cell_opens_by_key(show: Show, key: tuple[str, str]) -> None:
    page = show(sample_report())
    # From the host's name one step of the tab key leads to its first cell.
    page.evaluate("document.querySelector('#rows a').focus()")
    page.press("Tab")
    assert page.evaluate("document.activeElement === document.querySelector('#rows summary')")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press(*key)
    assert is_open(page, "#rows ")


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
@pytest.mark.parametrize("opened", [pytest.param(False, id="closed"), pytest.param(True, id="everything open")])
def test_the_page_never_scrolls_sideways(show: Show, width: int, opened: bool) -> None:
    report = sample_report()
    long = "runner-with-a-very-long-name-in-a-very-long-domain.ci.europe-west4.example.com"
    report["hosts"][0]["name"] = long
    report["hosts"][1]["findings"][0]["summary"] = f"{'x' * 200} {long}/{long}"
    report["summary"]["upgrade_first"][0]["hosts"][0] = long
    page = show(report, width=width, height=740)
    if opened:
        page.evaluate(OPEN_ALL)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= page.evaluate("innerWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [pytest.param({}, id="on a desk"), pytest.param(PHONE, id="on a phone")])
def test_all_text_stands_out(show: Show, scheme: str, size: dict[str, int]) -> None:
    page = show(sample_report(), scheme=scheme, **size)
    page.evaluate(OPEN_ALL)
    found = page.evaluate(CONTRASTS)
    assert len(found) > 500
    assert [(text, round(ratio, 2)) for text, ratio in found if ratio < 4.5] == []


def test_light_and_dark_differ(show: Show) -> None:
    back = "getComputedStyle(document.body).backgroundColor"
    assert show(sample_report(), scheme="light").evaluate(back) != show(sample_report(), scheme="dark").evaluate(back)


def test_every_state_has_a_word_and_a_sign_of_its_own(show: Show) -> None:
    page = show(sample_report())
    told = page.evaluate("[...document.querySelectorAll('.pill')].map((one) => [one.classList[1], one.textContent])")
    signs: dict[str, set[str]] = {}
    for state, text in told:
        assert text.endswith(state)
        signs.setdefault(state, set()).add(text.removesuffix(state).strip())
    assert set(signs) == {"ready", "degraded", "broken", "unknown", "note", "risk"}
    assert all(len(its) == 1 for its in signs.values())
    assert len(set.union(*signs.values())) == len(signs)


def test_head_and_hosts_stay_in_sight(show: Show) -> None:
    page = show(large_report(50), width=800, height=700)
    page.evaluate("document.querySelector('.matrix').scrollTo(300, 900)")
    box, head, host = page.evaluate(
        "['.matrix', '.matrix thead th:nth-child(3)', '#rows tr:nth-child(25) th'].map((one) => "
        "{ const box = document.querySelector(one).getBoundingClientRect(); return [box.left, box.top]; })"
    )
    assert abs(head[1] - box[1]) <= 1
    assert abs(host[0] - box[0]) <= 1


def visible(page: Page) -> list[str]:
    """The names of the hosts in the matrix that are to be seen, as the page shows them."""
    names: list[str] = page.evaluate(
        "[...document.querySelectorAll('#rows tr')]"
        ".filter((row) => row.checkVisibility()).map((row) => row.dataset.host)"
    )
    return names


def test_hosts_can_be_found_filtered_and_ordered(show: Show) -> None:
    page = show(large_report(50))
    everything = visible(page)
    assert len(everything) == 50
    page.click("[name=state][value=ready]")
    assert len(visible(page)) == 8
    assert page.evaluate("document.getElementById('shown').textContent") == "8 of 50 shown"
    page.click("#find")
    page.type("RUNNER04")
    assert visible(page) == ["runner040", "runner045"]
    page.evaluate("document.getElementById('find').value = ''")
    page.click("[name=state][value=ready]")
    page.evaluate("document.getElementById('order').value = 'rank'")
    page.evaluate("document.getElementById('order').dispatchEvent(new Event('change'))")
    assert visible(page)[:8] == [f"runner{number:03}" for number in (5, 10, 20, 40, 45, 25, 15, 50)]
    assert sorted(visible(page)) == everything


def test_without_script_all_of_it_is_there(show: Show) -> None:
    page = show(sample_report(), script=False)
    assert page.evaluate("document.getElementById('controls').checkVisibility()") is False
    assert len(visible(page)) == 7


@pytest.mark.parametrize("script", [pytest.param(True, id="with script"), pytest.param(False, id="without script")])
def test_a_link_to_a_host_opens_it(show: Show, script: bool) -> None:
    page = show(sample_report(), anchor="#host-ci-munich-02", script=script)
    assert page.evaluate("document.getElementById('host-ci-munich-02').checkVisibility()")
    assert page.evaluate("document.getElementById('host-ci-munich-02').getBoundingClientRect().top") < 200


def test_tables_keep_their_meaning_as_cards(show: Show) -> None:
    page = show(sample_report(), **PHONE)
    roles = page.call("Accessibility.getFullAXTree")["nodes"]
    names = [node["role"]["value"] for node in roles if not node["ignored"]]
    # The matrix, and the table of registries.
    assert names.count("rowheader") == 7 + 4
    assert names.count("columnheader") == 9 + 6
    labels = [node["name"]["value"] for node in roles if node.get("role", {}).get("value") == "DisclosureTriangle"]
    assert any("Alpine 3.14 · glibc 2.33 on ci-legacy-01:" in label and "broken" in label for label in labels)


def test_on_paper_nothing_important_is_folded_away(show: Show) -> None:
    page = show(sample_report())
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.evaluate("document.querySelector('.host.broken .findings').getBoundingClientRect().height") > 0
    assert page.evaluate("document.getElementById('controls').checkVisibility()") is False


def test_two_hundred_hosts_are_quick(show: Show) -> None:
    began = time.monotonic()
    page = show(large_report(200))
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    loaded = time.monotonic() - began
    began = time.monotonic()
    page.click("[name=state][value=ready]")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    filtered = time.monotonic() - began
    # On an idle machine one second, and a sixth of one.
    assert loaded < 10
    assert filtered < 3
    assert len(visible(page)) < 40
