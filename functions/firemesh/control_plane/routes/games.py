"""`/games`: open one, take a seat, watch, with the site's guest key."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from firemesh.control_plane.access import Operation
from firemesh.control_plane.game_desk import GameOpened, Pace, Watching, draw_game, game_setup
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.route import Call, NoBody, NoQuery, RequestBody
from firemesh.control_plane.session_token import TOKEN_CHARACTERS_MAX
from firemesh.control_plane.use_cases import UseCases
from firemesh.game.mafia.setup import BallotSetup
from firemesh.runtime.admission import Admission

GAME = "/games/<mesh_id>"


class OpenGame(RequestBody):
    """What game it shall be."""

    seats: Annotated[int, Field(ge=5, le=30)]
    programs: Annotated[
        int, Field(ge=0, le=29, description="So many of the seats are played by the mesh itself, from the beginning.")
    ] = 0
    fill_with_programs: Annotated[
        bool, Field(description="Whether programs take the seats as well that are left when the lobby ends.")
    ] = False
    pace: Annotated[Pace, Field(strict=False, description="How long phases last.")] = Pace.NORMAL
    ballot: Annotated[BallotSetup, Field(description="How the town decides.")] = BallotSetup()
    reveal_role_on_death: Annotated[bool, Field(description="Whether the card of the dead is turned.")] = True

    @model_validator(mode="after")
    def _somebody_plays(self) -> Self:
        if self.programs >= self.seats:
            raise ValueError(f"{self.programs} programs leave no one of {self.seats} seats to a person")
        return self


class TakeSeat(RequestBody):
    """Who wants a seat: somebody new, or whoever shows the session of an earlier admission."""

    session: Annotated[str, Field(max_length=TOKEN_CHARACTERS_MAX)] = ""


async def open_game(use: UseCases, call: Call[OpenGame, NoQuery]) -> GameOpened:
    """A game with programs at most in it. Its id is the code by which others find it."""
    body = call.body
    game = draw_game(body.seats)
    setup = {
        **game_setup(game.seats, body.pace, body.ballot, reveal_role_on_death=body.reveal_role_on_death),
        "programs": body.programs,
        "fill_with_programs": body.fill_with_programs,
    }
    await use.games.open_game(call.identity, game, setup, request_id=call.request_id, also=call.remember(game))
    return game


async def take_seat(use: UseCases, call: Call[TakeSeat, NoQuery], mesh_id: str) -> Admission:
    """An agent of one's own, new or renewed."""
    return await use.games.take_seat(call.identity, mesh_id, session=call.body.session, request_id=call.request_id)


async def watch_game(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str) -> Watching:
    """A token that sees what everybody may see."""
    return await use.games.watch_game(call.identity, mesh_id, request_id=call.request_id)


def bind(gateway: ApiGateway) -> None:
    """Register this resource."""
    gateway.add_route(
        "POST",
        "/games",
        open_game,
        operation=Operation.OPEN_GAME,
        summary="Open a game for guests",
        body=OpenGame,
        answer=GameOpened,
        status=201,
        idempotent=True,
    )
    gateway.add_route(
        "POST",
        f"{GAME}/seats",
        take_seat,
        operation=Operation.TAKE_SEAT,
        summary="Take a seat in an open game",
        body=TakeSeat,
        answer=Admission,
        status=201,
    )
    gateway.add_route(
        "POST",
        f"{GAME}/watchers",
        watch_game,
        operation=Operation.WATCH_GAME,
        summary="Watch an open game",
        answer=Watching,
        status=201,
    )
