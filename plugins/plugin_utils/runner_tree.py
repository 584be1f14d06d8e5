# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The tables and keys of a TOML text with the places where they are written, for changes at these places."""

from __future__ import annotations

import dataclasses
import re

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_render import path_text
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_statements import (
    Key,
    Statement,
    Value,
    statements,
)

_INDENT = re.compile(r"[ \t]*")


@dataclasses.dataclass(slots=True, eq=False)
class Block:
    """A header with the lines below it, up to the next one; the first block of a text has no header."""

    header: Statement | None
    lead: int  # where the comments begin that stand right above the header, and so belong to it
    body: list[Statement] = dataclasses.field(default_factory=list)

    @property
    def last_line(self) -> Statement | None:
        """The last line that is not blank."""
        lines = [line for line in self.body if line.kind != "blank"]
        return lines[-1] if lines else self.header

    @property
    def last_pair(self) -> Statement | None:
        """The last key."""
        return next((line for line in reversed(self.body) if line.kind == "pair"), None)

    def end(self) -> int:
        """Where another block can follow: behind the last line that is not blank."""
        return self.last_line.end if self.last_line else 0

    def reach(self) -> int:
        """How far the block goes when it is taken out: comments that a blank line parts from its keys stay."""
        last = self.last_pair or self.header
        end = last.end if last else 0
        for line in self.body:
            if line.start == end and line.kind == "comment":
                end = line.end
        return end


@dataclasses.dataclass(slots=True, eq=False)
class Leaf:
    """A key with its value; the value may be an array or an inline table."""

    statement: Statement
    value: Value


@dataclasses.dataclass(slots=True, eq=False)
class Table:
    """A table: below a header of its own, begun by the headers of tables within it, or by keys with dots."""

    path: Key
    children: dict[str, Table | Tables | Leaf] = dataclasses.field(default_factory=dict)
    block: Block | None = None  # of its own header
    extent: list[Block] = dataclasses.field(default_factory=list)  # all blocks of it and of what is in it
    dotted: list[Statement] = dataclasses.field(default_factory=list)  # the keys with dots that make it
    prefix: str = ""  # its name as these keys write it


@dataclasses.dataclass(slots=True, eq=False)
class Tables:
    """An array of tables."""

    path: Key
    elements: list[Table] = dataclasses.field(default_factory=list)
    extent: list[Block] = dataclasses.field(default_factory=list)


def blocks(text: str) -> list[Block]:
    """The text's blocks, each header with its lines."""
    found = [Block(None, 0)]
    for statement in statements(text):
        if statement.kind in ("table", "tables"):
            body, lead = found[-1].body, statement.start
            depth = len(indent(text, statement))
            # A comment that is indented further speaks of what is above it.
            while body and body[-1].kind == "comment" and len(indent(text, body[-1])) <= depth:
                lead = body.pop().start
            found.append(Block(statement, lead))
        else:
            found[-1].body.append(statement)
    return found


def tree(text: str) -> Table:
    """The text's tables and keys."""
    first, *others = blocks(text)
    root = Table((), block=first, extent=[first])
    _pairs(root, first)
    for block in others:
        root.extent.append(block)
        _pairs(_open(root, block), block)
    return root


def _open(root: Table, block: Block) -> Table:
    """The table that a header opens."""
    header = block.header
    if header is None:
        raise ValueError("a block without its header")
    table = root
    for name in header.key[:-1]:
        table = _step(table, name, block)
    name = header.key[-1]
    path = (*table.path, name)
    if header.kind == "tables":
        array = table.children.setdefault(name, Tables(path))
        if not isinstance(array, Tables):
            raise ValueError("an array of tables in the place of something else")
        opened = Table(path, block=block)
        array.elements.append(opened)
        array.extent.append(block)
    else:
        found = table.children.setdefault(name, Table(path))
        if not isinstance(found, Table):
            raise ValueError("a table in the place of something else")
        opened, found.block = found, block
    opened.extent.append(block)
    return opened


def _step(table: Table, name: str, block: Block | None) -> Table:
    """The table of this name within another one: of an array, its last."""
    found = table.children.setdefault(name, Table((*table.path, name)))
    if block is not None and not isinstance(found, Leaf):
        found.extent.append(block)
    if isinstance(found, Tables):
        found = found.elements[-1]
        if block is not None:
            found.extent.append(block)
    if not isinstance(found, Table):
        raise ValueError("a table in the place of a value")  # noqa: TRY004 - it is the text's fault
    return found


def _pairs(table: Table, block: Block) -> None:
    for statement in block.body:
        if statement.kind != "pair" or statement.value is None:
            continue
        holder = table
        for depth, name in enumerate(statement.key[:-1], 1):
            holder = _step(holder, name, None)
            holder.dotted.append(statement)
            holder.prefix = path_text(statement.key[:depth])
        holder.children[statement.key[-1]] = Leaf(statement, statement.value)


def indent(text: str, statement: Statement | None) -> str:
    """The blanks in front of a line."""
    match = _INDENT.match(text, statement.start) if statement else None
    return match[0] if match else ""
