"""The canonical vocabulary: what an operation is called, whatever library spelled it.

Rules are written once against these names. Each op lists the operands that carry a gradient from the result back to
the operand (`flows`), and the arguments that only steer it (`settings`). Shapes follow NumPy; gradients are those of
real-valued reverse mode. A name that no table maps here stays an unknown call and is never a hazard.
"""

from __future__ import annotations

from typing import NamedTuple


class Op(NamedTuple):
    """One canonical operation: operands that pass gradient back, settings that do not."""

    flows: tuple[str, ...]
    settings: tuple[str, ...] = ()


def _ops(text: str) -> dict[str, Op]:
    """Read lines `name name2: operand operand | setting setting` into a table."""
    table = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        names, _, signature = line.partition(":")
        flows, _, settings = signature.partition("|")
        for name in names.split():
            table[name] = Op(tuple(flows.split()), tuple(settings.split()))
    return table


ARITHMETIC = _ops("""
    add subtract multiply divide maximum minimum matmul: a b
    power: x | exponent
    square abs sqrt exp log negate norm: x
    mean sum product max min variance cumsum: x | axis
    where: a b | condition
    index: x | index
    concat stack: xs | axis
    shape: x | exact
    cast: x
    smooth clip_norm: x | axis norm
    cosine: a b
    einsum: a b | equation
""")
SQUASH = _ops("""
    sigmoid tanh softmax log_softmax log_sigmoid softplus softsign hard_sigmoid: x
    relu leaky_relu elu selu gelu silu relu6: x
""")
FLAT = _ops("""
    clip: x | low high
    round sign argmax argsort compare cast_int one_hot: | x
    stop_gradient: | x
""")
RANDOM = _ops("""
    normal truncated_normal: | shape mean std
    uniform: | shape low high
    zeros ones identity_matrix orthogonal: | shape
    full: | shape value
    xavier_normal xavier_uniform he_normal he_uniform lecun_normal lecun_uniform: | shape gain
    torch_default: | shape
    variance_scaling: | shape scale mode distribution
""")
LAYER = _ops("""
    dense: x | units fan_in activation initializer bias_initializer bias
    conv: x | units fan_in activation initializer bias_initializer bias size
    rnn: x state | kind hidden fan_in activation initializer recurrent_initializer layers batch_first
    embedding: | x units
    batch_norm layer_norm: x
    dropout pool pad upsample: x | rate
    rescale: x | scale offset
    attention: x
""")
LOSS = _ops("""
    mse mae huber cross_entropy bce nll hinge kl cosine_loss other_loss: prediction target | from_logits reduction delta
""")
EFFECTS = _ops("""
    backward: | loss
    gradient: | loss parameters
    minimize: | loss parameters
    apply_gradients: | gradients
    step zero_grad unscale: |
    clip_gradients: | gradients norm value
""")

OPS: dict[str, Op] = ARITHMETIC | SQUASH | FLAT | RANDOM | LAYER | LOSS | EFFECTS

# Elementwise or reducing ops through which an error stays an error up to scale: what stands between a clip and a loss.
REDUCTIONS = frozenset({"mean", "sum", "max", "min", "norm"})
INITIALIZERS = frozenset(RANDOM)
LOSSES = frozenset(LOSS)


def flows(op: str) -> tuple[str, ...] | None:
    """Operand names of `op` that carry gradient; None for a name that is not canonical (an unknown call)."""
    known = OPS.get(op)
    return None if known is None else known.flows
