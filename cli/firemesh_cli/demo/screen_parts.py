"""The blocks of the live screen: each a function from a picture to lines of an exact width.

Colours are those of the terminal's own palette. A coloured ground always comes with its own ink, and ink without a
ground is never white, black or yellow: both dark and light terminals stay legible.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from firemesh.game.mafia.sides import Side
from firemesh.game.mafia.state import PhaseName
from firemesh_cli.demo.lines import block, cell, clock, fit, joined, safe, spread, wrapped
from firemesh_cli.demo.picture import Picture, ProcessLine
from firemesh_cli.demo.story import Public, StoryKind, phase_of, phase_title, story

NAME_WIDTH_MAX = 12
PERIL = "bold white on red"
SIDE_STYLES = {Side.TOWN.value: "green", Side.MAFIA.value: "red"}


@dataclass(frozen=True, slots=True)
class Tint:
    """The mood of a phase: `ground` for its bar, `ink` for titles."""

    ground: str
    ink: str


TINTS: Mapping[PhaseName | None, Tint] = {
    None: Tint("bold reverse", "bold"),
    PhaseName.LOBBY: Tint("bold black on white", "bold"),
    PhaseName.REVEAL: Tint("bold black on white", "bold"),
    PhaseName.NIGHT: Tint("bold white on blue", "bold bright_blue"),
    PhaseName.DAWN: Tint("bold black on cyan", "bold cyan"),
    PhaseName.DISCUSSION: Tint("bold black on yellow", "bold"),
    PhaseName.BALLOT: Tint("bold black on yellow", "bold"),
    PhaseName.REVOTE: Tint("bold black on yellow", "bold"),
    PhaseName.DUSK: Tint("bold white on magenta", "bold magenta"),
    PhaseName.OVER: Tint("bold black on green", "bold green"),
}


def tint_of(public: Public) -> Tint:
    """The tint of the present phase; the end has the winner's colour."""
    if public.get("winner") == Side.MAFIA.value:
        return Tint("bold white on red", "bold red")
    return TINTS[phase_of(public)]


def title(left: str, right: str, width: int, ink: str) -> Text:
    """The head of a block."""
    name = Text(left, style=ink)
    rest = max(0, width - len(left) - 1)
    note = f" {right}" if right else ""
    ruled = Text("─" * max(0, rest - len(note)), style="dim")
    return fit(joined(name, Text(" "), ruled, Text(note)), width)


# --- the two lines at the top and those at the bottom -----------------------------------------------------------------


def header(picture: Picture, width: int) -> Text:
    """Which mesh, who leads it, how far its log is, how long it has run. Red while the leader is gone."""
    gone = next((p for p in picture.processes if picture.leader in p.agents and p.state in _STATE_STYLES), None)
    mesh = Text(f" firemesh {safe(picture.mesh_id)}", style="bold")
    if width >= 100:
        mesh.append(f"   seed {picture.seed}", style="dim")
    time = f"  lease {picture.ttl_seconds:g} s  {clock(picture.elapsed_seconds)} "
    if gone is not None:
        more = ": its lease runs out" if width >= 100 else ""
        words = f"  leader {safe(picture.leader)} {gone.state.upper()}{more}"
        line = spread(joined(mesh, Text(words)), Text(time), width)
        line.stylize(PERIL)
        return line
    leader = safe(picture.leader) or "none yet"
    right = joined(
        Text(f"term {picture.term}  leader "),
        Text(leader, style="bold cyan"),
        Text(f"  entry {picture.last_index}"),
        Text(time, style="dim"),
    )
    return spread(mesh, right, width)


def phase_bar(picture: Picture, width: int) -> Text:
    """The phase on its tint, with what is left of it as words and as a bar."""
    ground = tint_of(picture.public).ground
    if not picture.public:
        return cell(" The mesh gathers ...", width, ground)
    deadline_ms, started_ms = picture.public["deadline_ms"], picture.public["started_ms"]
    left, right = Text(" " + phase_title(picture.public)), Text("")
    if deadline_ms:
        left_ms = max(0, deadline_ms - picture.now_ms)
        share = min(1.0, left_ms / max(1, deadline_ms - started_ms))
        bar_width = min(24, width // 4)
        filled = round(share * bar_width)
        bar = "━" * filled + "╌" * (bar_width - filled)
        right = Text(f"  {_left_words(left_ms)}  {bar} ")
    line = spread(left, right, width)
    line.stylize(ground)
    return line


def _left_words(left_ms: int) -> str:
    return "due" if left_ms == 0 else f"{left_ms / 1000:.1f} s" if left_ms < 10_000 else f"{left_ms // 1000} s"


def addresses(picture: Picture, width: int) -> list[Text]:
    """Where to watch, a row each. Terminals that know links follow them at a touch, also where they were cut."""
    return [
        fit(joined(Text(" open    ", style="bold"), Text(address, style=f"link {address}")), width)
        for address in picture.addresses
    ]


def cost_line(picture: Picture, width: int) -> Text:
    """What Firestore would have billed so far."""
    line = Text(" billed ", style="bold")
    if picture.billed is None:
        return fit(line.append("nothing counted yet", style="dim"), width)
    total = picture.billed.total
    for count, word in ((total.reads, "reads"), (total.writes, "writes"), (total.deletes, "deletes")):
        line.append(f"  {count:,}", style="bold").append(f" {word}")
    line.append(f"   ${picture.dollars:.4f}", style="bold green")
    if width >= 100 and picture.elapsed_seconds > 0:
        rate = total.writes / picture.elapsed_seconds
        line.append(f"   {rate:.1f} writes a second", style="dim")
    return fit(line, width)


# --- what is said, done and noted -----------------------------------------------------------------------------------------

_STORY_STYLES = {
    StoryKind.DEALT: "dim",
    StoryKind.DEATH: "bold red",
    StoryKind.WILL: "italic",
    StoryKind.QUIET: "green",
    StoryKind.VERDICT: "bold magenta",
}


def talk(public: Public, width: int, rows: int) -> list[Text]:
    """The end of the story so far, a divider before each new day."""
    lines: list[Text] = []
    day = 0
    for told in story(public):
        if told.kind in (StoryKind.PHASE, StoryKind.SEATED):
            continue
        if told.day != day:
            day = told.day
            lines.append(Text(f"── day {day} ──", style="dim"))
        if told.speaker:
            line = joined(Text(f"{told.speaker}: ", style="cyan"), Text(told.text))
        else:
            line = Text(told.text, style=_STORY_STYLES.get(told.kind, ""))
        lines += wrapped(line, width)
    return block(lines[-rows:] if rows else [], width, rows)


_NOTE_STYLES = (("kill", "bold red"), ("paus", "bold magenta"), ("stop", "bold magenta"), ("leads", "bold green"))


def notes(picture: Picture, width: int, rows: int) -> list[Text]:
    """The latest notes about the mesh."""
    lines: list[Text] = []
    for seconds, text in picture.notes:
        words = safe(text)
        style = next((style for word, style in _NOTE_STYLES if word in words.lower()), "")
        lines += wrapped(joined(Text(f"{clock(seconds)} ", style="dim"), Text(words, style=style)), width, indent=5)
    return block(lines[-rows:] if rows else [], width, rows)


# --- processes ------------------------------------------------------------------------------------------------------------

_HEALTH_STYLES = {"healthy": "green", "suspect": "bold magenta", "dead": "bold red"}
_STATE_STYLES = {"killed": "bold red", "paused": "bold magenta"}


def processes(lines: Sequence[ProcessLine], width: int, rows: int) -> list[Text]:
    """One row for each process; the last row says how many had no room."""
    longest = max((Text(safe(line.name)).cell_len for line in lines), default=0)
    name_width = min(longest, NAME_WIDTH_MAX)
    shown = [_process(line, name_width, width) for line in lines]
    if len(shown) > rows > 0:
        shown = [*shown[: rows - 1], Text(f"  and {len(shown) - rows + 1} more", style="dim")]
    return block(shown, width, rows)


def _process(line: ProcessLine, name_width: int, width: int) -> Text:
    running = line.state == "running"
    style = _STATE_STYLES.get(line.state, "")
    mark = ("★ " if line.leads else "● ") if running else "✗ "
    mark_style = style or ("bold cyan" if line.leads else "green")
    age = "" if line.beat_age_seconds is None else f"{min(999.9, line.beat_age_seconds):.1f} s"
    opinion = line.health if running else line.state
    row = joined(
        Text(mark, style=mark_style),
        cell(safe(line.name), name_width, style or "bold"),
        cell(str(line.pid), 8, "dim", right=True),
        cell(age, 8, "" if running else "dim", right=True),
        Text(" "),
        cell(opinion, 8, style or _HEALTH_STYLES.get(line.health, "")),
    )
    return joined(row, cell(_agents(line.agents, width - row.cell_len), width - row.cell_len, "dim"))


def _agents(agents: Sequence[str], width: int) -> str:
    """Their names where they fit, else their number."""
    names = " ".join(safe(agent) for agent in agents)
    return names if len(names) <= width else f"{len(agents)} agents"
