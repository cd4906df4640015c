"""What the recorder puts in the place of torch's own is the same thing."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.oracles.torch_recorder import Recorder


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_recurrence_is_unrolled_to_what_it_is(layers: int, batch_first: bool) -> None:
    torch.manual_seed(0)
    rnn = nn.RNN(3, 5, num_layers=layers, batch_first=batch_first).double()
    x = torch.randn(4, 6, 3, dtype=torch.float64)
    states, last = rnn(x)
    with Recorder() as recorder:
        unrolled, unrolled_last = rnn(x)
    torch.testing.assert_close(unrolled, states)
    torch.testing.assert_close(unrolled_last, last)
    assert len(recorder.passes[0]) == layers * x.shape[1 if batch_first else 0]
