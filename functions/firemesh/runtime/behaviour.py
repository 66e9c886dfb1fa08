"""What drives a worker: something that looks at two views and wants things. The mesh does not care what it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

INTENTS_MAX = 16
"""Intents taken from one decision; a behaviour that wants more is asked again when these have changed a view."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One command a behaviour wants sent, after `think_ms` of visible thought."""

    kind: str
    body: Mapping[str, Any]
    think_ms: int = 0


class Behaviour(Protocol):
    """A driver of one agent. Its memory is one JSON object, so that a restarted process can go on."""

    def moment(self, public: Mapping[str, Any], own: Mapping[str, Any]) -> str:
        """A label of the situation, such as "day 2 ballot". An intent formed in one moment is dropped in another."""
        ...

    def decide(self, public: Mapping[str, Any], own: Mapping[str, Any]) -> Sequence[Intent]:
        """What to do now. Asked again whenever a view has changed; must not repeat what the views already show.

        It may be asked again before what it sent last shows in a view: it remembers what it must not say twice.
        """
        ...

    def memory(self) -> Mapping[str, Any]:
        """What to keep on disk."""
        ...

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Take up where an earlier process left off."""
        ...
