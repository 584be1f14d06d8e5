#!/usr/bin/env bash
# Compiles requirements/*.txt from pyproject.toml: one file for every Python and platform, each package with its hashes.
#
#   UPGRADE=1   take the newest releases; without it what is pinned stays as long as pyproject.toml allows it
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

upgrade=()
if [[ -n ${UPGRADE:-} ]]; then upgrade=(--upgrade); fi
export UV_CUSTOM_COMPILE_COMMAND='make requirements'

compile() {
    local output=$1
    shift
    printf 'requirements: compiling %s\n' "$output"
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
        --no-emit-index-url --no-emit-find-links "${upgrade[@]}" --output-file "$output" "$@"
    # Whoever installs chooses the index, so none may stand in the file.
    if grep --line-number --extended-regexp '://|^--' "$output"; then
        printf '%s\n' "requirements: $output names a download address or an option, see above; compile without UV_* and PIP_* settings." >&2
        exit 1
    fi
}

compile requirements/uv.txt --group pyproject.toml:bootstrap
compile requirements/runtime.txt pyproject.toml
# What people run is what is tested.
compile requirements/ee.txt pyproject.toml --group pyproject.toml:ee --constraint requirements/runtime.txt
compile requirements/dev.txt pyproject.toml --group pyproject.toml:dev --constraint requirements/runtime.txt
