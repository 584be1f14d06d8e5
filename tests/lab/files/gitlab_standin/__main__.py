"""Run the stand-in: python3 -m gitlab_standin --port 443 --certificate FILE --key FILE."""

from __future__ import annotations

import argparse

from .server import Server, tls


def main() -> None:
    parser = argparse.ArgumentParser(prog="gitlab_standin", description=__doc__)
    parser.add_argument("--address", default="", help="where to listen (default: everywhere)")
    parser.add_argument("--port", type=int, default=0, help="0 finds a free one, and prints it")
    parser.add_argument("--certificate", help="PEM file of the server's certificate")
    parser.add_argument("--key", help="PEM file of its key")
    parser.add_argument("--plain", action="store_true", help="HTTP without TLS")
    options = parser.parse_args()
    if not options.plain and not (options.certificate and options.key):
        parser.error("give --certificate and --key, or --plain")
    context = None if options.plain else tls(options.certificate, options.key)
    server = Server((options.address, options.port), context)
    print(
        f"{'http' if options.plain else 'https'}://{options.address or 'localhost'}:{server.server_port}/", flush=True
    )
    server.serve_forever()


if __name__ == "__main__":
    main()
