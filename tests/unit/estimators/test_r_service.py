import socket

import pytest

from resources.errors import EstimatorUnavailable, OperatorRequired
from resources.estimators.r_service.client import RServiceEstimator
from resources.estimators.r_service.transport import Timeouts
from tests.integration.estimators.exams import exam


def test_a_token_read_with_its_line_break_is_named_before_anything_is_sent() -> None:
    with pytest.raises(OperatorRequired, match="R_IRT_INTERNAL_TOKEN"):
        RServiceEstimator("http://127.0.0.1:1", "secret\n")


def test_an_address_without_a_scheme_is_named_before_anything_is_sent() -> None:
    with pytest.raises(OperatorRequired, match=r"R_IRT_BASE_URL is '127\.0\.0\.1:8000'"):
        RServiceEstimator("127.0.0.1:8000")


def test_nobody_at_the_port_is_unavailable() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"  # bound, and nobody listens
        with pytest.raises(EstimatorUnavailable, match="Connection refused"):
            RServiceEstimator(url, timeouts=Timeouts(total_s=0.5)).estimate(*exam())


def test_without_a_scorable_response_nobody_is_asked() -> None:
    responses, bank = exam(users=3, each=0)
    thetas = RServiceEstimator("http://127.0.0.1:1").estimate(responses, bank)
    assert thetas.user_ids == ()
    assert thetas.unscored == ("user 0", "user 1", "user 2")
