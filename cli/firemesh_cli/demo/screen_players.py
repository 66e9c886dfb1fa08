"""The players' block of the live screen: who lives, who points at whom, who was what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from firemesh.game.mafia.state import NOBODY, Cause, PhaseName
from firemesh_cli.demo.lines import block, cell, fit, joined, safe
from firemesh_cli.demo.screen_parts import NAME_WIDTH_MAX, SIDE_STYLES, tint_of, title
from firemesh_cli.demo.story import Ballots, Public, ballots_of, names_of, phase_of

ROLE_WIDTH = 10
BAR_WIDTH_MAX = 30


@dataclass(frozen=True, slots=True)
class _Table:
    """What a player's row needs besides the seat."""

    phase: PhaseName
    names: Mapping[str, str]
    ballots: Ballots | None
    name_width: int
    living: int
    speaker: str


def players_title(public: Public, width: int) -> Text:
    """How many live, and how the running ballot stands."""
    seats = public.get("seats", ())
    living = sum(seat["alive"] for seat in seats)
    right = f"{living} of {len(seats)} alive" if seats else ""
    ballots = _shown_ballots(public)
    if ballots is not None:
        spared = ballots.tally.get(NOBODY, 0)
        right = f"{len(ballots.cast)} of {living} cast" if ballots.open else right
        right += f", {spared} for nobody" if spared else ""
    return title("Players", right, width, tint_of(public).ink)


def _shown_ballots(public: Public) -> Ballots | None:
    """The running ballot, or the last one while its day has not ended."""
    known = ballots_of(public)
    phase = phase_of(public)
    if known and phase in (PhaseName.BALLOT, PhaseName.REVOTE, PhaseName.DUSK) and known[-1].day == public["day"]:
        return known[-1]
    return None


def _speaker(public: Public) -> str:
    """Who spoke last in the running discussion; empty for nobody."""
    if phase_of(public) is not PhaseName.DISCUSSION or not public["chat"]:
        return ""
    last = public["chat"][-1]
    return str(last["by"]) if last["day"] == public["day"] else ""


def player_columns(seats: int, rows: int) -> int:
    """In how many columns that many players stand."""
    return max(1, -(-seats // max(1, rows)))


def players(public: Public, width: int, rows: int) -> list[Text]:
    """One cell for each seat, in as many columns as they need."""
    seats = public.get("seats", ())
    if not seats:
        return block([Text("nobody is here yet", style="dim")], width, rows)
    names = names_of(public)
    columns = player_columns(len(seats), rows)
    cell_width = (width - (columns - 1)) // columns
    longest = max(Text(name).cell_len for name in names.values())
    name_width = max(3, min(longest, NAME_WIDTH_MAX, (cell_width - 3) // 2))
    living = sum(seat["alive"] for seat in seats)
    table = _Table(PhaseName(public["phase"]), names, _shown_ballots(public), name_width, living, _speaker(public))
    cells = [_player(seat, table, cell_width) for seat in seats]
    lines = [Text(" ").join(cells[row::rows][:columns]) for row in range(rows)]
    return block(lines, width, rows)


def _player(seat: Mapping[str, Any], table: _Table, width: int) -> Text:
    if seat["alive"]:
        mark = Text("? ", style="bold magenta") if seat["absent"] else Text("● ", style="green")
    else:
        mark = Text("† ", style="red")
    name = cell(table.names[seat["id"]], table.name_width, "bold" if seat["alive"] else "dim")
    rest = width - 3 - table.name_width
    detail = _living_detail(seat, table, rest) if seat["alive"] else _dead_detail(seat, rest)
    return fit(joined(mark, name, Text(" "), detail), width)


def _role(seat: Mapping[str, Any]) -> Text:
    return Text(safe(seat["role"]), style=SIDE_STYLES.get(seat.get("side", ""), ""))


def _dead_detail(seat: Mapping[str, Any], width: int) -> Text:
    death = seat["death"]
    when = f"{'night' if death['cause'] == Cause.KILLED else 'day'} {death['day']}"
    if "role" not in seat:
        return cell(f"{death['cause']}, {when}", width, "dim")
    role_width = min(ROLE_WIDTH, width)
    room = width - role_width
    shown = f" {when}" if room > len(when) else f" {when[0]}{death['day']}" if room > 3 else ""
    return joined(fit(_role(seat), role_width), cell(shown, room, "dim"))


def _living_detail(seat: Mapping[str, Any], table: _Table, width: int) -> Text:
    if "role" in seat:
        return fit(_role(seat), width)
    if table.ballots is not None:
        return _ballot_detail(seat["id"], table, table.ballots, width)
    if seat["absent"]:
        return cell("absent", width, "magenta")
    if seat["id"] == table.speaker:
        return cell("speaks", width, "cyan")
    return cell("sleeps" if table.phase is PhaseName.NIGHT else "", width, "dim")


def _ballot_detail(player: str, table: _Table, ballots: Ballots, width: int) -> Text:
    """Whom a player points at, and how many point back: as a bar where there is room for one."""
    choice = ballots.choices.get(player, "")
    if choice:
        pointing = ("→ " if width > table.name_width + 4 else "→") + table.names.get(choice, safe(choice))
    else:
        pointing = "has cast" if player in ballots.cast else ("..." if ballots.open else "")
    style = "dim" if choice in ("", NOBODY) else ""
    count = ballots.tally.get(player, 0)
    pointing_width = min(table.name_width + 2, max(0, width - 3))
    bar_width = min(BAR_WIDTH_MAX, width - pointing_width - 5)
    leads = count > 0 and count == max(ballots.tally.values())
    if bar_width < 3:
        number = cell(str(count) if count else "", width - pointing_width, "bold red" if leads else "bold", right=True)
        return joined(cell(pointing, pointing_width, style), number)
    cells = count if table.living <= bar_width else -(-count * bar_width // max(1, table.living))
    bar = Text("█" * min(cells, bar_width), style="red" if leads else "blue")
    number = Text(f" {count}" if count else "", style="bold")
    return joined(cell(pointing, pointing_width, style), Text(" "), bar, number)
