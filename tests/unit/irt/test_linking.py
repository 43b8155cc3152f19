import numpy as np
import pytest
from numpy.testing import assert_allclose

from resources.irt.calibration.linking import Link, Method, Weights, link
from resources.irt.response_functions import Floats, Items
from tests.unit.irt import reference

METHODS: tuple[Method, ...] = ("mean-mean", "mean-sigma", "mean-gmean", "Haebara", "Stocking-Lord")


def anchors() -> tuple[Items, Items]:
    """The reference anchors on the scales Y and X."""
    frame = reference.read("linking_2pl_items.csv")
    return tuple(Items(*(reference.column(frame, f"{p}{scale}") for p in "abc")) for scale in "YX")  # type: ignore[return-value]


def bank(n: int = 20, guessing: float = 0.0) -> Items:
    rng = np.random.default_rng(n)
    return Items(rng.lognormal(0, 0.3, n), rng.normal(size=n), np.full(n, guessing))


def test_equals_equateirt() -> None:
    y, x = anchors()
    coefficients = reference.read("linking_coefficients.csv")
    assert len(coefficients) == 7
    for _, row in coefficients.iterrows():
        weights = Weights(np.linspace(-4, 4, 40), np.ones(40)) if "quadrature=FALSE" in row["note"] else None
        got = link(y, x, row["method"], weights)
        # the characteristic-curve methods stop where equateIRT's minimiser did: 6e-9
        assert_allclose([got.slope, got.intercept], [row["A"], row["B"]], rtol=0, atol=1e-7)


@pytest.mark.parametrize("guessing", [0.0, 0.2])
@pytest.mark.parametrize("method", METHODS)
def test_a_known_map_is_found(method: Method, guessing: float) -> None:
    old = bank(guessing=guessing)
    new = Link(1.3, -0.4).items(old)
    got = link(old, new, method)
    assert_allclose([got.slope, got.intercept], [1.3, -0.4], atol=1e-6)
    assert_allclose(got.items(old).b, new.b, atol=1e-5)
    assert_allclose(got.items(old).c, old.c)


def test_a_probability_is_the_same_on_both_scales() -> None:
    by, items, theta = Link(1.3, -0.4), bank(), np.linspace(-3, 3, 7)

    def logits(items: Items, theta: Floats) -> Floats:
        return items.a[:, None] * (theta - items.b[:, None])

    assert_allclose(logits(by.items(items), by.abilities(theta)), logits(items, theta), atol=1e-12)


def test_anchors_that_cannot_be_linked_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be linked"):
        link(bank(3), bank(4))
    with pytest.raises(ValueError, match="not positive"):
        link(bank(3), Items(-bank(3).a, bank(3).b, bank(3).c))
