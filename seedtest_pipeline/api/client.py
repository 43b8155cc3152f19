"""Tell the API that a session has ended: for a platform to copy; `seedtest notify-session-end` does the same."""

import random
import time

import httpx


def notify_session_end(base_url: str, token: str, user_id: str, session_id: str | None = None) -> dict[str, object]:
    """The API's answer; for a minute it is asked again while it is busy (429, 503) or out of reach.

    Raises:
        httpx.HTTPError: it refused, or the minute is over. The sensor `catch_up` will find the session.
    """
    asked = {"user_id": user_id} if session_id is None else {"user_id": user_id, "session_id": session_id}
    with httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=15) as client:
        give_up_at = time.monotonic() + 60
        while True:
            wait_s = random.uniform(1, 3)  # noqa: S311 - many sessions end in the same second
            try:
                answer = client.post("/analysis/irt/update-theta", json=asked)
                wait_s += float(answer.headers.get("Retry-After", 0))
                if answer.status_code not in (429, 503) or time.monotonic() + wait_s > give_up_at:
                    return dict(answer.raise_for_status().json())
            except httpx.TransportError:
                if time.monotonic() + wait_s > give_up_at:
                    raise
            time.sleep(wait_s)
