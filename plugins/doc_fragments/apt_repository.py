# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The options that package_info and package_source share."""

from __future__ import annotations


class ModuleDocFragment:
    """One signed apt repository."""

    DOCUMENTATION = r"""
options:
  name:
    description:
      - Short name of the repository; the files are called after it.
      - The source file is C(/etc/apt/sources.list.d/runnerkit-NAME.sources), the key
        C(/etc/apt/keyrings/runnerkit-NAME.asc) (or C(.gpg)).
    type: str
    required: true
  uri:
    description: Address of the repository, without the suite.
    type: str
    required: true
  suite:
    description: The suite, in most repositories the distribution's code name.
    type: str
    required: true
  components:
    description: The components (Docker calls them channels).
    type: list
    elements: str
    required: true
  key_url:
    description: Where the signing key can be read, armored or binary.
    type: str
    required: true
  key_fingerprint:
    description:
      - Fingerprint of the primary key, 40 hexadecimal digits (64 for a version 6 key); blanks and colons do not matter.
      - A key file with any other key in it, or with a further one beside it, is refused.
    type: str
    required: true
  replaces:
    description: >-
      Further addresses that are this same repository under another name (the vendor's own, when O(uri) is a mirror of
        it). Entries for
      them in other source files are taken over as those for O(uri) are.
    type: list
    elements: str
    default: []
"""
