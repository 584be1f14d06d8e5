# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The report on a rolling upgrade in a real browser."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Show
from tests.browser.looking import CONTRASTS, OPEN_ALL, PHONE, complaints, requests
from tests.support.sample_upgrade import large_upgrade, sample_upgrade

# For each label on a bar that is to be seen: the colour of its text, and that of its bar.
LABELS = """[...document.querySelectorAll('.step text')].filter((text) => text.checkVisibility()).map((text) => [
  text.textContent, getComputedStyle(text).fill, getComputedStyle(text.parentNode.querySelector('.base')).fill,
  text.getBBox().width, text.parentNode.getBoundingClientRect().width,
])"""
# The steps of each host, from where to where, in pixels of the line.
BARS = """[...document.querySelectorAll('.bars')].map((line) => [...line.querySelectorAll('.step')].map((step) => {
  const box = step.querySelector('.base').getBoundingClientRect(), start = line.getBoundingClientRect().left;
  return [step.querySelector('title').textContent.split(/[ :]/)[0], box.left - start, box.right - start];
}))"""


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(", ")]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_asks_for_nothing_and_gives_no_cause_for_complaint(show: Show, scheme: str) -> None:
    page = show(sample_upgrade(), scheme=scheme)
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.styleSheets.length") == 1
    assert page.evaluate("document.scripts.length") == 0
    assert requests(page) == []
    assert complaints(page) == []


def test_what_hosts_say_is_shown_and_does_nothing(show: Show) -> None:
    report = sample_upgrade()
    nasty = "<script>document.title='taken'</script><img src=https://example.com/x onerror=document.title='taken'>"
    first = report["hosts"][0]
    first["name"] = first["reason"] = first["notes"] = first["paused"] = nasty
    first["moves"][0]["to"] = first["solved"][0]["summary"] = nasty
    first["notes"], first["paused"], first["left"] = [nasty], [nasty], [{"name": nasty, "why": nasty}]
    page = show(report)
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.title").startswith("Upgrade of 14 runner hosts")
    assert page.evaluate("document.querySelectorAll('img, iframe, object, script').length") == 0
    assert page.evaluate("document.querySelector('.lane a').textContent") == nasty
    assert requests(page) == []


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_the_page_never_scrolls_sideways(show: Show, width: int) -> None:
    report = sample_upgrade()
    long = "runner-with-a-very-long-name-in-a-very-long-domain.ci.europe-west4.example.com"
    for host in report["hosts"]:
        host["name"] = f"{long}.{host['name']}"
    report["hosts"][0]["moves"][0]["to"] = "5:26.1.5-1~debian.12~bookworm-with-patches-of-our-own"
    report["hosts"][0]["reason"] = f"{'x' * 200} {long}/{long}"
    page = show(report, width=width, height=740)
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= page.evaluate("innerWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [pytest.param({}, id="on a desk"), pytest.param(PHONE, id="on a phone")])
def test_all_text_stands_out(show: Show, scheme: str, size: dict[str, int]) -> None:
    page = show(sample_upgrade(), scheme=scheme, **size)
    page.evaluate(OPEN_ALL)
    found = [pair for pair in page.evaluate(CONTRASTS) if not pair[0].startswith("✕")]
    assert len(found) > 200
    # Labels on bars have the bar behind them, which the page's tree does not tell.
    on_bars = {text for text, *_ in page.evaluate(LABELS)}
    assert [(text, ratio) for text, ratio in found if ratio < 4.5 and text not in on_bars] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_labels_stand_out_on_their_bars_and_fit_them(show: Show, scheme: str) -> None:
    labels = show(sample_upgrade(), scheme=scheme).evaluate(LABELS)
    assert {text for text, *_ in labels} >= {"drain", "change", "back", "✕"}
    for text, front, back, wide, room in labels:
        high, low = sorted((luminance(front), luminance(back)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, text
        assert wide <= room, text


@pytest.mark.parametrize("size", [pytest.param({}, id="on a desk"), pytest.param(PHONE, id="on a phone")])
def test_steps_follow_one_another_and_all_can_be_seen(show: Show, size: dict[str, int]) -> None:
    page = show(large_upgrade(40), **size)
    line = page.evaluate("document.querySelector('.bars').clientWidth")
    for steps in page.evaluate(BARS):
        assert [name for name, *_ in steps] == ["look", "pause", "drain", "change", "try", "resume", "look"]
        assert all(right - left >= 1 for _, left, right in steps)
        assert sorted(left for _, left, _ in steps) == [left for _, left, _ in steps]
        assert steps[-1][2] <= line + 1


def test_steps_differ_in_more_than_their_colours(show: Show) -> None:
    page = show(sample_upgrade())
    names = page.evaluate("[...document.querySelectorAll('.legend b')].map((name) => name.textContent)")
    assert names == ["look", "pause", "drain", "change", "try", "back", "resume"]
    weaves = "[...document.querySelectorAll('.legend .weave')].map((one) => getComputedStyle(one).fill)"
    # Looking and changing are plain, one light and one dark.
    assert len(set(page.evaluate(weaves))) == len(names) - 1


def test_each_line_can_be_heard(show: Show) -> None:
    page = show(sample_upgrade())
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    heard = [node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == "image"]
    assert "look: 17:40:00, 1.2s; pause: 17:40:01, 0.6s; drain: 17:40:01, 38s" in heard[0]
    assert "drain did not succeed: 17:41:57, 20s" in heard[2]


def test_a_link_to_a_host_opens_it(show: Show) -> None:
    page = show(sample_upgrade(), anchor="#host-ci-berlin-04")
    assert page.evaluate("document.getElementById('host-ci-berlin-04').checkVisibility()")


def test_on_paper_no_host_is_folded_away(show: Show) -> None:
    page = show(sample_upgrade())
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.evaluate("document.querySelector('.host .steps').getBoundingClientRect().height") > 0
