"""The check of a request's host, origin and token. Each request passes it once."""

from service.access.sites import Sites
from service.access.tokens import check_token
from service.settings import ServiceSettings

# The request headers that the check reads, in the order of `AccessCheck`'s parameters.
HEADERS = ("Host", "Sec-Fetch-Site", "Origin", "Authorization")


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

    def __call__(
        self, method: str, path: str, host: str, fetch_site: str, origin: str, authorization: str
    ) -> None:
        """Accept a request or raise. A missing header is an empty string.

        Raises
        ------
        MisdirectedRequest
            The host is not this server.
        Forbidden
            A page of another site sent a request that may change something, or the token allows
            only reading.
        Unauthorized
            The token is missing or unknown.
        """
        self.sites.check(method, host, fetch_site, origin)
        if self._tokens:
            check_token(self._tokens, method, path, authorization)
