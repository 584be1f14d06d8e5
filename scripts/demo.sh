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
say "1/5 starting the throw-away host 'demo' (Debian 12; the first time its image is built, which takes minutes)"
.venv/bin/python -m tests.lab up demo=debian12

step='provisioning the host'
say "2/5 provisioning it: ansible-playbook playbooks/site.yml -i inventories/lab -e @scripts/demo.yml --skip-tags audit"
.venv/bin/ansible-playbook playbooks/site.yml -i inventories/lab -e @scripts/demo.yml --skip-tags audit

step='making the images that jobs use'
say "3/5 making the images that jobs use, which a registry has elsewhere"
.venv/bin/python -m tests.lab ssh demo \
    'image=$(sed -n "s/^ *image = \"\(.*\)\"/\1/p" /etc/gitlab-runner/config.toml); lab-image busybox:1.37;
     lab-docker-cli --tag "$image" "$(docker version --format "{{.Server.Version}}" | cut -d + -f 1)"'

step='running a job'
say "4/5 a smoke job, then one of GitLab's (a stand-in), the role's snippet for .gitlab-ci.yml:"
.venv/bin/ansible-playbook playbooks/smoke.yml -i inventories/lab -e @scripts/demo.yml
cat reports/demo-demo.gitlab-ci.yml
printf '\n'
.venv/bin/python -m tests.lab job demo reports/demo-demo.gitlab-ci.yml

step='looking at the host'
say "5/5 looking at it: ansible-playbook playbooks/audit.yml -i inventories/lab -e readiness_show_calls=true -e readiness_report_directory=reports"
.venv/bin/ansible-playbook playbooks/audit.yml -i inventories/lab -e readiness_show_calls=true -e readiness_report_directory=reports

step='asking where the host is'
address=$(.venv/bin/python -m tests.lab status | awk '$1 == "demo" && $2 == "demo" { print $3 }')

say "done in $((SECONDS - began)) s: the runner host 'demo' is ready at $address, for this machine only"
printf '  %-18s %s\n' \
    'reports/' 'what was measured: report.html for people, report.json, junit.xml, runnerkit.prom' \
    'make demo-shell' 'log in to it (try: docker info)' \
    'make demo' 'again: a run with nothing to do is quick' \
    'make demo-down' 'remove it, and everything the lab started'
