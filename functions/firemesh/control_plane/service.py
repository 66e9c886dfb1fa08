"""The control plane of one process, put together with the first request."""

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Request, Response

from firemesh.control_plane import firebase_tokens, routes
from firemesh.control_plane.agent_sessions import AgentSessions
from firemesh.control_plane.api_key import check_pepper
from firemesh.control_plane.callables import ControlCallable
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.key_ring import KeyRing
from firemesh.control_plane.rate_limit import RateLimiter
from firemesh.control_plane.use_cases import UseCases
from firemesh.function_process import FunctionProcess


class ControlPlaneService:
    """The interfaces over one process: one gateway, one callable, one rate limiter.

    Nothing is opened before a request needs it, so the cheapest request (the health probe) costs nothing.
    """

    def __init__(self, process: FunctionProcess, pepper: str, *, environment: str, streams: bool = False) -> None:
        """With `streams` it serves the event streams instead. Raises InvalidParameters when the pepper is missing or short."""
        self._process = process
        self._pepper = check_pepper(pepper)
        self._environment = environment
        self._lock = threading.Lock()
        self._use_cases: UseCases | None = None
        limiter = RateLimiter(time.monotonic)
        self._gateway = ApiGateway(self._opened, process.run, streams=streams)
        routes.bind(self._gateway, limiter)
        self._callable = ControlCallable(
            self._gateway.routes, self._opened, process.run, authenticate=routes.authenticate, take=limiter.take
        )

    def answer(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve one HTTP request, as a WSGI application."""
        return self._gateway(environ, start_response)

    def answer_callable(self, request: Request) -> Response:
        """Serve one call of a browser."""
        return self._callable.answer(request)

    def _opened(self) -> UseCases:
        with self._lock:
            if self._use_cases is None:
                self._use_cases = self._open()
            return self._use_cases

    def _open(self) -> UseCases:
        firebase_tokens.initialize(self._process.project)
        store = self._process.store
        keys = KeyRing(store, self._pepper, environment=self._environment)
        sessions = AgentSessions(store, self._pepper, verify_id_token=firebase_tokens.verify_id_token)
        return UseCases.over(store, keys, sessions, mint_token=firebase_tokens.mint_custom_token)
