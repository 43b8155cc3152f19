"""What is refused before there is a request: heads and trailers without end, silence, answers that nobody reads, more
sockets than there is room for; on the server as it is."""

import socket
import time
from contextlib import ExitStack

import pytest

from seedtest_pipeline.api import connections
from seedtest_pipeline.api.connections import HEAD_BYTES, REQUEST_BYTES, Connections
from seedtest_pipeline.api.metrics import Metrics
from seedtest_pipeline.api.server import configured
from tests.integration.api.raw_http import HEAD, PATIENCE_HERE_S, WHOLE, Here, all_of, app, said_until
from tests.integration.api.serving import listening
from tests.waiting import PATIENCE_S, until


def pushed(one: socket.socket, piece: bytes) -> tuple[int, bytes]:
    """How many bytes were taken until the end, at most 40 MB, and what was said."""
    sent = 0
    try:
        while sent < 40_000_000:
            sent += one.send(piece)
    except ConnectionError:
        pass
    return sent, all_of(one)


MANY = b"".join(b"x-%d: y\r\n" % n for n in range(500))


@pytest.mark.parametrize(
    ("head", "piece"),
    [(HEAD % b"", MANY), (HEAD % b"" + b"x: ", b"x" * 8192), (b"GET /", b"x" * 8192), (b"", b"x" * 8192)],
    ids=["headers", "a header", "a path", "a method"],
)
def test_a_head_without_end_is_cut_where_36_mb_of_it_took_690_mb_of_memory(here, head, piece):
    with here.connect() as one:
        one.sendall(head)
        sent, _ = pushed(one, piece)
    assert sent < 20 * 1024 * 1024, "as much as sockets hold, and not all of it"
    assert here.answers()


def test_a_head_of_the_largest_size_is_taken_and_a_byte_more_is_431_even_in_one_piece(here):
    filler = b"x: " + b"y" * (HEAD_BYTES - len(WHOLE) - len(b"x: \r\n")) + b"\r\n"
    with here.connect() as one:
        one.sendall(HEAD % b"" + filler + b"\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 200 ")
    before = here.cut("head too large")
    with here.connect() as one:
        one.sendall(HEAD % b"" + b"x" + filler + b"\r\n")
        assert all_of(one).startswith(b"HTTP/1.1 431 ")
    assert here.cut("head too large") == before + 1


def test_trailers_without_end_are_cut(here):
    with here.connect() as one:
        one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        sent, _ = pushed(one, MANY)
    assert REQUEST_BYTES < sent < 20 * 1024 * 1024
    assert here.cut("request too large") == 1


def trickled(one: socket.socket, piece: bytes) -> bytes:
    """What is said until the end, while a piece is sent now and then."""
    one.settimeout(0.05)
    said, deadline = b"", time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            one.sendall(piece)
            part = one.recv(100)
        except TimeoutError:
            continue
        except ConnectionError:
            return said
        if part == b"":
            return said
        said += part
    pytest.fail("the connection stays open")


def test_a_head_that_comes_byte_by_byte_is_408_in_time(here):
    with here.connect() as one:
        one.sendall(HEAD % b"")
        assert trickled(one, b"x").startswith(b"HTTP/1.1 408 ")


def test_silence_before_the_first_request_ends_the_connection_and_between_requests_it_does_not(here):
    with here.connect() as silent, here.connect() as kept:
        kept.sendall(WHOLE)
        assert said_until(kept, b"ok")
        assert all_of(silent) == b""
        kept.sendall(WHOLE)
        assert said_until(kept, b"ok")


def test_line_breaks_between_requests_keep_no_connection(here):
    """They are no request, and each stopped the clock of the silence between requests."""
    with here.connect() as one:
        one.sendall(WHOLE)
        assert said_until(one, b"ok")
        trickled(one, b"\r\n")


def test_a_body_that_stays_away_after_its_answer_ends_the_connection(here):
    with here.connect() as one:
        one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        assert all_of(one).endswith(b"ok")


def test_who_does_not_read_the_last_answer_is_let_go(here):
    before = here.cut("too slow")
    with here.connect(receive_buffer=4096) as one:
        one.sendall(HEAD % b"large" + b"Connection: close\r\n\r\n")
        until(lambda: here.cut("too slow") > before)
        until(lambda: here.is_open() == 0)


def test_a_thousand_silent_sockets_leave_room_and_who_was_answered_before_is_not_the_first_to_go(here):
    with ExitStack() as crowd:
        kept = crowd.enter_context(here.connect())
        kept.sendall(WHOLE)
        assert said_until(kept, b"ok")
        for _ in range(200):
            crowd.enter_context(here.connect())
        assert here.answers()
        kept.sendall(WHOLE)
        assert said_until(kept, b"ok")
    assert here.cut("made room") > 100


def test_where_all_were_answered_the_one_that_is_silent_for_longest_makes_room(here):
    until(lambda: here.is_open() == 0)
    with ExitStack() as crowd:
        kept = []
        for _ in range(20):
            kept.append(crowd.enter_context(here.connect()))
            kept[-1].sendall(WHOLE)
            assert said_until(kept[-1], b"ok")
        kept[0].sendall(WHOLE)
        assert said_until(kept[0], b"ok")
        before = here.cut("made room")
        assert here.answers()
        assert here.cut("made room") == before + 1
        kept[0].sendall(WHOLE)
        assert said_until(kept[0], b"ok")
        assert all_of(kept[1]) == b""


def test_once_the_end_is_near_an_open_connection_gets_its_answer_and_ends():
    metrics = Metrics()
    bounds = Connections(metrics)
    with listening(configured(app, bounds, grace_s=1)) as url, Here(url, metrics).connect() as kept:
        kept.sendall(WHOLE)
        assert said_until(kept, b"ok")
        bounds.leaving = True
        kept.sendall(WHOLE)
        said = kept.recv(1000)
        assert b"\r\nconnection: close\r\n" in said
        assert (said + all_of(kept)).endswith(b"ok")


def test_requests_that_nobody_waits_for_are_cut_where_11_mb_of_them_took_480_mb_of_memory(here):
    with here.connect() as one:
        sent, _ = pushed(one, WHOLE * 1000)
    assert sent < 20 * 1024 * 1024, "as much as sockets hold, and not all of it"
    assert here.cut("too many requests") == 1


def test_who_reads_no_answer_is_let_go_though_others_wait_behind_it_where_one_such_stayed_for_ever(here):
    until(lambda: here.is_open() == 0)
    before = here.cut("too slow")
    with here.connect(receive_buffer=4096) as one:
        one.sendall((HEAD % b"large" + b"\r\n") * 3)
        until(lambda: here.cut("too slow") == before + 1)
        until(lambda: here.is_open() == 0)


def test_who_reads_no_answer_makes_room_where_70_such_kept_probes_out():
    metrics = Metrics()
    bounds = Connections(metrics, most=2, patience_s=10 * PATIENCE_S)
    with listening(configured(app, bounds, grace_s=1)) as url, ExitStack() as crowd:
        here = Here(url, metrics)
        for _ in range(2):
            one = crowd.enter_context(here.connect(receive_buffer=4096))
            one.sendall((HEAD % b"large" + b"\r\n") * 2)
            assert one.recv(10)
        assert here.answers()
        assert here.cut("made room") == 1


def test_who_reads_slowly_is_let_read_on(here):
    """A phone on a bad line is not one that reads nothing."""
    before = here.cut("too slow")
    with here.connect(receive_buffer=4096) as one:
        one.sendall(HEAD % b"large" + b"\r\n")
        deadline = time.monotonic() + 2.5 * PATIENCE_HERE_S
        while time.monotonic() < deadline:
            one.recv(4096)
            time.sleep(0.002)
        assert here.cut("too slow") == before


@pytest.mark.parametrize(("files", "most"), [(1024, 768), (256, 64), (1_048_576, 1_000), (-1, 1_000)])
def test_room_is_what_the_process_may_open_but_for_what_else_it_needs(monkeypatch, files, most):
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: (files, files))
    assert connections.most_connections() == most
