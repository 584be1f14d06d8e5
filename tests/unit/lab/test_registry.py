"""The lab's registries: their certificates, what they read, and how one talks to them."""

from __future__ import annotations

import http.server
import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.lab import registry, registry_keys, registry_listeners
from tests.lab.home import Home
from tests.lab.network import Network
from tests.lab.registry_keys import CA, CLIENT, CLIENT_CA, EXPIRED, OTHER_NAME, SELF_SIGNED, SERVER, STRANGER, Keys
from tests.lab.registry_listeners import LISTENERS, NOBODY, PASSWORD, USER, Listener
from tests.support.registry import LabRegistry

ADDRESS = "127.0.0.1"


@pytest.fixture(name="keys", scope="module")
def _keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    return registry_keys.ensure(tmp_path_factory.mktemp("registry") / "keys", ADDRESS)


def _load(keys: Keys, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(keys.certificate(name).read_bytes())


def _names(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in found]


@pytest.mark.parametrize(
    ("name", "signer", "names", "good", "usage"),
    [
        pytest.param(SERVER, CA, [ADDRESS], True, "SERVER_AUTH", id="the good one"),
        pytest.param(EXPIRED, CA, [ADDRESS], False, "SERVER_AUTH", id="the one that was forgotten"),
        pytest.param(OTHER_NAME, CA, [STRANGER], True, "SERVER_AUTH", id="the one for somebody else"),
        pytest.param(SELF_SIGNED, SELF_SIGNED, [ADDRESS], True, "SERVER_AUTH", id="the one that vouches for itself"),
        pytest.param(CLIENT, CLIENT_CA, None, True, "CLIENT_AUTH", id="the client's"),
    ],
)
def test_each_certificate_is_what_it_is_there_for(
    keys: Keys, name: str, signer: str, names: list[str] | None, good: bool, usage: str
) -> None:
    found = _load(keys, name)
    found.verify_directly_issued_by(_load(keys, signer))
    assert (found.not_valid_after_utc > datetime.now(UTC)) == good
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert names is None or _names(found) == names
    assert list(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        getattr(ExtendedKeyUsageOID, usage)
    ]


def test_there_are_two_authorities_that_do_not_know_each_other(keys: Keys) -> None:
    for name in (CA, CLIENT_CA):
        found = _load(keys, name)
        found.verify_directly_issued_by(found)
        assert found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert _load(keys, CA).subject != _load(keys, CLIENT_CA).subject


def test_keys_are_for_root_alone(keys: Keys) -> None:
    assert keys.folder.stat().st_mode & 0o777 == 0o700
    assert {keys.key(name).stat().st_mode & 0o777 for name in registry_keys.SUBJECTS} == {0o600}
    assert not [path for path in keys.folder.iterdir() if path.is_dir()]


def test_the_authorities_outlive_a_change_of_address(tmp_path: Path, keys: Keys) -> None:
    folder = tmp_path / "keys"
    shutil.copytree(keys.folder, folder)
    before = keys.version()
    assert registry_keys.ensure(folder, ADDRESS).version() == before
    moved = registry_keys.ensure(folder, "10.213.7.4")
    assert _names(_load(moved, SERVER)) == ["10.213.7.4"]
    assert moved.certificate(CA).read_bytes() == keys.certificate(CA).read_bytes()
    assert moved.version() != before


def test_what_is_missing_is_made_again(tmp_path: Path, keys: Keys) -> None:
    folder = tmp_path / "keys"
    shutil.copytree(keys.folder, folder)
    Keys(folder).key(EXPIRED).unlink()
    assert registry_keys.ensure(folder, ADDRESS).complete()


def test_ansible_is_told_what_the_contract_names(tmp_path: Path, keys: Keys) -> None:
    home = Home(tmp_path)
    network = Network("rk", IPv4Network("10.213.0.0/24"))
    assert registry.variables(home, network) == {}
    assert not registry.answers(home, network)
    shutil.copytree(keys.folder, home.keys / "registry")
    found = registry.variables(home, network)
    assert found["lab_registry"] == "10.213.0.4"
    for name in ("ca", "client_cert", "self_signed"):
        x509.load_pem_x509_certificate(found[f"lab_registry_{name}"].encode())
    assert "PRIVATE KEY" in found["lab_registry_client_key"]
    assert (found["lab_registry_user"], found["lab_registry_password"]) == (USER, PASSWORD)
    assert not [name for name in found if "ca_key" in name]


def test_each_port_has_one_registry_with_a_store_of_its_own() -> None:
    ports = [each.port for each in LISTENERS]
    stores = {str(registry_listeners.configuration(each)["storage"]) for each in LISTENERS}
    assert ports == [5000, 5001, 5002, 5003, 5004, 5005, 5006]
    assert NOBODY == 5009
    assert len(stores) == len(LISTENERS)


@pytest.mark.parametrize(
    ("port", "certificate", "asks"),
    [
        pytest.param(5000, "server", set(), id="TLS by the CA"),
        pytest.param(5001, "server", {"clientcas"}, id="asks for a certificate"),
        pytest.param(5002, "server", {"auth"}, id="asks for a login"),
        pytest.param(5003, "expired", set(), id="expired"),
        pytest.param(5004, "other-name", set(), id="for another name"),
        pytest.param(5005, None, set(), id="plain HTTP"),
        pytest.param(5006, "self-signed", set(), id="vouches for itself"),
    ],
)
def test_a_registry_reads_what_makes_it_so(port: int, certificate: str | None, asks: set[str]) -> None:
    found = json.loads(registry_listeners.files()[f"{port}.json"])
    tls = found["http"].get("tls", {})
    assert found["http"]["addr"] == f":{port}"
    assert tls.get("certificate") == (f"/srv/keys/{certificate}.crt" if certificate else None)
    assert {"clientcas", "auth"} & {*tls, *found} == asks


def test_the_password_is_the_one_that_was_hashed() -> None:
    name, _, known = registry_listeners.HTPASSWD.strip().partition(":")
    if not shutil.which("perl"):
        pytest.skip("needs perl, whose crypt knows bcrypt")
    command = ["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", PASSWORD, known]
    again = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if not again.startswith("$2y$"):
        pytest.skip("the C library of this machine does not know bcrypt")
    assert (name, again) == (USER, known)


class _Seen(http.server.BaseHTTPRequestHandler):
    """Answers with the client's certificate and its login."""

    def do_GET(self) -> None:
        assert isinstance(self.connection, ssl.SSLSocket)
        certificate = self.connection.getpeercert()
        shown = dict(row[0] for row in certificate["subject"]) if certificate else {}  # type: ignore[misc]
        content = json.dumps({"tags": [shown.get("commonName", ""), self.headers.get("Authorization", "")]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """A test says what it has to say itself."""


@contextmanager
def _shown(keys: Keys, name: str) -> Iterator[int]:
    """A server with one of the certificates; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys.certificate(name), keys.key(name))
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(keys.certificate(CLIENT_CA))
    with http.server.ThreadingHTTPServer((ADDRESS, 0), _Seen) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda request, client_address: None  # type: ignore[method-assign] # refused by the client
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def _tags(keys: Keys, what: Listener) -> list[str]:
    authority = keys.certificate(what.authority).read_text() if what.authority else None
    certificate = (keys.certificate(CLIENT), keys.key(CLIENT))
    with registry_listeners.connect(ADDRESS, what, authority, certificate) as client:
        return client.tags("x")


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        pytest.param(Listener(0), ["", ""], id="nothing is shown to one that asks for nothing"),
        pytest.param(
            Listener(0, asks_certificate=True), ["", "Runner host of the runnerkit lab"], id="the client's certificate"
        ),
        pytest.param(Listener(0, asks_login=True), ["", "Basic bGFiLXVzZXI6bGFiLXJlZ2lzdHJ5LXBhc3N3b3Jk"], id="login"),
        pytest.param(Listener(0, SELF_SIGNED, SELF_SIGNED), ["", ""], id="trust in the certificate itself"),
    ],
)
def test_a_client_shows_what_is_asked_for(keys: Keys, what: Listener, expected: list[str]) -> None:
    assert what.certificate
    with _shown(keys, what.certificate) as port:
        assert _tags(keys, Listener(port, *list(vars(what).values())[1:])) == expected


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        pytest.param(EXPIRED, "certificate has expired", id="expired"),
        pytest.param(OTHER_NAME, "IP address mismatch", id="for another name"),
        pytest.param(SELF_SIGNED, "self.signed certificate", id="unknown"),
    ],
)
def test_trouble_is_trouble(keys: Keys, certificate: str, message: str) -> None:
    with _shown(keys, certificate) as port, pytest.raises(ssl.SSLCertVerificationError, match=message):
        _tags(keys, Listener(port, certificate))


def test_scenarios_reach_a_registry_by_the_inventorys_variables(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    found = LabRegistry.of(
        {
            "lab_registry": ADDRESS,
            "lab_registry_ca": keys.certificate(CA).read_text(),
            "lab_registry_client_cert": keys.certificate(CLIENT).read_text(),
            "lab_registry_client_key": keys.key(CLIENT).read_text(),
            "lab_registry_self_signed": keys.certificate(SELF_SIGNED).read_text(),
        }
    )
    assert found.image() == "127.0.0.1:5000/lab/hello:1"
    with _shown(keys, SERVER) as port:
        monkeypatch.setattr(registry_listeners, "LISTENERS", (Listener(port, asks_certificate=True),))
        assert found.tags("x", port) == ["", "Runner host of the runnerkit lab"]
    with _shown(keys, SELF_SIGNED) as port:
        monkeypatch.setattr(registry_listeners, "LISTENERS", (Listener(port, SELF_SIGNED, SELF_SIGNED),))
        assert found.tags("x", port) == ["", ""]
