"""Another program is told what was stored: signed, again after a failure, and nothing is lost when this dies."""

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import dagster as dg
import pytest
import sqlalchemy as sa

from resources.database.engine import transaction
from resources.database.queries.estimates.current_abilities import Ability, store
from resources.database.queries.sessions import missed_updates
from resources.errors import InvalidInput
from resources.event_webhook import EventWebhook, signature
from resources.postgres.server_folder import wait_until
from seedtest_pipeline.automation import events
from seedtest_pipeline.automation.events import Place, events_sensor
from seedtest_pipeline.settings import Settings
from tests.waiting import PATIENCE_S

KEY = b"a key that has 32 bytes in all .."
SECRET = "whsec_" + base64.b64encode(KEY).decode()
AT = dt.datetime(2025, 3, 1, 10, tzinfo=dt.UTC)


class Receiver(BaseHTTPRequestHandler):
    """Verifies each message by itself, and answers as `status` says."""

    status: int
    taken: list[dict[str, object]]
    ids: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        given = {name: self.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")}
        signed = f"{given['id']}.{given['timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        good = given["signature"] == f"v1,{expected}"
        cls = type(self)
        cls.ids.append(given["id"])
        if good and cls.status < 300:
            cls.taken.append(json.loads(body))
        self.send_response(cls.status if good else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    handler = type("Handler", (Receiver,), {"status": 204, "taken": [], "ids": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", handler
        server.shutdown()


class Daemon:
    def __init__(self, engine: sa.Engine, url: str) -> None:
        self.engine = engine
        self.sensor = events_sensor(EventWebhook(url, SECRET))
        self.cursor: str | None = None

    def tick(self, *, dies: bool = False) -> str:
        """What it says; of one that `dies` before its cursor is kept, nothing stays."""
        with transaction(self.engine) as connection:
            query = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
            newest = connection.exec_driver_sql(query).scalar_one()

        def ended() -> bool:  # other tests use the same server
            with transaction(self.engine) as connection:
                return missed_updates.all_ended_before(connection) >= newest

        assert wait_until(ended, PATIENCE_S)
        with dg.build_sensor_context(resources={"engine": self.engine}, cursor=self.cursor) as context:
            result = self.sensor(context)
        if isinstance(result, dg.SkipReason):
            return str(result.skip_message)
        if not dies:
            self.cursor = result.cursor
        return str(result.skip_reason.skip_message)


@pytest.fixture
def daemon(engine, receiver):
    daemon = Daemon(engine, receiver[0])
    ability(engine, "before")
    assert daemon.tick() == "What is stored from now on is told."
    return daemon


def ability(engine: sa.Engine, *users: str, at: dt.datetime = AT) -> None:
    with transaction(engine) as connection:
        rows = [Ability(user, 0.5, 0.25, 3, "2PL", "v1", at, at) for user in users]
        store(connection.connection.driver_connection, rows)


def report(engine: sa.Engine, user: str) -> None:
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO seedtest_report_artifacts (user_id, week_start, format, url, generated_at, sha256) "
            "VALUES (%(user)s, '2025-02-24', 'html', 'x', %(at)s, '0'), "
            "(%(user)s, '2025-02-24', 'pdf', 'a predecessor''s', %(at)s, NULL)",
            {"user": user, "at": AT},
        )


def told(handler: type[Receiver]) -> list[str]:
    return [row["user_id"] for one in handler.taken for rows in one["data"].values() for row in rows]


def test_abilities_and_reports_are_told_once_by_ids_and_instants_alone(daemon, engine, receiver):
    ability(engine, "u2", "u1")
    report(engine, "u1")
    assert daemon.tick() == "abilities.stored: 2, reports.ready: 1"
    assert daemon.tick() == "Nothing was stored."
    assert [(one["type"], one["data"]) for one in receiver[1].taken] == [
        ("abilities.stored", {"abilities": [
            {"user_id": user, "version": "v1", "as_of": "2025-03-01T10:00:00+00:00"} for user in ("u1", "u2")
        ]}),
        ("reports.ready", {"reports": [{"user_id": "u1", "week": "2025-02-24", "format": "html"}]}),
    ]  # fmt: skip


def test_each_failure_waits_twice_as_long_an_hour_at_most():
    place, waits = Place(done=1), []
    for _ in range(40):
        place = place.failed(AT)
        waits.append((place.again_at - AT).total_seconds())
    assert waits[:4] == [30, 60, 120, 240]
    assert waits[-1] == max(waits) == 3600


def test_what_fails_is_told_again_later_and_what_was_stored_meanwhile_too(daemon, engine, receiver):
    _, handler = receiver
    ability(engine, "u1")
    handler.status = 500
    assert "answers 500. Tried 1 times" in daemon.tick()
    assert "again at" in daemon.tick(), "it is not tried before its time"
    assert len(handler.ids) == 1
    ability(engine, "u2")
    handler.status = 200
    daemon.cursor = Place.model_validate_json(daemon.cursor).model_copy(update={"again_at": None}).model_dump_json()
    daemon.tick()
    daemon.tick()
    assert sorted(told(handler)) == ["u1", "u2"]
    assert Place.model_validate_json(daemon.cursor).failures == 0


def test_one_that_dies_before_it_has_noted_what_was_taken_tells_it_again_under_the_same_id(
    daemon, engine, receiver, monkeypatch
):
    monkeypatch.setattr(events, "ROWS_PER_MESSAGE", 2)
    _, handler = receiver
    ability(engine, "u1", "u2", "u3")
    daemon.tick(dies=True)
    ability(engine, "u4")
    daemon.tick()
    assert handler.ids[0] == handler.ids[2]
    assert sorted(set(told(handler))) == ["u1", "u2", "u3", "u4"]


def test_on_a_restored_backup_whose_server_counts_transactions_from_lower_on_everything_is_told(
    daemon, engine, receiver
):
    """Nothing was, until the numbers had come up to the old server's."""
    daemon.cursor = Place(done=2**40).model_dump_json()
    ability(engine, "u1")
    assert daemon.tick() == "abilities.stored: 2"
    assert told(receiver[1]) == ["before", "u1"]


def test_what_is_not_committed_is_not_told_and_not_passed_over(daemon, engine, receiver):
    with transaction(engine) as connection:
        store(connection.connection.driver_connection, [Ability("slow", 0.5, 0.25, 3, "2PL", "v1", AT, AT)])
        with transaction(engine) as other:
            oldest = missed_updates.all_ended_before(other)
        ability(engine, "quick")
        assert Place.model_validate_json(daemon.cursor).done <= oldest
        with dg.build_sensor_context(resources={"engine": engine}, cursor=daemon.cursor) as context:
            daemon.cursor = daemon.sensor(context).cursor
        assert "slow" not in told(receiver[1])
    daemon.tick()
    assert {"slow", "quick"} <= {*told(receiver[1])}


def test_the_signature_is_that_of_standard_webhooks():
    """The example that its libraries (Svix's) are tested with."""
    signed = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", *signed) == expected
    both = signature(f"{SECRET},whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", *signed)
    assert both == f"{signature(SECRET, *signed)} {expected}"


@pytest.mark.parametrize("url", ["host/path", "ftp://host", "https://", "http://[::1", "http://ho st:x"])
def test_an_address_that_is_none_is_refused(url, tmp_path):
    """Each tick failed with httpx's own error."""
    with pytest.raises(InvalidInput, match="EVENT_WEBHOOK_URL is no address"):
        Settings.load(seedtest_home=tmp_path, event_webhook_url=url, event_webhook_secret=SECRET)


@pytest.mark.parametrize("secret", [None, "whsec_short", "bm90IHByZWZpeGVkLCB0aG91Z2ggbG9uZyBlbm91Z2g="])
def test_a_webhook_without_a_good_key_is_refused(secret, tmp_path):
    with pytest.raises(InvalidInput, match="EVENT_WEBHOOK"):
        Settings.load(seedtest_home=tmp_path, event_webhook_url="http://x", event_webhook_secret=secret)
