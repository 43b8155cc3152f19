"""A report as an e-mail message without a sender: HTML that mail programs show, and the same as text.

Mail programs drop pictures in SVG, many also drop style sheets, and Gmail cuts what is longer than 102 kB: a report's
mail has tables for charts, and its styles in the elements.
"""

import hashlib
import re
from email import message_from_bytes, policy
from email.message import EmailMessage

from css_inline import CSSInliner

from resources.reports.document.plain_text import plain_text

_STYLES = re.compile(r"<style\b.*?</style>", re.DOTALL)
_STYLE = re.compile(r' style="[^"]*"')
_HEADING = re.compile(r"<h1\b[^>]*>(.*?)</h1>", re.DOTALL)


def mail_source(source: str, css: str) -> str:
    """A compiled document's HTML with the styles of `css` in its elements; what acts by the reader's choice of colours
    stays in a style sheet, which is a gain where it is read and no loss where it is not."""
    inliner = CSSInliner(extra_css=css, keep_at_rules=True, load_remote_stylesheets=False)
    return inliner.inline(_STYLES.sub("", source))


def message(page: str, week: str) -> bytes:
    """The same bytes from the same page. Whoever sends it sets From, To and Date; opened as a file, it is a draft."""
    heading = _HEADING.search(page)
    made = EmailMessage(policy=policy.SMTP)
    made["Subject"] = f"{plain_text(heading[1]).strip()}, {week}" if heading else week
    made["X-Unsent"] = "1"
    made.set_content(plain_text(_STYLE.sub("", page.partition("<body")[2].partition(">")[2])))
    made.add_alternative(page, subtype="html", cte="base64")  # quoted-printable takes ten times as long
    made.set_boundary("=_" + hashlib.sha256(page.encode()).hexdigest()[:32])
    return made.as_bytes()


def html_of(sent: bytes) -> str:
    """The HTML of a message; empty where there is none."""
    html = message_from_bytes(sent, policy=policy.SMTP).get_body(("html",))
    return html.get_content() if html else ""
