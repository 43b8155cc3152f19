from resources.estimators.r_service.circuit_breaker import CircuitBreaker


def test_it_opens_after_failures_in_a_row_and_not_before() -> None:
    circuit = CircuitBreaker(open_after=3, cool_down_s=60)
    for _ in range(2):
        circuit.failed()
        assert circuit.wait_s() == 0
    circuit.failed()
    assert 0 < circuit.wait_s() <= 60


def test_a_success_in_between_starts_the_count_anew() -> None:
    circuit = CircuitBreaker(open_after=2, cool_down_s=60)
    for _ in range(5):
        circuit.failed()
        circuit.succeeded()
    assert circuit.wait_s() == 0


def test_after_the_cool_down_one_caller_tries_while_the_others_wait() -> None:
    now_s = 0.0
    circuit = CircuitBreaker(open_after=1, cool_down_s=30, clock=lambda: now_s)
    circuit.failed()
    assert circuit.wait_s() == 30
    now_s += 30
    assert circuit.wait_s() == 0
    assert circuit.wait_s() > 0
    circuit.succeeded()
    assert circuit.wait_s() == 0


def test_a_trial_that_never_reports_does_not_shut_the_circuit_for_good() -> None:
    now_s = 0.0
    circuit = CircuitBreaker(open_after=1, cool_down_s=30, clock=lambda: now_s)
    circuit.failed()
    assert circuit.wait_s() == 30
    now_s += 30
    assert circuit.wait_s() == 0
    now_s += 30
    assert circuit.wait_s() == 0
