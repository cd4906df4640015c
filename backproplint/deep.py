"""How a whole run is called: with room for code that nests deeply, since libcst and walks over its trees recurse."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

Result = TypeVar("Result")
STACK = 512 * 2**20  # bytes of address space, touched only as deep as code nests
DEPTH = 50_000  # Python frames that fit such a stack


class Overdue(Exception):
    """What was called did not end in its time. It goes on in its thread, since nothing can stop it there."""


def deeply(function: Callable[[], Result], seconds: float | None = None) -> Result:
    """Call `function` where deeply nested code overflows no stack; raises Overdue when it takes more than `seconds`.

    What a run makes it keeps until its end, so searches for garbage find nothing and only cost time: they are off. The
    thread is a daemon, so that Ctrl-C need not wait for it. What `function` raises is raised here.
    """
    outcome: dict[str, Any] = {}

    def call() -> None:
        try:
            outcome["result"] = function()
        except BaseException as error:
            outcome["error"] = error

    stack, depth = threading.stack_size(STACK), sys.getrecursionlimit()
    collecting = gc.isenabled()
    try:
        gc.disable()
        sys.setrecursionlimit(max(depth, DEPTH))
        thread = threading.Thread(target=call, daemon=True)
        thread.start()
        thread.join(seconds)
    finally:
        threading.stack_size(stack)
        sys.setrecursionlimit(depth)
        if collecting:
            gc.enable()
    if thread.is_alive():
        raise Overdue
    if "error" in outcome:
        raise outcome["error"]
    return cast("Result", outcome["result"])
