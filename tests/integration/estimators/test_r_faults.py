"""Whatever the service answers, there is a correct estimate after a retry, or one typed error; never half a result."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from numpy.testing import assert_array_equal

from resources.errors import EstimatorUnavailable, InvalidInput, OperatorRequired
from resources.estimators.r_service.circuit_breaker import CircuitBreaker
from resources.estimators.r_service.client import RServiceEstimator
from resources.estimators.r_service.transport import Timeouts
from resources.model import Prior, Thetas
from tests.integration.conftest import TOKEN
from tests.integration.estimators.exams import exam
from tests.integration.faulty_proxy import FaultyProxy, body, faulty_proxy, half_a_body, status

RESPONSES, BANK = exam()


@pytest.fixture(scope="module")
def truth(r_service_url: str) -> Thetas:
    return RServiceEstimator(r_service_url, TOKEN).estimate(RESPONSES, BANK)


@pytest.fixture
def proxy(r_service_url: str) -> Iterator[FaultyProxy]:
    with faulty_proxy(r_service_url) as proxy:
        yield proxy


def through(proxy: FaultyProxy, **options: object) -> RServiceEstimator:
    return RServiceEstimator(proxy.url, TOKEN, **options)  # type: ignore[arg-type] # the tests' own keywords


def same(found: Thetas, expected: Thetas) -> None:
    assert found.user_ids == expected.user_ids
    assert_array_equal(found.theta, expected.theta)
    assert_array_equal(found.se, expected.se)


@pytest.mark.parametrize("fault", [status(502), status(503), status(504), half_a_body])
def test_what_passes_is_tried_again(proxy: FaultyProxy, truth: Thetas, fault: Callable[..., None]) -> None:
    proxy.faults = [fault, fault]
    same(through(proxy).estimate(RESPONSES, BANK), truth)
    assert proxy.seen == 3


@pytest.mark.parametrize("fault", [status(503), half_a_body])
def test_what_does_not_pass_is_unavailable_when_the_time_is_over(
    proxy: FaultyProxy, fault: Callable[..., None]
) -> None:
    proxy.faults = [fault] * 99
    with pytest.raises(EstimatorUnavailable, match="gives no answer"):
        through(proxy, timeouts=Timeouts(total_s=2)).estimate(RESPONSES, BANK)
    assert proxy.seen > 1


def test_500_is_unavailable_at_once(proxy: FaultyProxy) -> None:
    proxy.faults = [status(500)]
    with pytest.raises(EstimatorUnavailable, match=r"status 500 \(request an-id\)"):
        through(proxy).estimate(RESPONSES, BANK, request_id="an-id")
    assert proxy.seen == 1


def without_last_line(content: bytes) -> bytes:
    return content[: content[:-1].rindex(b"\n") + 1]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (without_last_line, "20 users were asked about, 19 answered"),
        (lambda content: content.replace(b"\n0,", b"\n77,"), "other users"),
        (lambda content: content.replace(b",10\n", b",9\n", 1), "not rest on all"),
        (
            lambda content: content.replace(b"\n0,", b"\n0,nan,1,10\n1,", 1).replace(b"\n1,", b"\n#", 1),
            "cannot be used",
        ),
        (lambda content: b"", "not the expected CSV"),
        (lambda content: b"<html>please log in</html>", "not the expected CSV"),
    ],
)
def test_an_unsound_answer_is_unavailable_and_no_theta_is_missing_in_silence(
    proxy: FaultyProxy, change: Callable[[bytes], bytes], complaint: str
) -> None:
    proxy.faults = [body(change)]
    with pytest.raises(EstimatorUnavailable, match=complaint):
        through(proxy).estimate(RESPONSES, BANK)
    assert proxy.seen == 1


@pytest.mark.parametrize("code", [301, 404, 405, 418])
def test_another_service_at_the_address_is_for_a_person(proxy: FaultyProxy, code: int) -> None:
    proxy.faults = [status(code)]
    with pytest.raises(OperatorRequired, match="not r-irt-plumber"):
        through(proxy).estimate(RESPONSES, BANK)
    assert proxy.seen == 1


@pytest.mark.parametrize(("token", "complaint"), [("another", "refuses the token"), (None, "asks for a token")])
def test_a_wrong_token_is_for_a_person_and_not_tried_again(
    proxy: FaultyProxy, token: str | None, complaint: str
) -> None:
    with pytest.raises(OperatorRequired, match=f"{complaint}.*R_IRT_INTERNAL_TOKEN"):
        RServiceEstimator(proxy.url, token).estimate(RESPONSES, BANK)
    assert proxy.seen == 1


def test_what_the_service_refuses_is_for_the_data_with_its_field_and_reason(proxy: FaultyProxy) -> None:
    nothing, bank = exam()
    with pytest.raises(InvalidInput, match=r"refuses prior.sd: sd is 0, and must be above 0"):
        through(proxy).estimate(nothing, bank, Prior(0, 0))
    proxy.faults = [lambda answer: (413, b'{"message": "The body is over 9 bytes."}')]
    with pytest.raises(InvalidInput, match="refuses the request: The body is over 9 bytes"):
        through(proxy).estimate(nothing, bank)
    assert proxy.seen == 2


def test_portions_hold_whole_users_and_change_nothing(proxy: FaultyProxy, truth: Thetas) -> None:
    same(through(proxy, responses_at_once=25).estimate(RESPONSES, BANK), truth)  # users have 10 responses each
    assert proxy.seen == 10
    same(through(proxy, responses_at_once=1).estimate(RESPONSES, BANK), truth)
    assert proxy.seen == 30


def test_the_circuit_opens_after_repeated_failure_says_so_and_closes_again(proxy: FaultyProxy, truth: Thetas) -> None:
    now_s = 0.0
    estimator = through(proxy, circuit=CircuitBreaker(open_after=2, cool_down_s=30, clock=lambda: now_s))
    proxy.faults = [status(500)] * 3
    for _ in range(2):
        with pytest.raises(EstimatorUnavailable, match="status 500"):
            estimator.estimate(RESPONSES, BANK)
    with pytest.raises(EstimatorUnavailable, match=r"left alone: next try in \d+ s"):
        estimator.estimate(RESPONSES, BANK)
    assert proxy.seen == 2
    now_s += 31
    with pytest.raises(EstimatorUnavailable, match="status 500"):
        estimator.estimate(RESPONSES, BANK)
    with pytest.raises(EstimatorUnavailable, match="left alone"):
        estimator.estimate(RESPONSES, BANK)
    now_s += 31
    same(estimator.estimate(RESPONSES, BANK), truth)
    same(estimator.estimate(RESPONSES, BANK), truth)
    assert proxy.seen == 5


def test_threads_share_one_estimator(r_estimator: RServiceEstimator) -> None:
    exams = [exam(seed=seed) for seed in range(8)]
    alone = [r_estimator.estimate(*each) for each in exams]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda each: r_estimator.estimate(*each), exams))
    for found, expected in zip(together, alone, strict=True):
        same(found, expected)
