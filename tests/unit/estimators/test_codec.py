import json

import numpy as np
import pytest

from resources.errors import EstimatorUnavailable
from resources.estimators.r_service.codec import Batch, decode, encode
from resources.model import ItemBank, Prior, Priors

BATCH = Batch(np.array([3, 3, 7]), np.array([2, 0, 2]), np.array([1, 0, 1]), np.array([3, 7]), np.array([2, 1]))
SOUND = b"user,theta,se,n_items\n3,0.10000000000000001,0.5,2\n7,-1.25,0.75,1\n"


def test_the_body_has_only_the_items_that_occur_and_every_digit_of_them() -> None:
    third = np.array([1 / 3, 1.5, 0.1])
    bank = ItemBank("v1", "3PL", ("a", "b", "c"), third, -third, third / 2)
    head, _, rows = encode(BATCH, bank, Prior(0.1, 2)).partition(b"\n")
    assert json.loads(head) == {
        "item_params": {
            "0": {"a": third[0], "b": -third[0], "c": third[0] / 2},
            "2": {"a": third[2], "b": -third[2], "c": third[2] / 2},
        },
        "prior": {"mean": 0.1, "sd": 2},
    }
    assert rows.replace(b'"', b"") == b"user,item,correct\n3,2,1\n3,0,0\n7,2,1\n"


def test_a_prior_per_user_is_sent_for_the_users_of_the_batch_in_their_order() -> None:
    ones = np.ones(3)
    priors = Priors(np.arange(9) / 3, np.arange(1, 10) / 7)
    head, _, _ = encode(BATCH, ItemBank("v1", "2PL", ("a", "b", "c"), ones, ones, np.zeros(3)), priors).partition(b"\n")
    assert json.loads(head)["prior"] == {"mean": [3 / 3, 7 / 3], "sd": [4 / 7, 8 / 7]}


def test_a_sound_answer_is_read_to_the_last_digit() -> None:
    theta, se = decode(SOUND, BATCH)
    assert theta.tolist() == [0.1, -1.25]
    assert se.tolist() == [0.5, 0.75]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (SOUND[:-10], "cannot be used"),
        (SOUND[: SOUND.rindex(b"7,-1")], "2 users were asked about, 1 answered"),
        (SOUND + b"8,0,1,1\n", "2 users were asked about, 3 answered"),
        (b"user,theta,se,n_items\n7,-1.25,0.75,1\n3,0.1,0.5,2\n", "another order"),
        (SOUND.replace(b",2\n", b",1\n"), "not rest on all"),
        (SOUND.replace(b",0.5,", b",0,"), "not above 0"),
        (SOUND.replace(b",0.5,", b",-0.5,"), "not above 0"),
        (SOUND.replace(b",0.5,", b",nan,"), "not above 0"),
        (SOUND.replace(b",0.5,", b",,"), "not above 0"),
        (SOUND.replace(b"-1.25", b"inf"), "not finite"),
        (SOUND.replace(b"-1.25", b"NA"), "not finite"),
        (SOUND.replace(b"-1.25", b"high"), "not the expected CSV"),
        (SOUND.replace(b"se", b"sd"), "not the expected CSV"),
        (b"\n".join(line.rsplit(b",", 1)[0] for line in SOUND.splitlines()), "not the expected CSV"),
        (b"", "not the expected CSV"),
        (b'{"status": "ok"}', "not the expected CSV"),
    ],
)
def test_any_other_answer_is_unavailable(answer: bytes, complaint: str) -> None:
    with pytest.raises(EstimatorUnavailable, match=complaint):
        decode(answer, BATCH)
