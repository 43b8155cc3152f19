import pytest

from seedtest_pipeline.api.auth.caller import Caller, Forbidden
from seedtest_pipeline.api.auth.scopes import require_read, require_update

ANY, WRITE, READ = "analysis:run", "exam:write", "report:read"


def allowed(require, scopes, user_id) -> bool:
    try:
        require(Caller("u1", frozenset(scopes)), user_id)
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize(
    ("scopes", "update_own", "update_other", "read_own", "read_other"),
    [
        ([], False, False, False, False),
        ([ANY], True, True, True, True),
        ([WRITE], True, False, False, False),
        ([READ], False, False, True, False),
        ([WRITE, READ], True, False, True, False),
        (["reports:view"], False, False, True, False),
        (["report:view"], False, False, False, False),
        ([WRITE, ANY], True, True, True, True),
        (["analysis:update"], True, True, False, False),
        (["analysis:read"], False, False, True, True),
        (["analysis:update", "analysis:read"], True, True, True, True),
        (["analysis:runner"], False, False, False, False),
        (["analysis:ru"], False, False, False, False),
        (["analysis"], False, False, False, False),
        (["Analysis:Run"], False, False, False, False),
        (["exam:write:all"], False, False, False, False),
        (["analysis:run exam:write"], False, False, False, False),
        (["*"], False, False, False, False),
        ([""], False, False, False, False),
    ],
)
def test_who_may_do_what(scopes, update_own, update_other, read_own, read_other):
    assert allowed(require_update, scopes, "u1") == update_own
    assert allowed(require_update, scopes, "u2") == update_other
    assert allowed(require_read, scopes, "u1") == read_own
    assert allowed(require_read, scopes, "u2") == read_other


@pytest.mark.parametrize("user_id", ["U1", "u1 ", " u1", "u1\0", "ｕ１", "u11", "u", "", "../u1"])
def test_an_id_that_only_looks_like_the_own_one_is_anothers(user_id):
    assert not allowed(require_update, [WRITE], user_id)
    assert not allowed(require_read, [READ], user_id)


@pytest.mark.parametrize(
    ("require", "user_id", "scope"),
    [
        (require_update, "u1", WRITE),
        (require_update, "u2", ANY),
        (require_read, "u1", READ),
        (require_read, "u2", ANY),
    ],
)
def test_a_refusal_names_the_scope_that_would_do_and_nothing_of_the_user(require, user_id, scope):
    with pytest.raises(Forbidden) as refused:
        require(Caller("u1", frozenset()), user_id)
    assert refused.value.www_authenticate == (f'Bearer realm="seedtest", error="insufficient_scope", scope="{scope}"')
    assert str(refused.value) == f"This needs the scope {scope}."
