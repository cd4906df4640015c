"""Edits that plant a hazard into a real file: what benchmarks/mutants.py makes its mutants of.

Each function takes a file, parsed and as text, and yields the edits it offers, with the new text. An edit that stays
below the thresholds of the rule's README, or that the file itself disarms, says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple, TypeVar

import libcst as cst

Kind = TypeVar("Kind", bound=cst.CSTNode)
# Of the rules' READMEs: rates for mean squared error and cross-entropy, units from which unit entries have radius 3.
TOO_HIGH = {
    "sgd": (0.3, 3.0), "momentum": (0.1, 0.5), "adam": (0.1, 0.1), "rmsprop": (0.3, 0.2), "adagrad": (1.0, 1.0),
}  # fmt: skip
SMALLEST_STATE = 9
NORMALISED = re.compile(r"batch_?norm|layer_?norm|group_?norm|instance_?norm", re.IGNORECASE)
RELU = re.compile(r"nn\.relu\b|\brelu\(|[\"']relu[\"']", re.IGNORECASE)
CLASSIFIES = re.compile(r"cross_?entropy|nll|bce", re.IGNORECASE)


class Edit(NamedTuple):
    """One way to plant the hazard: where, what was done (its kind first), what makes the text, or why it is none."""

    node: cst.CSTNode
    kind: str
    said: str
    text: Callable[[], str]
    discarded: str = ""


def source(node: cst.CSTNode) -> str:
    """The text of a node."""
    return cst.Module([]).code_for_node(node).strip()


def within(node: cst.CSTNode, kind: type[Kind]) -> Iterator[Kind]:
    """Each node of a kind inside another, itself included."""
    if isinstance(node, kind):
        yield node
    for child in node.children:
        yield from within(child, kind)


def called(call: cst.Call) -> str:
    """The last name of what is called."""
    return source(call.func).rpartition(".")[2]


def given(call: cst.Call, name: str, position: int | None = None) -> cst.Arg | None:
    """An argument by keyword, else by position."""
    named = [arg for arg in call.args if arg.keyword is not None and arg.keyword.value in name.split()]
    plain = [arg for arg in call.args if arg.keyword is None and not arg.star]
    return named[0] if named else plain[position] if position is not None and position < len(plain) else None


def literal(module: cst.Module, node: cst.BaseExpression) -> tuple[cst.BaseExpression, float] | None:
    """The number an expression is, or the only number that the file assigns to its name, and where it stands."""
    if isinstance(node, (cst.Float, cst.Integer)):
        return node, float(source(node).replace("_", ""))
    name = source(node).removeprefix("self.")  # most often what a parameter of that name was stored as
    values = [found.value for found in within(module, cst.Assign) if source(found.targets[0].target) == name]
    single = len(values) == 1 and isinstance(values[0], (cst.Float, cst.Integer))
    return literal(module, values[0]) if single else None


def replaced(module: cst.Module, old: cst.CSTNode, new: str, head: str = "") -> str:
    """The file with another expression in one place."""
    changed = module.deep_replace(old, cst.parse_expression(new))
    assert isinstance(changed, cst.Module)
    return head + changed.code


def blocks(module: cst.Module) -> Iterator[tuple[cst.Module | cst.IndentedBlock, list[cst.BaseStatement]]]:
    """Each suite of statements of a file."""
    yield module, list(module.body)
    for block in within(module, cst.IndentedBlock):
        yield block, list(block.body)


def spliced(module: cst.Module, block: cst.Module | cst.IndentedBlock, rows: dict[int, Sequence[str]]) -> str:
    """The file with some statements of one suite replaced, each by any number of lines."""
    body: list[cst.BaseStatement] = []
    for row, statement in enumerate(block.body):
        body += [cst.parse_statement(line) for line in rows[row]] if row in rows else [statement]
    changed = module.deep_replace(block, block.with_changes(body=body))
    assert isinstance(changed, cst.Module)
    return changed.code


# -- relu-high-lr: a rate a hundred times as large -------------------------------------------------------------------


def higher_rate(module: cst.Module, text: str) -> Iterator[Edit]:
    """Multiply the rate of an optimizer that trains a ReLU net by 100."""
    for call in within(module, cst.Call) if re.search("relu", text, re.IGNORECASE) else []:
        kind = called(call).lower().removesuffix("optimizer").replace("gradientdescent", "sgd")
        rate = given(call, "lr learning_rate", 1 if "torch" in text else 0) if kind in TOO_HIGH else None
        found = literal(module, rate.value) if rate is not None else None
        if found is not None:
            momentum = given(call, "momentum")
            kind = "momentum" if kind == "sgd" and momentum is not None and source(momentum.value) != "0" else kind
            new = f"{100 * found[1]:g}"
            said = f"learning rate of {called(call)} {source(found[0])} -> {new}"
            why = _harmless_rate(kind, 100 * found[1], _about(module, call, text))
            yield Edit(found[0], f"rate of {kind}", said, partial(replaced, module, found[0], new), why)


def _about(module: cst.Module, call: cst.Call, text: str) -> str:
    """The code of the net that an optimizer trains: of its own function where that builds one, else of the file."""
    around = [function for function in within(module, cst.FunctionDef) if call in within(function, cst.Call)]
    inner = source(around[-1]) if around else text
    return inner if re.search(r"Dense\(|Linear\(|dense\(", inner) else text


def _harmless_rate(kind: str, rate: float, text: str) -> str:
    limit = TOO_HIGH[kind][1 if CLASSIFIES.search(text) else 0]
    if rate < limit:
        return "below the threshold of its optimizer and loss"
    layers = len(RELU.findall(text))
    shallow = layers < 2 or (layers == 2 and rate < 5 * limit)  # of two, one may be the output
    return "normalised" if NORMALISED.search(text) else "fewer than two hidden ReLU layers" if shallow else ""


# -- rnn-unscaled-recurrence: a recurrent matrix of unit entries -----------------------------------------------------


def unscaled_recurrence(module: cst.Module, text: str) -> Iterator[Edit]:
    """Draw a recurrent matrix with entries of size 1."""
    yield from _library_cells(module, text)
    for call in within(module, cst.Call) if "tanh" in text else []:
        sizes = [arg.value for arg in call.args]
        shape = sizes[-1] if sizes and isinstance(sizes[-1], (cst.Tuple, cst.List)) else None
        sides = [element.value for element in shape.elements] if shape is not None else sizes
        square = len(sides) == 2 and source(sides[0]) == source(sides[1])
        few = _few(module, sides[0]) if square else ""
        if square and called(call) == "randn":
            for product in within(module, cst.BinaryOperation):
                if product.left is call:
                    changed = partial(replaced, module, product, source(call))
                    yield Edit(product, "scale removed", f"{source(product)} -> {source(call)}", changed, few)
        elif square and called(call) == "uniform" and source(call.func).startswith(("np.", "numpy.")):
            new = f"np.random.randn({source(sides[0])}, {source(sides[1])})"
            yield Edit(call, "uniform to randn", f"{source(call)} -> {new}", partial(replaced, module, call, new), few)


def _library_cells(module: cst.Module, text: str) -> Iterator[Edit]:
    for block, body in blocks(module):
        for row, statement in enumerate(body):
            for call in within(statement, cst.Call) if isinstance(statement, cst.SimpleStatementLine) else []:
                size = given(call, "units output_dim", 0) if called(call) == "SimpleRNN" else None
                if size is not None and given(call, "recurrent_initializer") is None:
                    start = "recurrent_initializer=RandomNormal(stddev=1.0)"
                    new = source(call)[:-1].rstrip(", \n") + f", {start})"
                    head = "from keras.initializers import RandomNormal\n"
                    changed = partial(replaced, module, call, new, head)
                    why = _few(module, size.value) or _untrained(statement, text)
                    yield Edit(call, "SimpleRNN", start, changed, why)
            target, made = _assigned(statement)
            size = given(made, "hidden_size", 1) if made is not None and called(made) in ("RNN", "RNNCell") else None
            if made is not None and size is not None and isinstance(made.func, cst.Attribute):
                weight = f"{target}.weight_hh" + ("_l0" if called(made) == "RNN" else "")
                line = f"{source(made.func.value)}.init.normal_({weight})"
                changed = partial(spliced, module, block, {row: [source(statement), line]})
                yield Edit(made, called(made), f"{line} added", changed, _few(module, size.value))


def _untrained(statement: cst.BaseStatement, text: str) -> str:
    """Whether nobody trains the model that a statement makes or adds to, where it has a name."""
    made = re.search(r"^(\w+)(\.add\(| = )", source(statement), re.MULTILINE)  # comments may stand before it
    calls = r"\b{0}\.(fit|compile|train_on_batch|parameters)\b|gradient\([^\n]*\b{0}\."
    used = made is None or re.search(calls.format(made[1]), text)
    return "" if used else "the model is not trained"


def _few(module: cst.Module, size: cst.BaseExpression) -> str:
    found = literal(module, size)
    return f"a state of {found[1]:g} units" if found is not None and found[1] < SMALLEST_STATE else ""


def _assigned(statement: cst.BaseStatement) -> tuple[str, cst.Call | None]:
    """The target and the call of a statement `target = call(...)`."""
    if isinstance(statement, cst.SimpleStatementLine) and isinstance(statement.body[0], cst.Assign):
        assign = statement.body[0]
        return source(assign.targets[0].target), assign.value if isinstance(assign.value, cst.Call) else None
    return "", None


# -- deep-sigmoid-stack: three sigmoid layers in a row ---------------------------------------------------------------


def sigmoid_stack(module: cst.Module, text: str) -> Iterator[Edit]:
    """Turn hidden layers into sigmoid layers, and repeat them up to three."""
    why = "normalised" if NORMALISED.search(text) else ""
    for block, body in blocks(module):
        yield from _repeated_adds(module, block, body, why)
        yield from _relu_chain(module, block, body, why)
    for call in within(module, cst.Call):
        if called(call) == "Sequential":
            yield from _repeated_items(module, call, why)


def _sigmoid_dense(call: cst.Call) -> tuple[str, str] | None:
    """A Keras layer with a sigmoid for its activation, and the same without its input's shape."""
    activation = given(call, "activation")
    units = given(call, "units output_dim", 0)
    if called(call) != "Dense" or activation is None or units is None:
        return None
    first = call.deep_replace(activation.value, cst.SimpleString('"sigmoid"'))
    return source(first), f'{source(call.func)}({source(units.value)}, activation="sigmoid")'


def _repeated_adds(
    module: cst.Module, block: cst.Module | cst.IndentedBlock, body: list[cst.BaseStatement], why: str
) -> Iterator[Edit]:
    adds = [(row, re.search(r"^(\S+)\.add\(", source(statement), re.MULTILINE)) for row, statement in enumerate(body)]
    for (row, added), (_, later) in pairwise(adds):
        for call in within(body[row], cst.Call) if added and later and added[1] == later[1] else []:
            layer = _sigmoid_dense(call)
            if added and layer is not None:
                lines = [f"{added[1]}.add({layer[0]})", *[f"{added[1]}.add({layer[1]})"] * 2]
                changed = partial(spliced, module, block, {row: lines})
                yield Edit(call, "add", "three sigmoid layers for one", changed, why)


def _repeated_items(module: cst.Module, call: cst.Call, why: str) -> Iterator[Edit]:
    inner = call.args[0].value if len(call.args) == 1 else None
    values = [e.value for e in inner.elements] if isinstance(inner, cst.List) else [arg.value for arg in call.args]
    layers = [value for value in values if isinstance(value, cst.Call)]
    for k, layer in enumerate(layers[:-2] if len(layers) == len(values) else []):
        dense, units = _sigmoid_dense(layer), given(layer, "out_features", 1)
        if dense is not None:
            new, rest, kind = [dense[0], dense[1], dense[1]], layers[k + 1 :], "Keras Sequential"
        elif called(layer) == "Linear" and units is not None and called(layers[k + 1]) in ("ReLU", "Tanh", "Sigmoid"):
            prefix, width = source(layer.func).removesuffix("Linear"), source(units.value)
            again = [f"{prefix}Sigmoid()", f"{prefix}Linear({width}, {width})"]
            new, rest, kind = [source(layer), *again, *again, again[0]], layers[k + 2 :], "torch Sequential"
        else:
            continue
        items = ", ".join([*map(source, layers[:k]), *new, *map(source, rest)])
        text = f"{source(call.func)}([{items}])" if isinstance(inner, cst.List) else f"{source(call.func)}({items})"
        yield Edit(layer, kind, "three sigmoid layers for one", partial(replaced, module, call, text), why)


def _relu_chain(
    module: cst.Module, block: cst.Module | cst.IndentedBlock, body: list[cst.BaseStatement], why: str
) -> Iterator[Edit]:
    """Three statements or more that each put the last one's result through a layer and a ReLU, and one after them."""
    rows: dict[int, Sequence[str]] = {}
    last = ""
    for row, statement in enumerate(body):
        target, call = _assigned(statement)
        text = source(call) if call is not None else ""
        if call is not None and called(call) == "relu" and (not last or re.search(rf"\b{re.escape(last)}\b", text)):
            sigmoid = source(call.func).removesuffix("relu") + "sigmoid"
            rows[row], last = [f"{target} = {sigmoid}({text.partition('(')[2]}"], target
    after = body[max(rows) + 1 :] if rows else []
    if len(rows) >= 3 and any(last in source(statement) for statement in after):
        changed = partial(spliced, module, block, rows)
        yield Edit(body[min(rows)], "relu to sigmoid", f"{len(rows)} relu -> sigmoid", changed, why)


Mutator = Callable[[cst.Module, str], Iterator[Edit]]
MUTATORS: dict[str, Mutator] = {
    "relu-high-lr": higher_rate, "rnn-unscaled-recurrence": unscaled_recurrence, "deep-sigmoid-stack": sigmoid_stack,
}  # fmt: skip
