# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Changes of a TOML text at the places where its keys are written; every byte between them stays."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_fields import Field, Fields
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_inline import changed_value
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_meaning import (
    addition,
    canonical,
    identical,
    merged,
    plain,
    removes,
    same,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_render import (
    LEVEL,
    inner_lines,
    is_tables,
    key_text,
    pair_lines,
    path_text,
    table_lines,
    value_text,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_tree import (
    Block,
    Leaf,
    Table,
    Tables,
    indent,
    tree,
)

# At one and the same place, keys come before headers, or they would land in the table of the new header.
_PAIRS, _HEADERS, _CUT = 0, 1, 2


class Editor:
    """Collects changes of one text and makes them all at once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root = tree(text)
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self._changes: list[tuple[int, int, int, str]] = []  # start, order, end, new text

    def result(self) -> str:
        """The text with all changes."""
        parts: list[str] = []
        position = 0
        for start, order, end, new in sorted(self._changes, key=lambda change: change[:2]):
            if start > position:
                parts.append(self.text[position:start])
            if order != _CUT and parts and not parts[-1].endswith("\n"):
                parts.append(self.newline)  # the last line had no end
            if order != _CUT and new.startswith(self.newline) and self._blank_is_there(parts):
                new = new[len(self.newline) :]
            parts += [new] if new else []
            position = max(position, end)
        changed = "".join([*parts, self.text[position:]])
        # What was at the top may have been followed by blank lines.
        cut_at_top = any(order == _CUT and not start and end for start, order, end, _ in self._changes)
        return changed.lstrip("\r\n") if cut_at_top else changed

    def _blank_is_there(self, parts: Sequence[str]) -> bool:
        """Whether what was written so far ends with a blank line, or is nothing."""
        ending = "".join(parts[-2:])
        return not ending or ending.endswith(("\n\n", "\n\r\n"))

    def merge(self, table: Table, before: Mapping[str, Any], wanted: Mapping[str, Any], known: Fields) -> None:
        """Set the wanted keys of a table; BEFORE is what it says now."""
        new: dict[str, Any] = {}
        for key, value in wanted.items():
            present, field, inside = known.find(before, key), known.get(key), known.inside(key)
            if present is None:
                if value is not None and (added := addition(field, value, inside)) is not None:
                    new[known.canonical(str(key))] = added
            elif removes(field, value, before[present]):
                self.cut(table.children.pop(present))
            else:
                kept = self._change(table.children[present], before[present], value, field, inside)
                if not kept:
                    self.cut(table.children.pop(present))
                    new[present] = plain(field, value, inside)
        if new:
            self._add(table, new, known)
        elif not table.children and before:
            self._keep_empty(table)

    def _keep_empty(self, table: Table) -> None:
        """An empty table stays one: without a header of its own it would be gone with its last key."""
        if table.block is not None:
            return
        if table.extent:
            first = min(table.extent, key=lambda block: block.lead)
            header = f"{indent(self.text, first.header)}[{path_text(table.path)}]"
            self._insert(first.lead, _HEADERS, [header])
        elif table.dotted:
            last = table.dotted[-1]
            self._insert(last.end, _PAIRS, [f"{indent(self.text, last)}{table.prefix} = {{}}"])

    def _change(
        self, node: Table | Tables | Leaf, before: Any, value: Any, field: Field | None, inside: Fields
    ) -> bool:
        """Give a key another value where it is written; False when it has to be written anew, in another form."""
        if isinstance(node, Table):
            if isinstance(value, Mapping):
                self.merge(node, before, value, inside)
                return True
            return False
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            value = merged(before, value, inside)
            unchanged = identical(before, value)
        else:
            unchanged = same(field, before, value, inside)
            value = plain(field, value, inside)
        if unchanged:
            return True
        if isinstance(node, Tables):
            if is_tables(value):
                self._align(node, before, value, inside)
            return is_tables(value)
        start, end = node.value.start, node.value.end
        new = changed_value(self.text[start:end], before, value, self.newline)
        self._replace(start, end, new)
        return True

    def _align(self, array: Tables, before: Sequence[Any], wanted: Sequence[Mapping[str, Any]], known: Fields) -> None:
        """Make an array of tables the wanted one: elements that stay the same are not touched."""
        old = [canonical(None, element, known) for element in before]
        new = [canonical(None, element, known) for element in wanted]
        first = array.elements[0]
        for how, low, high, new_low, new_high in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if how == "equal":
                continue
            place = _lead(array.elements[low]) if low < len(old) else _end(array.extent)
            for element in wanted[new_low:new_high]:
                self._add_element(first, element, known, place)
            for gone in array.elements[low:high]:
                self.cut(gone)

    def _add_element(self, like: Table, element: Mapping[str, Any], known: Fields, place: int) -> None:
        """One more element of an array of tables, in the form of another one."""
        if like.block is None:
            raise ValueError("an element of an array of tables without its header")
        header, unit = indent(self.text, like.block.header), self._unit(like.block)
        self._insert(place, _HEADERS, table_lines(like.path, element, known, header, unit, array=True))

    def add_top(self, array: Tables, element: Mapping[str, Any], known: Fields) -> None:
        """One more element of an array of tables at the top level, behind the others."""
        place = _end(array.extent) if array.extent else len(self.text)
        self._insert(place, _HEADERS, ["", *table_lines(array.path, element, known, "", LEVEL, array=True)])

    def _add(self, table: Table, new: Mapping[str, Any], known: Fields) -> None:
        """Write new keys: plain ones into the table's own part, tables behind everything that belongs to it."""
        if table.block is None and table.dotted:
            self._add_dotted(table, new)
            return
        if table.block is None:
            self._begin(table, new, known)
        else:
            self._add_pairs(table.block, new, known)
        if table is self.root:
            self._add_top_tables(new, known)
            return
        base, unit = self._inner_indent(table)
        self._insert(_end(table.extent), _HEADERS, inner_lines(table.path, new, known, base, unit))

    def _add_pairs(self, block: Block, new: Mapping[str, Any], known: Fields) -> None:
        last = block.last_pair
        lines = pair_lines(new, known, self._pair_indent(block))
        if block.header is None and last is None:
            # Nothing but comments and blank lines before the first header, if that.
            place = block.end()
            following = next((other.lead for other in self.root.extent[1:]), len(self.text))
            if lines:
                lines = ["", *lines, *([""] if place == following < len(self.text) else [])]
            self._insert(place, _PAIRS, lines)
        else:
            line = last or block.header
            self._insert(line.end if line else 0, _PAIRS, lines)

    def _add_top_tables(self, new: Mapping[str, Any], known: Fields) -> None:
        """New tables at the top level: before the runners, as the runner has them, with a blank line between."""
        runners = next((child for child in self.root.children.values() if isinstance(child, Tables)), None)
        place = runners.extent[0].lead if runners else len(self.text)
        for name in new:
            lines = inner_lines((), {name: new[name]}, known, "", LEVEL)
            if lines:
                self._insert(place, _HEADERS, ["", *lines, *([""] if runners else [])])

    def _add_dotted(self, table: Table, new: Mapping[str, Any]) -> None:
        """More keys for a table that is made of keys with dots: its tables are inline ones."""
        last = table.dotted[-1]
        blanks = indent(self.text, last)
        lines = [f"{blanks}{table.prefix}.{key_text(name)} = {value_text(value)}" for name, value in new.items()]
        self._insert(last.end, _PAIRS, lines)

    def _begin(self, table: Table, new: Mapping[str, Any], known: Fields) -> None:
        """A header for a table that had none, because only tables within it had anything to say."""
        own = {name: value for name, value in new.items() if not isinstance(value, Mapping) and not is_tables(value)}
        first = min(table.extent, key=lambda block: block.lead)
        header = LEVEL * (len(table.path) - 1) if indent(self.text, first.header) else ""
        if own:
            lines = table_lines(table.path, own, known, header, self._unit(first), array=False)
            self._insert(first.lead, _HEADERS, lines)

    def cut(self, node: Table | Tables | Leaf) -> None:
        """Take a key out, or a table with all that belongs to it."""
        if isinstance(node, Leaf):
            self._replace(node.statement.start, node.statement.end, "")
            return
        for statement in getattr(node, "dotted", []):
            self._replace(statement.start, statement.end, "")
        for block in node.extent:
            self._cut_block(block)

    def _cut_block(self, block: Block) -> None:
        if block.lead:
            # The blank lines before it go along.
            start = len(self.text[: block.lead].rstrip())
            start = self.text.find("\n", start, block.lead) + 1 or block.lead
        else:
            # A comment at the very top speaks of the file.
            start = block.header.start if block.header else 0
        self._replace(start, block.reach(), "")

    def _inner_indent(self, table: Table) -> tuple[str, str]:
        """The blanks in front of what is in a table, and those of a level."""
        if table.block is not None:
            return self._pair_indent(table.block), self._unit(table.block)
        first = min(table.extent, key=lambda block: block.lead)
        return indent(self.text, first.header), self._unit(first)

    def _pair_indent(self, block: Block) -> str:
        if block.last_pair:
            return indent(self.text, block.last_pair)
        return indent(self.text, block.header) + LEVEL if block.header else ""

    def _unit(self, block: Block) -> str:
        """What a level is indented by in this part of the text: nothing where keys stand below their header."""
        if block.last_pair is None or block.header is None:
            return LEVEL
        inner, outer = indent(self.text, block.last_pair), indent(self.text, block.header)
        return inner[len(outer) :] if inner.startswith(outer) else ""

    def _insert(self, place: int, order: int, lines: Sequence[str]) -> None:
        if lines:
            self._changes.append((place, order, place, "".join(f"{line}{self.newline}" for line in lines)))

    def _replace(self, start: int, end: int, new: str) -> None:
        self._changes.append((start, _CUT, end, new))


def _end(extent: Sequence[Block]) -> int:
    return max(block.end() for block in extent)


def _lead(table: Table) -> int:
    return min(block.lead for block in table.extent)
