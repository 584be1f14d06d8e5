"""Serve a directory over HTTP/1.1: `serve.py DIRECTORY PORT`. Runs inside the mirror's container."""

from __future__ import annotations

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Handler(SimpleHTTPRequestHandler):
    """Keeps connections open, as apt likes it, and shows nobody the dot files."""

    protocol_version = "HTTP/1.1"

    def translate_path(self, path: str) -> str:
        if "/." in path:
            return "/nonexistent"
        return super().translate_path(path)


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[2])), partial(Handler, directory=sys.argv[1])).serve_forever()
