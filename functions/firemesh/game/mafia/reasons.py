"""Why a command is refused. Each reason says one thing; nothing is refused without one."""

from enum import StrEnum


class Reason(StrEnum):
    """The refusals of the Mafia machine, as they reach the agent that asked."""

    ABSTAIN_FORBIDDEN = "ABSTAIN_FORBIDDEN"  # the rules of this game do not let a ballot name nobody
    EMPTY = "EMPTY"  # a name or a message needs at least one visible character
    GAME_OVER = "GAME_OVER"  # the game has ended; it takes no more commands
    ILLEGAL_TARGET = "ILLEGAL_TARGET"  # a player, but not to be chosen: dead, oneself, a partner, no candidate
    MALFORMED = "MALFORMED"  # the payload has not exactly the fields of its kind, or one has the wrong type
    NAME_TAKEN = "NAME_TAKEN"  # another seat has this display name (capital letters aside)
    NOT_ALIVE = "NOT_ALIVE"  # only the living may do this
    NOT_SEATED = "NOT_SEATED"  # the agent has no seat in this game
    NOT_THE_MESH = "NOT_THE_MESH"  # only the mesh itself sends this kind
    NOT_YOUR_CHANNEL = "NOT_YOUR_CHANNEL"  # the channel exists but this seat is not one of its speakers
    NOT_YOUR_ROLE = "NOT_YOUR_ROLE"  # this seat's role has no night ability
    RESERVED_ID = "RESERVED_ID"  # an agent called "nobody" cannot sit: ballots use the word
    SEATS_TAKEN = "SEATS_TAKEN"  # every seat has its player
    STALE_DEADLINE = "STALE_DEADLINE"  # not the deadline that is armed now; that phase has ended already
    TOO_LONG = "TOO_LONG"  # the text has more characters than it may have
    TOO_MANY_MESSAGES = "TOO_MANY_MESSAGES"  # this seat has used up its messages for this phase
    UNKNOWN_CHANNEL = "UNKNOWN_CHANNEL"  # no channel has this name
    UNKNOWN_KIND = "UNKNOWN_KIND"  # the machine knows no command of this kind
    UNKNOWN_TARGET = "UNKNOWN_TARGET"  # no seat has this id
    WRONG_PHASE = "WRONG_PHASE"  # allowed, but not in the present phase
