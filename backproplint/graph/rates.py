"""The view of learning rates: at which constant rate an optimizer moves what it owns, if it is one constant."""

from __future__ import annotations

from typing import NamedTuple

from backproplint.graph.choices import same
from backproplint.graph.nodes import Const, Dict, Node, Seq, Thing
from backproplint.graph.numbers import number


class Rate(NamedTuple):
    """A learning rate: of what kind of optimizer, the number, where it is set, and the setting it was read from."""

    kind: str
    value: float
    optimizer: Thing
    setting: Node


def rate_of(optimizer: Thing | None) -> Rate | None:
    """The rate of an optimizer; None when it is unknown, or when something else sets it as training goes on."""
    inner = _mover(optimizer)
    if inner is None or inner.setting("schedule") is not None or _rewritten(inner):
        return None
    setting = inner.setting("lr")
    value = number(setting)
    if value is None or setting is None:
        return None
    momentum = inner.row.op == "sgd" and number(inner.setting("momentum"))
    return Rate("momentum" if momentum else inner.row.op, value, inner, setting)


def _mover(optimizer: Thing | None, depth: int = 4) -> Thing | None:
    """The optimizer in a chain of gradient transformations; beside it, only those that leave the step's size alone."""
    if optimizer is not None and optimizer.row.op == "wrapped" and depth:
        inner = optimizer.args.get("optimizer")
        return _mover(inner, depth - 1) if isinstance(inner, Thing) else None
    if optimizer is None or optimizer.row.op != "chain":
        return optimizer
    parts = optimizer.args.get("transforms")
    items = list(parts.operands()) if isinstance(parts, (Seq, Dict)) else [parts]
    things = [item for item in items if isinstance(item, Thing)]
    movers = [item for item in things if item.row.op not in ("transform", "clip")]
    if len(things) != len(items) or len(movers) != 1 or depth == 0:
        return None
    return _mover(movers[0], depth - 1)


def _rewritten(optimizer: Thing) -> bool:
    """Whether something writes a rate into the optimizer's groups: `for group in optimizer.param_groups: ...`."""
    groups = optimizer.attrs.get("param_groups")
    for group in groups.operands() if isinstance(groups, Seq) else []:
        lr = group.entries.get("lr") if isinstance(group, Dict) else None
        if lr is not None and not same(lr, optimizer.setting("lr") or Const(None)):
            return True
    return False
