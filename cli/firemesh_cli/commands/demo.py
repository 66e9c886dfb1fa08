"""`firemesh demo`: a whole game of Mafia on a real mesh, through the death of its leader."""

import argparse
import asyncio
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from rich.console import Console

    from firemesh_cli.commands import Subparsers
    from firemesh_cli.demo.options import DemoOptions
    from firemesh_cli.demo.picture import Picture
    from firemesh_cli.demo.run import Show
    from firemesh_cli.stack.supervisor import LocalStack

FUNCTIONS_SECONDS_MAX = 90.0


def register(subparsers: "Subparsers") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "demo",
        help="watch a game of Mafia survive the death of its leader",
        description="Twelve players in three processes and three managers in three more play Mafia over the Firestore "
        "emulator. In the middle of a ballot the leading manager is killed. At the end the stored documents prove that "
        "nothing was lost or counted twice. Exit status 1 when anything does not hold.",
    )
    parser.add_argument("--seats", type=int, default=12, help="players, 5 to 30 (default: 12)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the deal and of the players (default: 7)")
    parser.add_argument(
        "--kill",
        choices=("ballot", "night", "none"),
        help="when to kill the leader (default: ballot)",
    )
    parser.add_argument(
        "--pause", action="store_true", help="instead of killing the leader, SIGSTOP it for two lease times in a ballot"
    )
    parser.add_argument(
        "--hosting",
        choices=("processes", "functions", "mixed"),
        help="who manages: three processes; no process, only Cloud Functions; or functions after all three processes were "
        "killed, until one is started again (default: processes)",
    )
    parser.add_argument(
        "--serverless",
        action="store_true",
        help="a mesh of clients alone: functions manage it, and four of the players are pages in a real Chromium",
    )
    parser.add_argument(
        "--speed", type=float, help="2 is twice as fast, 0.1 to 10 (default: 1, or 0.4 with --keep, so that people can play)"
    )
    parser.add_argument("--json", action="store_true", help="plain lines on standard error, one JSON object at the end")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="let people take over seats from the page while the game is on (it offers them where it watches), and keep "
        "emulators and page afterwards until Ctrl-C; what people send is no part of the proof",
    )
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="save the screen as SVG, in the first full ballot under the next leader"
    )
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Play, prove, tell."""
    from firemesh.errors import InvalidParameters
    from firemesh_cli.demo.options import UNHURRIED, DemoOptions, Kill, Managers

    if args.pause and args.kill not in (None, "none"):
        raise InvalidParameters("--pause and --kill both strike the leader; choose one")
    hosting = Managers(args.hosting or ("functions" if args.serverless else "processes"))
    kill = Kill(args.kill or ("ballot" if hosting is Managers.PROCESSES and not args.pause else "none"))
    options = DemoOptions(
        seats=args.seats,
        seed=args.seed,
        kill=kill,
        pause=args.pause,
        hosting=hosting,
        speed=args.speed if args.speed is not None else UNHURRIED if args.keep else 1.0,
        json=args.json,
        keep=args.keep,
        serverless=args.serverless,
    )
    signal.signal(signal.SIGTERM, _interrupt)
    return _perform(options, args.picture)


def _perform(options: "DemoOptions", picture_file: Path | None) -> int:
    from firemesh.store.mesh_store import Hosting
    from firemesh_cli.demo.billing import metered
    from firemesh_cli.demo.pages import require_chromium
    from firemesh_cli.demo.report_text import print_report
    from firemesh_cli.demo.run import run_demo
    from firemesh_cli.demo.screen import demo_console, screen_for
    from firemesh_cli.demo.verdict import problems
    from firemesh_cli.stack.supervisor import LocalStack

    if options.pages:
        require_chromium()
    console = demo_console(as_json=options.json)
    console.print("starting the emulators ...", style="dim")
    hosted = options.mesh_hosting is Hosting.FUNCTIONS
    with LocalStack(functions=True, metered=hosted, functions_later=not hosted) as stack, metered(stack) as meter_host:
        with screen_for(console, as_json=options.json) as screen:
            show = _keeping_a_picture(screen.show, picture_file) if picture_file else screen.show
            report = asyncio.run(run_demo(options, stack, meter_host, show))
        wrong = problems(report, options)
        print_report(report, wrong, console)
        if options.json:
            print(json.dumps(report), flush=True)
        if options.keep:
            _keep(stack, console, hosted=hosted)
    return 1 if wrong else 0


def _keeping_a_picture(show: "Show", file: Path) -> "Show":
    """Show as before, and draw one moment under the next leader: a ballot in which half of the living have spoken."""
    from firemesh_cli.demo.picture_svg import export_svg

    struck_at: list[int] = []
    drawn: list[bool] = []

    def show_and_draw(picture: "Picture") -> None:
        show(picture)
        struck = any(process.state in ("killed", "paused") for process in picture.processes)
        if struck and not struck_at:
            struck_at.append(picture.term)
        living = sum(1 for seat in picture.public.get("seats", ()) if seat["alive"])
        full = picture.public.get("phase") == "ballot" and 2 * len(picture.public.get("ballots", ())) >= living
        if struck_at and picture.term > struck_at[0] and full and not drawn:
            export_svg(picture, file)
            drawn.append(True)

    return show_and_draw


def _keep(stack: "LocalStack", console: "Console", *, hosted: bool) -> None:
    for name, value in stack.environment().items():
        console.print(f"export {name}={value}", highlight=False, soft_wrap=True)
    console.print(f"the site: {stack.site_url}", highlight=False, soft_wrap=True)
    console.print("it and the emulators stay until Ctrl-C", style="dim")
    try:
        if not hosted:
            _host_games_again(stack, console)
        stack.wait()
    except KeyboardInterrupt:
        return


def _host_games_again(stack: "LocalStack", console: "Console") -> None:
    """Games that people open on the site need functions that hear of commands; the demo did not, and may end before them."""
    from firemesh.errors import LocalStackError

    try:
        if stack.functions_ready(FUNCTIONS_SECONDS_MAX):
            stack.switch_triggers(on=True)
    except LocalStackError as error:
        console.print(str(error), highlight=False)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
