#!/usr/bin/env bash
# Checks the types of the plugins, the tests and the scripts in one go.
#
# Plugins are checked under the name by which they import one another, ansible_collections.runnerkit.gitlab.plugins, which
# is where the link beside the checkout shows them. The messages name the files in the checkout.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

home=$(readlink .venv/collections)
collection="$home/ansible_collections/runnerkit/gitlab"

paths=()
while IFS= read -r path; do
    case $path in
    plugins/*) paths+=("$collection/$path") ;;
    *) paths+=("$path") ;;
    esac
done < <(git ls-files --cached --others --exclude-standard -- 'plugins/*.py' 'tests/*.py' 'scripts/*.py' |
    while IFS= read -r path; do if [[ -f $path ]]; then printf '%s\n' "$path"; fi; done)

MYPYPATH="$home:$PWD" .venv/bin/mypy "$@" "${paths[@]}" | sed "s|^\(\.\./\)*[^:]*${home##*/}/ansible_collections/runnerkit/gitlab/||"
