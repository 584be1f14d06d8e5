# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Measures what runnerkit costs: a run with nothing to do, the audit of a fleet, many runners, many registries.

    make bench                 all of it, 5 runs of each case
    make bench ARGS='--runs 9'
    make bench ARGS='--only fleet --sizes 10 50'

Times depend on the machine; the ratios, taken against a baseline in the same session, and the remote calls do not. It
ends in an error when site.yml goes to the host more often than it promises.
"""

from __future__ import annotations

import argparse
import sys

from tests.bench import fleet, one_host, registry_ca, runner_config


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=5, help="runs of each case (5)")
    parser.add_argument("--only", choices=("one_host", "fleet", "runner_config", "registry_ca"), help="one of them")
    parser.add_argument("--sizes", type=int, nargs="+", default=fleet.SIZES, help="sizes of fleets (10 50 200)")
    options = parser.parse_args()
    kept = one_host.measure(options.runs) if options.only in (None, "one_host") else True
    if options.only in (None, "fleet"):
        fleet.measure(options.sizes)
    if options.only in (None, "runner_config"):
        runner_config.measure(options.runs)
    if options.only in (None, "registry_ca"):
        registry_ca.measure(options.runs)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
