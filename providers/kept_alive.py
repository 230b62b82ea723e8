"""A transport whose cost does not grow with the number of its connections.

httpx's own pool asks the system about each of its connections at every request, which takes as long as the rest of the
request. This one asks about the connection that it is about to use. Nothing is sent twice: a request that fails, fails.
"""

import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import httpcore
import httpx

_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
)
_Place = tuple[bytes, bytes, int | None]  # scheme, host and port
_Idle = list[tuple[float, httpcore.AsyncHTTPConnection]]  # since when, and which; the last one used is the last


class KeptAlive(httpx.AsyncBaseTransport):
    """Send each request on the connection to its host that was used last and still lives, else on a new one.

    A connection is closed once it was idle for `seconds`, or while `idle` later ones are. Whoever sends bounds how many
    are in use at once. HTTP/1.1 only, directly to the host of the URL.
    """

    def __init__(
        self, tls: ssl.SSLContext, *, idle: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tls, self._most, self._seconds, self._clock = tls, idle, seconds, clock
        self._idle: dict[_Place, _Idle] = {}
        self._used: set[httpcore.AsyncHTTPConnection] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.scheme not in {"http", "https"} or not url.raw_host:
            raise httpx.UnsupportedProtocol(f"no http:// or https:// address: {url.scheme}", request=request)
        place = (url.raw_scheme, url.raw_host, url.port)
        sent = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=place[0], host=place[1], port=place[2], target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _errors_of_httpx(request):
            connection = await self._connection(place, sent.url.origin)
            try:
                response = await connection.handle_async_request(sent)
            except BaseException:  # it has closed itself
                self._used.discard(connection)
                raise
        body = _Body(response, request, self._returning(place, connection))
        return httpx.Response(
            response.status, headers=response.headers, stream=body, extensions=response.extensions, request=request
        )

    async def aclose(self) -> None:
        idle = [connection for waiting in self._idle.values() for _, connection in waiting]
        self._idle.clear()
        for connection in (*idle, *self._used):
            await connection.aclose()
        self._used.clear()

    async def _connection(self, place: _Place, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        idle = self._idle.setdefault(place, [])
        while idle and (len(idle) > self._most or self._clock() - idle[0][0] > self._seconds):
            await idle.pop(0)[1].aclose()
        while idle:
            connection = idle.pop()[1]
            if not connection.has_expired():  # the host has not closed it
                break
            await connection.aclose()
        else:
            connection = httpcore.AsyncHTTPConnection(
                origin,
                ssl_context=self._tls,
                keepalive_expiry=self._seconds,
                network_backend=httpcore.AnyIOBackend(),  # httpcore looks for it anew at each call otherwise
            )
        self._used.add(connection)
        return connection

    def _returning(self, place: _Place, connection: httpcore.AsyncHTTPConnection) -> Callable[[], None]:
        """Keep the connection for the next request, if the whole answer was read from it and it is still ours."""

        def give_back() -> None:
            if connection in self._used:
                self._used.discard(connection)
                if connection.is_available():
                    self._idle.setdefault(place, []).append((self._clock(), connection))

        return give_back


class _Body(httpx.AsyncByteStream):
    """The bytes of an answer; closing it frees the connection."""

    def __init__(self, answer: httpcore.Response, request: httpx.Request, give_back: Callable[[], None]) -> None:
        self._answer, self._request, self._give_back = answer, request, give_back

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _errors_of_httpx(self._request):
            async for part in self._answer.aiter_stream():
                yield part

    async def aclose(self) -> None:
        try:
            with _errors_of_httpx(self._request):
                await self._answer.aclose()
        finally:
            self._give_back()


@contextmanager
def _errors_of_httpx(request: httpx.Request) -> Iterator[None]:
    """Raise httpcore's errors as those of httpx, which have the same names."""
    try:
        yield
    except _ERRORS as error:
        raise _of_httpx(type(error))(str(error), request=request) from error


def _of_httpx(kind: type[Exception]) -> type[httpx.TransportError]:
    """The error of the same name, or of the nearest base that has one."""
    found = (getattr(httpx, each.__name__, None) for each in kind.__mro__)
    return next(
        (each for each in found if isinstance(each, type) and issubclass(each, httpx.TransportError)),
        httpx.TransportError,
    )
