"""The host names of this server, and the pages whose requests it accepts.

Any page that a browser shows can send requests, also to servers on the browser's own machine. By
DNS rebinding, the host name of a page can even resolve to this machine. Then the page can read the
responses. Such requests are recognized by their Host header, which has the page's host name.
"""

import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from werkzeug.exceptions import Forbidden, MisdirectedRequest

from service.settings import ServiceSettings

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")  # they only read (RFC 9110, 9.2.1)
WILDCARD_ADDRESSES = ("0.0.0.0", "::")  # these listen on all addresses of the machine
DEFAULT_PORTS = {"http": ":80", "https": ":443"}

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d*)?", re.IGNORECASE)


class Sites:
    """The check of a request's host and of the page that sent it.

    Parameters
    ----------
    settings
        The address of the API and its other names.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        names = [_canonical(name) for name in settings.host_names]
        self._names = {_canonical(settings.host), *names}
        self._accepts_any = "*" in names
        self._accepts_addresses = _canonical(settings.host) in WILDCARD_ADDRESSES
        self._is_known = lru_cache(256)(self._look_up)  # a lookup slows down predictions

    def knows(self, host: str) -> bool:
        """Tell whether a Host header, with or without a port, names this server or is empty."""
        return not host or self._is_known(host)

    def check(self, method: str, host: str, fetch_site: str, origin: str) -> None:
        """Accept a request or raise. A missing header is an empty string.

        Raises
        ------
        MisdirectedRequest
            The host is not this server.
        Forbidden
            A page of another site sent the request, and its method is not safe.
        """
        if not self.knows(host):
            raise MisdirectedRequest(
                f"{host[:100]!r} is not a name of this server; STEPBOX_HOSTS adds names."
            )
        if method not in SAFE_METHODS and not _is_same_site(host, fetch_site, origin):
            raise Forbidden(
                "A page of another site sent this request (Sec-Fetch-Site: "
                f"{fetch_site[:100] or 'not sent'}, Origin: {origin[:100] or 'not sent'}); only "
                "programs and pages of this server may send it."
            )

    def _look_up(self, host: str) -> bool:
        if self._accepts_any:
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
        return self._accepts_addresses or address.is_loopback


def _canonical(name: str) -> str:
    """Write a name or an address in the form used for comparison."""
    name = name.lower().strip("[]").removesuffix(".")
    try:
        return str(ip_address(name))
    except ValueError:
        return name


def _is_same_site(host: str, fetch_site: str, origin: str) -> bool:
    """Tell whether a request comes from a page of this server or from no page at all.

    The method is not safe, so browsers send `Origin`. They send `Sec-Fetch-Site` only to loopback
    or over TLS. A proxy may have changed the scheme, or added the scheme's port to the host.
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
