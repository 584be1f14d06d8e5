"""Throw-away runner hosts, and the package mirror they install from."""
