import json
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from seedtest_pipeline.api.auth.jwks import ALGORITHMS, parse
from tests.integration.api.forging import segment

NUMBER = st.binary(max_size=260).map(lambda number: segment(number).decode()) | st.text(max_size=20) | st.none()
JWK = st.fixed_dictionaries(
    {"kid": st.text(max_size=3), "kty": st.sampled_from(["RSA", "EC", "OKP", "oct"])},
    optional={
        "crv": st.sampled_from(["P-256", "Ed25519", "P-384", ""]),
        "alg": st.sampled_from(["RS256", "ES256", "EdDSA", "none"]),
        "use": st.sampled_from(["sig", "enc"]),
        **dict.fromkeys(["n", "e", "x", "y", "d"], NUMBER),
    },
)


GOOD = {"kid": "good", "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


@settings(max_examples=400)
@given(st.lists(JWK, max_size=4))
def test_no_numbers_in_a_key_spoil_the_document(keys):
    found = parse(json.dumps({"keys": [*keys, GOOD]}).encode())
    assert ("good", "EdDSA") in found
    for (_, algorithm), of_id in found.items():
        assert algorithm in ALGORITHMS
        assert {key.algorithm_name for key in of_id} == {"EdDSA" if algorithm == "Ed25519" else algorithm}


@settings(max_examples=200)
@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_do_more_than_be_no_document(document):
    with suppress(ValueError):
        parse(document)
