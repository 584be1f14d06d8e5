"""The GitLab stand-in as a git server: what git itself makes of it, and who gets in."""

from __future__ import annotations

import base64
import contextlib
import gzip
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.files.gitlab_standin import git_side
from tests.lab.files.gitlab_standin.wire import RefusalError
from tests.support.gitlab import GitLabStandIn, LabGitLab

_numbers = itertools.count()
needs_git = pytest.mark.skipif(not shutil.which("git"), reason="needs git")
PATH = "/group/project.git"
REFS = f"{PATH}/info/refs?service=git-upload-pack"


@pytest.fixture(scope="module")
def server() -> Iterator[GitLabStandIn]:
    with GitLabStandIn() as standin:
        yield standin


@pytest.fixture
def lab(server: GitLabStandIn) -> LabGitLab:
    """An instance that no other test knows."""
    return server.elsewhere(f"git{next(_numbers)}")


def started(lab: LabGitLab, **more: Any) -> dict[str, Any]:
    """A running job, as its runner knows it."""
    token = lab.api("POST", "/user/runners", {"runner_type": "instance_type"})["token"]
    lab.queue(["true"], **more)
    status, _headers, job = lab.call("POST", "/api/v4/jobs/request", {"token": token})
    assert status == 201
    return dict(job)


def ended(lab: LabGitLab, job: dict[str, Any]) -> None:
    lab.call("PUT", f"/api/v4/jobs/{job['id']}", {"token": job["token"], "state": "success"})


def git(server: GitLabStandIn, folder: Path, *words: str, trusted: bool = True) -> subprocess.CompletedProcess[str]:
    """Git with no settings of whoever runs this, and trust in the stand-in's CA or in nobody's."""
    own = {"HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    trust = str(server.ca_file) if trusted else "/dev/null"
    environment = {"PATH": os.environ["PATH"], **own, "GIT_SSL_CAINFO": trust}
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


@needs_git
@pytest.mark.parametrize(
    "options",
    [
        pytest.param([], id="all of it"),
        pytest.param(["--depth", "20"], id="as runners do it, with a depth"),
        pytest.param(["-c", "protocol.version=0"], id="the old protocol"),
        pytest.param(["-c", "protocol.version=1", "--depth", "1"], id="the middle protocol"),
    ],
)
def test_a_job_clones_its_project(server: GitLabStandIn, lab: LabGitLab, tmp_path: Path, options: list[str]) -> None:
    information = started(lab, repository=True, ref="feature/a-1")["git_info"]
    done = git(server, tmp_path, "clone", *options, information["repo_url"], "there")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "there/README.md").read_text() == "lab project\n"
    assert git(server, tmp_path / "there", "rev-parse", "HEAD").stdout.strip() == information["sha"]
    assert git(server, tmp_path / "there", "branch", "--show-current").stdout.strip() == "feature/a-1"
    assert git(server, tmp_path / "there", "fsck", "--strict").returncode == 0


@needs_git
@pytest.mark.parametrize("depth", [pytest.param([], id="whole"), pytest.param(["--depth", "20"], id="with a depth")])
def test_what_was_fetched_is_fetched_again(
    server: GitLabStandIn, lab: LabGitLab, tmp_path: Path, depth: list[str]
) -> None:
    git(server, tmp_path, "init")
    for _ in range(2):
        job = started(lab, repository=True)
        information = job["git_info"]
        words = ["fetch", information["repo_url"], *information["refspecs"], *depth, "--prune"]
        done = git(server, tmp_path, *words)
        assert done.returncode == 0, done.stderr
        assert git(server, tmp_path, "checkout", "-f", "-q", information["sha"]).returncode == 0
        git(server, tmp_path, "-c", "user.name=x", "-c", "user.email=x", "commit", "--allow-empty", "-m", "own")
        ended(lab, job)


@needs_git
def test_git_says_itself_what_is_wrong(server: GitLabStandIn, lab: LabGitLab, tmp_path: Path) -> None:
    job = started(lab, repository=True)
    url = job["git_info"]["repo_url"]
    done = git(server, tmp_path, "ls-remote", url, trusted=False)
    assert (done.returncode, "certificate" in done.stderr) == (128, True), done.stderr
    assert lab.requests(path=PATH) == []
    assert git(server, tmp_path, "ls-remote", url).stdout.split() == [
        job["git_info"]["sha"], "HEAD", job["git_info"]["sha"], "refs/heads/main",
    ]  # fmt: skip
    ended(lab, job)
    done = git(server, tmp_path, "ls-remote", url)
    assert (done.returncode, "HTTP Basic: Access denied" in done.stderr) == (128, True), done.stderr
    assert "Authentication failed" in done.stderr
    done = git(server, tmp_path, "ls-remote", f"{lab.url}{PATH}")
    assert (done.returncode, "could not read Username" in done.stderr) == (128, True), done.stderr


def _basic(user: str, password: str) -> dict[str, str]:
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {encoded}", "Content-Type": "application/x-git-upload-pack-request"}


@pytest.mark.parametrize(
    ("user", "whose", "path", "status"),
    [
        pytest.param("gitlab-ci-token", "job", "group/project", 200, id="the job's own project"),
        pytest.param("gitlab-ci-token", "job", "group/other", 401, id="another project"),
        pytest.param("gitlab-ci-token", "job", "group", 401, id="no project at all"),
        pytest.param("root", "job", "group/project", 401, id="another user"),
        pytest.param("gitlab-ci-token", "admin", "group/project", 401, id="a token that is no job's"),
        pytest.param("gitlab-ci-token", "", "group/project", 401, id="no token"),
    ],
)
def test_who_gets_in(lab: LabGitLab, user: str, whose: str, path: str, status: int) -> None:
    job = started(lab, repository=True)
    password = {"job": job["token"], "admin": lab.admin_token, "": ""}[whose]
    refs = lab.call("GET", f"/{path}.git/info/refs?service=git-upload-pack", headers=_basic(user, password))
    assert refs[0] == status
    assert ("WWW-Authenticate" in refs[1]) == (status == 401)
    want = git_side._line(f"want {git_side.SHA} agent=x") + b"00000009done\n"
    assert lab.call("POST", f"/{path}.git/git-upload-pack", want, _basic(user, "x"))[0] == 401


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="nothing"),
        pytest.param("Bearer x", id="another kind"),
        pytest.param("Basic !!!", id="no base64"),
        pytest.param("Basic /////w==", id="no text"),
    ],
)
def test_odd_authorization_is_none(lab: LabGitLab, header: str) -> None:
    started(lab, repository=True)
    assert lab.call("GET", REFS, headers={"Authorization": header})[0] == 401


def test_the_dumb_protocol_is_not_spoken(lab: LabGitLab) -> None:
    token = started(lab, repository=True)["token"]
    assert lab.call("GET", f"{PATH}/info/refs", headers=_basic("gitlab-ci-token", token))[0] == 403
    assert lab.call("GET", f"{PATH}/HEAD", headers=_basic("gitlab-ci-token", token))[0] == 404


@pytest.mark.parametrize(
    ("body", "packed", "status"),
    [
        pytest.param(git_side._line(f"want {git_side.SHA} a") + b"00000009done\n", False, 200, id="all there is"),
        pytest.param(git_side._line(f"want {git_side.SHA} a") + b"00000009done\n", True, 200, id="packed"),
        pytest.param(git_side._line(f"want {'0' * 40} a") + b"00000009done\n", False, 400, id="another commit"),
        pytest.param(b"what", False, 400, id="no length"),
        pytest.param(b"ffff", False, 400, id="cut off"),
        pytest.param(b"0001", False, 400, id="a length that is none"),
        pytest.param(b"", False, 400, id="nothing"),
    ],
)
def test_what_is_asked_for(lab: LabGitLab, body: bytes, packed: bool, status: int) -> None:
    headers = _basic("gitlab-ci-token", started(lab, repository=True)["token"])
    # The support's client reads answers as text, which a pack is not.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(git_side, "pack", lambda: b"PACK")
        more = {"Content-Encoding": "gzip"} if packed else {}
        found = lab.call(
            "POST", f"{PATH}/git-upload-pack", gzip.compress(body) if packed else body, {**headers, **more}
        )
    assert found[0] == status
    if status == 200:
        assert found[2] == "0008NAK\nPACK"


def test_what_is_not_packed_though_it_says_so(lab: LabGitLab) -> None:
    headers = {**_basic("gitlab-ci-token", started(lab, repository=True)["token"]), "Content-Encoding": "gzip"}
    assert lab.call("POST", f"{PATH}/git-upload-pack", b"0000", headers)[0] == 400


@given(st.lists(st.one_of(st.just(""), st.text("abc want\0", min_size=1, max_size=30)), max_size=6))
def test_lines_are_read_as_they_are_written(texts: list[str]) -> None:
    written = b"".join(git_side._line(text) if text else b"0000" for text in texts)
    assert list(git_side._lines(written)) == texts


@given(st.binary(max_size=60))
def test_any_request_is_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(RefusalError):
        list(git_side._lines(body))


@needs_git
@given(
    name=st.one_of(st.sampled_from(["main", "a/b-1", "v1.2", "a..b", "x.lock", "-x"]), st.text("aZ0._/-", max_size=9))
)
def test_branches_that_pass_are_names_to_git(name: str) -> None:
    if git_side.is_branch(name):
        subprocess.run(["git", "check-ref-format", "--branch", name], stdout=subprocess.DEVNULL, check=True)


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        pytest.param("main", True, id="a word"),
        pytest.param("feature/TICKET-1_b", True, id="a path"),
        pytest.param("v18.2", True, id="with a dot"),
        pytest.param("a b", False, id="with a blank"),
        pytest.param("x\n", False, id="with a line break"),
        pytest.param("", False, id="empty"),
        pytest.param(None, False, id="none"),
    ],
)
def test_branches(ref: Any, expected: bool) -> None:
    assert git_side.is_branch(ref) == expected


def test_a_job_on_a_branch_that_cannot_be_is_refused(lab: LabGitLab) -> None:
    with pytest.raises(ValueError, match=r"the repository has no branch 'a\.\.b'; use letters"):
        lab.queue(["true"], repository=True, ref="a..b")
