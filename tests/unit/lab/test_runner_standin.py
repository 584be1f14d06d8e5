"""The runner's stand-in, part by part: what it reads, what it writes, what it decides."""

from __future__ import annotations

import datetime
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.files.gitlab_runner import config, rotation, script, service, services, toml_text, variables, volumes
from tests.lab.files.gitlab_runner.engine import Attached
from tests.lab.files.gitlab_runner.gitlab import GitLab, _wait
from tests.lab.files.gitlab_runner.log import short

UTC = datetime.UTC
KEYS = st.text(min_size=1, max_size=8)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.text(max_size=20),
    st.datetimes(min_value=datetime.datetime(1, 1, 1)).map(lambda moment: moment.replace(microsecond=0, tzinfo=UTC)),
    st.lists(st.text(max_size=5), max_size=3),
)
TABLES = st.recursive(
    st.dictionaries(KEYS, SCALARS, max_size=4),
    lambda table: st.dictionaries(KEYS, SCALARS | table | st.lists(table, min_size=1, max_size=2), max_size=3),
    max_leaves=8,
)


@given(TABLES)
def test_what_it_writes_reads_the_same(data: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text.dumps(data)) == data


def test_it_writes_as_the_real_one_does() -> None:
    runner = {"name": "a", "docker": {"image": "b", "services": [{"name": "c"}]}}
    assert toml_text.dumps({"concurrent": 1, "runners": [runner]}) == (
        "concurrent = 1\n\n[[runners]]\n"
        '  name = "a"\n  [runners.docker]\n    image = "b"\n    [[runners.docker.services]]\n      name = "c"\n'
    )


def test_saving_loses_comments_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "config.toml"
    path.parent.mkdir()
    path.write_text('# hand-made\nconcurrent = 3\n[[runners]]\nname = "a" # mine\nunknown = [1, 2]\n')
    before = config.load(str(path))
    config.save(str(path), before)
    assert config.load(str(path)) == before
    assert "#" not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_broken_file_is_told_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("broken = [")
    with pytest.raises(config.ConfigError, match=r"config\.toml"):
        config.load(str(path))


def test_the_machine_keeps_its_name(tmp_path: Path) -> None:
    path = str(tmp_path / "config.toml")
    made = config.system_id(path)
    assert config.system_id(path) == made
    (tmp_path / ".runner_system_id").write_text("s_0123456789ab\n")
    assert config.system_id(path) == "s_0123456789ab"
    (tmp_path / ".runner_system_id").write_text("nonsense")
    assert config.system_id(path) != "nonsense"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1h30m", 5400.0), ("90s", 90.0), (5_000_000_000, 5.0), ("", 7.0), (None, 7.0), ("500ms", 0.5)],
)
def test_durations(value: Any, expected: float) -> None:
    assert config.seconds(value, 7.0) == expected


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        pytest.param("glrt-t1_abcdefghij", "t1_abcdef", id="made in GitLab"),
        pytest.param("GR1348941abcdefghij", "GR1348941abcdefgh", id="for registration"),
        pytest.param("0123456789abcdef", "01234567", id="older"),
    ],
)
def test_how_much_of_a_token_is_shown(token: str, shown: str) -> None:
    assert short(token) == shown


@pytest.mark.parametrize(
    ("headers", "attempt", "expected"),
    [
        pytest.param({"Retry-After": "7"}, 0, 7.0, id="the server says when"),
        pytest.param({"Retry-After": "600"}, 0, 60.0, id="a minute at most"),
        pytest.param({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 1, 0.2, id="dates are not read"),
        pytest.param({}, 3, 0.8, id="twice as long each time"),
    ],
)
def test_how_long_it_waits_before_it_asks_again(headers: dict[str, str], attempt: int, expected: float) -> None:
    assert _wait(headers, attempt) == pytest.approx(expected)


@pytest.mark.parametrize("url", ["https://example.com/a", "https://example.com/a/", "https://example.com/a/ci"])
def test_addresses(url: str) -> None:
    assert GitLab({"url": url}).base == "https://example.com/a/api/v4"


def _variables(own: list[dict[str, Any]], environment: list[str]) -> variables.Variables:
    return variables.Variables({"environment": environment}, {"CI_PROJECT_DIR": "/x"}, own)


def test_the_job_wins_over_the_runner() -> None:
    found = _variables(
        [{"key": "B", "value": "job ${A} $$"}, {"key": "RAW", "value": "$A", "raw": True}],
        ["A=runner", "B=runner", "nothing"],
    )
    assert {key: found.values[key] for key in ("A", "B", "RAW")} == {"A": "runner", "B": "job runner $", "RAW": "$A"}


def test_files_come_as_paths() -> None:
    found = _variables([{"key": "CERT", "value": "PEM", "file": True}], [])
    assert "CERT=PEM" not in found.environment()
    assert "export CERT=/x.tmp/CERT" in script.compose(found, "/x", [])


@pytest.mark.parametrize(
    ("declared", "shared", "folder"),
    [
        pytest.param(["/builds:/builds"], True, "/builds/tok/0/group/project", id="the host's folder, for several"),
        pytest.param(["/cache"], False, "/builds/group/project", id="a volume of its own"),
        pytest.param(["/srv:/:ro"], True, "/builds/tok/0/group/project", id="mounted further up"),
    ],
)
def test_where_a_job_works(declared: list[str], shared: bool, folder: str) -> None:
    found = [volumes.parse(text) for text in declared]
    assert volumes.is_mounted("/builds", found) == shared
    assert volumes.project_folder("/builds", "tok", 0, "group/project", shared) == folder


def test_volumes_without_a_source_are_kept_for_the_slot() -> None:
    declared = [volumes.parse(text) for text in ("/certs/client", "/run/docker.sock:/run/docker.sock:ro")]
    binds = [volume.bind() for volume in volumes.layout(declared, "/builds", "p", "", disable_cache=False)]
    names = [volumes.cache_name("p", path) for path in ("/certs/client", "/builds")]
    assert binds == [f"{names[0]}:/certs/client", "/run/docker.sock:/run/docker.sock:ro", f"{names[1]}:/builds"]


@pytest.mark.parametrize(
    ("image", "alias", "expected"),
    [
        pytest.param("docker:26-dind", "", ["docker"], id="by the image"),
        pytest.param("docker:26-dind", "docker,daemon", ["docker", "daemon"], id="as given"),
        pytest.param(
            "host:5000/a/b:1", "", ["host:5000__a__b", "host:5000-a-b"], id="an image of a registry has two names"
        ),
    ],
)
def test_names_of_services(image: str, alias: str, expected: list[str]) -> None:
    assert services.aliases(image, alias) == expected


NOW = datetime.datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("obtained", "expires", "due"),
    [
        pytest.param(1, 41, True, id="three quarters are over"),
        pytest.param(1, 42, False, id="not yet"),
        pytest.param(1, None, False, id="it never expires"),
    ],
)
def test_when_a_token_is_exchanged(obtained: int, expires: int | None, due: bool) -> None:
    begun = datetime.datetime(2026, 1, obtained, tzinfo=UTC)
    ends = config.NEVER if expires is None else begun + datetime.timedelta(days=expires - 1)
    assert rotation.due({"token_obtained_at": begun, "token_expires_at": ends}, NOW) == due


def test_the_unit_is_the_real_ones() -> None:
    text = service.unit("/usr/bin/gitlab-runner", "gitlab-runner", "/etc/c.toml", "/home/g", "g")
    assert (
        'ExecStart=/usr/bin/gitlab-runner "run" "--config" "/etc/c.toml" "--working-directory" "/home/g" '
        '"--service" "gitlab-runner" "--user" "g"\n'
    ) in text
    assert {"Restart=always", "RestartSec=120"} <= set(text.splitlines())


class _Socket:
    """Gives its pieces one by one."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def settimeout(self, seconds: float) -> None:
        pass

    def recv(self, size: int) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=5), st.integers(1, 7))
def test_output_is_put_together_however_it_is_cut(written: list[bytes], size: int) -> None:
    stream = b"".join(b"\1\0\0\0" + len(data).to_bytes(4, "big") + data for data in written)
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    attached = Attached(_Socket(pieces), b"")  # type: ignore[arg-type]
    assert list(attached.output(0.1)) == written
