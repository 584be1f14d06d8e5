"""Which release of GitLab Runner this one stands in for; written anew for each package."""

from __future__ import annotations

VERSION = "0.0.0"
