#!/usr/bin/env bash
# Runs the tests in a browser, which is installed first when there is none. Arguments go to pytest.
#
#   browser.sh --screenshots FOLDER    also keep pictures of the report's page, to look at
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/system.sh browser
exec .venv/bin/python -m pytest tests/browser "$@"
