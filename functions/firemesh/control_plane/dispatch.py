"""From a checked call to its answer, the same for HTTP and for callables."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from firemesh.control_plane.access import Identity
from firemesh.control_plane.idempotency import Attempt
from firemesh.control_plane.route import Call, EventStream, Reply, Route
from firemesh.control_plane.use_cases import UseCases
from firemesh.core.messages import canonical_json
from firemesh.store.base import Write

Runner = Callable[[Coroutine[Any, Any, Any]], Any]
"""Runs a coroutine to its end, for a synchronous caller."""

Authenticate = Callable[[UseCases, str, str], Awaitable[Identity]]
"""Says who presents a credential; gets the use cases, credential and request id, and raises Unauthenticated."""


async def awaited(work: Awaitable[Any]) -> Any:
    """A coroutine of anything that can be awaited."""
    return await work


async def perform(
    use: UseCases, route: Route, call: Call[Any, Any], parameters: Mapping[str, str], *, idempotency_key: str = ""
) -> Reply | EventStream:
    """Do what a call asks for, once for each idempotency key. Raises what the use case raises."""
    if not idempotency_key:
        return _reply(await route.handler(use, call, **parameters))

    async def work(attempt: Attempt) -> Any:
        def remember(answer: Any) -> Sequence[Write]:
            return attempt.remember(route.answer_type.dump_json(answer).decode())

        return await route.handler(use, replace(call, remember=remember), **parameters)

    asked = canonical_json([route.name, dict(parameters), call.body.model_dump(mode="json")])
    earlier, given = await use.idempotency.once(call.identity.key_id, idempotency_key, asked, work)
    if earlier is None:
        return _reply(given)
    return Reply(route.answer_type.validate_json(earlier.answer), replayed=True)


def _reply(given: Any) -> Reply | EventStream:
    return given if isinstance(given, Reply | EventStream) else Reply(given)
