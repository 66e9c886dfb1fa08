"""The talk of scripted players: lines to say, and what to make of lines heard, whoever said them.

Hearing is rough on purpose: it looks for names and a few words. Lines are written so that hearing understands them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Topic(StrEnum):
    """What a line is about."""

    CLAIM = "claim"  # the speaker claims a role
    GUILTY = "guilty"  # the speaker reports an investigation of the player named
    INNOCENT = "innocent"
    ACCUSE = "accuse"  # the speaker suspects the player named
    TRUST = "trust"  # the speaker stands up for the player named


@dataclass(frozen=True, slots=True)
class Heard:
    """One statement in a line. `about` is a player's id, or a role's name for a claim."""

    topic: Topic
    about: str


_CLAIM = re.compile(r"\bi(?:'m| am)(?: the| a)?(?: real| true)? (detective|doctor)\b", re.IGNORECASE)
_REPORTING = re.compile(r"\b(?:checked|last check|check on|investigated|reads)\b", re.IGNORECASE)
_TRUSTING = re.compile(r"\b(?:i trust|i believe|not mafia|is with us|leave .* alone|vouch for)\b", re.IGNORECASE)
_ACCUSING = re.compile(r"\b(?:mafia|suspect|trust|lying|lies|vote|watch|odd|quiet|story|bad feeling)\b", re.IGNORECASE)


@lru_cache(maxsize=64)
def _names_pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in longest_first) or r"(?!)")


@lru_cache(maxsize=512)
def hear(text: str, names: tuple[tuple[str, str], ...]) -> tuple[Heard, ...]:
    """What a line says about players. `names` pairs each display name with a player's id."""
    claim = _CLAIM.search(text)
    heard = [Heard(Topic.CLAIM, claim[1].capitalize())] if claim else []
    ids = dict(names)
    mentions = list(_names_pattern(tuple(ids)).finditer(text))
    for n, mention in enumerate(mentions):
        end = mentions[n + 1].start() if n + 1 < len(mentions) else len(text)
        topic = _topic(text, text[mention.end() : end].lower())
        if topic is not None:
            heard.append(Heard(topic, ids[mention[0]]))
    return tuple(heard)


def _topic(text: str, after_name: str) -> Topic | None:
    if _REPORTING.search(text):
        if "guilty" in after_name:
            return Topic.GUILTY
        return Topic.INNOCENT if "innocent" in after_name else None
    if _TRUSTING.search(text):
        return Topic.TRUST
    return Topic.ACCUSE if _ACCUSING.search(text) else None


# {t} is the player the line is about, {r} a role, {v} the victim of the night.
LINES: Mapping[str, tuple[str, ...]] = {
    "mourning": (
        "Poor {v}. Who gains from this?",
        "They took {v}. We had better find one of them today.",
        "So {v} is gone. Somebody here is smiling inside.",
        "I will miss {v}. Let us look at who said least.",
        "{v} must have been on to something.",
        "Not {v}. Whoever did this sits right here.",
        "First {v}, and who is next?",
    ),
    "no_death": (
        "Everybody awake? Then the doctor did good work.",
        "No one died. Somebody guessed right last night.",
        "A quiet night. I do not like quiet nights.",
    ),
    "musing": (
        "I have nothing solid yet. Let us hear everybody.",
        "Let us not rush this. Who has something real?",
        "Look at the ballots, they do not lie.",
        "Somebody is steering us. I want to know who.",
        "I would rather hear too much than too little today.",
        "If you know something, now is the time.",
        "I am listening. Make it good.",
        "Whoever pushes hardest has my attention.",
    ),
    "accuse_gut": (
        "I have a bad feeling about {t}.",
        "{t}, you are rather quiet for an innocent soul.",
        "Something about {t} is odd.",
        "I would watch {t} today.",
        "Call it a hunch: I suspect {t}.",
        "{t} laughed at the wrong moment. Odd.",
        "If I had to name one today, I suspect {t}.",
    ),
    "accuse_ballots": (
        "{t} keeps landing on the wrong side of our ballots. I suspect a plan.",
        "Look how {t} chose so far. I suspect that is no accident.",
        "I do not trust {t}: look at those ballots.",
        "Every wrong turn we took, {t} was there. That looks like mafia to me.",
    ),
    "accuse_report": (
        "The check speaks for itself. {t} is mafia.",
        "We have a result. Vote {t}.",
        "What are we waiting for? {t} is mafia.",
    ),
    "accuse_liar": (
        "{t}'s story does not hold. I think {t} is lying.",
        "I do not buy it. {t} is lying.",
        "Two stories cannot both be true, and I suspect {t}.",
    ),
    "defend": (
        "Me? You waste the day on me.",
        "I am with the town, and you will be sorry tomorrow.",
        "Go on, choose me, and lose a friend.",
        "That is what the mafia wants you to think about me.",
    ),
    "believe": ("I believe {t}.", "{t} makes sense. I trust {t}.", "I vouch for {t} today."),
    "claim_guilty": (
        "I am the detective. I checked {t}: guilty.",
        "Enough hiding: I am the detective, I checked {t} and the answer was guilty.",
        "I'm the detective. Last check: {t}, guilty. Do with it what you will.",
    ),
    "report_guilty": ("I checked {t}: guilty.", "Last night I checked {t}: guilty.", "I checked {t}, and it is bad: guilty."),
    "claim_pressed": (
        "Stop. I am the detective. I checked {t}.",
        "You are making a mistake: I am the detective. I checked {t}.",
    ),
    "claim_bare": ("Stop. I am the {r}.", "You are about to lose your {r}: I am the {r}."),
    "claim_counter": (
        "Nonsense: I am the real detective. I checked {t}: guilty.",
        "{t} got that wrong on purpose. I am the real detective and I checked {t}: guilty.",
    ),
    "mafia_kill": ("I say we take {t}.", "{t} is dangerous. Tonight.", "{t}. Any objection?"),
}
