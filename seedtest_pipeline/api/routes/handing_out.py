"""The way to one finished report: its address here; a short-lived link, or the file itself where it lies on this
machine and no link could be signed."""

from starlette.responses import RedirectResponse, Response

from resources.artifacts.folder import FolderStore
from seedtest_pipeline.api.middleware.observation import VERSION
from seedtest_pipeline.api.schemas import ReportLink
from seedtest_pipeline.api.service import Service

# A page may look as it does and nothing more: should ever a script get into one, it would not run.
PAGE_HEADERS = {
    "html": {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": (
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
        ),
    },
    "pdf": {"content-type": "application/pdf", "content-security-policy": "frame-ancestors 'none'"},
    "eml": {"content-type": "message/rfc822", "content-security-policy": "default-src 'none'; sandbox"},
}
_VARY = {"vary": "Accept"}


def address(service: Service, path: str) -> str:
    """This path of ours as a caller asks for it. Without a host: what the caller reached us by, we do not know."""
    return f"{service.settings.api_root_path or ''}{VERSION}{path}"


async def handed_out(service: Service, key: str, form: str, *, href: str, accept: str) -> Response:
    """The report under this key, whose address in this API is `href`; as JSON its link, if the caller accepts that."""
    as_json = "application/json" in accept
    if isinstance(service.artifacts, FolderStore):
        if as_json:
            return _as_json(ReportLink(url=href, expires_at=None))
        return Response(await service.work(service.artifacts.read, key), headers=PAGE_HEADERS[form] | _VARY)
    (link,) = await service.work(service.links.of, [key], service.settings.report_link_secs)
    if as_json:
        return _as_json(ReportLink(url=link.url, expires_at=link.expires_at))
    return RedirectResponse(link.url, 302, headers=_VARY)


def _as_json(link: ReportLink) -> Response:
    """For nobody's cache: it opens the report, and not for long."""
    return Response(
        link.model_dump_json(), media_type="application/json", headers={"cache-control": "no-store"} | _VARY
    )
