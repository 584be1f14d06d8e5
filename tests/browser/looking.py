# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What the tests of all pages look at."""

from __future__ import annotations

from typing import Any

from tests.browser.devtools import Page

PHONE = {"width": 360, "height": 740}
OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"

# For each text that is to be seen: how far its colour is from what is behind it (WCAG 2.2, relative luminance).
CONTRASTS = """(() => {
  const parse = (text) => { const n = text.match(/[0-9.]+/g).map(Number); return n.length === 3 ? [...n, 1] : n; };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((part) => {
      const value = part / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour[3] === 1) return colour;
      if (colour[3] !== 0) throw new Error("a background that shines through");
    }
    return [255, 255, 255, 1];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !element.checkVisibility() || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    const [one, other] = [parse(getComputedStyle(element).color), behind(element)].map(luminance);
    found.push([text, (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)]);
  }
  return found;
})()"""


def complaints(page: Page) -> list[dict[str, Any]]:
    """What the browser had to say about the page."""
    return page.seen("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")


def requests(page: Page) -> list[str]:
    """The addresses that the page asked for, without the page itself."""
    asked = [event["request"]["url"] for event in page.seen("Network.requestWillBeSent")]
    return [address for address in asked if not address.startswith(("file:", "data:"))]
