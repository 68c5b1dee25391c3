"""``command``: a WASI program run once. Arguments or standard input in, standard output out."""

from __future__ import annotations

from typing import Any

from infrafabric.engine.abi import payload
from infrafabric.engine.abi.reply import decode
from infrafabric.engine.instance import Instance
from infrafabric.engine.program import Function
from infrafabric.engine.running import GuestEnded
from infrafabric.engine.wasi import WasiState

NAME = "command"

#: What the program sees as its own name, ``argv[0]``.
PROGRAM_NAME = b"swarm"


def unfit(function: Function, *, has_memory: bool) -> str | None:  # noqa: ARG001 - every convention is asked the same
    """Why this export cannot be called so; None when it can."""
    if function.name != "_start" or function.type.params or function.type.results:
        return "it is not _start, () -> ()"
    return None


def encode(_function: Function, params: Any, limit_bytes: int) -> WasiState:
    """The streams of the program: a list of text is argv, ``{args, stdin}`` both, else everything is stdin."""
    args, stdin = params, None
    if isinstance(params, dict):
        unknown = set(params) - {"args", "stdin"}
        if unknown:
            raise payload.refuse_params(
                f"a command takes args and stdin, got also {', '.join(sorted(map(str, unknown)))}; "
                "send other data as text or bytes (stdin)"
            )
        args, stdin = params.get("args"), params.get("stdin")
    elif params is None or isinstance(params, (str, bytes, bytearray, memoryview)):
        args, stdin = None, params
    if args is not None and not (isinstance(args, (list, tuple)) and all(isinstance(text, str) for text in args)):
        raise payload.refuse_params("a command's args are a list of text")
    argv = tuple(text.encode("utf-8", "surrogateescape") for text in args or ())
    if any(b"\0" in text for text in argv):
        raise payload.refuse_params("a command's argument holds a NUL, where the guest would stop reading")
    payload.encode("".join(args or ()), limit_bytes)
    return WasiState((PROGRAM_NAME, *argv), payload.encode(stdin, limit_bytes), capture=True)


def invoke(instance: Instance, function: Function, streams: WasiState, returns: str, *, kept: bool) -> Any:  # noqa: ARG001
    """The decoded standard output. An exit code other than 0 is the guest's error."""
    try:
        instance.call(function, ())
    except GuestEnded as ended:
        if ended.verdict.guest_code != 0 or ended.verdict.trap_code != "exit":
            raise
        instance.run.verdict = None
    return decode(bytes(streams.output or b""), returns)
