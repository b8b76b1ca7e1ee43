"""The check of a request's host, origin and token, made once per request."""

from collections.abc import Mapping

from service.access.sites import Sites
from service.access.tokens import check_token
from service.settings import ServiceSettings, Token

HEADERS = (b"host", b"sec-fetch-site", b"origin", b"authorization")  # which the check reads


class AccessCheck:
    """The check of who may send a request.

    Parameters
    ----------
    settings
        The host names and tokens of this server.

    Attributes
    ----------
    sites
        The check of the host and the origin alone.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self.sites = Sites(settings)
        self._tokens = settings.access_tokens

    def __call__(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> Token:
        """Return the token of a request, or raise. The names of its headers are in lower case.

        Raises
        ------
        MisdirectedRequest
            The host is not this server.
        Forbidden
            A page of another site sent a request that may change something, or the token does not
            allow the request.
        Unauthorized
            The token is missing or unknown.
        """
        host, fetch_site, origin, authorization = [
            headers.get(name, b"").decode("latin-1") for name in HEADERS
        ]
        self.sites.check(method, host, fetch_site, origin)
        return check_token(self._tokens, method, path, authorization)
