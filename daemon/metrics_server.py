"""Serves the figures over HTTP: on this machine alone unless told, with a token and TLS where they are set.

prometheus_client's own server has no token, and does its TLS handshakes one after another before it accepts
the next caller, so that one who connects and stays silent would shut out Prometheus. And it takes as many
callers as come, for as long as they like; each has a thread and an open file, which the clips need.
"""

from __future__ import annotations

import errno
import hmac
import io
import ipaddress
import socket
import ssl
import sys
import threading
import time
from pathlib import Path
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import make_wsgi_app

from daemon.config import MetricsSettings
from daemon.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed import WriteableBuffer

_PATIENCE = 10.0
"""Seconds that a caller may take for its handshake, and then for all that it asks."""

_CALLERS = 16
"""At once: a few Prometheuses and a person or two. Further ones are hung up on."""

_FEWEST_LETTERS = 16
"""Of a token: fewer can be guessed over a network."""


class MetricsError(OSError):
    """One sentence: where the figures cannot be served, and how to mend it."""


class _Handler(WSGIRequestHandler):
    """Writes no line for each scrape."""

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(_Asked(self.connection))

    def log_message(self, format: str, *args: object) -> None: ...


class _Asked(io.RawIOBase):
    """What a caller asks, read for so long in all: a socket's own timeout begins anew with every letter."""

    def __init__(self, caller: socket.socket) -> None:
        self._caller, self._due = caller, time.monotonic() + _PATIENCE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        left = self._due - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._caller.settimeout(left)
        try:
            return self._caller.recv_into(buffer)
        finally:
            self._caller.settimeout(_PATIENCE)  # for the answer


class _Server(ThreadingMixIn, WSGIServer):
    """A thread to a caller, in which its handshake is done, too."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: Any, family: int, tls: ssl.SSLContext | None) -> None:
        self.address_family, self._tls = family, tls  # before the socket is made
        self._places = threading.BoundedSemaphore(_CALLERS)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # WSGIServer's own asks the resolver for this machine's name, which takes seconds where there is none.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # there is no thread that would give the place back
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(_PATIENCE)
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        wrapped = self._tls.wrap_socket(request, server_side=True)
        try:
            super().finish_request(wrapped, client_address)
        finally:
            self.shutdown_request(wrapped)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up or speaks no TLS is its own affair; anything else is told."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class MetricsServer:
    """Serves a registry while it is entered. Raises MetricsError where it cannot."""

    def __init__(self, metrics: Metrics, settings: MetricsSettings) -> None:
        token, tls = asked_of_callers(settings)
        where = f"metrics: {settings.host}:{settings.port}"
        try:
            family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
            self._server = _Server(address, family, tls)
        except (OSError, ValueError) as error:  # of a host that is no name at all
            code = getattr(error, "errno", None)
            is_elsewhere = code == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror | ValueError)
            mend = "give a host of this machine" if is_elsewhere else "give another port, or null for none"
            reason = getattr(error, "strerror", None) or error
            raise MetricsError(f"{where} cannot be listened on ({reason}); {mend}.") from error
        self._server.set_app(_guarded(make_wsgi_app(metrics.registry), token))
        self.port = int(self._server.server_port)
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def asked_of_callers(settings: MetricsSettings) -> tuple[bytes | None, ssl.SSLContext | None]:
    """The token that a caller has to bring, and the TLS that it has to speak; None: none. Raises MetricsError
    where a file of theirs is away, or is not what it should be.
    """
    return _token(settings.token_file), _tls(settings.certificate, settings.key)


def exposure(settings: MetricsSettings) -> str | None:
    """A sentence where anybody on the network may read the figures; None: nobody may."""
    if settings.token_file is not None or _is_loopback(settings.host):
        return None
    return (
        f"metrics: host: {settings.host} shows names of folders and weights to the whole network; "
        "set token_file, or host: 127.0.0.1."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _guarded(app: Callable[..., Any], token: bytes | None) -> Callable[..., Iterable[bytes]]:
    """``app``, for those who bring the token."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if token is not None:
            brought = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
            if not hmac.compare_digest(brought, b"Bearer " + token):
                start_response(
                    "401 Unauthorized", [("WWW-Authenticate", "Bearer"), ("Content-Type", "text/plain")]
                )
                return [b"A token is needed.\n"]
        return app(environ, start_response)  # type: ignore[no-any-return]

    return answer


def _token(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        token = _read(path, "token_file").decode("ascii").strip()
    except UnicodeDecodeError:
        token = ""
    if len(token) < _FEWEST_LETTERS or not token.isprintable() or " " in token:
        raise MetricsError(
            f"metrics: token_file: {path} holds no token of {_FEWEST_LETTERS} plain letters or more; "
            "write one into it, such as `openssl rand -hex 32` makes."
        )
    return token.encode()


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    _read(certificate, "certificate")  # OpenSSL does not say which of the two is away
    if key is not None:
        _read(key, "key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise MetricsError(
            f"metrics: certificate: {certificate} cannot be used ({error.strerror or error}); "
            "give a PEM file with its key in it or in the file under key."
        ) from error
    return context


def _read(path: Path, key: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MetricsError(
            f"metrics: {key}: {path} cannot be read ({error.strerror}); "
            "correct its path, or give dimd's user access to it."
        ) from error
