# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Reading a page that a report became."""

from __future__ import annotations

import html.parser
from collections import Counter

# What is opened and never closed.
VOID = {"link", "meta", "input", "wbr"}


class Page(html.parser.HTMLParser):
    """A page that was read strictly: every element is closed where it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.raw: dict[str, str] = {}
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("style", "script"):
            self.raw[self.open[-1]] = self.raw.get(self.open[-1], "") + data
        else:
            self.text.append(data)

    def all(self, name: str) -> list[str]:
        """The values of an attribute."""
        return [value for _, attribute, value in self.attributes if attribute == name]
