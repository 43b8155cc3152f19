"""Where a JWKS document comes from: the identity provider's address, or a file for tries on one machine."""

import asyncio
import ipaddress
from pathlib import Path
from typing import Protocol

import httpx

from resources.errors import InvalidInput

_TIME_LIMIT_S = 5.0  # for the whole document: a provider that sends a byte now and then is no better than a silent one
_SIZE_LIMIT = 256 * 1024  # bytes; a provider's keys take some 2 to 10 kB


class NoDocument(Exception):  # noqa: N818 - an outcome that the cache lives with
    """Why there is no document now."""


class KeySource(Protocol):
    async def read(self) -> bytes:
        """Raises:
        NoDocument: there is none now.
        """

    async def aclose(self) -> None: ...


def key_source(url: str) -> KeySource:
    """Raises:
    InvalidInput: keys from there could not be trusted.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidInput(f"JWKS_URL is {url!r}, which is no address: {error}.") from error
    if parsed.scheme == "file":
        return KeyFile(Path(parsed.path))
    local = is_loopback(parsed.host)
    if not (parsed.host and (parsed.scheme == "https" or (parsed.scheme == "http" and local))):
        raise InvalidInput(
            f"JWKS_URL is {url!r}: it has to begin with https://, or anybody on the way could swap the keys."
        )
    return KeyServer(parsed, local=local)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class KeyServer:
    """An identity provider. What it sends is bounded in size and time, and it may not send us elsewhere."""

    def __init__(self, url: httpx.URL, *, local: bool) -> None:
        self._url = url
        # The environment's proxies lead to a provider outside.
        self._client = httpx.AsyncClient(
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            timeout=_TIME_LIMIT_S,
            follow_redirects=False,
            trust_env=not local,
        )

    async def read(self) -> bytes:
        try:
            async with asyncio.timeout(_TIME_LIMIT_S), self._client.stream("GET", self._url) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise NoDocument(f"status {answer.status_code}")
                document = bytearray()
                async for chunk in answer.aiter_raw():  # as it was sent: packed, a small one could become gigabytes
                    document += chunk
                    if len(document) > _SIZE_LIMIT:
                        raise NoDocument(f"more than {_SIZE_LIMIT // 1024} kB")
                return bytes(document)
        except TimeoutError as error:
            raise NoDocument(f"not finished after {_TIME_LIMIT_S:g} s") from error
        except httpx.HTTPError as error:
            raise NoDocument(str(error) or type(error).__name__) from error

    async def aclose(self) -> None:
        await self._client.aclose()

    def __str__(self) -> str:
        return self._url.netloc.decode()  # this is shown, and the rest may hold a secret


class KeyFile:
    """The document of `seedtest token`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> bytes:
        try:
            return await asyncio.to_thread(self._path.read_bytes)
        except OSError as error:
            raise NoDocument(f"{error.strerror}") from error

    async def aclose(self) -> None:
        pass

    def __str__(self) -> str:
        return str(self._path)
