"""Playing all scenes, each in a thread of its own, and judging each by the simulators' own state."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from demo.api_scenes import API_SCENES
from demo.board import Board
from demo.promise_scenes import PROMISE_SCENES
from demo.simulators import SimulatorProblem
from demo.stage import Scene, Stage, Surprise, Theatre
from demo.ticket_scenes import TICKET_SCENES
from demo.views import View

#: What a person has to do comes first, since people take their time; the rest is played while they do.
SCENES: tuple[Scene, ...] = (*TICKET_SCENES, *PROMISE_SCENES, *API_SCENES)
#: Between the beginnings of two scenes, so that eyes can follow.
_PACE_SECONDS = 0.25
#: The longest that a scene may have the stage to itself.
_ALONE_SECONDS = 3.0
_REFRESH_SECONDS = 0.1
#: All scenes together end in a fraction of this.
_FOREVER_SECONDS = 45.0


def play_all(theatre: Theatre, view: View) -> None:
    """Play every scene, and look again at the end at what was to last."""
    stages = {scene.name: Stage(scene, theatre) for scene in SCENES}
    threads = []
    deadline = time.monotonic() + _FOREVER_SECONDS
    for scene in SCENES:
        thread = threading.Thread(
            target=play_one,
            args=(theatre.board, scene.name, partial(scene.play, stages[scene.name])),
            name=scene.name,
            daemon=True,
        )
        thread.start()
        threads.append(thread)
        _watch(view, _pace(theatre.board, scene))
    _watch(view, lambda: any(thread.is_alive() for thread in threads) and time.monotonic() < deadline)
    _judge_the_end(theatre, stages)
    view.show()


def play_one(board: Board, scene: str, play: Callable[[], None]) -> None:
    """Play the scene of this name; how it came out is on the board."""
    standing = board.standings[scene]
    standing.began = board.elapsed()
    try:
        play()
    except (Surprise, SimulatorProblem) as surprise:
        _fail(board, scene, str(surprise))
    except Exception as exc:
        logging.getLogger(__name__).exception("demo.scene_broke")
        _fail(board, scene, f"The scene itself broke: {exc!r}. See the log.")
    else:
        standing.ok = not standing.problems
    standing.ended = board.elapsed()


def _judge_the_end(theatre: Theatre, stages: dict[str, Stage]) -> None:
    truth = theatre.truth()
    for scene in SCENES:
        if theatre.board.standings[scene.name].ended is None:
            _fail(theatre.board, scene.name, "It was not over when the curtain fell.")
            continue
        try:
            stages[scene.name].still_sees(truth)
        except Surprise as surprise:
            _fail(theatre.board, scene.name, str(surprise))


def _fail(board: Board, scene: str, why: str) -> None:
    board.wrong(scene, why)
    board.standings[scene].ok = False


def _pace(board: Board, scene: Scene) -> Callable[[], bool]:
    """Whether the next scene is still to wait."""
    next_at = time.monotonic() + _PACE_SECONDS
    too_long = next_at + _ALONE_SECONDS

    def waits() -> bool:
        now = time.monotonic()
        alone = scene.alone_until is not None and not board.has_happened(scene.alone_until, scene.name)
        return now < next_at or (alone and now < too_long)

    return waits


def _watch(view: View, going_on: Callable[[], bool]) -> None:
    pause = threading.Event()
    while going_on():
        view.show()
        pause.wait(_REFRESH_SECONDS)
