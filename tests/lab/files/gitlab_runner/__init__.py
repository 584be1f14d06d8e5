"""Stands in for GitLab Runner in the runnerkit lab: asks GitLab for jobs and runs them, as config.toml says.

One program in one file (a zip that Python runs), as the real one is; tests/lab/runner.py packs it. It runs on whatever
Python the hosts have, 3.9 and later, with the standard library; Debian 11 needs python3-toml.
"""
