"""Manifests kept elsewhere: fetched only when the caller allows it, and then as if the address were an attack.

A file names the address, and anybody may have written the file. So: https alone, to its usual port; a name is looked
up once, every address it has must be public, and the connection goes to the address that was looked at; nothing is
followed; one megabyte, five seconds, all in all. The binding's own client would wait for thirty.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:  # hardly ever needed, and heavy
    import ssl
    from http.client import HTTPSConnection

Fetch = Callable[[str], bytes]
"""Takes a URL to the manifest store that lies there; raises `NotFetched`."""

SECONDS: Final = 5.0
MOST_BYTES: Final = 1 << 20
_PORT: Final = 443
_SHORTEST: Final = 0.001
_LONGEST_URL: Final = 2048
_OK: Final = 200
# Called public, but answered by the host of a virtual machine, who knows its secrets.
_HOSTS_OF_CLOUDS: Final = (ipaddress.ip_network("168.63.129.16/32"), ipaddress.ip_network("192.0.0.0/24"))
# Of IPv6 only what is handed out to sites, without the ways back to IPv4 (6to4, Teredo).
_UNICAST: Final = ipaddress.ip_network("2000::/3")
_TUNNELS: Final = (ipaddress.ip_network("2002::/16"), ipaddress.ip_network("2001::/32"))
_LOG: Final = logging.getLogger(__name__)


class NotFetched(Exception):
    """There is no manifest to be had: `code` is ``remote.refused``, ``.timeout``, ``.too-large`` or ``.failed``."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


def fetcher(asking: Callable[[str], None] | None = None) -> Fetch:
    """Return what fetches manifests; `asking` is told every URL before anything is sent to it."""

    def fetch_told(url: str) -> bytes:
        _LOG.info("asking for a manifest: %s", url)
        if asking is not None:
            asking(url)
        return fetch(url)

    return fetch_told


def fetch(url: str) -> bytes:
    """Return the bytes at a URL.

    Raises:
        NotFetched: it may not be asked, or does not answer as it should.
    """
    from http.client import HTTPException

    parts = _allowed(url)
    until = time.monotonic() + SECONDS
    try:
        with _connected(str(parts.hostname), until) as connection:
            content = _got(connection, parts)
        if time.monotonic() >= until:
            raise TimeoutError  # cut off, which looks like the end
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, TimeoutError) or time.monotonic() >= until:
            raise NotFetched("remote.timeout", f"no answer in {SECONDS:g} s") from error
        raise NotFetched("remote.failed", str(error) or type(error).__name__) from error
    return content


def _allowed(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotFetched("remote.refused", str(error)) from error
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= _LONGEST_URL
    if not plain or parts.scheme != "https" or not parts.hostname or port not in {None, _PORT} or "@" in parts.netloc:
        raise NotFetched("remote.refused", "not a plain https address")
    return parts


def _got(connection: HTTPSConnection, parts: SplitResult) -> bytes:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("GET", path, headers={"Accept-Encoding": "identity", "User-Agent": "provenance-labels"})
    with connection.getresponse() as response:
        if response.status != _OK:
            raise NotFetched("remote.failed", f"status {response.status}")
        if (response.length or 0) > MOST_BYTES:
            raise NotFetched("remote.too-large", f"{response.length} bytes")
        content = response.read(MOST_BYTES + 1)
        if response.length and len(content) <= MOST_BYTES:
            raise ConnectionError("the answer ended early")
    if len(content) > MOST_BYTES:
        raise NotFetched("remote.too-large", f"more than {MOST_BYTES} bytes")
    return content


@contextlib.contextmanager
def _connected(host: str, until: float) -> Iterator[HTTPSConnection]:
    """Yield a connection to an address of `host` that was checked, cut off when the time is up, whatever it does."""
    import ssl
    from http.client import HTTPSConnection

    address = _public(_resolved(host, until))
    plain = socket.create_connection((address, _PORT), timeout=max(_SHORTEST, until - time.monotonic()))
    with ssl.create_default_context().wrap_socket(
        plain, server_hostname=host, do_handshake_on_connect=False
    ) as secured:
        # A timeout of the socket starts anew with every byte.
        cut = threading.Timer(max(0.0, until - time.monotonic()), _shut, [secured])
        cut.daemon = True
        cut.start()
        try:
            secured.do_handshake()
            connection = HTTPSConnection(host)
            connection.sock = secured
            yield connection
        finally:
            cut.cancel()


def _shut(connection: ssl.SSLSocket) -> None:
    with contextlib.suppress(OSError):
        # Not its own `shutdown`, which takes the session from under the thread that reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _resolved(host: str, until: float) -> list[str]:
    """Return the addresses of a name; the system's resolver knows no deadline and is left behind when that passes."""
    found: list[str] = []
    failed: list[Exception] = []

    def look_up() -> None:
        try:
            found.extend(str(each[4][0]) for each in socket.getaddrinfo(host, _PORT, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            failed.append(error)

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(max(0.0, until - time.monotonic()))
    if failed:
        raise NotFetched("remote.failed", str(failed[0]))
    if thread.is_alive() or not found:
        raise NotFetched("remote.timeout", "the name was not resolved")
    return found


def _public(addresses: list[str]) -> str:
    """Return the first address; one that is not public refuses the whole name."""
    for each in addresses:
        if not is_public(each):
            raise NotFetched("remote.refused", f"{each} is no public address")
    return addresses[0]


def is_public(address: str) -> bool:
    """Say whether an IP address is one that anybody on the Internet may be sent to."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        return found in _UNICAST and found.is_global and not any(found in each for each in _TUNNELS)
    return found.is_global and not found.is_multicast and not any(found in each for each in _HOSTS_OF_CLOUDS)
