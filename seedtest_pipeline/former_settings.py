"""The predecessor's settings by what replaces them here: `doctor` names those that are still set.

Stays out: those that have kept their names.
"""

from collections.abc import Mapping

REPLACED: Mapping[str, str] = {
    "REPORT_FORMAT": "REPORT_FORMATS",
    "JWT_JWKS_URL": "JWKS_URL",
    "JWT_PUBLIC_KEY": "JWKS_URL",
    "MIRT_MODEL": "IRT_MODEL",
}
GONE: Mapping[str, str] = {
    "ENABLE_IRT_ONLINE_UPDATE": "abilities are updated on demand wherever `seedtest api` runs",
}


def told(name: str) -> str | None:
    """What replaces it, as a sentence; None of a name that the predecessor did not have."""
    if name in REPLACED:
        return f"{name} is not read here: {REPLACED[name]} replaces it."
    return f"{name} is not read here: {GONE[name]}." if name in GONE else None
