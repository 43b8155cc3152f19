"""ETag and If-None-Match: what has not changed since the caller read it is not sent again. Source: RFC 9110, 13.1.2.

Only in the caller's own cache, which asks each time: so a right that was taken away ends at once. What a route marks
itself, such as a link that expires, stays as it is.
"""

import hashlib

from starlette.requests import Request
from starlette.responses import Response

CACHE_CONTROL = "private, no-cache"
DESCRIBED = {"description": "It is as the caller has it, by If-None-Match."}
ETAG = {"ETag": {"description": "Of what is sent, for If-None-Match.", "schema": {"type": "string"}}}


def revalidated(request: Request, response: Response) -> Response:
    """The response to a GET with its ETag, or 304 without a body where the caller has the same."""
    if request.method != "GET" or response.status_code != 200 or "cache-control" in response.headers:
        return response
    etag = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    response.headers["etag"] = etag
    response.headers["cache-control"] = CACHE_CONTROL
    said = ",".join(request.headers.getlist("if-none-match"))  # one list, in however many lines
    known = {one.strip().removeprefix("W/") for one in said.split(",")}
    if known.isdisjoint({etag, "*"}):
        return response
    # With the page's own policy: a browser gives the headers of a 304 to the page that it has.
    kept = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
    if policy := response.headers.get("content-security-policy"):
        kept["content-security-policy"] = policy
    return Response(status_code=304, headers=kept)
