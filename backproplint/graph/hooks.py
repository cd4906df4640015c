"""Functions that a framework calls on gradients: hooks on tensors and modules, and those that run before each step."""

from __future__ import annotations

from backproplint.frameworks.rows import Row
from backproplint.graph.algebra import is_gradient
from backproplint.graph.choices import options
from backproplint.graph.clips import gradients_behind
from backproplint.graph.library import EFFECTS, VALUES, Bound
from backproplint.graph.machine import Event, Machine, registers
from backproplint.graph.nodes import Const, Dict, Func, Method, Node, Seq, Thing
from backproplint.rule import Site

_NONE = Const(None)


@registers(EFFECTS, "register_hook")
def _register(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """A hook is followed on a gradient where it is registered; what it makes of it holds for each backward pass."""
    target, hook = bound.get("x") or _NONE, bound.get("hook") or _NONE
    for option in options(hook):
        start = len(m.events)
        result = m.call(option, _seen(m, str(row.constants.get("sees", "")), target, site), {}, site)
        done, m.events[start:] = m.events[start:], []
        behind = gradients_behind(result)
        clips = bool(behind.clips) or any(_clips(event) for event in done)
        known = isinstance(option, (Func, Method)) or not behind.unknown
        if clips or not known:
            m.emit("hook", {"target": target, "clips": Const(clips)}, site, framework)
    return m.node("side", {}, site)


def _seen(m: Machine, sees: str, target: Node, site: Site) -> list[Node]:
    """What a hook is called with: the gradient, the parameter that holds it, or a module's gradients on both sides."""
    gradient = m.node("gradient", {"loss": _NONE, "by": target}, site, "torch")
    if sees == "parameter":
        return [target]
    pair = Seq("tuple", (gradient,), site)
    return [target, pair, pair] if sees == "module" else [gradient]


def _clips(event: Event) -> bool:
    by_hand = event.kind in ("set_grad", "in place") and is_gradient(event.args["target"])
    return by_hand or event.kind == "clip_gradients"


@registers(EFFECTS, "before_step")
def _before_step(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`optimizer.register_step_pre_hook(hook)`: each step of the optimizer calls it first."""
    for optimizer in options(bound.get("optimizer") or _NONE):
        if isinstance(optimizer, Thing) and "hook" in bound:
            m.write(optimizer.attrs, "before step", bound["hook"])
    return m.node("side", {}, site)


def run_before_step(m: Machine, optimizer: Node | None, site: Site) -> None:
    """Call what was registered to run before an optimizer's step."""
    for option in options(optimizer or _NONE):
        hook = option.attrs.get("before step") if isinstance(option, Thing) else None
        if hook is not None:
            m.call(hook, [option, Seq("tuple", (), site), Dict({}, site)], {}, site)


@registers(VALUES, "param_groups")
def _param_groups(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """The groups of an optimizer, one for all: a dict that remembers what is written into it, the rate above all."""
    optimizer = bound.get("optimizer")
    if not isinstance(optimizer, Thing):
        return m.node("unknown", bound, site, framework)
    parameters = optimizer.args.get("parameters") or m.node("unknown", {}, site, framework)
    group = Dict({"params": parameters, "lr": optimizer.setting("lr") or _NONE}, site)
    groups = Seq("list", (group,), site)
    optimizer.attrs["param_groups"] = groups  # there from the start, whichever branch reads it first
    return groups


@registers(VALUES, "calls_back")
def _call_back(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """A library runs a function of the project's: `strategy.run(step, args=(x, y))`, `spawn(main, args=...)`."""
    given = bound.get("args")
    args = [m.node("counter", {}, site)] if row.constants.get("counts") else []
    args += list(given.items) if isinstance(given, Seq) else [m.node("rest", {}, site)]
    function = bound.get("function")
    return m.call(function, args, {}, site) if function is not None else m.node("unknown", {}, site)
