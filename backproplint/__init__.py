"""backproplint: follow the gradients of deep-learning code without running it."""

from pathlib import Path

__version__ = "0.1.0"

_package = Path(__file__).resolve().parent
if not (_package / "rules").is_dir():
    __path__.append(str(_package.parent))  # a checkout keeps rules/ beside this package
