"""Failed runs reach a person: real runs, a real HTTP server and a real SMTP server, both on this machine."""

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_string, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dagster as dg
import pytest

from assets import failures
from resources.alerts.mail import Mail
from resources.alerts.webhook import Webhook
from resources.errors import InvalidInput, OperatorRequired, RetryLater
from seedtest_pipeline.automation import alerts, check_alerts

UI = "https://dagster.example/"


@dataclass
class Receiver:
    """What a server got, and how it answers the next time."""

    url: str = ""
    got: list[str] = field(default_factory=list)
    answers: str = "200"
    refused: str = ""  # the one recipient that `answers` is for; empty: all


@pytest.fixture
def web() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(int(receiver.answers))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        receiver.url = f"http://127.0.0.1:{server.server_port}/services/secret"
        yield receiver
        server.shutdown()


@pytest.fixture
def smtp() -> Iterator[Receiver]:
    """As much of RFC 5321 as a client without extensions needs."""
    receiver = Receiver(answers="250 ok")

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 here")
            while line := self.rfile.readline().decode().strip():
                verb = line[:4].upper()
                if verb == "DATA":
                    self.say("354 go on")
                    lines = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
                    receiver.got.append("\n".join(lines))
                    self.say("250 taken")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    refuses = verb == "RCPT" and (not receiver.refused or receiver.refused in line)
                    self.say(receiver.answers if refuses else "250 ok")

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        receiver.url = f"smtp://127.0.0.1:{server.server_address[1]}"
        yield receiver
        server.shutdown()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    monkeypatch.setattr(alerts, "_SETTLED_S", 0)


def fail(instance: dg.DagsterInstance, error: Exception, **tags: str) -> str:
    @dg.asset
    @failures.in_words
    def weekly_reports() -> None:
        raise error

    return dg.materialize([weekly_reports], instance=instance, raise_on_error=False, tags=tags).run_id


class Ticks:
    """The sensor as the daemon asks it, again and again, with the cursor that it left."""

    def __init__(self, channel, instance, sensor=None):
        self.sensor, self.instance, self.cursor = sensor or alerts.alert_sensor(channel, UI), instance, None

    def tick(self) -> None:
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        self.cursor = self.sensor.evaluate_tick(context).cursor


def test_a_failed_run_is_told_once_with_the_sentence_the_count_and_a_link(web, instance):
    ticks = Ticks(Webhook(web.url), instance)
    fail(instance, InvalidInput("An old one"))
    ticks.tick()
    assert web.got == []
    run_id = fail(
        instance,
        dg.Failure("3 reports failed; all others are published.\nu1: <!channel> & co", metadata={"failed": 3}),
    )
    for _ in range(3):
        ticks.tick()
    (text,) = web.got
    assert text.splitlines() == [
        "seedtest: weekly_reports failed",
        "weekly_reports: 3 reports failed; all others are published.",
        "Failed: 3",
        f"https://dagster.example/runs/{run_id}",
    ]


def test_what_is_tried_again_or_attended_is_not_told_and_a_run_that_was_killed_is(web, instance):
    ticks = Ticks(Webhook(web.url), instance)
    ticks.tick()
    fail(instance, InvalidInput("again"), **{"dagster/will_retry": "true"})
    fail(instance, InvalidInput("seen"), **{failures.ATTENDED: "yes"})
    run = dg.DagsterRun("weekly", "6f1d2a3e-0000-4000-8000-000000000000", status=dg.DagsterRunStatus.STARTED)
    instance.add_run(run)
    instance.report_run_failed(run, "The process was killed.")
    ticks.tick()
    (text,) = web.got
    assert text.splitlines()[:2] == ["seedtest: weekly failed", "The process was killed."]


def test_nothing_is_lost_while_a_channel_is_down_and_nothing_told_twice(web, instance):
    ticks = Ticks(Webhook(web.url), instance)
    ticks.tick()
    web.answers = "503"
    fail(instance, InvalidInput("first"))
    with pytest.raises(RetryLater, match="503") as down:
        ticks.tick()
    assert "secret" not in str(down.value)
    web.answers, web.got[:] = "200", []
    fail(instance, InvalidInput("second <b>"))
    ticks.tick()
    ticks.tick()
    told = [text.splitlines()[1] for text in web.got]
    assert told == ["weekly_reports: first", "weekly_reports: second &lt;b&gt;"]


def test_a_failed_check_that_stops_no_run_is_told_once_a_day_by_its_numbers_and_names_nobody(
    web, instance, monkeypatch
):
    """14 % of answers to items that are not in the bank raised nothing: the run was green."""
    outcome = {"passed": False, "severity": dg.AssetCheckSeverity.ERROR}

    @dg.asset
    def theta_estimates() -> None: ...

    @dg.asset_check(asset=theta_estimates, description="Few answers are unknown.")
    def in_bank() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(**outcome, description="u1 answered it all", metadata={"not in the bank": 1400})

    @dg.asset_check(asset=theta_estimates, blocking=True)
    def plausible() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    def judge() -> None:
        dg.materialize([theta_estimates, in_bank, plausible], instance=instance, raise_on_error=False)

    now = time.time()
    ticks = Ticks(
        Webhook(web.url), instance, check_alerts.check_alert_sensor(Webhook(web.url), UI, [in_bank, plausible])
    )
    judge()  # before alerts were set up
    ticks.tick()
    outcome["severity"] = dg.AssetCheckSeverity.WARN
    judge()
    ticks.tick()
    assert web.got == []
    outcome["severity"] = dg.AssetCheckSeverity.ERROR
    for _ in range(2):
        judge()
        ticks.tick()
    (text,) = web.got
    assert text.splitlines() == [
        "seedtest: check in_bank of theta_estimates failed",
        "Should hold: Few answers are unknown.",
        "not in the bank: 1,400",
        "https://dagster.example/assets/theta_estimates?view=checks&amp;checkDetail=in_bank",
    ]
    monkeypatch.setattr(check_alerts.time, "time", lambda: now + 25 * 3600)
    ticks.tick()  # it failed once more after it was told
    ticks.tick()
    assert len(web.got) == 2


def test_a_webhook_that_refuses_or_is_not_there_says_so_without_its_secret(web):
    web.answers = "404"
    with pytest.raises(OperatorRequired, match="ALERT_WEBHOOK_URL") as refused:
        Webhook(web.url).send("s", "t")
    with pytest.raises(RetryLater, match="does not answer") as gone:
        Webhook("http://127.0.0.1:1/secret").send("s", "t")
    assert "secret" not in f"{refused.value}{gone.value}"


def test_the_same_by_mail(smtp, instance):
    ticks = Ticks(Mail(smtp.url, "seedtest@example.org", ["a@example.org", "b@example.org"]), instance)
    ticks.tick()
    run_id = fail(instance, InvalidInput("Keine Antworten für u1 – nichts"))
    ticks.tick()
    (got,) = smtp.got
    mail = message_from_string(got, policy=policy.default)
    assert (mail["Subject"], mail["From"], mail["To"]) == (
        "seedtest: weekly_reports failed", "seedtest@example.org", "a@example.org, b@example.org",
    )  # fmt: skip
    assert mail.get_content().splitlines() == [
        "weekly_reports: Keine Antworten für u1 – nichts",
        f"https://dagster.example/runs/{run_id}",
    ]


def test_a_mail_server_that_refuses_is_away_or_would_get_a_password_in_the_clear(smtp):
    def send(url: str) -> None:
        Mail(url, "a@example.org", ["b@example.org"]).send("s", "t")

    with pytest.raises(OperatorRequired, match="in the clear") as clear:
        send(smtp.url.replace("//", "//user:hush@"))
    smtp.answers = "550 no such user"
    with pytest.raises(OperatorRequired, match="ALERT_MAIL_TO"):
        send(smtp.url)
    with pytest.raises(RetryLater, match="takes no mail now"):
        send("smtp://127.0.0.1:1")
    assert "hush" not in str(clear.value)
    assert smtp.got == []


def test_a_recipient_whom_the_mail_server_refuses_was_told_to_nobody_while_others_got_theirs(smtp):
    smtp.answers, smtp.refused = "550 no such user", "gone@example.org"
    told = Mail(smtp.url, "a@example.org", ["gone@example.org", "there@example.org"]).send("s", "t")
    assert "refuses gone@example.org, who got no alert" in told
    assert len(smtp.got) == 1
