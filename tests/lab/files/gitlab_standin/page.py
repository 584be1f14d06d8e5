"""The state page: what an instance knows, for people. No token is on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from .wire import Answer

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1f1e24 }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #dcdcde }
th { color: #535158; font-weight: 600 } td { overflow-wrap: break-word; white-space: pre-line }
.success, .online { color: #217645 } .failed, .canceled { color: #ae1800 } .running, .canceling { color: #1068bf }
.pending, .paused, .never_contacted, .offline, .stale { color: #8f4700 }
"""
REQUESTS_SHOWN = 25


def _cell(value: Any) -> str:
    if isinstance(value, tuple):  # a word with its colour
        return f'<td class="{escape(str(value[0]))}">{escape(" ".join(str(word) for word in value if word))}</td>'
    return f"<td>{escape('' if value is None else str(value))}</td>"


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = ["<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows]
    if not lines:
        return f"<h2>{title}</h2><p>none</p>"
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    return f"<h2>{title}</h2><table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _document(title: str, content: str) -> Answer:
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{content}</body></html>"
    )
    return Answer(200, page, content_type="text/html; charset=utf-8")


def instance(state: dict[str, Any]) -> Answer:
    """The page of one instance, from what the control shows of it."""
    content = [
        _table(
            "Runners",
            ("id", "description", "type", "status", "tags", "untagged", "machines", "last contact", "note"),
            (
                (
                    row["id"], row["description"], row["runner_type"], (row["status"],), ", ".join(row["tag_list"]),
                    "yes" if row["run_untagged"] else "no", ", ".join(each["system_id"] for each in row["managers"]),
                    row["contacted_at"], row["maintenance_note"],
                )
                for row in state["runners"]
            ),
        ),
        _table(
            "Jobs",
            ("id", "name", "image", "tags", "status", "runner", "end of the log"),
            (
                (
                    row["id"], row["name"], (row["image"] or {}).get("name"), ", ".join(row["tags"]),
                    (row["status"], row["failure_reason"]), row["runner_id"], row["trace"][-300:],
                )
                for row in state["jobs"]
            ),
        ),
        _table(
            "Faults",
            ("method", "path", "what", "still to come", "hits"),
            (
                (
                    row["method"] or "any", row["path"],
                    ", ".join(f"{key} {row[key]}" for key in ("status", "delay", "drop") if row[key]),
                    "always" if row["times"] is None else row["times"], row["hits"],
                )
                for row in state["faults"]
            ),
        ),
        _table(
            f"Requests ({state['request_count']}, newest first)",
            ("at", "method", "path", "status", "from"),
            (
                (row["at"], row["method"], row["path"], row["status"] or "cut", row["client"])
                for row in state["requests"][: -REQUESTS_SHOWN - 1 : -1]
            ),
        ),
    ]  # fmt: skip
    return _document(f"GitLab stand-in: {state['space']}", "".join(content))


def overview(names: Iterable[str]) -> Answer:
    """The page of the server: its instances."""
    items = "".join(f'<li><a href="/{escape(name)}/">{escape(name)}</a></li>' for name in sorted(names))
    return _document("GitLab stand-in", f"<ul>{items}</ul>" if items else "<p>No instance was used yet.</p>")
