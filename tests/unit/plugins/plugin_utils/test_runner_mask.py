# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""config.toml as it may be shown."""

from __future__ import annotations

import collections
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_mask import masked, masked_pair, masked_value
from tests.support.runner_configs import Writer, tables, texts, written

HIDDEN = '"********"'


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        pytest.param('token = "glrt-abc"', f"token = {HIDDEN}", id="a token"),
        pytest.param("token = 'x' # mine", f"token = {HIDDEN} # mine", id="in other quotes"),
        pytest.param('registration_token = """\nx"""', f"registration_token = {HIDDEN}", id="over two lines"),
        pytest.param('"token" = "x"', f'"token" = {HIDDEN}', id="a key in quotes"),
        pytest.param('TOKEN = "x"', f"TOKEN = {HIDDEN}", id="a key in another case"),
        pytest.param("ssh.password = 12345", f"ssh.password = {HIDDEN}", id="a number as a password"),
        pytest.param('cache.s3.AccessKey = "x"', f"cache.s3.AccessKey = {HIDDEN}", id="an access key"),
        pytest.param('cache.s3.SecretKey = "x"', f"cache.s3.SecretKey = {HIDDEN}", id="a secret key"),
        pytest.param('cache.s3.SessionToken = "x"', f"cache.s3.SessionToken = {HIDDEN}", id="a session's token"),
        pytest.param('cache.gcs.PrivateKey = "x"', f"cache.gcs.PrivateKey = {HIDDEN}", id="a private key"),
        pytest.param('cache.azure.AccountKey = "x"', f"cache.azure.AccountKey = {HIDDEN}", id="an account's key"),
        pytest.param('kubernetes.bearer_token = "x"', f"kubernetes.bearer_token = {HIDDEN}", id="a bearer token"),
        pytest.param('sentry_dsn = "https://x@s/1"', f"sentry_dsn = {HIDDEN}", id="a DSN"),
        pytest.param('ssh = {user = "u", password = "x"}', f'ssh = {{user = "u", password = {HIDDEN}}}', id="inline"),
        pytest.param('token = ""', 'token = ""', id="no token at all"),
        pytest.param('environment = ["A=b", "NPM_TOKEN=x"]',
                     'environment = ["A=b", "NPM_TOKEN=********"]', id="a variable"),
        pytest.param('environment = [\n  "DB_PASS=x", # db\n]',
                     'environment = [\n  "DB_PASS=********", # db\n]', id="its line"),
        pytest.param('environment = ["DOCKER_AUTH_CONFIG={\\"auths\\": {}}"]',
                     'environment = ["DOCKER_AUTH_CONFIG=********"]', id="credentials of registries"),
        pytest.param('environment = ["HTTP_PROXY=http://me:x@proxy:3128"]',
                     'environment = ["HTTP_PROXY=http://********@proxy:3128"]', id="a password in a URL"),
        pytest.param('environment = ["DOCKER_TLS_CERTDIR=/certs", "DOCKER_HOST=tcp://docker:2376"]',
                     'environment = ["DOCKER_TLS_CERTDIR=/certs", "DOCKER_HOST=tcp://docker:2376"]', id="no secrets"),
        pytest.param('plugin.environment.FOO_PASS = "x"',
                     f"plugin.environment.FOO_PASS = {HIDDEN}", id="a table of variables"),
        pytest.param('url = "https://me:x@host/"', 'url = "https://********@host/"', id="a password in a key's URL"),
        pytest.param('url = "https://host/?private_token=x"',
                     'url = "https://host/?private_token=********"', id="in its query"),
        pytest.param('MachineOptions = ["amazonec2-secret-key=x", "a=b"]',
                     'MachineOptions = ["amazonec2-secret-key=********", "a=b"]', id="a machine's options"),
        pytest.param('config_args = ["--password", "x", "--user", "u", "--token=y"]',
                     'config_args = ["--password", "********", "--user", "u", "--token=********"]', id="arguments"),
        pytest.param('my_note = "was glrt-t1_abcdefghijk"', 'my_note = "was ********"', id="a token in a note"),
        pytest.param('# token = "x"', "# token = ********", id="a key commented out"),
        pytest.param("limit = 1 # password: x", "limit = 1 # password: ********", id="a comment behind a key"),
        pytest.param("[x] # password: x", "[x] # password: ********", id="a comment behind a header"),
        pytest.param("token_obtained_at = 2026-01-02T03:04:05Z",
                     "token_obtained_at = 2026-01-02T03:04:05Z", id="a time"),
        pytest.param("kubernetes.bearer_token_overwrite_allowed = true",
                     "kubernetes.bearer_token_overwrite_allowed = true", id="a switch"),
        pytest.param('tls-key-file = "/etc/x.key"', 'tls-key-file = "/etc/x.key"', id="a file's name"),
        pytest.param('pre_build_script = "echo $CI_JOB_ID"', 'pre_build_script = "echo $CI_JOB_ID"', id="a script"),
        pytest.param('match_expressions = [{key = "zone", values = ["a"]}]',
                     'match_expressions = [{key = "zone", values = ["a"]}]', id="a label's name"),
        pytest.param("limit = 0x1_0", "limit = 0x1_0", id="the form of what is shown"),
    ],
)  # fmt: skip
def test_secrets_are_masked_and_nothing_else(line: str, shown: str) -> None:
    assert masked(f"{line}\n") == f"{shown}\n"
    assert masked(f"\ufeff{line}\r\n") == f"\ufeff{shown}\r\n"
    tomllib.loads(masked(f"{line}\n"))


BEFORE = """\
[[runners]]
  name = "a"
  token = "glrt-one"
  environment = ["A_TOKEN=one", "B_TOKEN=two"]
[[runners]]
  name = "b"
  token = "glrt-two"
"""


@pytest.mark.parametrize(
    ("old", "new", "gone", "come"),
    [
        pytest.param("glrt-one", "glrt-three", ['  token = "********"'],
                     ['  token = "******** (another one)"'], id="a token"),
        pytest.param("nothing", "nothing", [], [], id="nothing"),
        pytest.param(
            '"A_TOKEN=one", "B_TOKEN=two"',
            '"B_TOKEN=three", "A_TOKEN=one"',
            ['  environment = ["A_TOKEN=********", "B_TOKEN=********"]'],
            ['  environment = ["B_TOKEN=******** (another one)", "A_TOKEN=********"]'],
            id="a variable in another place",
        ),
        pytest.param(
            '"A_TOKEN=one", ', "", ['  environment = ["A_TOKEN=********", "B_TOKEN=********"]'],
            ['  environment = ["B_TOKEN=********"]'], id="one variable less",
        ),
        pytest.param("[[runners]]", '[[runners]]\n  name = "0"\n[[runners]]', [],
                     ["[[runners]]", '  name = "0"'], id="a runner before them"),
        pytest.param('  token = "glrt-two"\n', "", ['  token = "********"'], [], id="a token that goes"),
    ],
)  # fmt: skip
def test_a_secret_that_is_another_one_is_seen_to_be(old: str, new: str, gone: list[str], come: list[str]) -> None:
    before, after = masked_pair(BEFORE, BEFORE.replace(old, new, 1))
    assert before == masked(BEFORE)
    one, other = (collections.Counter(text.splitlines()) for text in (before, after))
    assert (sorted((one - other).elements()), sorted((other - one).elements())) == (gone, sorted(come))


def test_two_runners_of_one_name_are_told_apart_by_their_order() -> None:
    text = '[[runners]]\nname = "a"\ntoken = "x"\n[[runners]]\nname = "a"\ntoken = "y"\n'
    assert "glrt" not in "".join(masked_pair(text, text.replace('"x"', '"glrt-new"')))


def test_a_file_that_is_no_toml_is_masked_by_the_line() -> None:
    text = (
        "concurrent = 4\n"
        "# hush\n"
        "\n"
        "[[runners]]\n"
        "  limit = hush\n"
        '  name = "hush"\n'
        '  token = "hush\n'
        "  privileged = true\n"
        "  password = 1234\n"
        "  hush = 3\n"
        "hush==\n"
        "[hush]\n"
        "[runners.docker]\r\n"
        "  volumes = [\n"
        '    "hush",\n'
        "  ]"
    )
    assert masked(text) == (
        "concurrent = 4\n"
        "********\n"
        "\n"
        "[[runners]]\n"
        "  limit = ********\n"
        "  name = ********\n"
        "  token = ********\n"
        "  privileged = true\n"
        "  password = ********\n"
        "********\n"
        "********\n"
        "********\n"
        "[runners.docker]\r\n"
        "  volumes = ********\n"
        "********\n"
        "********"
    )
    assert masked_pair("", text)[1] == masked(text)
    assert masked_pair(text, "")[0] == masked(text)


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        ("runners[0].token", "x", "********"),
        (("runners", 0, "token"), "x", "********"),
        ("runners[0].docker.image", "alpine", "alpine"),
        ("runners[0].environment[1]", "A_KEY=x", "A_KEY=********"),
        ("runners[0].environment", ["A_KEY=x", "B=c"], ["A_KEY=********", "B=c"]),
        ("runners[0].cache", {"s3": {"SecretKey": "x", "Insecure": True}},
         {"s3": {"SecretKey": "********", "Insecure": True}}),
        ("runners[0].ssh.password", 12345, "********"),
        ("runners[0].ssh.password", None, None),
        ("runners[0].ssh.password", True, True),
        ("", "https://a:b@c", "https://********@c"),
    ],
)  # fmt: skip
def test_a_value_is_masked_by_its_path(path: Any, value: Any, shown: Any) -> None:
    assert masked_value(path, value) == shown


SECRET = "Xq7hush9Zt"


def _planted(draw: Any) -> str:
    """A file with the secret in the places that a runner's file has for it."""
    cache = {
        "s3": {"SecretKey": SECRET, "AccessKey": SECRET},
        "azure": {"AccountKey": SECRET},
        "gcs": {"PrivateKey": SECRET},
    }
    runner = {
        **draw(tables("runner", 1)),
        "name": "a",
        "token": f"glrt-{SECRET}",
        "cache": cache,
        "ssh": {"password": SECRET},
        "environment": [f"A_TOKEN={SECRET}", f"PROXY=http://u:{SECRET}@p", draw(texts)],
        "docker": {"services": [{"name": "x", "environment": [f"DB_PASSWORD={SECRET}{draw(texts)}"]}]},
    }
    top = {"sentry_dsn": f"https://{SECRET}@s/1", "other": {"api_key": SECRET}}
    return Writer(draw).text({**top, "runners": [runner]})


@given(st.data(), st.booleans())
def test_no_secret_is_left_however_the_file_is_written(data: st.DataObject, broken: bool) -> None:
    text = _planted(data.draw)
    text += "= broken" if broken else ""
    assert SECRET not in masked(text)
    other = text.replace(SECRET, "Another8secret")
    before, after = masked_pair(text, other)
    assert "Another8secret" not in after
    assert broken or before != after


@given(written())
def test_a_masked_file_has_the_same_keys(file: tuple[str, dict[str, Any], list[str]]) -> None:
    before, after = tomllib.loads(file[0]), tomllib.loads(masked(file[0]))
    assert before.keys() == after.keys()
    assert [list(runner) for runner in before.get("runners", [])] == [
        list(runner) for runner in after.get("runners", [])
    ]


@given(texts)
def test_any_text_is_masked(text: str) -> None:
    assert isinstance(masked(text), str)
    assert len(masked_pair(text, text)) == 2
