"""The example of a proxy, as nginx takes it and as it goes before two web processes."""

from __future__ import annotations

import http.client
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.buckets import server_that

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
EXAMPLE = Path(__file__).parents[2] / "config" / "production" / "deploy" / "nginx.conf"
START_SECONDS: Final = 20
# what stands around the example, for a user without rights
AROUND = """
daemon off; master_process off; worker_processes 1;
pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/example.conf;
}}
"""
pytestmark = [pytest.mark.slow, pytest.mark.skipif(NGINX is None, reason="needs nginx")]

Answer = tuple[int, bytes]


class Site(NamedTuple):
    """A running proxy: its port with TLS, its port without, and the requests that web-2 got."""

    tls: int
    plain: int
    asked: list[bytes]

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        host: str = "console.example",
    ) -> Answer:
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.tls, context=context, timeout=20)
        try:
            connection.request(method, path, body, {"Host": host, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def make_certificate(folder: Path, name: str) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{name}.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / f"{name}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def write(folder: Path, servers: dict[str, str], tls: int, plain: int) -> Path:
    """Write the example for this machine: names become addresses, ports are free ones."""
    text = EXAMPLE.read_text()
    for name, address in servers.items():
        text = text.replace(f"server {name}", f"server {address.removeprefix('http://')}")
    text = text.replace("/etc/nginx/tls", str(folder))
    text = re.sub(r"\n *listen \[::\]:.*", "", text)
    text = text.replace("listen 80 ", f"listen 127.0.0.1:{plain} ")
    text = text.replace("listen 443 ", f"listen 127.0.0.1:{tls} ")
    for name in ("console", "files"):
        make_certificate(folder, name)
    (folder / "example.conf").write_text(text)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
    return folder / "nginx.conf"


def echo(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhere")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start the example before one web process that is gone, one that answers, and a storage."""
    folder = tmp_path_factory.mktemp("proxy")
    asked: list[bytes] = []
    with server_that(echo, asked.append) as web, server_that(echo) as objects:
        gone = f"127.0.0.1:{free_port()}"
        servers = {"web-1:8000": gone, "web-2:8000": web, "objects:9000": objects}
        site = Site(free_port(), free_port(), asked)
        path = write(folder, servers, site.tls, site.plain)
        assert NGINX is not None
        command = [NGINX, "-p", str(folder), "-c", str(path), "-e", str(folder / "error.log")]
        tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert "test is successful" in tried.stderr, tried.stderr
        running = subprocess.Popen(command)
        try:
            wait_for(site.tls)
            yield site
        finally:
            running.terminate()
            running.wait(START_SECONDS)


def wait_for(port: int) -> None:
    deadline = threading.Event()
    timer = threading.Timer(START_SECONDS, deadline.set)
    timer.start()
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                assert not deadline.wait(0.05), "nginx did not start"
            else:
                return
    finally:
        timer.cancel()


def heads(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def test_a_web_process_that_is_gone_is_not_seen(site: Site) -> None:
    assert [site.ask("GET", "/")[0] for _ in range(6)] == [200] * 6
    # nothing of a form was sent to the one that is gone, so it may be sent to the other
    assert site.ask("POST", "/captures/archive/", body=b"ids=1")[0] == 200


def test_who_asks_is_told_by_the_proxy_alone(site: Site) -> None:
    site.ask("GET", "/", {"X-Forwarded-For": "10.9.8.7", "X-Forwarded-Proto": "http"})
    told = heads(site.asked[-1])
    assert (told["x-forwarded-for"], told["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert told["host"] == "console.example"


def test_open_pages_get_through(site: Site) -> None:
    site.ask("GET", "/live/", {"Upgrade": "websocket", "Connection": "Upgrade"})
    told = heads(site.asked[-1])
    assert (told["upgrade"], told["connection"]) == ("websocket", "upgrade")
    site.ask("GET", "/")
    assert "upgrade" not in heads(site.asked[-1])


def test_large_bodies_go_to_uploads_alone(site: Site) -> None:
    length = {"Content-Length": str(11 << 20), "Expect": "100-continue"}
    before = len(site.asked)
    assert site.ask("POST", "/captures/archive/", length)[0] == 413
    assert len(site.asked) == before
    assert site.ask("POST", "/captures/upload/", length)[0] == 200
    # it was sent on before its body had come
    assert heads(site.asked[-1])["content-length"] == str(11 << 20)


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
def test_who_watches_asks_the_processes_and_not_the_proxy(site: Site, path: str) -> None:
    before = len(site.asked)
    assert site.ask("GET", path)[0] == 404
    assert len(site.asked) == before


def test_plain_http_leads_to_tls(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.plain, timeout=20)
    connection.request("GET", "/captures/?page=2", headers={"Host": "console.example"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (
        301,
        "https://console.example/captures/?page=2",
    )
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/captures/outputs/x/1?X-Amz-Expires=60&X-Amz-Signature=abc", 200),
        ("GET", "/captures/?list-type=2", 403),
        ("PUT", "/captures/outputs/x/1?X-Amz-Signature=abc", 403),
        ("DELETE", "/captures/outputs/x/1?X-Amz-Signature=abc", 403),
    ],
)
def test_of_the_storage_only_what_was_signed_is_read(
    site: Site, method: str, path: str, status: int
) -> None:
    assert site.ask(method, path, host="files.example")[0] == status
