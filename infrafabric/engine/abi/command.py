"""``command``: a WASI program run once. Arguments or standard input in, standard output out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infrafabric.engine.abi import payload
from infrafabric.engine.abi.reply import decode
from infrafabric.engine.running import GuestEnded
from infrafabric.engine.wasi import WasiState
from infrafabric.errors import escape

if TYPE_CHECKING:
    from infrafabric.engine.exports import Function
    from infrafabric.engine.instance import Instance

NAME = "command"

#: What the program sees as its own name, ``argv[0]``.
PROGRAM_NAME = b"swarm"
#: More than any program means; each costs the host some work whenever the guest asks for them.
MAX_ARGUMENTS = 10_000
_MIB = 1 << 20


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
            got = escape(", ".join(sorted(map(str, unknown))), 200)
            raise payload.refuse_params(
                f"a command takes args and stdin, got also {got}; send other data as text or bytes (stdin)"
            )
        args, stdin = params.get("args"), params.get("stdin")
    elif params is None or isinstance(params, (str, bytes, bytearray, memoryview)):
        args, stdin = None, params
    argv = _encode_args(args, limit_bytes) if args is not None else ()
    return WasiState((PROGRAM_NAME, *argv), payload.encode(stdin, limit_bytes), capture=True)


def _encode_args(args: Any, limit_bytes: int) -> tuple[bytes, ...]:
    if not (isinstance(args, (list, tuple)) and all(isinstance(text, str) for text in args)):
        raise payload.refuse_params("a command's args are a list of text")
    if len(args) > MAX_ARGUMENTS:
        raise payload.refuse_params(
            f"a command takes up to {MAX_ARGUMENTS:,} arguments, got {len(args):,}; send more as stdin"
        )
    try:
        # As Python itself keeps arguments that are not UTF-8.
        argv = tuple(text.encode("utf-8", "surrogateescape") for text in args)
    except UnicodeEncodeError as error:
        raise payload.refuse_params(f"a command's argument cannot be sent as UTF-8: {error.reason}") from None
    if any(b"\0" in text for text in argv):
        raise payload.refuse_params("a command's argument holds a NUL, where the guest would stop reading")
    size = sum(map(len, argv))
    if size > limit_bytes:
        raise payload.refuse_params(
            f"the arguments have {size:,} bytes; max_payload_mb allows {limit_bytes / _MIB:g} MiB"
        )
    return argv


def invoke(instance: Instance, function: Function, streams: WasiState, returns: str, *, kept: bool) -> Any:  # noqa: ARG001
    """The decoded standard output. An exit code other than 0 is the guest's error."""
    try:
        instance.call(function, ())
    except GuestEnded as ended:
        if ended.verdict.guest_code != 0 or ended.verdict.trap_code != "exit":
            raise
        instance.run.verdict = None
    return decode(bytes(streams.output or b""), returns)
