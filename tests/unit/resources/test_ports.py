import socket

import pytest

from resources import ports

LOOPBACK = "127.0.0.1"


@pytest.mark.parametrize("host", [LOOPBACK, "::1"])
def test_a_port_is_free_until_somebody_listens_and_again_afterwards(host):
    port = ports.probe(host, 0)
    assert ports.probe(host, port) == port
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
        assert not ports.is_free(host, port)
        with pytest.raises(OSError, match="in use"):
            ports.probe(host, port)
    assert ports.is_free(host, port)


def test_a_connection_that_was_just_closed_keeps_no_port():
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)):
            accepted, _ = server.accept()
            accepted.close()  # this side closes first, so it is this side's port that lingers
    assert ports.is_free(LOOPBACK, port)
