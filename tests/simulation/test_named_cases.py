"""The cases a protocol like this is judged by, each on the real driver in virtual time."""

import random
from collections.abc import Awaitable, Callable, Mapping

import pytest

from firemesh.core import membership
from firemesh.core.effects import ManagerRole, Proposed, ReleaseAsked
from firemesh.core.messages import mesh_command
from firemesh.core.params import DEFAULT, Params
from firemesh.runtime.session import Session
from firemesh.store.memory import ACK_LOST, LANDS, CommitFate, late
from firemesh.store.mesh_store import MeshStore
from firemesh_cli.bench import virtual_time
from tests.simulation.fate import CALM, Luck
from tests.simulation.stage import MESH, PARAMS, Node, Stage

TTL, GRACE = PARAMS.ttl_ms / 1000, PARAMS.grace_ms / 1000
HOUR_MS = 3_600_000
Case = Callable[[Stage], Awaitable[None]]


def play(case: Case, managers: int = 3, params: Params = PARAMS, skews_ms: Mapping[str, int] | None = None) -> None:
    """Play a case with so many managers, all joined and one leading; nothing may be wrong at the end."""

    async def run() -> None:
        stage = Stage(random.Random(1), params=params, watches_health=True)
        await stage.create_mesh()
        for name in (f"m{number}" for number in range(1, managers + 1)):
            stage.start_manager(name, (skews_ms or {}).get(name, 0))
        await stage.until(lambda: voters(stage) == managers, 10)
        await stage.until(lambda: not stage.waiting(), 10)
        await case(stage)
        stage.observed.check_all(stage.store)
        assert stage.problems() == []
        await stage.end()

    virtual_time.run(run())


def voters(stage: Stage) -> int:
    return max(len(node.manager.state.head.voters.managers) for node in stage.nodes.values())


def leader(stage: Stage) -> Node:
    (node,) = [node for node in stage.leaders if not node.process.stopped]
    return node


def others(stage: Stage, node: Node) -> list[Node]:
    return [other for other in stage.nodes.values() if other is not node]


def new_leader(stage: Stage, before: Node) -> Callable[[], bool]:
    return lambda: any(other.driver.role is ManagerRole.LEADER for other in others(stage, before))


def billed(stage: Stage, node: Node, what: str) -> int:
    """What the store has counted of a manager's writes, but for its signs of life."""
    counted = stage.store.counts.items()
    return sum(n for (client, kind, each), n in counted if (client, each) == (node.process.name, what) and kind != "liveness")


async def worker(stage: Stage) -> Session:
    session = stage.session("w1", 0, Luck(CALM, stage.rng))
    await session.send(membership.JOIN, {"type": "worker", "process": "p-w1"})
    return session


async def hand_over(stage: Stage, to: str) -> None:
    before = leader(stage)
    if before.name != to:
        before.driver.tell(ReleaseAsked(transfer_to=to))
        assert await stage.until(lambda: stage.nodes[to] in stage.leaders, 2) is not None


async def all_ordered(stage: Stage, within_seconds: float = 10) -> None:
    settled = await stage.until(lambda: not stage.unordered() and not stage.waiting(), within_seconds)
    assert settled is not None, f"left: {stage.unordered()} {stage.waiting()}"


def test_three_managers_that_boot_at_once_agree_on_one() -> None:
    async def case(stage: Stage) -> None:
        assert len(stage.leaders) == 1
        assert len(stage.observed.leaders) == 1

    play(case)


def test_crashed_leader_is_replaced_after_the_lease_and_no_command_is_lost() -> None:
    async def case(stage: Stage) -> None:
        session = await worker(stage)
        dead = leader(stage)
        await session.send("ledger.note", {})
        stage.kill(dead)
        took = await stage.until(new_leader(stage, dead), 10)
        assert took is not None
        assert TTL - PARAMS.renew_ms / 1000 < took < TTL + GRACE + 1
        await session.send("ledger.note", {})
        await all_ordered(stage)

    play(case)


def test_crashed_leader_whose_end_is_told_is_replaced_long_before_the_lease_ends() -> None:
    async def case(stage: Stage) -> None:
        session = await worker(stage)
        dead = leader(stage)
        stage.kill(dead)
        stage.spread_word(dead)
        took = await stage.until(new_leader(stage, dead), 10)
        assert took is not None
        assert took < 0.3
        assert stage.head().deposed_inc == dead.inc
        await session.send("ledger.note", {})
        await all_ordered(stage)

    play(case)


def test_leader_said_to_have_ended_that_has_not_loses_its_term_once_and_no_command_is_lost() -> None:
    async def case(stage: Stage) -> None:
        session = await worker(stage)
        slandered, term = leader(stage), stage.head().term
        await session.send("ledger.note", {})
        for node in stage.nodes.values():
            stage.spread_word(node)  # everybody is said to have ended, to all others
        await session.send("ledger.note", {})
        assert await stage.until(new_leader(stage, slandered), 1) is not None
        await all_ordered(stage)
        await stage.until(lambda: False, 3 * TTL)
        assert stage.head().term <= term + len(stage.nodes)
        assert len(stage.leaders) == 1

    play(case)


def test_leader_stopped_for_two_lease_times_does_no_harm_when_it_goes_on() -> None:
    async def case(stage: Stage) -> None:
        session = await worker(stage)
        await all_ordered(stage)
        paused = leader(stage)
        paused.process.stop()
        assert await stage.until(new_leader(stage, paused), 2 * TTL) is not None
        await session.send("ledger.note", {})
        await stage.until(lambda: False, 2 * TTL)
        landed, failed = billed(stage, paused, "writes"), billed(stage, paused, "failed_writes")
        assert paused.driver.role is ManagerRole.LEADER
        paused.process.go_on()
        assert await stage.until(lambda: paused.driver.role is ManagerRole.FOLLOWER, 1) is not None
        await stage.until(lambda: False, TTL)
        assert billed(stage, paused, "writes") == landed
        assert billed(stage, paused, "failed_writes") <= failed + 1
        await all_ordered(stage)

    play(case)


def test_leader_cut_off_from_the_store_stops_leading_by_itself_before_anybody_takes_over() -> None:
    async def case(stage: Stage) -> None:
        lone = leader(stage)
        lone.client.disconnect()
        stopped = await stage.until(lambda: lone.driver.role is not ManagerRole.LEADER, 10)
        assert not new_leader(stage, lone)()
        took = await stage.until(new_leader(stage, lone), 10)
        assert stopped is not None
        assert took is not None
        lone.client.reconnect()
        heir = leader(stage)
        caught_up = lambda: lone.manager.state.head.leader == heir.name  # noqa: E731
        assert await stage.until(caught_up, 10) is not None
        assert lone.driver.role is ManagerRole.FOLLOWER

    play(case)


def test_store_away_for_thirty_seconds_leaves_everybody_and_every_command_alive() -> None:
    async def case(stage: Stage) -> None:
        session = await worker(stage)
        await all_ordered(stage)
        for client in (stage.clients["w1"], *(node.client for node in stage.nodes.values())):
            client.disconnect()
        await stage.until(lambda: False, 30)
        assert stage.leaders == []
        for node in stage.nodes.values():
            node.client.reconnect()
        assert await stage.until(lambda: stage.leaders, 3 * TTL) is not None
        await stage.until(lambda: False, 3.5)  # some find the way back later than the leader
        stage.clients["w1"].reconnect()
        await session.send("ledger.note", {})
        await all_ordered(stage, 60)
        roster = leader(stage).manager.state.replica.roster
        assert [member.agent for member in roster.living()] == ["m1", "m2", "m3", "w1"]

    play(case)


def test_silent_worker_is_declared_dead() -> None:
    async def case(stage: Stage) -> None:
        await worker(stage)
        await all_ordered(stage)
        stage.clients["w1"].disconnect()
        roster = lambda: leader(stage).manager.state.replica.roster  # noqa: E731
        gone = lambda: [member.agent for member in roster().living()] == ["m1", "m2", "m3"]  # noqa: E731
        assert await stage.until(gone, 20) is not None

    play(case)


def test_graceful_release_hands_over_in_less_than_a_second() -> None:
    async def case(stage: Stage) -> None:
        before = leader(stage)
        before.driver.tell(ReleaseAsked())
        took = await stage.until(lambda: len(stage.observed.leaders) == 2, 10)
        assert took is not None
        assert took < 1

    play(case)


def test_transfer_makes_the_chosen_manager_the_next_leader() -> None:
    async def case(stage: Stage) -> None:
        before = leader(stage)
        heir = others(stage, before)[-1]
        before.driver.tell(ReleaseAsked(transfer_to=heir.name))
        assert await stage.until(lambda: heir.driver.role is ManagerRole.LEADER, 1) is not None

    play(case)


def test_last_manager_of_three_takes_over_alone() -> None:
    async def case(stage: Stage) -> None:
        first = leader(stage)
        second, third = others(stage, first)
        stage.kill(first)
        stage.kill(second)
        took = await stage.until(lambda: third.driver.role is ManagerRole.LEADER, 20)
        assert took is not None
        assert took < 3 * TTL + 2

    play(case)


def test_command_sent_again_after_a_failover_is_not_ordered_again() -> None:
    async def case(stage: Stage) -> None:
        session = await worker(stage)
        await session.send("ledger.note", {})
        await all_ordered(stage)
        dead, again = leader(stage), stage.sent[-1]
        stage.kill(dead)
        assert await stage.until(new_leader(stage, dead), 10) is not None
        await MeshStore(stage.store.client("late"), MESH).submit(session.request_id(again.seq), again)
        await session.send("ledger.note", {})
        await all_ordered(stage)
        heir = leader(stage)
        assert await stage.until(lambda: heir.manager.state.replica.sessions[again.client] == again.seq + 1, 1) is not None
        ledger = heir.manager.state.replica.machine_state
        assert [name for name in ledger.applied if name.startswith("w1:")] == ["w1:2", "w1:3"]

    play(case)


def test_clocks_an_hour_off_depose_nobody_and_lose_nothing() -> None:
    async def case(stage: Stage) -> None:
        session = await worker(stage)
        await all_ordered(stage)
        for name in ("m1", "m2"):  # an hour behind, then an hour ahead
            await hand_over(stage, name)
            terms = len(stage.observed.leaders)
            for _ in range(5):
                await session.send("ledger.note", {})
                await stage.until(lambda: False, TTL)
            await all_ordered(stage)
            assert len(stage.observed.leaders) == terms
        dead = leader(stage)
        stage.kill(dead)
        took = await stage.until(new_leader(stage, dead), 10)
        assert took is not None
        assert TTL - PARAMS.renew_ms / 1000 < took < TTL + GRACE + 1
        await session.send("ledger.note", {})
        await all_ordered(stage)

    play(case, skews_ms={"m1": -HOUR_MS, "m2": HOUR_MS})


def test_all_managers_killed_and_started_anew_go_on_with_the_log() -> None:
    async def case(stage: Stage) -> None:
        session = await worker(stage)
        await session.send("ledger.note", {})
        await all_ordered(stage)
        index = leader(stage).manager.state.head.last_index
        for node in list(stage.nodes.values()):
            stage.kill(node)
        await session.send("ledger.note", {})
        await stage.until(lambda: False, 5)
        for name in list(stage.nodes):
            stage.start_manager(name)
        assert await stage.until(lambda: stage.leaders, 3 * TTL) is not None
        await all_ordered(stage)
        assert leader(stage).manager.state.head.last_index > index

    play(case)


def test_deaf_follower_neither_deposes_the_leader_nor_stays_behind() -> None:
    async def case(stage: Stage) -> None:
        session = await worker(stage)
        lead = leader(stage)
        deaf = others(stage, lead)[0]
        deaf.client.silence_watches()
        for _ in range(30):
            await session.send("ledger.note", {})
            await stage.until(lambda: False, 2)
        assert len(stage.observed.leaders) == 1
        level = lambda: deaf.manager.state.replica == lead.manager.state.replica  # noqa: E731
        assert await stage.until(level, 10) is not None

    play(case)


def test_deaf_follower_keeps_up_by_its_poll_alone() -> None:
    async def case(stage: Stage) -> None:
        session = await worker(stage)
        await all_ordered(stage)
        lead = leader(stage)
        deaf = others(stage, lead)[0]
        votes_read = lambda: stage.store.counts[(deaf.process.name, "votes", "reads")]  # noqa: E731
        before = votes_read()
        deaf.client.silence_watches()
        await session.send("ledger.note", {})
        await stage.until(lambda: False, 30)  # its listener is opened anew only after 45 s of silence
        assert deaf.manager.state.replica == lead.manager.state.replica
        assert votes_read() == before, "patience ran out before the poll came"

    play(case, params=DEFAULT)


def test_deaf_leader_finds_its_silent_listener_out_and_serves_again() -> None:
    async def case(stage: Stage) -> None:
        session = await worker(stage)
        await all_ordered(stage)
        leader(stage).client.silence_watches()
        await session.send("ledger.note", {})
        await all_ordered(stage, 80)
        assert len(stage.observed.leaders) == 1

    play(case)


def test_listeners_that_end_are_opened_again() -> None:
    async def case(stage: Stage) -> None:
        session = await worker(stage)
        for _ in range(5):
            for node in stage.nodes.values():
                node.client.end_watches()
            await session.send("ledger.note", {})
            await all_ordered(stage, 12)
        assert len(stage.observed.leaders) == 1

    play(case)


def test_commit_delayed_past_a_takeover_never_lands() -> None:
    async def case(stage: Stage) -> None:
        session = await worker(stage)
        await all_ordered(stage)
        slow = leader(stage)
        slow.client.faults.commit_fate = lambda writes: late(4 * TTL)
        await session.send("ledger.note", {})
        assert await stage.until(new_leader(stage, slow), 10) is not None
        await stage.until(lambda: False, 5 * TTL)
        await all_ordered(stage)
        assert len(stage.observed.leaders) == 2

    play(case)


def test_acknowledgements_lost_one_after_the_other_change_nothing() -> None:
    async def case(stage: Stage) -> None:
        session = await worker(stage)
        fates = iter([ACK_LOST, LANDS] * 20)

        def fate(_: object) -> CommitFate:
            return next(fates, LANDS)

        leader(stage).client.faults.commit_fate = fate
        for _ in range(10):
            await session.send("ledger.note", {})
        await all_ordered(stage)
        assert len(stage.observed.leaders) == 1

    play(case)


def test_voter_that_joins_during_a_failover_becomes_a_voter() -> None:
    async def case(stage: Stage) -> None:
        stage.kill(leader(stage))
        stage.start_manager("m4")
        assert await stage.until(lambda: voters(stage) == 4, 10) is not None

    play(case)


def test_follower_stopped_through_a_compaction_catches_up_from_the_snapshot() -> None:
    async def case(stage: Stage) -> None:
        session = await worker(stage)
        lead = leader(stage)
        stopped = others(stage, lead)[0]
        stopped.process.stop()
        behind = stopped.manager.state.replica.index
        for _ in range(3 * PARAMS.snapshot_every):
            await session.send("ledger.note", {})
            await all_ordered(stage)
        assert lead.manager.state.head.first_index > behind + 1
        stopped.process.go_on()
        level = lambda: stopped.manager.state.replica == lead.manager.state.replica  # noqa: E731
        assert await stage.until(level, 10) is not None

    play(case)


def test_manager_declared_dead_does_not_lead_while_voters_live() -> None:
    async def case(stage: Stage) -> None:
        lead = leader(stage)
        zombie = others(stage, lead)[0]
        body = {"agent": zombie.name, "inc": zombie.inc}
        lead.driver.tell(Proposed(mesh_command(membership.MEMBER_DEAD, body)))
        assert await stage.until(lambda: voters(stage) == 3 and len(lead.manager.state.head.voters.managers) == 2, 5)
        lead.driver.tell(ReleaseAsked())
        assert await stage.until(lambda: len(stage.observed.leaders) == 2, 10) is not None
        assert stage.observed.leaders[-1][1] != zombie.name

    play(case)


@pytest.mark.parametrize("managers", [1, 2, 5])
def test_mesh_of_any_size_survives_the_loss_of_its_leader(managers: int) -> None:
    async def case(stage: Stage) -> None:
        dead = leader(stage)
        stage.kill(dead)
        await stage.until(lambda: False, 0.5)
        again = stage.start_manager(dead.name)
        assert await stage.until(lambda: any(n.driver.role is ManagerRole.LEADER for n in stage.nodes.values()), 10)
        assert again.failure is None

    play(case, managers)
