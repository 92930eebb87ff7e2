"""What every request passes before a route sees it, and every answer on its way out. No framework: plain ASGI.

Order: host, origin, token, rate, media type, size. What is refused here costs nothing but this.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, cast, final
from urllib.parse import urlsplit

from fastapi import Request

from hwnas.service.logs import log_failure, log_request
from hwnas.service.metrics import METRICS
from hwnas.service.problems import answer_problem, fault, instance_of, refusal
from hwnas.service.rates import Rates
from hwnas.service.settings import Settings, is_loopback, plain_address
from hwnas.service.unread_bodies import FORM, JSON

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_OPEN: Final = ("/healthz", "/readyz")  # what a supervisor asks, without a token
_PUBLIC: Final = ("/", "/docs", "/openapi.json", "/favicon.ico")  # the page itself holds no data
_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_MEDIA_TYPES: Final = (JSON, FORM)


@final
class Guard:
    """The application behind its guard. state: that of the application, for tests and the server."""

    def __init__(self, app: Any, *, settings: Settings) -> None:
        self.app, self.state, self._settings = app, app.state, settings
        self._rates = Rates(per_second=settings.limits.rate)
        self._under_way: set[asyncio.Task[Any]] = set()
        self._ending = False

    def end_answers(self, *, after_s: float) -> None:
        """Have what is still under way after so many seconds answered with a problem: the server stops."""

        def end() -> None:
            self._ending = True
            for task in list(self._under_way):
                task.cancel()

        asyncio.get_running_loop().call_later(after_s, end)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request, or the start and end of the server."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["client"] = _client(Request(scope), self._settings)
        request = Request(scope)
        request.state.number = secrets.token_hex(8)
        answered = _Answered(send, request.state.number)
        began = time.monotonic()
        try:
            problem = self._refusal(request)
            if problem is not None:
                await answer_problem(request, problem, _challenge(problem))(scope, receive, answered.send)
            else:
                await self._answer(request, receive, answered)
        finally:
            seconds = time.monotonic() - began
            METRICS.count(request, answered.status, seconds)
            log_request(request, answered.status, seconds)

    async def _answer(self, request: Request, receive: Receive, answered: _Answered) -> None:
        body = _Body(receive, most=_most(request, self._settings))
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._under_way.add(task)

        async def send(message: Message) -> None:
            if not body.exceeded:  # what the application makes of half a body is not told
                await answered.send(message)

        try:
            limit = None if request.url.path.endswith("/events") else self._settings.limits.request_seconds
            await asyncio.wait_for(self.app(request.scope, body.receive, send), limit)
        except asyncio.TimeoutError:
            late = f"expected an answer within {limit:g} s, got none; ask for less"
            await answered.instead(request, receive, refusal(503, late))
        except asyncio.CancelledError:
            if not self._ending:
                raise
            stops = "expected a server that goes on, got one that stops; ask again once it is there"
            await answered.instead(request, receive, refusal(503, stops))
        except Exception as error:
            if not body.exceeded:
                log_failure(request, error)
                await answered.instead(request, receive, fault(instance_of(request)))
        finally:
            self._under_way.discard(task)
        if body.exceeded:
            more = f"expected a body of at most {_most(request, self._settings):,} bytes, got more"
            await answered.instead(request, receive, refusal(413, more))

    def _refusal(self, request: Request) -> dict[str, Any] | None:
        """Why the request goes no further; None where it may."""
        refused = _wrong_host(request, self._settings) or _wrong_origin(request)
        if refused or request.url.path in _OPEN:
            return refused
        if not self._rates.allows(request.client.host if request.client else ""):
            most = f"expected at most {self._settings.limits.rate:g} requests a second, got more; slow down"
            return refusal(429, most)
        if not (_is_public(request.url.path) or _has_token(request, self._settings.token)):
            return refusal(401, _no_token(request))
        return _wrong_body(request, self._settings)


@final
class _Body:
    """The body of a request, as far as it may go. exceeded: whether it went further."""

    def __init__(self, receive: Receive, *, most: int) -> None:
        self._receive, self._most, self._read, self.exceeded = receive, most, 0, False

    async def receive(self) -> Message:
        """The next part; where that is too much, as if the caller had gone."""
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read <= self._most:
            return message
        self.exceeded = True
        return {"type": "http.disconnect"}


@final
class _Answered:
    """What was sent, with our headers on it."""

    def __init__(self, send: Send, number: str) -> None:
        self._send, self._number, self.status = send, number, 0

    async def send(self, message: Message) -> None:
        """Pass a part on; the first carries the headers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            more = {**HEADERS, "X-Request-ID": self._number}
            known = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *((k.encode(), v.encode()) for k, v in more.items() if k.lower().encode() not in known),
            ]
        await self._send(message)

    async def instead(self, request: Request, receive: Receive, problem: dict[str, Any]) -> None:
        """A problem in place of the answer, unless that has begun."""
        if not self.status:
            await answer_problem(request, problem)(request.scope, receive, self.send)


def _client(request: Request, settings: Settings) -> tuple[str, int] | None:
    """Who asks: who is connected, or whom the proxy that is trusted saw. Of what it forwards only the last address is
    its own word; where that is no address, the proxy itself asks."""
    if request.client is None:
        return None
    seen = (request.client.host, request.client.port)
    if settings.proxy is None or plain_address(seen[0]) != plain_address(settings.proxy):
        return seen
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")).rpartition(",")[2]
    address = plain_address(forwarded)
    return seen if address is None else (address, 0)


def _most(request: Request, settings: Settings) -> int:
    upload = request.headers.get("content-type", "").startswith("multipart/form-data")
    return settings.limits.upload_bytes if upload else settings.limits.body_bytes


def _is_public(path: str) -> bool:
    return path in _PUBLIC or path.startswith(("/page/", "/docs/"))


def _has_token(request: Request, token: str | None) -> bool:
    if token is None:
        return True
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    right = hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode())
    return right and scheme.lower() == "bearer"


def _no_token(request: Request) -> str:
    """What was shown in place of the token, without what it was."""
    given = request.headers.get("authorization")
    scheme, _, shown = (given or "").strip().partition(" ")
    got = "another token"
    if given is None:
        got = "none"
    elif scheme.lower() != "bearer" or not shown.strip():
        got = "one of another form"
    return f"expected the header `Authorization: Bearer TOKEN`, got {got}; ask who runs this service for its token"


def _wrong_host(request: Request, settings: Settings) -> dict[str, Any] | None:
    """Without a token, a page elsewhere must not reach us under a name that it had point to this machine."""
    try:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return refusal(400, "expected a Host header that is a host, got another")
    if settings.token is None and not is_loopback(host):
        return refusal(421, f"expected localhost or a loopback address as host, got {host[:100]!r}")
    return None


def _wrong_origin(request: Request) -> dict[str, Any] | None:
    """A page of another origin must not ask: browsers say where a request comes from."""
    origin = request.headers.get("origin")
    if origin is None or urlsplit_or_none(origin) == request.headers.get("host"):
        return None
    return refusal(403, "expected a request of the service's own page or of a program, got one of another origin")


def urlsplit_or_none(origin: str) -> str | None:
    """Host and port of an origin; None where it has none."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def _wrong_body(request: Request, settings: Settings) -> dict[str, Any] | None:
    length = request.headers.get("content-length", "0")
    has_body = length != "0" or "transfer-encoding" in request.headers
    if request.method not in ("POST", "PUT", "PATCH") or not has_body:
        return None
    if length.isdigit() and int(length) > _most(request, settings):
        return refusal(413, f"expected a body of at most {_most(request, settings):,} bytes, got {int(length):,}")
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in _MEDIA_TYPES:
        got = repr(given[:100]) if given else "none"
        return refusal(
            415, f"expected a body of type {' or '.join(_MEDIA_TYPES)}, got {got}; set the header Content-Type"
        )
    return None


def _challenge(problem: dict[str, Any]) -> dict[str, str]:
    return {"WWW-Authenticate": "Bearer"} if problem["status"] == 401 else {}
