"""Where an identity provider's tokens say for whom they are, for what, and what their bearer may do.

OpenID Connect leaves roles and permissions to each provider, and some leave the audience out. docs/tokens.md has the
settings for Keycloak, Auth0, Entra and Cognito.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

_SUBJECT_LENGTH = 255  # what OpenID Connect allows


class Unreadable(Exception):  # noqa: N818 - an outcome
    """The claim of this name is missing, or no text and no list of texts."""


@dataclass(frozen=True)
class ClaimNames:
    """`scopes` name claims whose words count together; of these, `meaning` says which scope of ours a word is.

    A name is a claim's own, as it is, or leads into objects by dots: `realm_access.roles`.
    """

    audience: str = "aud"
    subject: str = "sub"
    scopes: Sequence[str] = ("scope", "scp", "scopes")
    meaning: Mapping[str, str] = field(default_factory=dict)

    def audiences_of(self, claims: Mapping[str, object]) -> Sequence[str]:
        """Raises Unreadable."""
        value = _at(claims, self.audience)
        return [value] if _is_text(value) else _texts(value, self.audience)

    def subject_of(self, claims: Mapping[str, object]) -> str:
        """Raises Unreadable."""
        value = _at(claims, self.subject)
        if not (_is_text(value) and 0 < len(value) <= _SUBJECT_LENGTH):
            raise Unreadable(self.subject)
        return value

    def scopes_of(self, claims: Mapping[str, object]) -> frozenset[str]:
        """Of a text its words; of a list each text as it is. Raises Unreadable."""
        found: set[str] = set()
        for name in self.scopes:
            value = _at(claims, name)
            if value is not None:
                found.update(filter(None, value.split(" ")) if _is_text(value) else _texts(value, name))
        return frozenset(self.meaning.get(word, word) for word in found)


def _at(claims: Mapping[str, object], name: str) -> object:
    if name in claims or "." not in name:
        return claims.get(name)
    first, rest = name.split(".", 1)
    inner = claims.get(first)
    return _at(inner, rest) if isinstance(inner, dict) else None


def _is_text(value: object) -> TypeGuard[str]:
    """Of whole characters that a database takes: JSON can hold half of one, and the one of no bits."""
    return isinstance(value, str) and not any(
        "\ud800" <= character <= "\udfff" or character == "\0" for character in value
    )


def _texts(value: object, name: str) -> list[str]:
    if not (isinstance(value, list) and all(map(_is_text, value))):
        raise Unreadable(name)
    return value
