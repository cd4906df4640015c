"""Data as programs load and prepare it: data sets, batches, images."""

from __future__ import annotations

from typing import Any

from backproplint.frameworks.rows import Row
from backproplint.graph.library import VALUES, Bound
from backproplint.graph.machine import Machine, registers
from backproplint.graph.nodes import Const, Lib, Node, Seq
from backproplint.rule import Site


@registers(VALUES, "dataset")
def _dataset(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """A data set whose range is known, in the shape its loader returns it."""
    known: dict[str, Any] = row.constants
    limits: Bound = {name: Const(known[name]) for name in ("low", "high") if name in known}
    limits["transform"] = bound.get("transform") or Const(None)
    data = m.node("dataset", limits, site)
    labels = m.node("labels", {}, site)
    layout = row.constants.get("layout")
    if row.constants.get("tokens"):
        data = m.node("tokens", {}, site, framework)
    pair = Seq("tuple", (data, labels), site)
    if layout == "pairs":
        return Seq("tuple", (pair, Seq("tuple", (data, labels), site)), site)
    if layout == "pair":
        return pair
    data.memo = {"target": labels, "targets": labels, "labels": labels, "train_labels": labels, "test_labels": labels}
    for name in ("data", "images", "train_data", "test_data", "train", "test", "validation"):
        data.memo[name] = data
    return data


@registers(VALUES, "tensor_dataset")
def _tensor_dataset(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    xs = bound.get("xs")
    items = xs.items if isinstance(xs, Seq) else ()
    items = items or tuple(bound[name] for name in ("x", "y") if name in bound)
    if len(items) == 1 and isinstance(items[0], Seq):
        items = items[0].items
    return Seq("dataset", items, site)


@registers(VALUES, "map_dataset")
def _map_dataset(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`dataset.map(f)`: what f makes of one example."""
    dataset, function = bound.get("dataset"), bound.get("function")
    if not isinstance(dataset, Seq) or function is None:
        return m.node("unknown", bound, site, framework)
    result = m.call(function, list(dataset.items), {}, site)
    return Seq("dataset", result.items if isinstance(result, Seq) else (result,), site)


@registers(VALUES, "loader")
def _loader(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """Batches of a data set: a tuple of tensors stays one, so that a loop unpacks what was put in."""
    dataset = bound.get("dataset") or Const(None)
    if isinstance(dataset, Seq) and dataset.kind in ("tuple", "dataset"):
        return Seq("dataset", dataset.items, site)
    return m.node("loader", {"x": dataset}, site, framework)


@registers(VALUES, "split_arrays")
def _split_arrays(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    xs = bound.get("xs")
    arrays = xs.items if isinstance(xs, Seq) else ()
    return Seq("tuple", tuple(part for array in arrays for part in (array, array)), site)


@registers(VALUES, "thresholded")
def _thresholded(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`cv2.threshold(image, 127, 255, cv2.THRESH_BINARY)`: the threshold, and an image of 0 and 255."""
    limits: Bound = {"low": Const(0), "high": bound.get("high") or Const(None)} if _binary(bound.get("kind")) else {}
    image = m.node("dataset", limits, site) if limits else m.node("unknown", bound, site)
    return Seq("tuple", (m.node("unknown", {}, site), image), site)


def _binary(kind: Node | None) -> bool:
    """Whether what passes the threshold, or what does not, becomes the largest value: other kinds keep the image's."""
    return isinstance(kind, Lib) and kind.name.rpartition(".")[2] in ("THRESH_BINARY", "THRESH_BINARY_INV")
