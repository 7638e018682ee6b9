"""The command line: `page`, one command for each mode, and small ones.

Everything heavy is imported when a command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path
from typing import NoReturn

from easyphoto_video import __version__, logs
from easyphoto_video.errors import BadFile, BadRequest, EasyPhotoError, HostFailed, Stopped
from easyphoto_video.files import parsed
from easyphoto_video.host.library import OUTPUTS
from easyphoto_video.host.standalone.gate.options import add_access_options
from easyphoto_video.host.standalone.options import (
    DEVICES,
    PRECISIONS,
    add_options,
    request_of,
)
from easyphoto_video.host.standalone.people_options import add_people_commands
from easyphoto_video.host.standalone.progress import progress
from easyphoto_video.host.standalone.train.command import add_train_options, train
from easyphoto_video.host.standalone.unfinished_cli import add_unfinished_commands, resumed, told
from easyphoto_video.request import MODES

PROGRAM = "python3 launch.py"
PORT = 7870
HOME = Path(__file__).parents[3]
"""The folder of launch.py; models/ and outputs/ lie in it unless --data-dir says otherwise."""


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code: 0, 1 failed, 2 bad input, 130 stopped.

    Without any arguments, that is `page`.
    """
    wants_json = "--json" in argv
    with ExitStack() as stack:
        try:
            args = parse(argv or ["page"])
            stack.enter_context(logs.kept(args.data_dir / OUTPUTS, verbose=args.verbose))
            _run(args)
        except KeyboardInterrupt:
            return _report(Stopped("Stopped."), wants_json)
        except Exception as error:
            return _report(logs.translated(error, argv), wants_json)
    return 0


def _run(args: argparse.Namespace) -> None:
    """Run a command. Whatever ends it, nothing stays behind that is not a result."""
    from easyphoto_video import temporary
    from easyphoto_video.endings import ended_by_signals, last_things
    from easyphoto_video.held import let_go

    with ended_by_signals():
        try:
            # On a full disk one must still be able to make room.
            with temporary.everywhere() if args.needs_room else nullcontext():
                args.command(args)
        finally:
            with last_things():
                temporary.close()
                let_go()


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments as a namespace whose `command` runs them. Raises BadRequest."""
    parser = _parser()
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        known = [option for action in args.parser._actions for option in action.option_strings]
        near = difflib.get_close_matches(unknown[0].split("=")[0], known, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        help_line = f"{hint}See {args.parser.prog} --help."
        raise BadRequest("Command line", unknown[0], "is not an option", help_line)
    return args


class _Parser(argparse.ArgumentParser):
    """An argparse parser whose complaints are ours."""

    def error(self, message: str) -> NoReturn:
        raise BadRequest("Command line", message, "cannot be read", f"See {self.prog} --help.")


def _parser() -> _Parser:
    parser = _Parser(prog=PROGRAM, description="Portrait videos.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace], None], help: str, needs_room: bool = True
    ) -> _Parser:
        sub = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
        sub.add_argument("--json", action="store_true", help="print the result as one JSON line")
        sub.add_argument(
            "--data-dir",
            type=Path,
            default=HOME,
            metavar="DIR",
            help="folder with models/ and outputs/; may be an existing WebUI",
        )
        verbose = "print tracebacks of unforeseen errors too; a log has them in any case"
        sub.add_argument("--verbose", action="store_true", help=verbose)
        sub.set_defaults(command=run, parser=sub, needs_room=needs_room)
        return sub

    page = command("page", _page, "Serve the page, the same tab as in the WebUI.")
    page.add_argument("--port", type=int, default=PORT, metavar="N", help=f"port [{PORT}]")
    page.add_argument("--device", choices=DEVICES, default="auto", help="what to compute on")
    page.add_argument("--precision", choices=PRECISIONS, default="auto", help="of the weights")
    add_access_options(page)
    for mode, kind in MODES.items():
        sub = command(mode, _render, (kind.__doc__ or "").splitlines()[0])
        sub.set_defaults(mode=mode)
        add_options(sub, kind)
    add_unfinished_commands(command, _unfinished, _resume)
    info = command("info", _info, "Print the request that a file was made with.", needs_room=False)
    info.add_argument("file", type=Path, metavar="FILE")
    judge = command("judge", _judge, "Say how well a film shows a person, and how it flickers.")
    judge.add_argument("video", type=Path, metavar="VIDEO", help="a film, animation or folder")
    judge.add_argument("--user-id", required=True, metavar="NAME", help="who should be in it")
    judge.add_argument("--face-model", metavar="PACK", help="who tells people apart [embedded]")
    people = command("user-ids", _user_ids, "List the trained persons of the data folder.")
    add_people_commands(people)
    training = command("train", _train, "Train a user id from the photos of one person.")
    add_train_options(training)
    fetch = command("fetch", _fetch, "Download a file of the catalogue; without a name, list it.")
    fetch.add_argument("name", nargs="?", metavar="NAME")
    fetch.add_argument("--accept-licence", action="store_true", help="accept the file's licence")
    return parser


def _page(args: argparse.Namespace) -> None:
    from easyphoto_video import temporary

    # Where gradio keeps what is dropped; it looks once when it is imported, and makes it.
    os.environ["GRADIO_TEMP_DIR"] = str(temporary.folder() / "gradio")
    from easyphoto_video.host.standalone.page import serve

    serve(args)


def _render(args: argparse.Namespace) -> None:
    request = request_of(args, MODES[args.mode])
    from easyphoto_video.host.standalone.job import Job, render

    job = Job(request, args.data_dir, args.out, args.device, args.precision, args.resume)
    with progress(sys.stderr) as watch:
        result = render(job, watch)
    _say(json.dumps(result) if args.json else result["path"])


def _unfinished(args: argparse.Namespace) -> None:
    _say(told(args))


def _resume(args: argparse.Namespace) -> None:
    with progress(sys.stderr) as watch:
        result = resumed(args, watch)
    _say(json.dumps(result) if args.json else result["path"])


def _info(args: argparse.Namespace) -> None:
    from easyphoto_video.video.note import read_note

    text = read_note(args.file)
    try:
        note = parsed(text)
    except ValueError as error:
        step = "Give a file that this program wrote."
        raise BadFile(args.file, f"its note is not ours ({error})", step) from error
    _say(json.dumps(note, ensure_ascii=False, indent=None if args.json else 2))


def _judge(args: argparse.Namespace) -> None:
    from easyphoto_video.host.standalone import judge

    with progress(sys.stderr) as watch:
        result = judge.judge(args, watch)
    _say(json.dumps(result) if args.json else judge.told(result))


def _train(args: argparse.Namespace) -> None:
    _say(train(args))


def _user_ids(args: argparse.Namespace) -> None:
    from easyphoto_video.host.standalone.people_cli import run

    _say(run(args))


def _fetch(args: argparse.Namespace) -> None:
    from easyphoto_video import weights

    if args.name is None:
        _say(weights.table())
        return
    with progress(sys.stderr) as watch:
        path = weights.fetch(args.name, args.data_dir, watch, accept_licence=args.accept_licence)
    _say(json.dumps({"path": str(path)}) if args.json else path)


def _report(error: EasyPhotoError, wants_json: bool) -> int:
    with suppress(OSError):  # then nobody can be told
        print(error, file=sys.stderr, flush=True)
    if wants_json:
        with suppress(HostFailed):
            _say(json.dumps({"error": str(error), "kind": type(error).__name__}))
    return error.exit_code


def _say(text: object) -> None:
    """One line of output; whoever reads it may leave early, as `| head` does. Raises HostFailed."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _pass_over_output()
    except OSError as error:
        _pass_over_output()
        raise HostFailed(
            f"The answer cannot be printed ({error.strerror or error}). What was done is done; "
            f"the answer is: {text}"
        ) from error


def _pass_over_output() -> None:
    """What still waits to be printed goes nowhere, and so does what comes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
