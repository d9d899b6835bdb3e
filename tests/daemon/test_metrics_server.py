"""Who may read the figures: this machine, unless told; whoever has the token; over TLS where that is set."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import urllib.request
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest

from daemon.config import Config, MetricsSettings
from daemon.metrics import Metrics
from daemon.metrics_server import MetricsError, MetricsServer, exposure
from tests.daemon.cases import free_port

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


def test_a_certificate_without_its_key_is_one_sentence(certificate: Path) -> None:
    with pytest.raises(MetricsError, match="give a PEM file with its key in it"):
        serving(certificate=str(certificate / "cert.pem"))
    with pytest.raises(ValueError, match="key is of no use without certificate"):
        MetricsSettings.model_validate({"key": str(certificate / "key.pem")})
