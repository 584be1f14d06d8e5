"""Bad input on a host without an engine: one sentence, and not a file is touched."""

from __future__ import annotations

from typing import Any

import pytest
from testinfra.host import Host

from tests.support.hosts import name_of, note_time, touched
from tests.support.plays import play

testinfra_hosts = ["ansible://refuse-empty"]

NO_FILE = "sha256:" + 64 * "0"
FOREIGN = "9DC8 5822 9FC7 DD38 854A E2D8 8D81 803C 0EBF CD88"
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "a version that nobody has": (
        {"docker_engine_version": "19.99.1"},
        (
            "docker_engine_version '19.99.1' is not to be had from docker_engine_source 'docker', which offers "
            "26.1.5, 20.10.24, 20.10.5; choose one of these or 'latest'"
        ),
    ),
    "half a version": (
        {"docker_engine_version": "28"},
        "docker_engine_version '28' has to be 'latest' or an exact version such as 28.5.2",
    ),
    "an unknown source": (
        {"docker_engine_source": "snap"},
        "value of docker_engine_source must be one of: docker, distribution, files, got: snap",
    ),
    "the fingerprint of another key": (
        {"docker_engine_repository_key_fingerprint": FOREIGN},
        (
            "not 9DC858229FC7DD38854AE2D88D81803C0EBFCD88; compare docker_engine_repository_key_fingerprint with "
            "what the repository's owner publishes"
        ),
    ),
    "a mirror that does not answer": (
        {"docker_engine_repository_url": "http://{mirror}:9/docker/linux"},
        "/docker/linux/debian/dists/bookworm/InRelease Could not connect to",
    ),
    "a mirror that does not answer for the key either": (
        {
            "docker_engine_repository_url": "http://{mirror}:9/docker/linux",
            "docker_engine_repository_key_url": "http://{mirror}:9/docker/linux/debian/gpg",
        },
        "check docker_engine_repository_key_url, the network and the proxy",
    ),
    "a path that is not a repository": (
        {"docker_engine_repository_url": "http://{mirror}/nothing/here"},
        "does not have a Release file; check docker_engine_repository_url",
    ),
    "a channel that is not there": (
        {"docker_engine_repository_channels": ["edge"]},
        "doesn't have the component 'edge'",
    ),
    "a key that did not sign": (
        {
            "docker_engine_repository_key_url": "{other_key_url}",
            "docker_engine_repository_key_fingerprint": "{other_key_fingerprint}",
        },
        "check docker_engine_repository_url and docker_engine_repository_key_fingerprint, since another key signs",
    ),
    "daemon.json settings of the wrong type": (
        {"docker_engine_daemon_config": {"dns": "1.1.1.1"}},
        "docker_engine_daemon_config['dns'] has to be a list, not '1.1.1.1'",
    ),
    "a misspelt daemon.json setting": (
        {"docker_engine_daemon_config": {"registry-mirror": ["https://mirror.example"]}},
        (
            "docker_engine_daemon_config has the key 'registry-mirror', which dockerd does not know; "
            "did you mean 'registry-mirrors'?"
        ),
    ),
    "nothing on offer that meets the floor": (
        {"docker_engine_minimum_version": "29.0.0"},
        (
            "docker_engine_source 'docker' with docker_engine_version 'latest' would end on 26.1.5, below "
            "docker_engine_minimum_version 29.0.0; docker_engine_source 'distribution' has nothing newer"
        ),
    ),
    "a floor that another source meets": (
        {"docker_engine_source": "distribution", "docker_engine_minimum_version": "26.0.0"},
        (
            "docker_engine_source 'distribution' with docker_engine_version 'latest' would end on 20.10.24, below "
            "docker_engine_minimum_version 26.0.0; docker_engine_source 'docker' offers 26.1.5"
        ),
    ),
    "no files": (
        {"docker_engine_source": "files"},
        "docker_engine_source is 'files', but docker_engine_files is empty; list the packages there",
    ),
    "a file that is not named as apt names it": (
        {"docker_engine_source": "files", "docker_engine_files": [{"src": "/srv/docker.deb", "checksum": NO_FILE}]},
        "docker_engine_files names 'docker.deb', which is not NAME_VERSION_ARCHITECTURE.deb; give the file the name",
    ),
    "a checksum that is none": (
        {
            "docker_engine_source": "files",
            "docker_engine_files": [{"src": "/srv/docker-ce_26.1.5-1_amd64.deb", "checksum": "md5:1234"}],
        },
        "docker_engine_files has the checksum 'md5:1234', which is not sha256: and 64 hexadecimal digits",
    ),
    "files that are not there": (
        {
            "docker_engine_source": "files",
            "docker_engine_files": [
                {"src": "/nowhere/docker-ce_26.1.5-1_amd64.deb", "checksum": NO_FILE},
                {"src": "/nowhere/containerd.io_1.7.24-1_amd64.deb", "checksum": NO_FILE},
            ],
        },
        (
            f"docker_engine_files names /nowhere/docker-ce_26.1.5-1_amd64.deb with {NO_FILE}, but on the controller "
            "there is no such file; docker_engine_files names /nowhere/containerd.io_1.7.24-1_amd64.deb with "
            f"{NO_FILE}, but on the controller there is no such file; correct the entry or the file"
        ),
    ),
}


def filled(value: Any, words: dict[str, str]) -> Any:
    """The variables of a case with the lab's addresses in them."""
    if isinstance(value, dict):
        return {key: filled(each, words) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, words) for each in value]
    return value.format(**words) if isinstance(value, str) else value


@pytest.mark.parametrize(("variables", "message"), CASES.values(), ids=CASES.keys())
def test_bad_input_is_refused_in_one_sentence(host: Host, variables: dict[str, Any], message: str) -> None:
    facts = host.ansible.get_variables()
    words = {
        "mirror": facts["lab_mirror_url"].removeprefix("http://"),
        "other_key_url": facts["lab_other_key_url"],
        "other_key_fingerprint": facts["lab_other_key_fingerprint"],
    }
    note_time(host)
    played = play(name_of(host), filled(variables, words))
    assert played.code != 0
    assert message in " ".join(played.failures), played.output
    assert played.changed == []
    # Where the system's own sources are asked, apt reads its index.
    assert [path for path in touched(host) if not path.startswith(("/var/lib/apt/lists", "/var/cache/apt"))] == []
