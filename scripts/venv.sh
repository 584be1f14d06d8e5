#!/usr/bin/env bash
# Makes .venv from requirements/dev.txt and lets it find this checkout as the collection runnerkit.gitlab.
# Does nothing when .venv is already what the inputs ask for.
#
#   PYTHON   the Python to build on (default: python3, or the newest beside it when that one is too old)
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
venv="$checkout/.venv"
stamp="$venv/.runnerkit-stamp"

say() { printf '%s\n' "venv: $*"; }
fail() {
    printf '%s\n' "venv: $*" >&2
    exit 1
}

# Where the checkout appears as ansible_collections/runnerkit/gitlab. It has to be outside: a link to the checkout from
# within sends every tool that walks the tree round in circles.
collection_home() {
    local id
    id=$(printf '%s' "$checkout" | sha256sum | cut -c1-12)
    printf '%s' "${XDG_CACHE_HOME:-$HOME/.cache}/runnerkit/$id"
}

link_collection() {
    local home=$1 namespace="$1/ansible_collections/runnerkit"
    mkdir -p "$namespace"
    ln -sfn "$checkout" "$namespace/gitlab"
    # Ansible looks for collections on sys.path, and a .pth file is how a directory gets there for every program of the
    # environment, whatever the working directory.
    local site
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    printf '%s\n' "$home" >"$site/runnerkit-collection.pth"
    # For ansible.cfg and for scripts, which need a name for the place that is the same everywhere.
    ln -sfn "$home" "$venv/collections"
}

# Prints python3, unless it is too old and there is another that is not.
default_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s' "$candidate"
            return
        fi
    done
    printf '%s' python3
}

python=${PYTHON:-$(default_python)}
command -v "$python" >/dev/null ||
    fail "PYTHON is '$python', which is not installed; run 'make system', or name another with 'make venv PYTHON=…'."
read -r version prefix old has_venv < <("$python" -c '
import sys
from importlib.util import find_spec

print("%d.%d.%d" % sys.version_info[:3], sys.base_prefix, sys.version_info < (3, 11), find_spec("ensurepip") is not None)
') || fail "PYTHON is '$python', which does not run; name another with 'make venv PYTHON=…'."
[[ $old == False ]] ||
    fail "PYTHON is '$python', version $version, and 3.11 or newer is needed; install one and run 'make venv PYTHON=python3.12'."
[[ $has_venv == True ]] ||
    fail "PYTHON is '$python', which has no venv module; run 'make system', which installs python3-venv."

home=$(collection_home)
# Everything the outcome depends on; a checkout that was moved has a broken .venv, so its path is part of it.
wanted=$(
    {
        printf '%s\n' "$checkout" "$home" "$version" "$prefix"
        cat "$checkout/requirements/uv.txt" "$checkout/requirements/dev.txt" "${BASH_SOURCE[0]}"
    } | sha256sum | cut -d' ' -f1
)
if [[ -f $stamp && $(<"$stamp") == "$wanted" && -x $venv/bin/python && -e $home/ansible_collections/runnerkit/gitlab ]]; then
    exit 0
fi

say "building .venv on Python $version"
# An environment that another Python or another path made cannot be repaired in place.
if [[ ! -x $venv/bin/python ]] || ! grep -qsF "$checkout" "$venv/bin/pip" ||
    [[ $("$venv/bin/python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])') != "$version" ]]; then
    "$python" -m venv --clear "$venv"
fi
rm -f "$stamp"

say "installing uv (requirements/uv.txt, checked by hash)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$checkout/requirements/uv.txt" ||
    fail "pip could not install uv; see its message above (a mirror is set with PIP_INDEX_URL, a private CA with PIP_CERT)."

# uv does not read pip's settings. Who set a mirror or a CA for pip means it for both.
index=${PIP_INDEX_URL:-$("$venv/bin/python" -m pip config get global.index-url 2>/dev/null || true)}
if [[ -n $index && -z ${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-} ]]; then export UV_DEFAULT_INDEX=$index; fi
if [[ -n ${PIP_CERT:-} && -z ${SSL_CERT_FILE:-} ]]; then export SSL_CERT_FILE=$PIP_CERT; fi
# Trust whom the machine trusts; uv's own list knows no company's CA.
export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true}

say "installing the packages of requirements/dev.txt (checked by hash)"
# The cache may be on another file system, where uv would warn about every link it cannot make.
UV_LINK_MODE=${UV_LINK_MODE:-copy} "$venv/bin/uv" pip sync --quiet --require-hashes --python "$venv/bin/python" "$checkout/requirements/dev.txt" ||
    fail "uv could not install requirements/dev.txt; see its message above (a mirror is set with UV_DEFAULT_INDEX)."

link_collection "$home"
printf '%s\n' "$wanted" >"$stamp"
# head would close the pipe early, and Ansible then prints a traceback.
say "ready: .venv, with $("$venv/bin/ansible" --version | sed -n 1p)"
