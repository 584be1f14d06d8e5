#!/usr/bin/env bash
# Installs the Debian packages that the commands of the Makefile need, when they are missing.
#
#   system.sh            what all of them need
#   system.sh browser    what the tests in a browser need beside that
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "system: $*"; }
fail() {
    printf '%s\n' "system: $*" >&2
    exit 1
}

# Packages named here stand for a program or a module that may well have come from somewhere else.
base_packages() {
    local python=${PYTHON:-python3}
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || printf '%s\n' python3-venv
    command -v git >/dev/null || printf '%s\n' git
    [[ -e /etc/ssl/certs/ca-certificates.crt ]] || printf '%s\n' ca-certificates
    command -v ssh >/dev/null || printf '%s\n' openssh-client
}

# The lab knows best what it needs; it answers with nothing but Python's standard library.
lab_packages() {
    [[ -f tests/lab/__main__.py ]] || return 0
    local python=${PYTHON:-python3}
    [[ -x .venv/bin/python ]] && python=.venv/bin/python
    "$python" -m tests.lab requirements
}

browser_packages() {
    local program
    for program in chromium chromium-browser google-chrome; do
        if command -v "$program" >/dev/null; then return; fi
    done
    printf '%s\n' chromium
}

installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null || true) == installed ]]
}

as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo --preserve-env=DEBIAN_FRONTEND "$@"
    else
        fail "you are not root and sudo is not installed; run as root: $*"
    fi
}

updated=''
install_missing() {
    local package missing=()
    for package in "$@"; do
        installed "$package" || missing+=("$package")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    command -v apt-get >/dev/null ||
        fail "this machine has no apt-get, and these packages are missing: ${missing[*]}; install what they hold and try again."
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    if [[ -z $updated ]]; then
        as_root apt-get update --quiet=2 ||
            fail "apt-get update failed; see its message above, and check the network and /etc/apt/sources.list."
        updated=yes
    fi
    # What a package's scripts have to say is of interest only when it fails.
    local output
    if ! output=$(as_root apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}" 2>&1); then
        printf '%s\n' "$output" >&2
        fail "apt-get could not install ${missing[*]}; see its message above."
    fi
}

if [[ ${1:-} == browser ]]; then
    mapfile -t packages < <(browser_packages)
    install_missing "${packages[@]}"
    exit
fi

# In two steps, since the second list is made by the Python of the first.
mapfile -t packages < <(base_packages)
install_missing "${packages[@]}"
if ! lab=$(lab_packages); then
    fail "'python3 -m tests.lab requirements' failed; see its message above."
fi
mapfile -t packages < <(printf '%s' "$lab")
install_missing "${packages[@]}"
