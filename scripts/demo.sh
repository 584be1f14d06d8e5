#!/usr/bin/env bash
# Builds a throw-away runner host, provisions it over SSH and shows what it is now.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

began=$SECONDS
step=''

say() { printf '\n%s\n' "demo: $*"; }

on_exit() {
    local status=$?
    [[ $status == 0 ]] && return
    printf '\n%s\n' "demo: stopped while $step (exit code $status)." >&2
    printf '%s\n' "demo: see the message above; 'make demo' goes on from here, 'make demo-down && make demo' starts from nothing." >&2
}
trap on_exit EXIT

step='starting the host'
say "1/3 starting the throw-away host 'demo' (Debian 12; the first time its image is built, which takes minutes)"
.venv/bin/python -m tests.lab up demo=debian12

step='provisioning the host'
say "2/3 provisioning it: ansible-playbook playbooks/site.yml -i inventories/lab"
.venv/bin/ansible-playbook playbooks/site.yml -i inventories/lab

step='looking at the host'
say "3/3 looking at it: ansible-playbook playbooks/audit.yml -i inventories/lab -e readiness_show_calls=true -e readiness_report_directory=reports"
.venv/bin/ansible-playbook playbooks/audit.yml -i inventories/lab -e readiness_show_calls=true -e readiness_report_directory=reports

step='asking where the host is'
address=$(.venv/bin/python -m tests.lab status | awk '$1 == "demo" && $2 == "demo" { print $3 }')

say "done in $((SECONDS - began)) s: the runner host 'demo' is ready at $address, for this machine only"
printf '  %-18s %s\n' \
    'reports/' 'what was measured: report.html for people, report.json, junit.xml, runnerkit.prom' \
    'make demo-shell' 'log in to it (try: docker info)' \
    'make demo' 'again: a run with nothing to do is quick' \
    'make demo-down' 'remove it, and everything the lab started'
