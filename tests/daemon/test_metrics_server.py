"""Who may read the figures: this machine, unless told; whoever has the token; over TLS where that is set."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest

from daemon.config import Config, MetricsSettings
from daemon.ledger import Ledger
from daemon.metrics import Metrics
from daemon.metrics_server import MetricsError, MetricsServer, exposure
from tests.daemon.cases import free_port, wait_for

TOKEN = "0123456789abcdef0123"


def get(server: MetricsServer, token: str | None = None, tls: ssl.SSLContext | None = None) -> str:
    request = urllib.request.Request(f"http{'s' if tls else ''}://localhost:{server.port}/metrics")
    if token is not None:
        request.add_header("Authorization", token)
    with urllib.request.urlopen(request, timeout=10, context=tls) as answer:
        return str(answer.read().decode())


def serving(**settings: object) -> MetricsServer:
    return MetricsServer(Metrics(), MetricsSettings.model_validate({"port": free_port(), **settings}))


def token_file(folder: Path, text: str = TOKEN + "\n") -> str:
    (folder / "token").write_text(text)
    return str(folder / "token")


def test_it_listens_on_this_machine_alone_by_default() -> None:
    with serving() as server:
        assert "dimd_jobs{" in get(server)
        assert server._server.server_address[0] == "127.0.0.1"
    assert exposure(Config().metrics) is None


@pytest.mark.parametrize(
    ("host", "reason"),
    [("192.0.2.1", "Cannot assign requested address"), ("nosuch.invalid", ""), ("a..b", "")],
)
def test_a_host_that_is_not_this_machine_is_one_sentence_about_the_host(host: str, reason: str) -> None:
    with pytest.raises(MetricsError) as caught:
        MetricsServer(Metrics(), MetricsSettings(host=host, port=free_port()))
    assert f"cannot be listened on ({reason}" in str(caught.value)
    assert str(caught.value).endswith("); give a host of this machine.")


def test_a_ledger_that_cannot_be_read_takes_no_other_figure_away(tmp_path: Path) -> None:
    metrics = Metrics()
    with Ledger(tmp_path) as closed:
        pass
    metrics.follow(closed.counts, lambda: 7, [], lambda: 0.0, "cpu")
    with MetricsServer(metrics, MetricsSettings(port=free_port())) as server:
        told = get(server)
    assert 'dimd_jobs{state="waiting"} NaN' in told
    assert "dimd_queue_depth 7.0" in told


@pytest.mark.parametrize(
    ("host", "open_"),
    [("127.0.0.1", False), ("::1", False), ("localhost", False), ("0.0.0.0", True), ("::", True)],
)
def test_a_host_that_shows_the_figures_to_the_network_is_warned_of(
    tmp_path: Path, host: str, open_: bool
) -> None:
    assert (exposure(MetricsSettings(host=host)) is not None) == open_
    told = MetricsSettings.model_validate({"host": host, "token_file": token_file(tmp_path)})
    assert exposure(told) is None


@pytest.mark.parametrize(
    "wrong", [None, "", TOKEN, "Bearer ", f"Bearer {TOKEN}x", "Bearer ü", f"Basic {TOKEN}"]
)
def test_without_the_token_nobody_reads_anything(tmp_path: Path, wrong: str | None) -> None:
    with serving(token_file=token_file(tmp_path)) as server:
        with pytest.raises(HTTPError) as refused:
            get(server, wrong)
        assert refused.value.code == 401
        assert b"dimd_" not in refused.value.read()
        refused.value.close()
        assert "dimd_jobs{" in get(server, f"Bearer {TOKEN}")


@pytest.mark.parametrize("text", ["", "short\n", "two words of a token\n", "tökentökentökentöken"])
def test_a_token_that_is_none_is_one_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(MetricsError, match="holds no token of 16 plain letters or more"):
        serving(token_file=token_file(tmp_path, text))


def test_a_token_file_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MetricsError, match=r"token: cannot be read|cannot be read \(No such file"):
        serving(token_file=str(tmp_path / "nowhere"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        + ["-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=DNS:localhost"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


def test_figures_are_served_over_tls_and_not_in_the_clear(certificate: Path, tmp_path: Path) -> None:
    trusting = ssl.create_default_context(cafile=certificate / "cert.pem")
    with serving(
        certificate=str(certificate / "cert.pem"),
        key=str(certificate / "key.pem"),
        token_file=token_file(tmp_path),
    ) as server:
        assert "dimd_jobs{" in get(server, f"Bearer {TOKEN}", trusting)
        with pytest.raises(HTTPError) as refused:
            get(server, None, trusting)
        refused.value.close()
        with pytest.raises((URLError, ConnectionError, OSError)):
            get(server, f"Bearer {TOKEN}")


def test_a_caller_that_stays_silent_shuts_nobody_out(certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=certificate / "cert.pem")
    with serving(certificate=str(certificate / "cert.pem"), key=str(certificate / "key.pem")) as server:
        with socket.create_connection(("127.0.0.1", server.port)):
            assert "dimd_jobs{" in get(server, None, trusting)


def is_closed(caller: socket.socket) -> bool:
    """Whether the server has hung up; it says nothing before it was asked."""
    caller.settimeout(10)
    try:
        return caller.recv(1) == b""
    except ConnectionResetError:
        return True


def test_callers_beyond_a_few_are_closed_at_once_until_one_of_those_goes() -> None:
    with serving() as server, ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(16)
        ]
        with socket.create_connection(("127.0.0.1", server.port)) as further:
            assert is_closed(further)
        silent[0].close()

        def is_answered() -> bool:
            with suppress(OSError):
                return "dimd_jobs{" in get(server)
            return False

        wait_for(is_answered, 5)  # before the silent ones' time is up


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_caller_that_asks_letter_by_letter_is_closed_when_its_time_is_up(
    encrypted: bool,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("daemon.metrics_server._PATIENCE", 1.0)
    settings = {}
    if encrypted:
        folder = request.getfixturevalue("certificate")
        settings = {"certificate": str(folder / "cert.pem"), "key": str(folder / "key.pem")}
    with serving(**settings) as server, ExitStack() as stack:
        caller = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        if encrypted:
            trusting = ssl.create_default_context(cafile=folder / "cert.pem")
            caller = stack.enter_context(trusting.wrap_socket(caller, server_hostname="localhost"))
        caller.sendall(b"GET /metrics HTTP/1.0\r\nslow: ")

        def is_over() -> bool:
            try:
                caller.sendall(b"x")
            except OSError:
                return True
            return False

        wait_for(is_over)
    assert "Traceback" not in capfd.readouterr().err


def test_a_certificate_without_its_key_is_one_sentence(certificate: Path) -> None:
    with pytest.raises(MetricsError, match="give a PEM file with its key in it"):
        serving(certificate=str(certificate / "cert.pem"))
    with pytest.raises(ValueError, match="key is of no use without certificate"):
        MetricsSettings.model_validate({"key": str(certificate / "key.pem")})
