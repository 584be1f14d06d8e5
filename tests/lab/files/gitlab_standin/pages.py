"""Lists in pages, with the headers that lead from one to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from .wire import Answer, Call, Param, declared

PAGES = (Param("page", "integer"), Param("per_page", "integer"))


def paginate(call: Call, rows: Sequence[Any], shown: Callable[[Any], Any], *, keyset: bool = False) -> Answer:
    """A page of a list, with the headers that lead to the others."""
    given = declared(call.query, PAGES)
    per_page = min(max(given.get("per_page") or 20, 1), 100)
    page = max(given.get("page") or int(call.query.get("cursor") or 1) if keyset else given.get("page") or 1, 1)
    pages = max(-(-len(rows) // per_page), 1)
    following = page + 1 if page < pages else None

    def link(number: int, relation: str) -> str:
        where = {"cursor": number} if keyset else {"page": number}
        query = {**call.query, "per_page": per_page, **where}
        return f'<{call.base}{call.path}?{urlencode(query, doseq=True)}>; rel="{relation}"'

    links = [link(following, "next")] if following else []
    headers = {"X-Per-Page": str(per_page)}
    if not keyset:
        links = [*([link(page - 1, "prev")] if page > 1 else []), *links, link(1, "first"), link(pages, "last")]
        headers.update({
            "X-Page": str(page), "X-Prev-Page": str(page - 1) if page > 1 else "",
            "X-Next-Page": str(following or ""), "X-Total": str(len(rows)), "X-Total-Pages": str(pages),
        })  # fmt: skip
    if links:
        headers["Link"] = ", ".join(links)
    return Answer(200, [shown(row) for row in rows[(page - 1) * per_page : page * per_page]], headers)
