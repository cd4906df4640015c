"""A finding is the same however a project is laid out, and whichever of its files are named, from wherever."""

import os
from pathlib import Path

import pytest

from backproplint import engine, registry
from backproplint.config import Settings

MODEL = "from torch import nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
MODEL += "        self.fc = nn.Linear(4, 1)\n\n    def forward(self, x):\n        return self.fc(x)\n"
LOSS = "import torch\n\ndef loss(p, y):\n    return torch.clamp(p - y, -1, 1).pow(2).mean()\n"
FIT = "import torch\n\ndef fit(net, loss, batches):\n    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)\n"
FIT += "    for x, y in batches:\n        optimizer.zero_grad()\n        loss(net(x), y).backward()\n"
FIT += "        optimizer.step()\n"
TRAINER = "class Trainer:\n    def __init__(self, net, optimizer):\n        self.net = net\n"
TRAINER += "        self.optimizer = optimizer\n\n"
TRAINER += "    def fit(self, batches):\n        for x, y in batches:\n            self.optimizer.zero_grad()\n"
TRAINER += "            self.loss(self.net(x), y).backward()\n            self.optimizer.step()\n"
REGISTRY = "LOSSES = {}\n\ndef register(f):\n    LOSSES[f.__name__] = f\n    return f\n"
RUN = "fit(Net(), loss, data())\n"
SAME = "from model import Net\nfrom loss import loss\nfrom fit import fit\n"
PARTS = {"model": MODEL, "loss": LOSS, "fit": FIT}


def at(folder: str) -> dict[str, str]:
    return {f"{folder}{name}.py": text for name, text in PARTS.items()}


LAYOUTS = {
    "flat": {**at(""), "train.py": SAME + RUN},
    "src": {**at("src/pkg/"), "src/pkg/__init__.py": "", "scripts/train.py": SAME.replace("from ", "from pkg.") + RUN},
    "path appended": {**at("lib/"), "exp/one/train.py": "import sys\nsys.path.append('../../lib')\n" + SAME + RUN},
    "relative": {
        **at("pkg/core/"), "pkg/__init__.py": "", "pkg/core/__init__.py": "", "pkg/tools/__init__.py": "",
        "pkg/tools/train.py": SAME.replace("from ", "from ..core.") + RUN,
    },
    "without __init__": {
        **at("a/b/"),
        "train.py": "import a.b.model, a.b.fit\nfrom a.b import loss\n"
        "a.b.fit.fit(a.b.model.Net(), loss.loss, data())\n",
    },
    "re-exported": {
        **at("pkg/"), "pkg/__init__.py": "from .model import *\nfrom . import fit as running\nfrom .loss import loss\n",
        "train.py": "import pkg\npkg.running.fit(net=pkg.Net(), batches=data(), loss=pkg.loss)\n",
    },
    "starred by __all__": {
        **at(""), "loss.py": LOSS.replace("loss(p", "_loss(p") + "__all__ = ['_loss']\n",
        "train.py": "from model import *\nfrom loss import *\nfrom fit import *\nfit(Net(), _loss, data())\n",
    },
    "with a fallback": {
        **at(""),
        "train.py": "try:\n    from project.loss import loss\nexcept ImportError:\n    from loss import loss\n"
        "from model import Net\nfrom fit import fit\n" + RUN,
    },
    "by name": {
        **at("parts/"),
        "train.py": "import importlib\nNAME = 'loss'\nloss = importlib.import_module(f'parts.{NAME}').loss\n"
        "from parts.model import Net\nfrom parts.fit import fit\n" + RUN,
    },
    "registered": {
        "model.py": MODEL, "fit.py": FIT, "registry.py": REGISTRY, "losses/__init__.py": "from . import clipped\n",
        "losses/clipped.py": LOSS.replace("def ", "from registry import register\n\n@register\ndef "),
        "train.py": "import losses\nfrom registry import LOSSES\nfrom model import Net\nfrom fit import fit\n"
        "fit(Net(), LOSSES['loss'], data())\n",
    },
    "inherited": {
        "base.py": TRAINER,
        "clipped.py": "import torch\nfrom base import Trainer\n\nclass Clipped(Trainer):\n    def loss(self, p, y):\n"
        "        return torch.clamp(p - y, -1, 1).pow(2).mean()\n",
    },
    "options of an imported file": {
        **at(""), "options.py": "import tensorflow as tf\ntf.app.flags.DEFINE_boolean('clipped', True, '')\n",
        "other.py": "import tensorflow as tf\ntf.app.flags.DEFINE_boolean('clipped', None, '')\n",
        "train.py": "import options\nimport tensorflow as tf\n" + SAME + "FLAGS = tf.app.flags.FLAGS\n"
        "if FLAGS.clipped is not None:\n    " + RUN,
    },
    "imported in a circle": {
        **at(""), "loss.py": "from fit import fit\n" + LOSS, "fit.py": "import loss as losses\n" + FIT,
        "train.py": "from model import Net\nimport loss\n\ndef main():\n"
        "    loss.fit(Net(), loss.loss, data())\n\nmain()\n",
    },
    "two of a kind": {
        **{f"a/{name}": text for name, text in at("").items()}, "a/train.py": SAME + RUN,
        **{f"b/{name}": text for name, text in at("").items()}, "b/train.py": SAME + RUN,
        "b/loss.py": "def loss(p, y):\n    return (p - y).pow(2).mean()\n",
    },
}  # fmt: skip
EVERY_LAYOUT = pytest.mark.parametrize("layout", LAYOUTS)
Places = set[tuple[str, str, int]]


def written(folder: Path, layout: str) -> list[str]:
    for name, text in LAYOUTS[layout].items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "pyproject.toml").touch()
    return sorted(LAYOUTS[layout])


def found(project: Path, names: list[str], monkeypatch: pytest.MonkeyPatch, inside: str = ".") -> Places:
    """The findings of a run inside a folder of the project, where `names` are paths from the project."""
    monkeypatch.chdir(project / inside)
    paths = [Path(os.path.relpath(project / name)) for name in names]
    settings = Settings(root=project, min_confidence="low")
    report = engine.check(paths, settings, registry.rules(), measure=False)
    places = [(d.name, Path(d.location.filename).resolve(), d.location.row) for d in report.diagnostics]
    return {(name, path.relative_to(project.resolve()).as_posix(), row) for name, path, row in places}


@EVERY_LAYOUT
def test_the_clip_is_found(layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, layout)
    wanted = [name for name, text in LAYOUTS[layout].items() if "torch.clamp" in text]
    places = found(tmp_path, ["."], monkeypatch)
    assert [(rule, path) for rule, path, _ in places] == [("clip-before-loss", path) for path in wanted]


@EVERY_LAYOUT
def test_each_file_alone_has_the_findings_it_has_in_its_folder(
    layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = written(tmp_path, layout)
    whole = found(tmp_path, ["."], monkeypatch)
    assert found(tmp_path, names[::-1], monkeypatch) == whole
    for name in names:
        own = {place for place in whole if place[1] == name}
        for inside in {".", Path(name).parent.as_posix()}:
            assert found(tmp_path, [name], monkeypatch, inside) == own


def test_a_project_is_whole_from_a_folder_inside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "src")
    assert found(tmp_path, ["."], monkeypatch, "scripts") == found(tmp_path, ["."], monkeypatch)


def test_nobody_imports_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "flat")
    (tmp_path / "loss.ipynb").write_text('{"cells": [{"cell_type": "code", "source": "def loss(p, y): return p"}]}')
    assert {path for _, path, _ in found(tmp_path, ["."], monkeypatch)} == {"loss.py"}
    (tmp_path / "loss.py").unlink()
    assert found(tmp_path, ["."], monkeypatch) == set()
