"""Headers that browsers obey, on every answer that does not bring its own."""

from starlette.types import Message

# For answers that are data. A page brings its own policy, and keeps it.
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}


def add_to(start: Message) -> None:
    """To an ASGI message `http.response.start`."""
    given = {name for name, _ in start["headers"]}
    missing = [(name, value) for name, value in _HEADERS.items() if name not in given]
    start["headers"] = [*start["headers"], *missing]
