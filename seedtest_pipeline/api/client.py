"""The API's caller: for a platform to copy with `client_types`. In twenty lines and with its types:

with Client("https://scores.example.com", token) as api:
    update = api.update_theta("user123", "session456")
    if update["status"] == "ok":
        print(update["theta"], update["se"])
    for outcome in api.update_thetas(["user123", "user124"]):
        print(outcome["user_id"], outcome["status"])
    for week in api.theta("user123")["history"]:
        print(week["week"], week["theta"])
    for week in api.reports("user123")["weeks"]:
        print(api.report_link("user123", week["week"])["url"])
    for group in api.classes():
        for week in api.class_reports(group)["weeks"]:
            for report in week["reports"]:
                print(report["href"], len(api.read(report["href"])))
"""

import random
import time
from collections.abc import Callable, Generator, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Self, cast
from urllib.parse import quote

import httpx

from seedtest_pipeline.api.client_types import (
    Classes,
    ClassReports,
    Edition,
    NothingToEstimate,
    Refused,
    ReportLink,
    Updated,
    UpdateFailed,
    UserReports,
    UserTheta,
)

LATER = (429, 502, 503, 504)  # the API is busy or ends; a proxy has none behind it at this moment


class Client:
    """For a minute it asks again while the API is busy (429, 502, 503, 504) or out of reach.

    `base_url` is all that stands before `/v1`. A `token` that is a function is asked for each request, and once more
    where its token was refused.

    Raises, every method:
    Refused: it refused, or was still busy after the minute.
    httpx.TransportError: it was out of reach for the minute.
    """

    def __init__(self, base_url: str, token: str | Callable[[], str]) -> None:
        self._http = httpx.Client(base_url=base_url, auth=_Bearer(token), timeout=15)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def update_theta(self, user_id: str, session_id: str | None = None) -> Updated | NothingToEstimate:
        """The ability as of now. What is lost all the same, the sensor `catch_up` finds."""
        asked = {"user_id": user_id} if session_id is None else {"user_id": user_id, "session_id": session_id}
        return cast("Updated | NothingToEstimate", self._ask("POST", "/analysis/irt/update-theta", json=asked))

    def update_thetas(self, user_ids: Sequence[str]) -> list[Updated | NothingToEstimate | UpdateFailed]:
        """Of each of these users, 1,000 at most, in this order."""
        found = self._ask("POST", "/analysis/irt/update-theta:batch", json={"user_ids": list(user_ids)})
        return cast("list[Updated | NothingToEstimate | UpdateFailed]", found["outcomes"])

    def theta(self, user_id: str) -> UserTheta:
        return cast("UserTheta", self._ask("GET", f"/users/{quote(user_id, safe='')}/theta"))

    def reports(self, user_id: str, edition: Edition = "learner") -> UserReports:
        """The teacher's edition is for services and for who teaches the learner."""
        path = f"/users/{quote(user_id, safe='')}/reports"
        return cast("UserReports", self._ask("GET", path, params={"edition": edition}))

    def report_link(
        self, user_id: str, week: str, form: Literal["html", "pdf", "eml"] = "html", edition: Edition = "learner"
    ) -> ReportLink:
        """A short-lived link; or, where reports are kept in a folder, a path of this API that needs the token."""
        return self._link(f"/users/{quote(user_id, safe='')}/reports/{week}", format=form, edition=edition)

    def classes(self) -> list[str]:
        """The groups with a class report that the token's subject may read."""
        return cast("Classes", self._ask("GET", "/classes"))["groups"]

    def class_reports(self, group: str) -> ClassReports:
        return cast("ClassReports", self._ask("GET", f"/classes/{quote(group, safe='')}/reports"))

    def class_report_link(self, group: str, week: str, form: Literal["html", "pdf"] = "html") -> ReportLink:
        """As `report_link`."""
        return self._link(f"/classes/{quote(group, safe='')}/reports/{week}", format=form)

    def read(self, address: str) -> bytes:
        """The report at an `href` of a list or a `url` of a link, wherever it lies. Only the API sees the token."""
        if address.startswith("/"):
            here = self._http.base_url.copy_with(raw_path=address.encode())
            return self._send("GET", here, follow_redirects=True).content  # httpx keeps the token from another host
        return self._send("GET", address, auth=None).content

    def _link(self, path: str, **params: str) -> ReportLink:
        return cast("ReportLink", self._ask("GET", path, params=params, headers={"Accept": "application/json"}))

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        return self._send(method, f"/v1{path}", **more).json()

    def _send(self, method: str, url: str | httpx.URL, **more: Any) -> httpx.Response:
        give_up_at = time.monotonic() + 60
        while True:
            wait_s = random.uniform(1, 3)  # noqa: S311 - many sessions end in the same second
            try:
                answer = self._http.request(method, url, **more)
                wait_s += _told_to_wait_s(answer)
                if answer.status_code not in LATER or time.monotonic() + wait_s > give_up_at:
                    if not answer.is_success:
                        raise Refused(answer)
                    return answer
            except httpx.TransportError:
                if time.monotonic() + wait_s > give_up_at:
                    raise
            time.sleep(wait_s)


class _Bearer(httpx.Auth):
    def __init__(self, token: str | Callable[[], str]) -> None:
        self._token = token if callable(token) else lambda: token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        token = self._token()
        request.headers["Authorization"] = f"Bearer {token}"
        answer = yield request
        if answer.status_code == 401 and (another := self._token()) != token:
            request.headers["Authorization"] = f"Bearer {another}"
            yield request


def _told_to_wait_s(answer: httpx.Response) -> float:
    """By Retry-After, in seconds or as a date (RFC 9110, 10.2.3); 0 where it is neither."""
    told = answer.headers.get("Retry-After", "")
    try:
        return float(told) if told.isdecimal() else max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except ValueError:
        return 0.0
