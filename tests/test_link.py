"""Following a program: what reaches a loss, through branches, loops, calls, objects and files."""

from textwrap import dedent

import pytest

from backproplint.graph.flow import Flow
from backproplint.graph.initial import fitted, initial
from backproplint.graph.networks import linear
from backproplint.graph.nodes import Const, Node, Phi
from backproplint.graph.outlining import prepared
from backproplint.graph.project import Project, link
from backproplint.lowering import InvalidSource, lower


def project(**files: str) -> Project:
    """Link files given as name=text; `__` in a name is a folder's slash."""
    linked = link([prepared(lower(dedent(text), name.replace("__", "/") + ".py")) for name, text in files.items()])
    assert linked.failures == []
    return linked


def ops(linked: Project) -> list[list[str]]:
    """The ops that each training's loss sends gradient to, in order of distance."""
    return [[node.op for node in Flow(loss).nodes] for t in linked.trainings for loss in t.losses]


HEAD = "import torch\nimport torch.nn.functional as F\n"


def test_both_ways_of_an_unknown_branch_reach_the_loss() -> None:
    text = HEAD + "def f(x, c):\n    if c:\n        x = x.sigmoid()\n    else:\n        x = x.tanh()\n"
    text += "    x.sum().backward()\n"
    linked = project(a=text + "    torch.optim.SGD([x], lr=1).step()\n")
    assert {"sigmoid", "tanh"} <= set(ops(linked)[0])


def test_a_decided_branch_is_the_only_one() -> None:
    text = HEAD + "def act(x, kind):\n    return x.sigmoid() if kind == 's' else x.tanh()\n"
    text += "x = torch.randn(3)\nact(x, 't').sum().backward()\ntorch.optim.SGD([x], lr=1).step()\n"
    (found,) = ops(project(a=text))
    assert "tanh" in found and "sigmoid" not in found


def test_facts_of_two_callers_do_not_meet() -> None:
    text = HEAD + "def act(x, f):\n    return f(x)\nact(torch.randn(3), torch.sigmoid)\n"
    text += "x = torch.randn(3)\nact(x, torch.tanh).sum().backward()\ntorch.optim.SGD([x], lr=1).step()\n"
    (found,) = ops(project(a=text))
    assert "tanh" in found and "sigmoid" not in found


def test_layers_of_a_loop_are_told_apart() -> None:
    text = """
        import torch
        from torch import nn
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(4)])
            def forward(self, x):
                for layer in self.layers:
                    x = torch.sigmoid(layer(x))
                return x
        net = Net()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        net(torch.randn(2, 8)).sum().backward()
        optimizer.step()
    """
    linked = project(a=text)
    (loss,) = linked.trainings[0].losses
    maps = [found for node in Flow(loss).nodes if (found := linear(node)) is not None]
    assert len({id(found.node.layer) for found in maps}) == 4


def test_a_state_meets_itself_and_a_stack_of_layers_does_not() -> None:
    cell = "h = torch.zeros(8)\nfor x in xs:\n    h = torch.tanh(W @ h + x)\nh.sum().backward()\noptimizer.step()\n"
    stack = "h = x\nfor w in weights:\n    h = torch.tanh(w @ h)\nh.sum().backward()\noptimizer.step()\n"
    start = HEAD + "W = torch.randn(8, 8, requires_grad=True)\noptimizer = torch.optim.SGD([W], lr=0.1)\n"
    for text, expected in ((cell, 1), (stack, 0)):
        linked = project(a=start + text)
        (loss,) = linked.trainings[0].losses
        assert len(linked.recurrences(loss)) == expected


def test_classes_and_losses_are_followed_across_files() -> None:
    models = "from torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    models += "        self.fc = nn.Linear(3, 1)\n    def forward(self, x):\n        return self.fc(x).tanh()\n"
    train = "import torch\nfrom lib.models import Net\nfrom lib import losses as L\nnet = Net()\n"
    train += "o = torch.optim.Adam(net.parameters())\nL.loss(net(torch.randn(2, 3))).backward()\no.step()\n"
    losses = "def loss(x):\n    return x.clamp(-1, 1).pow(2).mean()\n"
    linked = project(lib__models=models, lib__losses=losses, train=train)
    assert {"clip", "square", "tanh", "dense"} <= set(ops(linked)[0])


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    return f(f(x))\nf(1)\n",
        "class A:\n    def __init__(self):\n        self.a = A()\nA().a.a.a\n",
        "x = []\nx.append(x)\nfor y in x:\n    y.pop()\nx = x[0][0]\n",
        "import a\nfrom a import *\nopt.step()\n",
        "w = w0\n" + "".join(f"w = w * {k} + w\n" for k in range(200)) + "w.backward()\nopt.step()\n",
        "while True:\n    d = {i: d for i in d}\n    d[d] = d\n    loss.backward()\n    opt.step()\n",
    ],
)
def test_odd_programs_end(text: str) -> None:
    project(a=text)  # asserts that following it did not fail


def test_a_backward_without_a_known_loss_trains_nothing_known() -> None:
    text = HEAD + "o = torch.optim.SGD([w], lr=1)\nfor x in xs:\n    o.step()\n    torch.autograd.backward(**kw)\n"
    assert [training.losses for training in project(a=text).trainings] == [[]]


def test_many_ways_to_one_start_are_walked_once() -> None:
    drawn = Node("normal", {"mean": Const(0.0), "std": Const(2.0)}, None)
    weight: Node = drawn
    for _ in range(60):  # updated under a test that nobody knows: twice as many ways each time
        weight = Phi([weight, Node("subtract", {"a": weight, "b": Node("param", {}, None)}, None)])
    start = initial(weight)
    assert start is not None and start.std == 2.0
    assert not fitted(weight)


def test_syntax_errors_have_a_place() -> None:
    with pytest.raises(InvalidSource) as caught:
        lower("x = 1\ny = = 2\n", "a.py")
    assert caught.value.row == 2


ODD = [
    "m = nn.Sequential(nn.Linear(2, 2))\nm.append(m)\nm(x).sum().backward()\n",
    "for k in range(10**30):\n    x.sum().backward()\n",
    "jax.grad(lambda a: a, argnums=-5)(x)\nx.sum().backward()\n",
]


@pytest.mark.parametrize("text", ODD)
def test_odd_code_is_followed_to_its_end(text: str) -> None:
    project(a="import jax, torch\nfrom torch import nn\nx = torch.randn(3)\n" + text)


RNN = """
    import foreign, torch
    from torch import nn
    def fit(net, opt, data):
        for x, y in data:
            opt.zero_grad()
            nn.functional.mse_loss(net(x)[0], y).backward()
            opt.step()
    current = fit
    previous = current
    current = previous
    def main(data):
        net = nn.RNN(4, 32)
        previous(net, MADE, data)
"""


def test_names_that_stand_for_each_other_still_lead_somewhere() -> None:
    (training,) = project(a=RNN.replace("MADE", "torch.optim.SGD(net.parameters(), lr=0.01)")).trainings
    assert training.optimizer is not None and not training.undecided


def test_an_optimizer_of_an_unknown_library_may_clip() -> None:
    (training,) = project(a=RNN.replace("MADE", "foreign.SGD(net.parameters(), clip=1.0)")).trainings
    assert training.undecided
