#!/usr/bin/env bash
# Removes what the tools made: the environment, its link beside the checkout, caches and built archives.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ -L .venv/collections ]]; then
    home=$(readlink .venv/collections)
    # Only the link and the directories that hold it; anything else there is not ours.
    rm -f "$home/ansible_collections/runnerkit/gitlab"
    rmdir --parents --ignore-fail-on-non-empty "$home/ansible_collections/runnerkit" 2>/dev/null || true
fi
printf '%s\n' 'clean: removing .venv, caches and built archives'
rm -rf .venv .ansible .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis tests/output changelogs/.plugin-cache.yaml
find . -name __pycache__ -type d -prune -exec rm -rf {} +
find . -maxdepth 1 -name '*.tar.gz' -delete
