"""Code that is far from what people write, at two sizes each: `python -m benchmarks.worst [NAME...]`.

Time and memory are to grow with the size, not with its square. Each file is checked as the tool does it, all rules on,
in a process of its own; a training stands at its end, so that what comes before is followed.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from backproplint import registry
from backproplint.config import Settings
from backproplint.engine import check

HEAD = "import torch\nfrom torch import nn\nnet = nn.Linear(4, 4)\noptimizer = torch.optim.SGD(net.parameters(), 0.1)\n"
TAIL = "net(x).sum().backward()\noptimizer.step()\n"


def lines(count: int) -> str:
    """A generated table: assignments, each of which reads the one before."""
    return "x = torch.zeros(1, 4)\nv0 = 1\n" + "".join(f"v{k} = v{k - 1} * 2 + {k}\n" for k in range(1, count))


def tensors(count: int) -> str:
    """The same with tensors, so that the gradient's way is as long as the file."""
    return "x = torch.randn(1, 4)\n" + "x = torch.tanh(x) + 1\n" * count


def terms(count: int) -> str:
    """One sum."""
    return "x = torch.randn(1, 4)\nx = " + " + ".join(["x"] * count) + "\n"


def elifs(count: int) -> str:
    """One chain of branches, each with an effect of its own."""
    chain = "".join(f"elif kind == {k}:\n    x = x * {k}\n    size = {k}\n" for k in range(1, count))
    return "x = torch.randn(1, 4)\nkind = int(input())\nif kind == 0:\n    x = x + 1\n" + chain


def nested(count: int) -> str:
    """Calls within calls; the parser refuses what is deeper than some hundreds."""
    return "x = torch.randn(1, 4)\nx = " + "torch.tanh(" * count + "x" + ")" * count + "\n"


def calls(count: int) -> str:
    """One function with a loop in it, called from everywhere."""
    function = "def step(x):\n    for _ in range(3):\n        x = torch.tanh(net(x))\n    return x\n"
    return function + "x = torch.randn(1, 4)\n" + "x = step(x)\n" * count


def chain(count: int) -> str:
    """Functions that call the next one, as deep as there are functions."""
    inner = "".join(f"def f{k}(x):\n    return f{k + 1}(x) + 1\n" for k in range(count))
    return inner + f"def f{count}(x):\n    return net(x)\nx = f0(torch.randn(1, 4))\n"


def doubling(count: int) -> str:
    """Functions that call the next one twice: two to the power of their number of calls, if each were followed."""
    inner = "".join(f"def f{k}(x):\n    return f{k + 1}(f{k + 1}(x))\n" for k in range(count))
    return inner + f"def f{count}(x):\n    return net(x)\nx = f0(torch.randn(1, 4))\n"


def branches(count: int) -> str:
    """Branches one after the other, each of which doubles the ways through the file."""
    return "x = torch.randn(1, 4)\n" + "".join(f"if flag{k}():\n    x = torch.relu(x)\n" for k in range(count))


def classes(count: int) -> str:
    """Classes derived from the one before, each with a method that calls its base's."""
    first = "class C0(nn.Module):\n    def forward(self, x):\n        return net(x)\n"
    body = "class C{}(C{}):\n    def forward(self, x):\n        return super().forward(x) + 1\n"
    return first + "".join(body.format(k, k - 1) for k in range(1, count)) + f"x = C{count - 1}()(torch.randn(1, 4))\n"


CASES: dict[Callable[[int], str], tuple[int, int]] = {
    lines: (25_000, 50_000), tensors: (5_000, 10_000), terms: (5_000, 10_000), elifs: (2_500, 5_000),
    nested: (90, 180), calls: (500, 1_000), chain: (500, 1_000), doubling: (20, 40), branches: (1_000, 2_000),
    classes: (500, 1_000),
}  # fmt: skip


def measure(text: str) -> tuple[float, float, list[str]]:
    """Seconds, peak of memory in MB, and what was found in a file of this text: rules, and warnings in their words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "worst.py")
        path.write_text(HEAD + text + TAIL)
        started = perf_counter()
        report = check([path], Settings(root=Path(folder)), registry.rules(), measure=False)
        seconds = perf_counter() - started
    unit = 2**20 if sys.platform == "darwin" else 2**10
    said = sorted({found.message if found.name == "invalid-source" else found.name for found in report.diagnostics})
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, [*said, *report.warnings]


def main(names: list[str]) -> None:
    """Print a line for each case and size: seconds, by how much they grew, the peak, what was found."""
    for case, sizes in CASES.items():
        before = 0.0
        for size in sizes if not names or case.__name__ in names else ():
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                seconds, peak, said = pool.apply(measure, [case(size)])
            growth = f"x {seconds / before:4.1f}" if before else ""
            print(
                f"{case.__name__:9} {size:6} {seconds:7.2f}s {growth:6} {peak:5.0f}M  {'; '.join(said)[:60]}",
                flush=True,
            )
            before = seconds


if __name__ == "__main__":
    main(sys.argv[1:])
