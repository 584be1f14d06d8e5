# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Settings for the properties in all unit tests."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is not a bug, and examples that failed once are found again without a folder in the checkout.
settings.register_profile("runnerkit", deadline=None, database=None, print_blob=True)
settings.load_profile("runnerkit")
