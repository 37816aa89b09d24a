"""What BentoML's own settings give: TLS when asked for, no CORS unless asked for."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving import Server, serve, until

BODY = {"inputs": "The game is great."}
FOREIGN = {"Origin": "https://elsewhere.example"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("there is no openssl here to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-out", str(certificate), "-keyout", str(key)]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True, timeout=30)
    return certificate, key


@pytest.fixture(scope="module")
def tls_server(
    store: Path, tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]
) -> Iterator[Server]:
    files = ("--ssl-certfile", str(certificate[0]), "--ssl-keyfile", str(certificate[1]))
    folder = tmp_path_factory.mktemp("serve-tls")
    with serve(folder, "--arg", "version=tiny", *files, ready=False) as server:
        until(lambda: "initialized" in server.output.read_text(), server)
        yield server


def test_the_service_answers_over_https(tls_server: Server, certificate: tuple[Path, Path]) -> None:
    trusted = ssl.create_default_context(cafile=certificate[0])
    url = tls_server.url.replace("http:", "https:")
    with httpx.Client(transport=httpx.HTTPTransport(verify=trusted, retries=5), timeout=30) as client:
        assert client.get(f"{url}/readyz").status_code == 200
        assert client.post(f"{url}/predict", json=BODY).raise_for_status().json()[0]["label"]


def test_and_not_over_http(tls_server: Server) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{tls_server.url}/predict", json=BODY, timeout=30)


def test_no_other_site_may_read_an_answer(server: Server) -> None:
    response = httpx.post(f"{server.url}/predict", json=BODY, headers=FOREIGN, timeout=30)
    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers


def test_a_browsers_question_is_refused(server: Server) -> None:
    asked = {**FOREIGN, "Access-Control-Request-Method": "POST"}
    response = httpx.options(f"{server.url}/predict", headers=asked, timeout=30)
    assert response.status_code == 405
    assert not [name for name in response.headers if name.startswith("access-control-")]
