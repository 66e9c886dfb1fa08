"""The demo's report, for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from firemesh.core.invariants import INVARIANTS
from firemesh.game.mafia.roles import ROLES
from firemesh_cli.demo.lines import clock, safe
from firemesh_cli.demo.screen_parts import SIDE_STYLES
from firemesh_cli.demo.screen_plain import print_line
from firemesh_cli.demo.story import winner_words
from firemesh_cli.stack.prices import dollars
from firemesh_cli.stack.reading import Billed

Report = Mapping[str, Any]

VIOLATIONS_SHOWN_MAX = 10


def print_report(report: Report, wrong: Sequence[str], console: Console) -> None:
    """Winner and roles, the failover, commands, invariants, replay and the bill; the last line is the verdict.

    `wrong` is all that the report fails to prove, one sentence each.
    """
    page = _Page(console)
    page.head(report)
    _print_game(report, page)
    _print_mesh(report, page)
    _print_proof(report, page)
    _print_bill(report, page)
    console.print()
    for each in wrong:
        page.mark(ok=False, text=each)
    if wrong:
        page.line(Text(f"NOT EVERYTHING HOLDS: {_count(len(wrong), 'failure')}", style="bold red"))
    else:
        page.line(Text("ALL HOLDS", style="bold green"))


class _Page:
    """Where the report is written: marks and ink as far as the console has them."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._good, self._bad = ("✓", "✗") if console.encoding.lower().startswith("utf") else ("ok", "FAILED")

    def head(self, report: Report) -> None:
        winner = str(report["winner"] or "")
        words = winner_words(winner) if winner else "The game did not end"
        seconds = f", {clock(report['seconds'])} minutes" if "seconds" in report else ""
        self.console.print()
        self.line(
            Text.assemble(
                (words, f"bold {SIDE_STYLES.get(winner, '')}"),
                (f"   {report['seats']} seats, seed {report['seed']}{seconds}", "dim"),
            )
        )

    def section(self, name: str) -> None:
        self.console.print()
        self.line(Text(name, style="bold"))

    def line(self, text: Text) -> None:
        if self.console.is_terminal:
            self.console.print(text)
        else:
            print_line(self.console, text.plain)

    def mark(self, *, ok: bool, text: str) -> None:
        sign = (f"  {self._good} ", "bold green") if ok else (f"  {self._bad} ", "bold red")
        self.line(Text.assemble(sign, (safe(text), "" if ok else "bold red")))

    def table(self, table: Table) -> None:
        self.console.print(table)


def _grid(*justify: str) -> Table:
    grid = Table.grid(padding=(0, 2))
    for each in justify:
        grid.add_column(justify="right" if each == "right" else "left", overflow="fold")
    return grid


def _print_game(report: Report, page: _Page) -> None:
    by_role: dict[str, list[str]] = {}
    for player, role in report.get("roles", {}).items():
        by_role.setdefault(role or "not known", []).append(safe(player))
    if not by_role:
        return
    page.section("Roles")
    grid = _grid("left", "left")
    for role in sorted(by_role, key=lambda name: (_side(name), name)):
        style = SIDE_STYLES.get(_side(role), "")
        grid.add_row(Text(f"  {safe(role)}", style=style), Text(", ".join(by_role[role])))
    page.table(grid)


def _side(role: str) -> str:
    return ROLES[role].side.value if role in ROLES else ""


def _print_mesh(report: Report, page: _Page) -> None:
    page.section("Mesh")
    processes = report["processes"]
    managers = f"{processes['managers']} manager processes" if processes["managers"] else "managed by functions"
    pages = f", {len(report['pages'])} pages in a browser" if report["pages"] else ""
    page.line(Text(f"  {managers}, {processes['workers']} worker processes{pages}"))
    led = ", ".join(f"{each['term']} by {safe(each['leader'])}" for each in report["terms"])
    page.line(Text(f"  terms led: {led or 'none'}"))
    if (kill := report.get("kill")) is not None:
        page.line(Text(f"  SIGKILL to {safe(kill['leader'])}, the leader, during the {safe(kill['phase'])}"))
        _print_takeover(kill, page)
    if (pause := report.get("pause")) is not None:
        seconds = f" for {pause['paused_seconds']:g} s" if "paused_seconds" in pause else ""
        page.line(Text(f"  SIGSTOP to {safe(pause['leader'])}, the leader, during the {safe(pause['phase'])}{seconds}"))
        _print_takeover(pause, page)
    if (mixed := report.get("mixed")) is not None:
        page.line(
            Text(f"  SIGKILL to {', '.join(map(safe, mixed['killed']))}, all managers, during the {safe(mixed['phase'])}")
        )
        _print_takeover(mixed, page)
        if mixed["taken_back_seconds"] is not None:
            page.line(Text(f"  {safe(mixed['started_again'])}, started again, led after {mixed['taken_back_seconds']:.2f} s"))


def _print_takeover(struck: Mapping[str, Any], page: _Page) -> None:
    if struck.get("takeover_seconds") is not None:
        page.line(Text(f"  next leader after {struck['takeover_seconds']:.2f} s"))
    first = struck["first_commit_seconds"]
    lease = f"(lease {struck['ttl_seconds']:g} s)"
    if first is None:
        page.line(Text(f"  no command committed in a new term {lease}", style="bold red"))
    else:
        page.line(Text(f"  first command committed in the new term after {first:.2f} s {lease}", style="bold"))


def _print_proof(report: Report, page: _Page) -> None:
    commands, invariants = report["commands"], report["invariants"]
    page.section("Commands")
    page.line(Text(f"  {commands['sent']} sent, {commands['committed']} committed"))
    page.line(Text(f"  {commands['refused']} refused with a reason, {commands['waiting']} still waiting"))
    if (people := report["people"])["seats"]:
        seats, ordered = ", ".join(map(safe, people["seats"])), _count(people["committed"], "command")
        page.line(Text(f"  people took over {seats} and had {ordered} ordered, which nobody here wrote down"))
    page.mark(ok=not commands["lost"], text=f"{commands['lost']} lost")
    page.mark(ok=not commands["duplicated"], text=f"{commands['duplicated']} counted twice")
    page.section("Invariants, on the stored documents")
    broken: dict[str, list[str]] = {}
    for violation in invariants["violations"]:
        broken.setdefault(violation["invariant"], []).append(violation["detail"])
    for name in sorted({*invariants["checked"], *broken}):
        meaning = INVARIANTS_IN_WORDS.get(name, "")
        page.mark(ok=name not in broken, text=f"{name}  {meaning}".rstrip())
        for detail in broken.get(name, [])[:VIOLATIONS_SHOWN_MAX]:
            page.line(Text(f"       {safe(detail)}", style="red"))
    if unchecked := [name for name in INVARIANTS if name not in invariants["checked"] and name not in broken]:
        page.line(Text(f"    nothing to compare for {', '.join(unchecked)}", style="dim"))
    page.mark(ok=report["replay_equal"], text="replaying the log gives what is stored")


INVARIANTS_IN_WORDS = {
    "I1": "at most one leader per term",
    "I2": "term, log and voters never go back",
    "I3": "nobody takes over before the lease has run out",
    "I4": "the log has no gap and is never rewritten",
    "I5": "no acknowledged command is lost",
    "I6": "the same log gives the same state everywhere",
    "I7": "every command is ordered once",
    "I8": "no view goes back",
    "I9": "the dead order nothing",
}


def _print_bill(report: Report, page: _Page) -> None:
    page.section("Billed by Firestore's list prices")
    table = Table(box=None, padding=(0, 2), show_header=True, header_style="dim")
    table.add_column("  kind")
    for name in ("reads", "writes", "deletes", "dollars"):
        table.add_column(name, justify="right")
    for kind, counts in sorted(report.get("billed_by_kind", {}).items(), key=lambda item: -_price(item[1])):
        table.add_row(Text(f"  {safe(kind)}"), *_counts(counts), f"{_price(counts):.4f}")
    billed = report["billed"]
    table.add_row("  in all", *_counts(billed), f"{billed['usd']:.4f}", style="bold")
    page.table(table)


def _counts(counts: Mapping[str, Any]) -> tuple[str, str, str]:
    return f"{counts['reads']:,}", f"{counts['writes']:,}", f"{counts['deletes']:,}"


def _price(counts: Mapping[str, Any]) -> float:
    return dollars(Billed(reads=counts["reads"], writes=counts["writes"], deletes=counts["deletes"]))


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
