"""Which names this server has, and which pages may send it requests.

A browser sends requests for any page that it shows, to this machine too. A page whose host name
comes to stand for this machine's address (DNS rebinding) could read the answers as well, but its
requests carry that name.
"""

import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from werkzeug.exceptions import Forbidden, MisdirectedRequest

from service.settings import ServiceSettings

HARMLESS = ("GET", "HEAD", "OPTIONS")
EVERYWHERE = ("0.0.0.0", "::")  # addresses to listen at that are all of the machine's
DEFAULT_PORTS = {"http": ":80", "https": ":443"}

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d*)?", re.IGNORECASE)


class Sites:
    """The check of a request's host and of the page that sent it.

    Parameters
    ----------
    settings
        Where the API listens, and its further names.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        names = [_canonical(name) for name in settings.host_names]
        self._names = {_canonical(settings.host), *names}
        self._takes_any = "*" in names
        self._takes_addresses = _canonical(settings.host) in EVERYWHERE
        self._known = lru_cache(256)(self._look_up)  # a small prediction shall not wait for it

    def knows(self, host: str) -> bool:
        """Tell whether a host, with or without a port, is this server; none at all may be."""
        return not host or self._known(host)

    def check(self, method: str, host: str, fetch_site: str, origin: str) -> None:
        """Let a request pass, or raise; a header that it lacks is an empty string.

        Raises
        ------
        MisdirectedRequest
            The host is not this server.
        Forbidden
            A page of another site sent it, and it is not one that only reads.
        """
        if not self.knows(host):
            raise MisdirectedRequest(
                f"{host[:100]!r} is no name of this server; STEPBOX_HOSTS gives it more names."
            )
        if method not in HARMLESS and not _is_from_here(host, fetch_site, origin):
            raise Forbidden(
                "A page of another site sent this request (Sec-Fetch-Site: "
                f"{fetch_site[:100] or 'none told'}, Origin: {origin[:100] or 'none told'}); only "
                "pages of this server and programs may."
            )

    def _look_up(self, host: str) -> bool:
        if self._takes_any:
            return True
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = _canonical(match[1])
        if name in self._names or name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            address = ip_address(name)
        except ValueError:
            return False
        return self._takes_addresses or address.is_loopback


def _canonical(name: str) -> str:
    """Write a name or an address in the one form in which it is compared."""
    name = name.lower().strip("[]").removesuffix(".")
    try:
        return str(ip_address(name))
    except ValueError:
        return name


def _is_from_here(host: str, fetch_site: str, origin: str) -> bool:
    """Tell whether a page of this server, or no page at all, sent a request.

    Browsers send `Sec-Fetch-Site` only to this machine or over TLS, and `Origin` always. A proxy
    may have changed the scheme, and have added its port to the host.
    """
    if fetch_site:
        return fetch_site in ("same-origin", "none")
    if not origin:
        return True
    try:
        scheme, netloc, *_ = urlsplit(origin)
    except ValueError:
        return False
    return netloc != "" and netloc in (host, host.removesuffix(DEFAULT_PORTS.get(scheme, "")))
