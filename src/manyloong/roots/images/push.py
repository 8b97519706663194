"""An image layout to a container registry, by the OCI distribution specification 1.1."""

import base64
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx

from manyloong.errors import FetchError, InputError
from manyloong.roots.images.oci import Blob, Layout

_REFERENCE = re.compile(
    r"(?P<host>[A-Za-z0-9.-]+(:\d+)?|\[[0-9a-fA-F:]+\](:\d+)?)/(?P<name>[a-z0-9]+(?:[._/-][a-z0-9_.-]+)*)"
    r":(?P<tag>\w[\w.-]{0,127})"
)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_BLOCK_BYTES = 1 << 20
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Where an image goes."""

    base: str  # scheme and host
    name: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Of somebody who may push."""

    user: str
    password: str

    @property
    def header(self) -> str:
        """Basic authentication; RFC 7617."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def parse_reference(text: str, *, insecure: bool = False) -> Reference:
    """``REGISTRY/NAME:TAG``; HTTP on loopback or where asked for, else HTTPS. InputError."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        raise InputError(
            f"{text!r} is no image reference", hint="for example: 127.0.0.1:5000/manylinux_2_36_loongarch64:1"
        )
    host = match["host"]
    scheme = "http" if insecure or _is_loopback(host) else "https"
    return Reference(base=f"{scheme}://{host}", name=match["name"], tag=match["tag"])


def _is_loopback(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def push(layout: Layout, goal: Reference, credentials: Credentials | None = None) -> int:
    """Send what the registry lacks; the number of bytes sent. FetchError that says what it answered."""
    session = _Session(goal, credentials)
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
        try:
            sent = sum(session.send_blob(client, layout, blob) for blob in layout.blobs)
            data = layout.path(layout.manifest).read_bytes()
            answer = session.ask(
                client,
                "PUT",
                f"{goal.base}/v2/{goal.name}/manifests/{goal.tag}",
                content=data,
                headers={"Content-Type": layout.manifest.media_type},
            )
        except httpx.HTTPError as error:
            raise FetchError(
                f"the registry {goal.base} does not answer: {str(error) or type(error).__name__}",
                hint="is it running, and does it speak HTTPS? --insecure for HTTP",
            ) from error
    if answer.status_code != 201:
        raise _refused(goal, "the manifest", answer)
    said = answer.headers.get("Docker-Content-Digest", layout.manifest.digest)
    if said != layout.manifest.digest:
        raise FetchError(f"{goal.base} stored the manifest as {said}, not as {layout.manifest.digest}")
    return sent + len(data)


class _Session:
    """Requests to one repository; gets a token where the registry asks for one."""

    def __init__(self, goal: Reference, credentials: Credentials | None) -> None:
        self._goal = goal
        self._credentials = credentials
        self._header: dict[str, str] = {}

    def send_blob(self, client: httpx.Client, layout: Layout, blob: Blob) -> int:
        """Bytes sent: none where the registry has the blob."""
        goal = self._goal
        there = self.ask(client, "HEAD", f"{goal.base}/v2/{goal.name}/blobs/{blob.digest}")
        if there.status_code == 200:
            return 0
        start = self.ask(client, "POST", f"{goal.base}/v2/{goal.name}/blobs/uploads/")
        if start.status_code != 202 or "Location" not in start.headers:
            raise _refused(goal, "an upload", start)
        place = httpx.URL(urljoin(f"{goal.base}/", start.headers["Location"]))
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(blob.size_bytes)}
        done = client.put(
            place.copy_add_param("digest", blob.digest),
            content=_blocks(layout.path(blob)),
            headers={**headers, **self._header},
        )
        if done.status_code != 201:
            raise _refused(goal, blob.digest, done)
        return blob.size_bytes

    def ask(
        self,
        client: httpx.Client,
        method: str,
        url: str,
        *,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """One request; once more with a token where it was refused for want of one."""
        answer = client.request(method, url, content=content, headers={**(headers or {}), **self._header})
        if answer.status_code == 401 and self._credentials and not self._header:
            self._header = {"Authorization": self._authorised(client, answer, self._credentials)}
            answer = client.request(method, url, content=content, headers={**(headers or {}), **self._header})
        return answer

    def _authorised(self, client: httpx.Client, refusal: httpx.Response, credentials: Credentials) -> str:
        scheme, _, rest = refusal.headers.get("WWW-Authenticate", "").partition(" ")
        if scheme.lower() != "bearer":
            return credentials.header
        words = dict(_CHALLENGE.findall(rest))
        realm = words.pop("realm", "")
        query = {**words, "scope": f"repository:{self._goal.name}:pull,push"}
        answer = client.get(realm, params=query, headers={"Authorization": credentials.header})
        if answer.status_code != 200:
            raise _refused(self._goal, "a token", answer)
        document = answer.json()
        return f"Bearer {document.get('token') or document.get('access_token', '')}"


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            yield block


def _refused(goal: Reference, what: str, answer: httpx.Response) -> FetchError:
    hint = ""
    if answer.status_code in {401, 403}:
        hint = "name and password: MANYLOONG_REGISTRY_USER, MANYLOONG_REGISTRY_PASSWORD"
    text = " ".join(answer.text.split())[:300]
    return FetchError(f"{goal.base} refuses {what}: {answer.status_code} {text}", hint=hint or None)
