"""Seeded players that need no human: they claim, suspect, follow the crowd, and the mafia among them agrees on victims.

A player is given its two views whenever one of them changes and answers with what it wants to do. The same seed and the
same sequence of views give the same answers. What it remembers is a small JSON object, so that a restarted process
goes on where it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from firemesh.game.chance import draw
from firemesh.game.mafia.options import options
from firemesh.game.mafia.phases import ACT, BALLOT, SAY, SIT, WILL
from firemesh.game.mafia.sides import Side
from firemesh.game.mafia.speech import LINES, Topic
from firemesh.game.mafia.state import NOBODY
from firemesh.game.mafia.suspicion import Statements, Table, from_ballots, suspicions, table_from, top

View = Mapping[str, Any]

SURE = 40
SUSPECT = 7
CHECKS_KEPT_BACK = 3


@dataclass(frozen=True, slots=True)
class Action:
    """A command that a player wants to send after thinking for `think_ms`.

    `phase` ("2/night") is where it belongs: a driver may drop it when the game has moved on meanwhile.
    """

    kind: str
    body: Mapping[str, Any]
    think_ms: int
    phase: str = ""


class ScriptedPlayer:
    """One scripted player. It wants its own two views and nothing else.

    It does not repeat itself: what it has asked for once in a phase it takes as sent.
    """

    def __init__(self, seed: int | str, agent_id: str, name: str = "") -> None:
        self.agent_id = agent_id
        self._seed = f"{seed}/{agent_id}"
        self._name = name or agent_id[:24]
        self._statements = Statements()
        self._done: dict[str, str] = {}
        self._phase = ""

    @property
    def state(self) -> dict[str, Any]:
        """What the player remembers, as a JSON object."""
        return {"phase": self._phase, "done": dict(self._done), "statements": asdict(self._statements)}

    @property
    def answers(self) -> bool:
        """Whether what the player said last in this discussion was an answer to others."""
        return "reaction" in self._done

    def restore(self, state: Mapping[str, Any]) -> None:
        """Remember what an earlier run of this player did. Joins, actions and ballots that did not arrive are sent again."""
        self._phase = str(state["phase"])
        again = (SIT, ACT, BALLOT)
        self._done = {str(key): str(value) for key, value in state["done"].items() if not key.startswith(again)}
        self._statements = Statements(**state["statements"])

    def recall(self, public: View, private: View, statements: Statements) -> None:
        """Remember of this phase what one's own views show; `statements` is what all have heard, lines and wills."""
        self._phase = f"{public['day']}/{public['phase']}"
        self._statements = statements
        said = [line for line in public["chat"] if line["by"] == self.agent_id and line["day"] == public["day"]]
        plotted = [line for line in private.get("faction", {}).get("chat", ()) if line["by"] == self.agent_id]
        marks = [
            ("opening", public["phase"] == "discussion" and len(said) > 0),
            ("reaction", public["phase"] == "discussion" and len(said) > 1),
            (f"{SAY}:", any(line["day"] == public["day"] for line in plotted)),
        ]
        self._done = {mark: "" for mark, is_done in marks if is_done}

    def decide(self, public: View, private: View | None) -> list[Action]:
        """What to do now. `private` is None while this agent has no seat."""
        phase = f"{public['day']}/{public['phase']}"
        if phase != self._phase:
            self._phase, self._done = phase, {}
        if public["phase"] == "over":
            return []
        if private is None or "role" not in private["you"]:
            return self._take_a_seat(public)
        if not self._is_seated(public):
            return []  # the views come each by itself, and this public one is of before the player sat down
        self._statements.take_in(public)
        actions = self._come_back(public)
        if private["you"]["alive"]:
            play = {
                "night": self._at_night,
                "dawn": self._at_dawn,
                "discussion": self._in_discussion,
                "ballot": self._in_ballot,
                "revote": self._in_ballot,
            }.get(public["phase"])
            actions += play(public, private) if play else []
        return actions

    # -- being there

    def _take_a_seat(self, public: View) -> list[Action]:
        if public["phase"] != "lobby" or self._is_seated(public):
            return []
        taken = {seat["name"].lower() for seat in public["seats"]}
        name = self._name if self._name.lower() not in taken else self.agent_id[:24]
        return self._once(SIT, {"name": name}, public, 0.0, mark=name)

    def _is_seated(self, public: View) -> bool:
        return any(seat["id"] == self.agent_id for seat in public["seats"])

    def _come_back(self, public: View) -> list[Action]:
        seat = next(seat for seat in public["seats"] if seat["id"] == self.agent_id)
        return self._once(SIT, {"name": seat["name"]}, public, 0.0) if seat["absent"] else []

    # -- the night

    def _at_night(self, public: View, private: View) -> list[Action]:
        targets = next((option.targets for option in options(public, private) if option.kind == ACT), ())
        action = private.get("action", {})
        if not targets or action.get("night") == public["day"]:
            return []
        table = table_from(public, private, self._statements)
        choose = {"Detective": self._whom_to_check, "Doctor": self._whom_to_protect}.get(private["you"]["role"])
        if choose is None:
            return self._with_the_mafia(public, private, table, targets)
        return self._once(ACT, {"target": choose(table, targets)}, public, self._pace("act", public, 0.1, 0.6))

    def _with_the_mafia(self, public: View, private: View, table: Table, targets: Sequence[str]) -> list[Action]:
        """The first living mafioso proposes, the others follow."""
        faction = private["faction"]
        choices = faction["choices"] if faction["night"] == public["day"] else {}
        if choices:
            victim = top({choice: 1.0 for choice in choices.values() if choice}, targets)
            return self._once(ACT, {"target": victim}, public, self._pace("act", public, 0.03, 0.15))
        seats = {seat["id"]: seat for seat in public["seats"]}
        present = [
            member
            for member in sorted({self.agent_id, *private["partners"]})
            if seats[member]["alive"] and not seats[member]["absent"]
        ]
        if present and present[0] != self.agent_id:
            return []
        return self._propose(public, table, targets, has_partners=len(present) > 1)

    def propose_a_victim(self, public: View, private: View) -> list[Action]:
        """What a mafioso says and does who is the first to choose."""
        targets = next((option.targets for option in options(public, private) if option.kind == ACT), ())
        table = table_from(public, private, self._statements)
        return self._propose(public, table, targets, has_partners=True) if targets else []

    def _propose(self, public: View, table: Table, targets: Sequence[str], *, has_partners: bool) -> list[Action]:
        victim = self._whom_to_kill(table, targets)
        actions = self._once(ACT, {"target": victim}, public, self._pace("act", public, 0.15, 0.5))
        if has_partners and self._draw("plot", public, 3) == 0:
            text = self._line("mafia_kill", public, t=self._names(public)[victim])
            actions += self._once(SAY, {"channel": "mafia", "text": text}, public, 0.1)
        return actions

    def _whom_to_kill(self, table: Table, targets: Sequence[str]) -> str:
        """Detectives first, then doctors, the cleared, and those who accuse us; now and then somebody else."""
        danger = {player: self._draw(f"victim{table.day}{player}", None, 60) / 10 for player in targets}
        for player, role in table.statements.claims.items():
            danger[player] = danger.get(player, 0) + (30 if role == "Detective" else 18)
        for key, reading in table.statements.reports.items():
            by, target = key.split(">")
            danger[target] = danger.get(target, 0) + (8 if reading == Topic.INNOCENT else 0)
        for key in table.statements.accusations:
            by, target = key.split(">")
            danger[by] = danger.get(by, 0) + (3 if table.sides.get(target) == Side.MAFIA else 0)
        first = top(danger, targets)
        rest = [player for player in targets if player != first]
        expected = danger[first] >= 18 and self._draw(f"feint{table.day}", None, 10) < 3
        return top(danger, rest) if expected and rest else first

    def _whom_to_check(self, table: Table, targets: Sequence[str]) -> str | None:
        """The most suspect of those not checked yet."""
        unchecked = [player for player in targets if player not in table.results]
        return top(suspicions(table, self._seed), unchecked) or None

    def _whom_to_protect(self, table: Table, targets: Sequence[str]) -> str:
        """A believed detective, else somebody trusted."""
        worth = {player: self._draw(f"ward{table.day}{player}", None, 80) / 10 for player in targets}
        for player, score in suspicions(table, self._seed).items():
            worth[player] -= score / 4
        for player, credence in table.detectives.items():
            worth[player] = worth.get(player, 0) + 25 * credence
        return top(worth, targets)

    def _at_dawn(self, public: View, private: View) -> list[Action]:
        """A detective leaves what is known to those who stay."""
        results = private.get("results", ())
        if private["you"]["role"] != "Detective" or not results:
            return []
        names = self._names(public)
        checks = " ".join(f"I checked {names[result['target']]}: {result['says']}." for result in results[-8:])
        will = f"I am the detective. {checks}"
        return self._once(WILL, {"text": will}, public, 0.2) if private.get("will") != will else []

    # -- the day

    def _in_discussion(self, public: View, private: View) -> list[Action]:
        if "reaction" in self._done:
            return []
        table = table_from(public, private, self._statements)
        if "opening" not in self._done:
            self._done["opening"] = ""
            return self._speak(public, self._opening(public, private, table), self._pace("opening", public, 0.02, 0.5))
        text = self._reaction(public, private, table)
        if not text:
            return []
        self._done["reaction"] = ""
        return self._speak(public, text, self._pace("reaction", public, 0.05, 0.25))

    def _speak(self, public: View, text: str, pace: float) -> list[Action]:
        if not text:
            return []
        return [Action(SAY, {"channel": "town", "text": text}, self._think_ms(public, pace), self._phase)]

    def _opening(self, public: View, private: View, table: Table) -> str:
        """The first words of the day: a guilty check if there is one, else a suspicion, else a remark."""
        if report := self._report(public, table) if table.my_role == "Detective" else "":
            return report
        if self._draw("silent", public, 100) < 30:
            return ""
        scores = self._shown_suspicions(table)
        suspect = top(scores, table.others)
        if scores[suspect] >= SUSPECT or self._draw("hunch", public, 2):
            return self._accusation(public, table, suspect, scores[suspect])
        victims = [seat for seat in public["seats"] if seat.get("death") == {"day": table.day, "cause": "killed"}]
        if self._draw("remark", public, 2):
            return self._line("musing", public)
        if victims:
            return self._line("mourning", public, v=victims[0]["name"])
        return self._line("no_death", public)

    def _reaction(self, public: View, private: View, table: Table) -> str:
        """An answer when accused, or a word on the report of somebody else."""
        accusers = table.statements.accusers_of(self.agent_id, table.day)
        if accusers:
            return self._defence(public, private, table, accusers)
        if public["chat_count"] == 0 or self._draw("react", public, 100) >= 35:
            return ""
        scores = self._shown_suspicions(table)
        suspect = top(scores, table.others)
        if scores[suspect] >= SURE:
            return self._accusation(public, table, suspect, scores[suspect])
        believed = [player for player, credence in table.detectives.items() if credence > 0.5 and player in table.others]
        return self._line("believe", public, t=self._names(public)[believed[0]]) if believed else ""

    def _defence(self, public: View, private: View, table: Table, accusers: Sequence[str]) -> str:
        role, names = private["you"]["role"], self._names(public)
        reporters = [by for by in accusers if f"{by}>{self.agent_id}" in table.statements.reports]
        if private["you"]["side"] == Side.MAFIA:
            if reporters and self._draw("counter", public, 2):
                return self._line("claim_counter", public, t=names[reporters[0]])
            return self._line("defend", public)
        if len(accusers) < 2 and not reporters:
            return self._line("defend", public)
        return self._claim(public, private) if role in ("Detective", "Doctor") else self._line("defend", public)

    def _claim(self, public: View, private: View) -> str:
        """The truth about one's role, with the latest checks."""
        results = private.get("results", ())
        if not results:
            return self._line("claim_bare", public, r=private["you"]["role"].lower())
        names = self._names(public)
        checks = " and ".join(f"{names[result['target']]}: {result['says']}" for result in results[-3:])
        return self._line("claim_pressed", public, t=checks)

    def _report(self, public: View, table: Table) -> str:
        """A detective's words: at once about a guilty check, and about every check once the claim has been made."""
        fresh = [
            (target, says)
            for target, says in table.results.items()
            if table.statements.reports.get(f"{self.agent_id}>{target}") != says
        ]
        guilty = [target for target, says in fresh if says == Topic.GUILTY and target in table.living]
        claimed = self.agent_id in table.statements.claims
        if not guilty and not (fresh and (claimed or len(fresh) >= CHECKS_KEPT_BACK)):
            return ""
        names = self._names(public)
        others = [(target, says) for target, says in fresh if target not in guilty[:1]]
        checks = " ".join(f"I checked {names[target]}: {says}." for target, says in others[-4:])
        if guilty:
            mood = "report_guilty" if claimed else "claim_guilty"
            return f"{self._line(mood, public, t=names[guilty[0]])} {checks}".strip()
        return checks if claimed else f"{self._line('claim_bare', public, r='detective')} {checks}"

    def _accusation(self, public: View, table: Table, suspect: str, score: float) -> str:
        name = self._names(public)[suspect]
        reported = any(
            key.endswith(f">{suspect}") and reading == Topic.GUILTY for key, reading in table.statements.reports.items()
        )
        if suspect in table.statements.claims and score >= SUSPECT:
            return self._line("accuse_liar", public, t=name)
        if reported and score >= SURE:
            return self._line("accuse_report", public, t=name)
        return self._line("accuse_ballots" if from_ballots(table).get(suspect, 0) > 0 else "accuse_gut", public, t=name)

    def _shown_suspicions(self, table: Table) -> dict[str, float]:
        """What this player lets the town see: the mafia shields its own, unless they are lost anyway."""
        scores = suspicions(table, self._seed)
        if table.sides[self.agent_id] != Side.MAFIA:
            return scores
        for player in scores:
            if table.sides.get(player) == Side.MAFIA and scores[player] < SURE:
                scores[player] -= 30
        return scores

    # -- the ballot

    def _in_ballot(self, public: View, private: View) -> list[Action]:
        """Cast a ballot by suspicion; later, once, go over to the crowd."""
        ballots = public.get("ballots", {})
        mine = ballots.get(self.agent_id, private.get("ballot", ""))
        if "moved" in self._done or ("cast" in self._done and not mine):
            return []
        targets = next((option.targets for option in options(public, private) if option.kind == BALLOT), ())
        votes = {target: 0 for target in targets}
        for choice in ballots.values():
            votes[choice] = votes.get(choice, 0) + 1
        table = table_from(public, private, self._statements)
        scores = self._shown_suspicions(table)
        pressed = self._pressed(public, private, votes_on_me=votes.get(self.agent_id, 0))
        if mine:
            return pressed + self._move(public, table, scores, votes, mine)
        choice = self._choice(public, table, scores, votes, targets)
        self._done["cast"] = choice
        if choice:
            pressed.append(self._ballot(public, choice, self._pace("ballot", public, 0.05, 0.7)))
        return pressed

    def _choice(
        self, public: View, table: Table, scores: Mapping[str, float], votes: Mapping[str, int], targets: Sequence[str]
    ) -> str:
        wanted = {player: scores.get(player, 0.0) + 3 * votes[player] for player in targets if player != NOBODY}
        suspect = top(wanted, wanted)
        enough = SUSPECT - 3 * (table.day - 1)  # patience wears off
        if NOBODY in targets and (not suspect or (wanted[suspect] < enough and not self._time_is_short(public))):
            return NOBODY
        return suspect

    def _time_is_short(self, public: View) -> bool:
        """Whether the town may lose before long if it spares everybody."""
        mafia: int = sum(n for role, n in public["roles"].items() if role in ("Mafioso", "Godfather"))
        caught: int = sum(seat.get("side") == Side.MAFIA for seat in public["seats"])
        living: int = sum(seat["alive"] for seat in public["seats"])
        return living <= 2 * (mafia - caught) + 3

    def _move(
        self, public: View, table: Table, scores: Mapping[str, float], votes: Mapping[str, int], mine: str
    ) -> list[Action]:
        """Go over to the crowd when it leads by two and one is not sure of one's own choice."""
        crowd = max(sorted(player for player in votes if player in table.others), key=lambda one: votes[one], default="")
        if not crowd or crowd == mine or votes[crowd] < votes.get(mine, 0) + 2:
            return []
        if scores.get(mine, 0.0) >= SURE or scores[crowd] < 0:
            return []
        self._done["moved"] = crowd
        return [self._ballot(public, crowd, self._pace("move", public, 0.03, 0.15))]

    def _pressed(self, public: View, private: View, votes_on_me: int) -> list[Action]:
        """With the rope near, a detective or doctor speaks up."""
        living = sum(seat["alive"] for seat in public["seats"])
        role = private["you"]["role"]
        if "plea" in self._done or 3 * votes_on_me < living or role not in ("Detective", "Doctor"):
            return []
        self._done["plea"] = ""
        if self.agent_id in self._statements.claims:
            return []
        return self._speak(public, self._claim(public, private), 0.03)

    def _ballot(self, public: View, target: str, pace: float) -> Action:
        return Action(BALLOT, {"target": target}, self._think_ms(public, pace), self._phase)

    # -- small things

    def _once(self, kind: str, body: Mapping[str, Any], public: View, pace: float, mark: str = "") -> list[Action]:
        """One action of this kind (and mark) in this phase, and no second one."""
        key = f"{kind}:{mark}"
        if key in self._done:
            return []
        self._done[key] = ""
        return [Action(kind, body, self._think_ms(public, pace), self._phase)]

    def _names(self, public: View) -> Mapping[str, str]:
        return {seat["id"]: seat["name"] for seat in public["seats"]}

    def _think_ms(self, public: View, pace: float) -> int:
        """A share of the whole phase as milliseconds."""
        window_ms = (public["deadline_ms"] or 0) - public["started_ms"]
        return int(max(0, window_ms) * pace)

    def _pace(self, what: str, public: View, least: float, most: float) -> float:
        return least + (most - least) * self._draw(what, public, 1000) / 1000

    def _draw(self, what: str, public: View | None, bound: int) -> int:
        place = self._phase if public is not None else ""
        return draw(f"{self._seed}/{place}/{what}", 0, bound)

    def _line(self, mood: str, public: View, **words: str) -> str:
        """One of the lines of a mood; neighbours at the table choose different ones, and none that was said lately."""
        lines = LINES[mood]
        place = [seat["id"] for seat in public["seats"]].index(self.agent_id)
        first = place + draw(f"{mood}/{self._phase}", 0, len(lines))
        texts = [lines[(first + n) % len(lines)].format(**words) for n in range(len(lines))]
        said = {line["text"] for line in public["chat"][-20:]}
        return next((text for text in texts if text not in said), texts[0])
