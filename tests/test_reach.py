"""Which entries are followed: those that can see a training and lead to it by name."""

from __future__ import annotations

import pytest

from backproplint.graph.modules import Paths
from backproplint.graph.outlining import prepared
from backproplint.graph.reach import reach
from backproplint.lowering import lower

AGENT = """
class Agent:
    def __init__(self, net):
        self.net = net
    def learn(self, batch):
        self.net(batch).sum().backward()
"""
REGISTRY = """
MODELS = {}
def register(cls):
    MODELS[cls.__name__] = cls
    return cls
"""


def followed(**files: str) -> set[str]:
    """The scopes from which a training is reached, as file.scope; a module body is the file alone."""
    graphs = [lower(text, f"{name}.py") for name, text in files.items()]
    lowered = [prepared(graph) for graph in graphs]
    found = reach(lowered, Paths(lowered))
    return {
        ".".join(filter(None, [graph.filename[:-3], scope.name]))
        for file, graph in enumerate(graphs)
        for number, scope in enumerate(graph.scopes)
        if (file, number) in found
    }


@pytest.mark.parametrize(
    "main",
    [
        "from agent import Agent\ndef run(): Agent(n).learn(x)",
        "import agent\ndef run(): agent.Agent(n).learn(x)",
        "import agent as a\ndef run():\n    one = a.Agent(n)\n    one.learn(x)",
        "from agent import *\ndef run(): Agent(n).learn(x)",
        "def run():\n    from agent import Agent\n    Agent(n).learn(x)",
        "from agent import Agent\nKINDS = {'a': Agent}\ndef run(): KINDS[k](n).learn(x)",
        "from agent import Agent\nKINDS = {}\nKINDS['a'] = Agent\ndef run(): KINDS[k](n).learn(x)",
        "import agent\ndef run(): getattr(agent, kind)(n).learn(x)",
        "import agent\ndef run(): agent.__dict__[kind](n).learn(x)",
        "from agent import Agent\none = None\ndef make():\n    global one\n    one = Agent(n)\ndef run(): one.learn(x)",
        "from agent import Agent\nclass Mine(Agent): pass\ndef run(): Mine(n).learn(x)",
    ],
)
def test_a_caller_in_another_file_reaches_the_training(main: str) -> None:
    assert "main.run" in followed(agent=AGENT, main=main)


def test_a_class_hung_on_a_registry_is_seen_through_it() -> None:
    agent = "from registry import register\n@register" + AGENT
    main = "from registry import MODELS\ndef run(): MODELS[kind](n).learn(x)"
    assert "main.run" in followed(agent=agent, main=main, registry=REGISTRY)


@pytest.mark.parametrize(
    "main",
    [
        "from agent import Agent\ndef run(): return Agent(n)",  # sees it, does not call it
        "def run(agent): agent.learn(x)",  # calls something of that name, cannot see it
        "import re\ndef run(): return re.compile('x')",
        "def run(env): return env.step(0)",
        "import torch\ndef run(x): return torch.autograd.grad(x.sum(), x)",  # nothing is moved by it
    ],
)
def test_what_cannot_come_upon_a_training_is_left_alone(main: str) -> None:
    assert "main.run" not in followed(agent=AGENT, main=main)


def test_attributes_of_self_lead_to_relatives_only() -> None:
    others = "class Other:\n    def go(self): return self.learn(1)\n"
    heirs = "from agent import Agent\nclass Heir(Agent):\n    def go(self): return self.learn(1)\n"
    reached = followed(agent=AGENT, others="import agent\nuse = agent.Agent\n" + others, heirs=heirs)
    assert "heirs.go" in reached
    assert "others.go" not in reached


def test_names_hung_on_a_library_are_the_projects_own() -> None:
    assert "main.run" in followed(main="import tensorflow as tf\ndef run(): tf.model.fit(x, y)")


def test_circles_of_imports_and_stars_end() -> None:
    one = "from two import *\nfrom two import thing\ndef run(): thing()"
    assert followed(one=one, two="from one import *\nfrom one import thing") == set()


def test_names_that_all_lead_to_each_other_are_looked_at_once() -> None:
    """A notebook binds the same names again and again: following each way through them would never end."""
    names = [f"n{k}" for k in range(60)]
    web = "".join(f"{name} = [{', '.join(names)}]\n" for name in names)
    reached = followed(agent=AGENT, book=f"from agent import Agent\n{web}n0 = Agent(n1)\ndef run(): n59.learn(n1)")
    assert "book.run" in reached


def test_a_name_that_grows_with_each_look_ends() -> None:
    assert followed(one="head = make()\nhead = head.next\ndef run(): return head.next") == set()
