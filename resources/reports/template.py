"""A compiled report document: what is the same for every learner and every week."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from resources.reports.wording import Words


@dataclass(frozen=True)
class Template:
    """`html` holds Jinja's placeholders and control flow; `charts` are the Vega-Lite specifications that it shows, by
    name; `words` is the language of both.

    `sha256` covers all three: two templates with one hash make the same reports. `compiled_by` names tool and version.
    """

    html: str
    charts: Mapping[str, str]
    sha256: str
    compiled_by: str
    words: Words = field(default_factory=Words)
