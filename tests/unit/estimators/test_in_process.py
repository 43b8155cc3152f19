import numpy as np
import pytest

from resources.errors import OperatorRequired
from resources.estimators.contract import Estimator
from resources.estimators.in_process import InProcessEstimator
from resources.model import ItemBank, Responses
from tests.unit.estimators.estimator_contract import EstimatorContract


class TestInProcessEstimator(EstimatorContract):
    @pytest.fixture
    def estimator(self) -> Estimator:
        return InProcessEstimator()


def test_a_bank_that_overflows_is_an_error_and_never_a_nan() -> None:
    bank = ItemBank("huge", "2PL", ("x",), np.array([1e308]), np.array([1e10]), np.zeros(1))
    zero = np.zeros(1, dtype=np.int64)
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(OperatorRequired, match="huge"):
        InProcessEstimator().estimate(Responses(("ann",), ("x",), zero, zero, np.ones(1)), bank)
