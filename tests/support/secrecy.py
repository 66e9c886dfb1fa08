"""Whether what a viewer reads depends on anything that the viewer may not know.

Nothing is searched for. Beside the true state of a game stands another one that differs in every secret: other roles for
the living, other choices at night, other words in channels that are closed to the viewer. What the viewer reads must be
the same in both worlds, in whatever form a secret might hide there. Documents that are secret as a whole (log, head,
snapshot, the mesh document with its seed, what belongs to one agent) must not be read at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from firemesh.core.effects import Proposal, ProposalKind, Refusal
from firemesh.core.health import Beat
from firemesh.core.log import head_with, next_entry, projections
from firemesh.core.machine import Machine, agent_audience
from firemesh.core.membership import JOIN
from firemesh.core.messages import Command, Head, Vote, canonical_json
from firemesh.core.params import TEST
from firemesh.core.replica import Replica, initial_replica, take_snapshot
from firemesh.game.mafia.machine import MafiaMachine
from firemesh.game.mafia.offline import INC, OfflineGame, Ordered, new_game
from firemesh.game.mafia.state import NightRecord, PhaseName, Result, Seat, State, Talk, Verdict
from firemesh.store import paths
from firemesh.store.base import Put
from firemesh.store.memory import MemoryStore
from firemesh.store.mesh_store import MeshRecord, MeshStore

Documents = Mapping[str, Mapping[str, Any]]
PROJECTED = ("views/", "agents/")
OWN = ("inbox/{}_", "refused/{}_", "states/{}", "liveness/client-{}")
WATCHER = "watcher"
"""A member without a seat."""
HARMLESS = ("audit/", "views/health")
TAGS = ("applied_index", "at_ms")
"""Where in the log a projection was written; the game's secrets do not decide about it."""


class StoredGame:
    """A game of scripted players, whose every command goes through the core into the documents of a mesh, at full speed."""

    def __init__(self, seed: int, seats: int, machine: MafiaMachine | None = None, **setup: Any) -> None:
        self.game: OfflineGame = new_game(seed, seats, **setup)
        self.machine = machine or self.game.machine
        self.head = Head(term=1, leader="m1", leader_inc=INC)
        self.replica: Replica[State] = initial_replica(self.machine, self.game.state.setup.as_json)
        self.database = MemoryStore(now_ns=lambda: self.game.now_ms * 1_000_000)
        self.mesh = MeshStore(self.database.client("m1"), "m1")
        self._version = 0

    @property
    def agents(self) -> list[str]:
        """Every player, dead or alive."""
        return sorted(self.game.players)

    @property
    def members(self) -> list[str]:
        """Every agent of the mesh."""
        return [*self.agents, WATCHER]

    @property
    def over(self) -> bool:
        """Everything has been told."""
        return self.replica.machine_state.outcome is not None

    def documents(self) -> Documents:
        """What lies in the store now, by path below the mesh; "" is the mesh document."""
        found = self.database.documents().items()
        return {path.removeprefix("meshes/m1").lstrip("/"): document.fields for path, document in found}

    async def begin(self) -> "StoredGame":
        """Create the mesh, let everybody in, and leave one document of each kind that holds something secret."""
        params = {name: getattr(TEST, name) for name in TEST.__dataclass_fields__}
        setup = dict(self.game.state.setup.as_json)
        await self.mesh.create(MeshRecord(machine="mafia", setup=setup, params=params))
        _, self._version, _ = await self.mesh.read_head()
        body = canonical_json({"type": "worker", "process": "p1"})
        await self._commit([Command(agent_id=agent, inc=INC, seq=1, kind=JOIN, payload=body) for agent in self.members])
        await self.mesh.cast_vote(Vote(term=2, voter="m2", candidate="m2", applied=0, head_version=1))
        await self.mesh.write_beat(Beat(process="p1", inc=INC, seq=1, interval_ms=1000, agents={}, applied={}, lateness=0))
        for agent in self.members:
            plan = Command(agent_id=agent, inc=INC, seq=99, kind="mafia.act", payload='{"target":"p00"}')
            await self.mesh.submit(paths.request_id(agent, INC, 99), plan)
            diary = {"version": 1, "inc": INC, "values": {"plan": f"the diary of {agent}"}}
            await self.mesh.store.commit([Put(paths.state("m1", agent), diary)])
        self.game.show()
        return self

    async def step(self) -> None:
        """The next thing that happens, a word of everybody who may speak unheard, and the documents that follow from it."""
        known = len(self.game.log)
        self.game.step()
        for agent, channel in self._whispers():
            self.game.order(agent, "mafia.say", {"channel": channel, "text": f"{agent} whispers {len(self.game.log)}"})
        for ordered in self.game.log[known:]:
            await self._commit([_renumbered(ordered)], at_ms=ordered.at_ms)
        assert self.replica.machine_state == self.game.state

    async def keep_snapshot(self) -> None:
        """Store the whole state once, as a leader does from time to time."""
        snapshot = take_snapshot(self.replica, self.machine)
        await self._propose(ProposalKind.SNAPSHOT, {"snapshot_index": snapshot.index}, snapshot=snapshot)

    def _whispers(self) -> Iterator[tuple[str, str]]:
        state = self.game.state
        if state.outcome is None and state.seats and state.seats[0].role_name and len(self.game.log) % 3 == 0:
            yield from ((seat.agent_id, "dead") for seat in state.seats if not seat.alive)
            if state.phase is PhaseName.NIGHT:
                yield from ((seat.agent_id, "mafia") for seat in state.living if seat.faction)

    async def _commit(self, batch: Sequence[Command], at_ms: int = 0) -> None:
        before = self.replica
        nonce = f"m1/{INC}/{self.head.seq + 1}"
        entry, after = next_entry(
            before, self.machine, term=1, at_ms=at_ms or self.game.now_ms, batch=tuple(batch), nonce=nonce
        )
        shown = projections(before, after, self.machine, self.head)
        refusals = tuple(
            Refusal(paths.request_id(each.agent_id, INC, 98), "MALFORMED", sent=each.payload) for each in batch if each.agent_id
        )
        self.replica = after
        await self._propose(
            ProposalKind.APPEND, head_with(self.head, entry, after), entry=entry, projections=shown, refusals=refusals
        )

    async def _propose(self, kind: ProposalKind, changes: Mapping[str, Any], **parts: Any) -> None:
        seq = self.head.seq + 1
        self.head = self.head.model_copy(update={**changes, "seq": seq, "nonce": f"m1/{INC}/{seq}"})
        self._version = await self.mesh.commit(Proposal(kind, self._version, self.head, **parts))


def readable(agent: str, documents: Documents) -> Documents:
    """What the rules let an agent read, or an operator where there is none; tests/rules holds this against the emulator."""
    mine = {"views/public", "views/topology", f"views/{agent_audience(agent)}", f"states/{agent}"}
    ours = ("agents/", f"refused/{agent}_", f"inbox/{agent}_")
    operators = {"views/topology", "views/health", "views/public"}
    if not agent:
        return {
            path: fields for path, fields in documents.items() if path in operators or path.startswith(("audit/", "liveness/"))
        }
    return {path: fields for path, fields in documents.items() if path in mine or path.startswith(ours)}


def leaks(game: StoredGame, viewer: str, seen: Documents) -> list[str]:
    """What of the documents a viewer has read depends on secrets; `viewer` is an agent, or empty for an outsider."""
    return leaks_of(game.replica, game.machine, game.game.state.setup.as_json, game.head, viewer, seen)


def leaks_of(
    replica: Replica[State], machine: Machine[State], setup: Mapping[str, Any], head: Head, viewer: str, seen: Documents
) -> list[str]:
    """`leaks` of documents as they were when the log had led to this state."""
    elsewhere = replace(
        replica,
        machine_state=other_world(replica.machine_state, viewer),
        refused={agent: rows if agent == viewer else () for agent, rows in replica.refused.items()},
    )
    expected = {each.path: each.fields for each in projections(initial_replica(machine, setup), elsewhere, machine, head)}
    return sorted(path for path, fields in seen.items() if not _harmless(path, fields, viewer, expected))


def _harmless(path: str, fields: Mapping[str, Any], viewer: str, expected: Mapping[str, Mapping[str, Any] | None]) -> bool:
    own = tuple(each.format(viewer) for each in OWN) if viewer else ("liveness/",)
    if path.startswith(HARMLESS + own):
        return True
    if not path.startswith(PROJECTED):
        return False
    return _untagged(fields) == _untagged(expected.get(path) or {})


def _untagged(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in TAGS}


def _renumbered(ordered: Ordered) -> Command:
    """As in a mesh: an agent's first command is its join."""
    command = ordered.command
    return command.model_copy(update={"seq": command.seq + 1}) if command.agent_id else command


@dataclass(frozen=True)
class Knowledge:
    """What a viewer may know of a game."""

    state: State
    viewer: str

    @property
    def seat(self) -> Seat | None:
        """The viewer's own, if it has one."""
        return self.state.seat_of(self.viewer)

    def knows(self, seat: Seat) -> bool:
        """Whether the viewer knows this seat's role."""
        own = self.seat
        partner = own is not None and bool(own.faction) and own.faction == seat.faction
        return seat.agent_id == self.viewer or partner or (not seat.alive and self.state.setup.reveal_role_on_death)

    def sees_actions_of(self, agent: str) -> bool:
        """Its own, and while it lives those of its faction."""
        own, other = self.seat, self.state.seat_of(agent)
        if agent == self.viewer:
            return True
        return own is not None and other is not None and own.alive and bool(own.faction) and own.faction == other.faction

    def hears(self, channel: str) -> bool:
        """Whether the viewer belongs to a channel."""
        own = self.seat
        if channel == "dead":
            return own is not None and not own.alive
        return channel == "town" or (own is not None and own.alive and own.faction == channel)


def other_world(state: State, viewer: str) -> State:
    """A state that differs in everything that the viewer may not know, and in nothing else."""
    known = Knowledge(state, viewer)
    if state.outcome is not None:
        return state
    hidden = [seat for seat in state.seats if not known.knows(seat)]
    roles = [seat.role_name for seat in hidden]
    dealt = dict(zip((seat.agent_id for seat in hidden), roles[1:] + roles[:1], strict=True))
    return replace(
        state,
        setup=state.setup.model_copy(update={"seed": state.setup.seed + 1}),
        draws=state.draws + 1,
        seats=tuple(_other_seat(seat, viewer, dealt) for seat in state.seats),
        actions=_other_actions(known, state.actions),
        nights=tuple(_other_night(known, night) for night in state.nights),
        talks={name: talk if known.hears(name) else _other_talk(talk) for name, talk in state.talks.items()},
        ballots=_other_ballots(known, state.ballots),
        verdicts=tuple(_other_verdict(known, verdict) for verdict in state.verdicts),
    )


def _other_seat(seat: Seat, viewer: str, dealt: Mapping[str, str]) -> Seat:
    if seat.agent_id == viewer:
        return seat
    will = seat.will if not seat.alive else "another will"
    role_name = dealt.get(seat.agent_id, seat.role_name)
    return replace(seat, role_name=role_name, results=(Result(1, seat.agent_id, "guilty"),), will=will)


def _other_actions(known: Knowledge, actions: Mapping[str, str | None]) -> dict[str, str | None]:
    """Who has acted unseen has not, and the others have."""
    seen = {actor: target for actor, target in actions.items() if known.sees_actions_of(actor)}
    others = [seat.agent_id for seat in known.state.living if not known.sees_actions_of(seat.agent_id)]
    return seen | {actor: actor for actor in others if actor not in actions}


def _other_night(known: Knowledge, night: NightRecord) -> NightRecord:
    return replace(night, actions=_other_actions(known, night.actions), saved=("nobody",))


def _other_talk(talk: Talk) -> Talk:
    return replace(talk, count=talk.count + 1, messages=tuple(replace(line, text=line.text + "!") for line in talk.messages))


def _other_ballots(known: Knowledge, ballots: Mapping[str, str]) -> dict[str, str]:
    secret = known.state.setup.ballot.secret
    return {by: "another" if secret and by != known.viewer else choice for by, choice in ballots.items()}


def _other_verdict(known: Knowledge, verdict: Verdict) -> Verdict:
    return replace(verdict, ballots=_other_ballots(known, verdict.ballots))
