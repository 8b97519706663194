"""Answers a build's downloads from what was fetched before it, and writes down those that it cannot answer.

Usage: ``gate.py CONFIG.json -- COMMAND...``. A proxy on the sandbox's own loopback, told to every tool by the
usual variables; it signs for any host with an authority that only this sandbox trusts. Nothing leaves: the
sandbox has no network. Standard library and the openssl program only.
"""

import http.client
import http.server
import json
import os
import re
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from typing import Any

OPENSSL = "/usr/bin/openssl"
CONFIGURATION = """\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {subject}
"""
DAYS = "36500"  # a build's clock may be anything
REFUSAL = (
    b"A build has no network. This address was not declared with a hash, or its file was not supplied.\n"
)
INDEXES = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def openssl(*words: str) -> None:
    """Run it; CalledProcessError with its words where it fails."""
    subprocess.run([OPENSSL, *words], check=True, capture_output=True)


def make_authority(folder: str) -> None:
    """``authority.pem`` and its key."""
    configuration = os.path.join(folder, "authority.cnf")
    with open(configuration, "w", encoding="ascii") as stream:
        stream.write(CONFIGURATION.format(subject="DNS:localhost"))
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", DAYS,
        "-subj", "/CN=declared downloads", "-config", configuration, "-extensions", "authority",
        "-keyout", os.path.join(folder, "authority.key"), "-out", os.path.join(folder, "authority.pem"),
    )  # fmt: skip


class Signer:
    """Certificates for hosts, one key for all, each made once."""

    def __init__(self, authority: str, folder: str) -> None:
        self.authority = authority
        self.folder = folder
        self.guard = threading.Lock()
        self.contexts: dict[str, ssl.SSLContext] = {}
        self.key = os.path.join(folder, "server.key")
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)

    def context(self, host: str) -> ssl.SSLContext:
        """A server's context for a host."""
        with self.guard:
            if host not in self.contexts:
                self.contexts[host] = self.make(host)
            return self.contexts[host]

    def make(self, host: str) -> ssl.SSLContext:
        base = os.path.join(self.folder, f"host{len(self.contexts)}")
        kind = "IP" if re.fullmatch(r"[\d.]+|[\da-f:]*:[\da-f:]*", host) else "DNS"
        with open(f"{base}.cnf", "w", encoding="ascii") as stream:
            stream.write(CONFIGURATION.format(subject=f"{kind}:{host}"))
        openssl("req", "-new", "-key", self.key, "-subj", f"/CN={host[:60]}", "-config", f"{base}.cnf",
                "-out", f"{base}.csr")  # fmt: skip
        openssl(
            "x509", "-req", "-in", f"{base}.csr", "-CA", os.path.join(self.authority, "authority.pem"),
            "-CAkey", os.path.join(self.authority, "authority.key"),
            "-set_serial", str(len(self.contexts) + 2),
            "-days", DAYS, "-extfile", f"{base}.cnf", "-extensions", "server", "-out", f"{base}.pem",
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{base}.pem", self.key)
        return context


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """The proxy; a thread a connection."""

    daemon_threads = True

    def __init__(self, config: "dict[str, Any]", signer: Signer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.served: dict[str, str] = config["served"]  # address -> file
        self.log: str = config["log"]
        self.index: str = config.get("index", "")  # the socket of the package index, where it may be reached
        self.signer = signer
        self.guard = threading.Lock()

    def note(self, url: str, *, served: bool) -> None:
        """One line for each address that was asked."""
        with self.guard, open(self.log, "a", encoding="utf-8") as stream:
            stream.write(json.dumps({"url": url, "served": served}) + "\n")

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away, or does not trust us, is its own affair."""


class IndexConnection(http.client.HTTPConnection):
    """A connection to a server on a socket of the file system."""

    def __init__(self, place: str) -> None:
        super().__init__("localhost", timeout=600)
        self.place = place

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.place)


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection: plain, or TLS after CONNECT."""

    protocol_version = "HTTP/1.1"
    base = ""  # https://HOST once a tunnel is open

    def do_CONNECT(self) -> None:
        host, _, port = self.path.rpartition(":")
        host = host.strip("[]").lower()
        self.send_response(200, "Connection established")
        self.end_headers()
        self.base = f"https://{host}" + ("" if port == "443" else f":{port}")
        server: Any = self.server
        try:
            self.connection = server.signer.context(host).wrap_socket(self.connection, server_side=True)
        except (OSError, subprocess.CalledProcessError):
            server.note(f"{self.base}/", served=False)
            self.close_connection = True
            return
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def do_GET(self) -> None:
        server: Any = self.server
        if server.index and self.path.startswith("/") and not self.base:
            self.forward(server.index)
            return
        url = self.path if "://" in self.path else self.base + self.path
        path = server.served.get(url.partition("#")[0])
        server.note(url, served=path is not None)
        if path is None:
            self.refuse()
            return
        with open(path, "rb") as stream:
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(os.fstat(stream.fileno()).st_size))
            self.end_headers()
            if self.command != "HEAD":
                shutil.copyfileobj(stream, self.wfile)

    def forward(self, place: str) -> None:
        """A request to this server itself is one to the package index."""
        connection = IndexConnection(place)
        connection.request(self.command, self.path)
        answer = connection.getresponse()
        self.send_response(answer.status)
        for name in ("Content-Type", "Content-Length"):
            self.send_header(name, answer.headers.get(name, "0"))
        self.end_headers()
        if self.command != "HEAD":
            shutil.copyfileobj(answer, self.wfile)
        connection.close()

    def refuse(self) -> None:
        """403: an answer after which no tool tries again."""
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        self.send_response(403, "No network in a build")
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(REFUSAL)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(REFUSAL)

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing: the log is the build's."""


def main(arguments: "list[str]") -> int:
    """Serve while the command runs; its exit status."""
    if arguments[0] == "--authority":
        make_authority(arguments[1])
        return 0
    with open(arguments[0], encoding="utf-8") as stream:
        config = json.load(stream)
    folder = os.path.join("/tmp", ".gate")  # noqa: S108 - the sandbox's own
    os.makedirs(folder)
    server = Server(config, Signer(config["authority"], folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    environment = {**os.environ, **dict.fromkeys(PROXIES, address)}
    environment |= dict.fromkeys(("no_proxy", "NO_PROXY"), "localhost,127.0.0.1,::1")
    if server.index:
        environment |= dict.fromkeys(INDEXES, f"{address}/simple/")
    code = subprocess.run(arguments[2:], env=environment, check=False).returncode
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
