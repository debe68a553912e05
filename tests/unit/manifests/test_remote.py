"""A manifest kept elsewhere is fetched only from where anybody may be sent, and never waited for."""

import contextlib
import http.server
import ipaddress
import logging
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from provenance.manifests import remote
from provenance.manifests.certificates import key_pem
from provenance.manifests.read import read
from provenance.manifests.remote import NotFetched, fetch, fetcher, is_public

PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:800::200e"]
NOT_PUBLIC = [
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "169.254.0.1", "100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16"),
    *("198.18.0.1", "192.0.2.1", "203.0.113.7", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8"),
    *("64:ff9b::7f00:1", "2002:7f00:1::", "2001::7f00:1", "2001:db8::1", "not an address", "", "127.1", "fe80::1%eth0"),
]
REFUSED = {
    "http": "http://example.com/m.c2pa",
    "a file": "file:///etc/passwd",
    "gopher": "gopher://example.com/",
    "no scheme": "example.com/m.c2pa",
    "no host": "https:///m.c2pa",
    "another port": "https://example.com:8443/m.c2pa",
    "port 22": "https://example.com:22/",
    "a wrong port": "https://example.com:99999/",
    "a user": "https://user:secret@example.com/",
    "a line break": "https://example.com/a\r\nHost: b",
    "a blank": "https://example.com/a b",
    "other letters": "https://exämple.com/",
    "a wrong bracket": "https://[::1/",
    "too long": "https://example.com/" + "a" * 3000,
    "nothing": "",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_asked(address):
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_of_this_machine_and_its_networks_may_not(address):
    assert not is_public(address)


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
def test_only_plain_https_is_asked(url, monkeypatch):
    monkeypatch.setattr(remote, "_resolved", lambda *_: pytest.fail("was looked up"))
    with pytest.raises(NotFetched) as caught:
        fetch(url)
    assert caught.value.code == "remote.refused"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f.1", "169.254.169.254"])
def test_a_name_of_this_machine_is_refused_or_unknown(host, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("was connected"))
    with pytest.raises(NotFetched) as caught:
        fetch(f"https://{host}/m.c2pa")
    assert caught.value.code in {"remote.refused", "remote.failed"}


def test_one_private_address_among_public_ones_refuses_the_name(monkeypatch):
    monkeypatch.setattr(remote, "_resolved", lambda *_: ["8.8.8.8", "10.0.0.1"])
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("was connected"))
    with pytest.raises(NotFetched, match=r"10\.0\.0\.1"):
        fetch("https://example.com/m.c2pa")


def test_the_address_that_was_checked_is_the_one_that_is_asked(monkeypatch):
    looked_up, connected = [], []

    def resolve(host, *_, **__):
        # A name that points elsewhere the second time.
        looked_up.append(host)
        return [(0, 0, 0, "", ("93.184.216.34" if len(looked_up) == 1 else "127.0.0.1", 443))]

    def connect(address, **_):
        connected.append(address)
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(NotFetched, match="refused"):
        fetch("https://example.com/m.c2pa")
    assert (looked_up, connected) == (["example.com"], [("93.184.216.34", 443)])


def test_a_name_that_is_not_resolved_is_not_waited_for(monkeypatch):
    hold = threading.Event()
    monkeypatch.setattr(remote, "SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: hold.wait(5) and [])
    began = time.monotonic()
    with pytest.raises(NotFetched) as caught:
        fetch("https://example.com/m.c2pa")
    hold.set()
    assert caught.value.code == "remote.timeout"
    assert time.monotonic() - began < 4


def test_a_name_that_does_not_exist_is_a_failure(monkeypatch):
    def fails(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(NotFetched, match="not known") as caught:
        fetch("https://example.com/m.c2pa")
    assert caught.value.code == "remote.failed"


# --- servers --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Certificate and key of example.com, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("example.com"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM) + key_pem(key))
    return path


@pytest.fixture
def here(monkeypatch, certificate):
    """Let example.com be a server of this test: `here(port)`."""
    trusting = ssl.create_default_context(cafile=certificate)

    def at(port):
        monkeypatch.setattr(remote, "_resolved", lambda *_: ["127.0.0.1"])
        monkeypatch.setattr(remote, "is_public", lambda _: True)
        monkeypatch.setattr(remote, "_PORT", port)
        monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
        return f"https://example.com:{port}/m.c2pa?x=1"

    return at


@contextlib.contextmanager
def server(certificate, answer):
    """Serve over TLS; `answer(handler)` writes what it likes. Yields the port and the requests."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, dict(self.headers)))
            with contextlib.suppress(OSError):
                answer(self)

        def log_message(self, *_):
            pass

    class Quiet(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            pass

    running = Quiet(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    running.socket = context.wrap_socket(running.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield running.server_address[1], asked
    finally:
        running.shutdown()
        running.server_close()


def sends(status=200, body=b"", **headers):
    def answer(handler):
        handler.send_response(status)
        for key, value in {"Content_Length": str(len(body)), **headers}.items():
            if value is not None:
                handler.send_header(key.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def drips(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(1000):
        handler.wfile.write(b".")
        time.sleep(0.05)


def drips_headers(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(1000):
        handler.wfile.write(b".")
        time.sleep(0.05)


def test_the_bytes_are_returned_and_little_is_told(certificate, here):
    with server(certificate, sends(body=b"store")) as (port, asked):
        assert fetch(here(port)) == b"store"
    ((path, headers),) = asked
    assert path == "/m.c2pa?x=1"
    assert headers == {"Host": "example.com", "Accept-Encoding": "identity", "User-Agent": "provenance-labels"}


MEGABYTE = 1 << 20
BAD = {
    "moved": (sends(302, Location="https://example.com/other"), "remote.failed", "302"),
    "missing": (sends(404), "remote.failed", "404"),
    "too large, and said": (sends(Content_Length=str(MEGABYTE + 1)), "remote.too-large", None),
    "too large, not said": (sends(body=bytes(MEGABYTE + 1), Content_Length=None), "remote.too-large", None),
    "less than said": (sends(body=b"half", Content_Length="100", Connection="close"), "remote.failed", None),
    "no HTTP": (lambda handler: handler.wfile.write(b"hello\r\n\r\n"), "remote.failed", None),
    "a byte now and then": (drips, "remote.timeout", None),
    "a header without end": (drips_headers, "remote.timeout", None),
    "silent": (lambda _: time.sleep(3), "remote.timeout", None),
}


@pytest.mark.parametrize(("answer", "code", "word"), BAD.values(), ids=BAD)
def test_what_answers_otherwise_is_refused_in_time(certificate, here, monkeypatch, answer, code, word):
    if code == "remote.timeout":
        monkeypatch.setattr(remote, "SECONDS", 1.0)
    with server(certificate, answer) as (port, asked):
        began = time.monotonic()
        with pytest.raises(NotFetched, match=word) as caught:
            fetch(here(port))
        assert time.monotonic() - began < remote.SECONDS + 4
    assert caught.value.code == code
    assert len(asked) == 1


def test_a_certificate_for_another_name_is_refused(certificate, here):
    with server(certificate, sends()) as (port, asked):
        url = here(port).replace("example.com", "example.org")
        with pytest.raises(NotFetched, match="certificate") as caught:
            fetch(url)
    assert caught.value.code == "remote.failed"
    assert not asked


@pytest.mark.parametrize("speaks", [False, True], ids=["never accepts", "accepts and is silent"])
def test_a_black_hole_takes_no_longer_than_its_seconds(here, monkeypatch, speaks):
    monkeypatch.setattr(remote, "SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0), backlog=1) as hole:
        url = here(hole.getsockname()[1])
        if speaks:
            kept = []
            threading.Thread(target=lambda: kept.append(hole.accept()[0]), daemon=True).start()
        began = time.monotonic()
        with pytest.raises(NotFetched) as caught:
            fetch(url)
        assert caught.value.code == "remote.timeout"
        assert time.monotonic() - began < 4
        for each in kept if speaks else ():
            each.close()


# --- reading --------------------------------------------------------------------------------------------------------

URL = "https://example.com/m.c2pa"


@pytest.fixture
def elsewhere(photo, tmp_path, signer, forge):
    """A file whose manifest is elsewhere, and that manifest."""
    target = forge({}, photo, tmp_path / "remote.jpg", signer, remote=URL)
    return target, target.with_suffix(".c2pa").read_bytes()


def test_a_manifest_that_was_fetched_is_judged_as_any_other(elsewhere, trust):
    file, store = elsewhere
    asked = []
    found = read(file, mime="image/jpeg", trust=trust, fetch=lambda url: asked.append(url) or store)
    assert (found.state, found.url, asked) == ("trusted", URL, [URL])
    assert read(file, mime="image/jpeg", fetch=lambda _: store).state == "valid"
    file.write_bytes(file.read_bytes()[:-100] + bytes(98) + b"\xff\xd9")
    found = read(file, mime="image/jpeg", trust=trust, fetch=lambda _: store)
    assert (found.state, found.codes[0]) == ("invalid", "assertion.dataHash.mismatch")


def test_nothing_is_fetched_unless_allowed_or_where_a_manifest_is(elsewhere, signed, photo):
    assert read(elsewhere[0], mime="image/jpeg").state == "remote"
    for path in (signed, photo):
        read(path, mime="image/jpeg", fetch=lambda _: pytest.fail("was asked"))


def test_what_was_fetched_and_is_no_manifest_is_unreadable(elsewhere):
    for answer in (b"", b"<html>", bytes(1000)):
        found = read(elsewhere[0], mime="image/jpeg", fetch=lambda _, answer=answer: answer)
        assert found.state == "unreadable"


def test_a_failed_fetch_stays_remote_and_says_why(elsewhere):
    def fails(_):
        raise NotFetched("remote.timeout", "no answer in 5 s")

    found = read(elsewhere[0], mime="image/jpeg", fetch=fails)
    assert (found.state, found.codes) == ("remote", ("Remote", "remote.timeout"))
    assert found.reason == "no answer in 5 s"


def test_who_is_asked_is_told_before(monkeypatch, caplog):
    told = []
    monkeypatch.setattr(remote, "fetch", lambda url: told.append(("asked", url)) or b"store")
    with caplog.at_level(logging.INFO):
        assert fetcher(lambda url: told.append(("told", url)))(URL) == b"store"
        assert fetcher()(URL) == b"store"
    assert told == [("told", URL), ("asked", URL), ("asked", URL)]
    assert URL in caplog.text
