"""Commands over REST: each goes into the inbox once, however often it is sent.

A caller over HTTP often does not learn whether it was heard, and asks again. So the door notes how far an incarnation has
come, with a digest of each of its last commands, in one small document per agent. That document is replaced in the same
commit that puts the command into the inbox, on condition that nobody has replaced it meanwhile: of two copies of a call one
lands, the other finds the command noted. After a lost acknowledgement the same call tells what became of it.

The join comes from outside the mesh, so rivals for one id may overwrite each other's note. That does no harm: nobody sends
more than the join before it is a member, and no rival's join passes the door after that. A member without a note of its own
has therefore sent exactly the join.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, ValidationError

from firemesh.control_plane.access import Identity, Seat
from firemesh.control_plane.route import SEQ_MAX
from firemesh.core.membership import JOIN, LEAVE, JoinBody
from firemesh.core.messages import Command, StoredModel, canonical_json
from firemesh.core.sessions import ALREADY_ORDERED
from firemesh.errors import (
    AgentIdInUse,
    AgentNotFound,
    AlreadyExists,
    CommitAborted,
    InboxFull,
    InvalidMessage,
    NotStored,
    PreconditionFailed,
)
from firemesh.ids import Incarnation
from firemesh.runtime.admission import client_process
from firemesh.store import paths
from firemesh.store.base import Create, Delete, Document, Fields, Put, Store, Write

WAITING_MAX = 64
"""Commands of one agent that may wait in the inbox, and of which the door keeps a digest."""
ATTEMPTS_MAX = 4
"""Commits of one call. Only another call of the same agent can make one fail."""


class SentNote(StoredModel):
    """How far one incarnation has come: its last number, and the digests of its last commands, newest last."""

    inc: Incarnation
    seq: Annotated[int, Field(ge=1, le=SEQ_MAX)]
    digests: Annotated[tuple[str, ...], Field(strict=False, max_length=WAITING_MAX)]


class CommandFate(StrEnum):
    """What has become of a command that went through the door."""

    WAITING = "waiting"
    REFUSED = "refused"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class CommandStatus:
    """A command's fate; `reason` and `detail` say why it was refused. `done` means ordered: the views tell what came of it."""

    seq: int
    status: CommandFate
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is stored about one number of one incarnation, by one consistent read."""

    note: Document | None
    last: int
    digest: str
    """Of the command under this number; empty when none was kept."""
    waiting: Fields | None
    refused: Fields | None
    is_full: bool


class CommandDoor:
    """Puts an agent's commands into the inbox of its mesh, and tells what became of them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def pass_on(self, identity: Identity, seq: int, kind: str, body: Mapping[str, Any]) -> bool:
        """Put a command into the inbox; False when it was put there before.

        Raises:
            InvalidMessage: it is malformed, may not be sent by an agent, or a number before it is missing.
            AlreadyExists: the number belongs to another command.
            AgentNotFound: who is not in the mesh yet may only join.
            AgentIdInUse: another living run has the id.
            InboxFull: 64 commands of this agent wait for a leader.
            CommitAborted, OutcomeUnknown: send the same again.
        """
        command = _command(identity, seq, kind, body)
        _require_right(identity, command)
        for _ in range(ATTEMPTS_MAX):
            known = await self._look_up(identity, seq)
            writes = _writes(identity, command, known)
            if not writes:
                return False
            try:
                await self._store.commit(writes)
            except PreconditionFailed:
                continue
            return True
        raise CommitAborted(f"command {seq} was sent many times at once; send it again")

    async def status(self, identity: Identity, seq: int) -> CommandStatus:
        """What has become of a command. Raises NotStored when no command with this number has passed the door."""
        known = await self._look_up(identity, seq)
        if known.waiting is not None:
            return CommandStatus(seq, CommandFate.WAITING)
        if known.refused is not None and known.refused["reason"] != ALREADY_ORDERED:
            return CommandStatus(seq, CommandFate.REFUSED, known.refused["reason"], known.refused["detail"])
        if seq > known.last:
            raise NotStored(f"agent {identity.agent!r} has not sent a command {seq}; its last is {known.last}")
        return CommandStatus(seq, CommandFate.DONE)

    async def _look_up(self, identity: Identity, seq: int) -> _Known:
        mesh_id, request_id = identity.mesh, paths.request_id(identity.agent, identity.inc, seq)
        note_path, request = paths.sent(mesh_id, identity.agent), paths.request(mesh_id, request_id)
        refused = paths.refused(mesh_id, request_id)
        wanted = [note_path, request, refused]
        if seq > WAITING_MAX:
            oldest = paths.request_id(identity.agent, identity.inc, seq - WAITING_MAX)
            wanted.append(paths.request(mesh_id, oldest))
        found = (await self._store.get_all(wanted)).documents
        note = _note(found.get(note_path), identity)
        return _Known(
            note=found.get(note_path),
            last=note.seq if note is not None else int(identity.seat is Seat.OWN),
            digest="" if note is None else _digest_of(note, seq),
            waiting=found[request].fields if request in found else None,
            refused=found[refused].fields if refused in found else None,
            is_full=len(wanted) > 3 and wanted[3] in found,
        )


def _command(identity: Identity, seq: int, kind: str, body: Mapping[str, Any]) -> Command:
    try:
        return Command(agent_id=identity.agent, inc=identity.inc, seq=seq, kind=kind, payload=canonical_json(body))
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]
        raise InvalidMessage(f"command: {problem['loc'][0] if problem['loc'] else 'body'}: {problem['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidMessage("command: the body is no JSON object with finite numbers") from error


def _require_right(identity: Identity, command: Command) -> None:
    """What firestore.rules ask of a client that sends directly: the two ways in admit the same."""
    if identity.seat is Seat.TAKEN:
        raise AgentIdInUse(f"another run of agent {identity.agent!r} lives in mesh {identity.mesh!r}")
    if command.seq == 1:
        _require_join(identity, command)
    elif command.kind.startswith("mesh.") and command.kind != LEAVE:
        raise InvalidMessage(f"{command.kind} is a command of the mesh itself; an agent sends {JOIN}, once, and {LEAVE}")
    elif identity.seat is not Seat.OWN:
        raise AgentNotFound(f"agent {identity.agent!r} is not in mesh {identity.mesh!r} yet: send {JOIN} as command 1")


def _require_join(identity: Identity, command: Command) -> None:
    process = client_process(identity.agent)
    try:
        body = JoinBody.model_validate_json(command.payload)
    except ValidationError as error:
        raise InvalidMessage(f"the first command is {JOIN}, with `type` worker and `process` {process}") from error
    if command.kind != JOIN or body.type != "worker" or body.process != process or body.replaces:
        raise InvalidMessage(f"the first command is {JOIN}, with `type` worker, `process` {process} and no `replaces`")


def _writes(identity: Identity, command: Command, known: _Known) -> Sequence[Write]:
    """What puts the command into the inbox; nothing when it has been there."""
    request_id = paths.request_id(command.agent_id, command.inc, command.seq)
    put = Create(paths.request(identity.mesh, request_id), command.model_dump(mode="json"))
    if known.waiting is not None:
        _require_same(known.waiting == put.fields, command)
        return []
    if command.seq <= known.last:
        _require_same(known.digest in ("", _digest(command)), command)
        if command.kind == JOIN and identity.seat is Seat.FREE and known.refused is not None:
            # A join that was refused may be tried again: then its refusal goes, so that the next one is news.
            return [put, Delete(paths.refused(identity.mesh, request_id))]
        return []
    if command.seq > known.last + 1:
        raise InvalidMessage(f"command {command.seq} comes where {known.last + 1} is expected")
    if known.is_full:
        raise InboxFull(f"{WAITING_MAX} commands of agent {identity.agent!r} wait for a leader")
    return [put, _noting(identity, command, known)]


def _noting(identity: Identity, command: Command, known: _Known) -> Write:
    path = paths.sent(identity.mesh, identity.agent)
    before = _note(known.note, identity)
    digests = (*(before.digests if before is not None else ()), _digest(command))[-WAITING_MAX:]
    fields = SentNote(inc=command.inc, seq=command.seq, digests=digests).model_dump(mode="json")
    if known.note is None:
        return Create(path, fields)
    return Put(path, fields, if_update_time=known.note.update_time)


def _require_same(is_same: bool, command: Command) -> None:
    if not is_same:
        raise AlreadyExists(f"number {command.seq} belongs to another command of this run; take the next one")


def _note(document: Document | None, identity: Identity) -> SentNote | None:
    """The note of this incarnation; None when there is none, or another's."""
    if document is None or document.fields["inc"] != identity.inc:
        return None
    return SentNote.model_validate(dict(document.fields))


def _digest_of(note: SentNote, seq: int) -> str:
    place = len(note.digests) - 1 - (note.seq - seq)
    return note.digests[place] if 0 <= place < len(note.digests) else ""


def _digest(command: Command) -> str:
    return hashlib.sha256(f"{command.kind}\n{command.payload}".encode()).hexdigest()[:16]
