"""Runs ansible-test's sanity tests on the checkout.

ansible-test insists on a directory ansible_collections/NAMESPACE/NAME and on a git work tree, so what git would commit
is copied to such a place first. What is left out, or cannot be run here, is named at the end with the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

# On the whole collection, with the controller's Python.
TESTS = (
    "action-plugin-docs",
    "ansible-doc",
    "empty-init",
    "ignores",
    "line-endings",
    "no-assert",
    "no-get-exception",
    "no-illegal-filenames",
    "no-smart-quotes",
    "replace-urlopen",
    "runtime-metadata",
    "shebang",
    "symlinks",
    "use-argspec-type-path",
    "use-compat-six",
    "validate-modules",
)
# Once with each Python that a host may have.
TESTS_PER_PYTHON = ("compile", "import")
KINDS_WITH_LICENCE = ("become", "cache", "callback", "connection", "inventory", "lookup", "modules", "strategy", "vars")
LEFT_OUT = {
    "missing-gplv3-license": "the collection is under Apache-2.0",
    "pep8, pylint": "ruff checks the same, with the rules in pyproject.toml",
    "yamllint": "it has a step of its own, with the rules in .yamllint",
    "changelog": "antsibull-changelog checks the fragments in the lint step",
    "shellcheck, pslint": "they need programs that are not Python packages",
}

GET_PIP = '''"""Stands in for the get-pip script that ansible-test would download: Python carries a pip of its own."""
import ensurepip

ensurepip.bootstrap()
'''


def say(text: str) -> None:
    print(f"sanity: {text}", flush=True)


def cache() -> Path:
    """Where ansible-test keeps its virtual environments; they take a minute to make."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "runnerkit" / "sanity"


def export(target: Path) -> None:
    """Copy what is tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )
    for raw in filter(None, listed.stdout.split(b"\0")):
        name = os.fsdecode(raw)
        source = CHECKOUT / name
        # A tracked file that is deleted but not yet committed is still listed.
        if not source.is_symlink() and not source.is_file():
            continue
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy, follow_symlinks=False)
    subprocess.run(["git", "init", "--quiet"], cwd=target, check=True)
    subprocess.run(["git", "add", "--all"], cwd=target, check=True)


def ignore_licence(target: Path) -> None:
    """Let the plugins be under the collection's licence; ansible-test would have every plugin under GPL-3.0."""
    from ansible.release import __version__

    plugins = (path for kind in KINDS_WITH_LICENCE for path in (target / "plugins" / kind).glob("*.py"))
    lines = [f"{path.relative_to(target)} validate-modules:missing-gplv3-license\n" for path in sorted(plugins)]
    ignore = target / "tests" / "sanity" / f"ignore-{'.'.join(__version__.split('.')[:2])}.txt"
    ignore.parent.mkdir(parents=True, exist_ok=True)
    with ignore.open("a") as file:
        file.writelines(lines)


def host_pythons() -> tuple[dict[str, Path], list[str]]:
    """The versions that this ansible-test knows: (those found here, with their programs; those that are missing)."""
    from ansible_test._internal.constants import SUPPORTED_PYTHON_VERSIONS

    programs = {version: find_python(version) for version in SUPPORTED_PYTHON_VERSIONS}
    found = {version: program for version, program in programs.items() if program}
    return found, [version for version in programs if version not in found]


def find_python(version: str) -> Path | None:
    """A Python of this version, on PATH or among pyenv's; a pyenv shim counts only if it runs."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    on_path = shutil.which(f"python{version}")
    candidates = [Path(on_path)] if on_path else []
    candidates += sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))
    for candidate in candidates:
        # Asked for its own path, since a shim's stands for nothing outside of its shell.
        program = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2], sys.executable)"
        answer = subprocess.run([candidate, "-c", program], capture_output=True, text=True, check=False)
        its_version, _, path = answer.stdout.strip().partition(" ")
        if answer.returncode == 0 and its_version == version:
            return Path(path)
    return None


def environment(pythons: dict[str, Path]) -> dict[str, str]:
    """ansible-test's: our cache as its home, and every Python on PATH."""
    home = cache()
    bootstrap = home / ".ansible" / "test" / "cache"
    bootstrap.mkdir(parents=True, exist_ok=True)
    (bootstrap / f"get_pip_{bundled_pip_version()}.py").write_text(GET_PIP)
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    env["HOME"] = str(home)
    # The virtual environments in the cache go on using these links, so they stay there too.
    links = home / "bin"
    links.mkdir(exist_ok=True)
    for version, program in pythons.items():
        link = links / f"python{version}"
        link.unlink(missing_ok=True)
        link.symlink_to(program)
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), str(links), env["PATH"]])
    return env


def bundled_pip_version() -> str:
    """The pip release whose bootstrap script ansible-test would fetch, as in the file's name."""
    from ansible_test._internal.host_configs import NativePythonConfig
    from ansible_test._internal.python_requirements import get_venv_packages

    return get_venv_packages(NativePythonConfig()).get("pip", "").replace(".", "_")


def command(pythons: list[str]) -> list[str]:
    """The call of ansible-test: every test, and those that depend on the Python of a host with each of them."""
    call = ["ansible-test", "sanity"]
    for test in TESTS + TESTS_PER_PYTHON:
        call += ["--test", test]
    for version in pythons:
        call += ["--target-python", version]
    return call


def findings(output: str) -> str:
    """What ansible-test complains about, without what pip says between."""
    lines = output.splitlines()
    return "\n".join([line for line in lines if line.startswith(("ERROR", "FATAL", "See doc"))] or lines)


def main() -> int:
    found, missing = host_pythons()
    say(f"{', '.join(TESTS)}")
    say(f"{', '.join(TESTS_PER_PYTHON)} with Python {', '.join(found)}")
    with tempfile.TemporaryDirectory(prefix="runnerkit-sanity-") as name:
        where = Path(name) / "ansible_collections" / "runnerkit" / "gitlab"
        where.mkdir(parents=True)
        export(where)
        ignore_licence(where)
        done = subprocess.run(
            command(list(found)), cwd=where, env=environment(found), capture_output=True, text=True, check=False
        )
    if done.returncode:
        print(findings(done.stdout + done.stderr), flush=True)
    for test, reason in LEFT_OUT.items():
        say(f"left out: {test}, since {reason}")
    for version in missing:
        say(f"skipped: {', '.join(TESTS_PER_PYTHON)} with Python {version}, which is not installed here")
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
