"""BatchNorm over the rows of all processes, here of one; tests/distributed has several."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from sk_bigan._machine.processes import ALONE, Processes, normalized


class One(Processes):
    """A process that sends its numbers around and finds itself alone."""

    def total(self, values):
        return values.clone()


@pytest.mark.parametrize("shape", [(16, 3), (8, 3, 4, 5)])
@pytest.mark.parametrize(
    "settings",
    [{}, {"momentum": None}, {"momentum": 0.0}, {"affine": False}, {"track_running_stats": False}],
    ids=str,
)
def test_batchnorm_of_one_process_is_torchs(shape, settings):
    generator = torch.Generator().manual_seed(0)
    kind = nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d
    expected = kind(3, **settings)
    found = deepcopy(expected)
    for _ in range(2):
        x = (3 * torch.randn(shape, generator=generator) + 5).requires_grad_()
        weights = torch.randn(shape, generator=generator)
        outputs = expected(x), normalized(found, One(), x)
        torch.testing.assert_close(*outputs)
        gradients = [torch.autograd.grad((out * weights).sum(), x) for out in outputs]
        torch.testing.assert_close(*gradients)
    torch.testing.assert_close(dict(found.named_buffers()), dict(expected.named_buffers()))
    outputs = expected.eval()(x), normalized(found.eval(), One(), x)
    torch.testing.assert_close(*outputs)


def test_its_gradient_has_a_gradient():
    """As R1 of a discriminator with BatchNorm wants it."""
    layer = nn.BatchNorm1d(2)
    x = torch.randn(6, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()
    penalties = []
    for output in (layer(x), normalized(deepcopy(layer), One(), x)):
        (gradient,) = torch.autograd.grad(output.pow(3).sum(), x, create_graph=True)
        penalties.append(torch.autograd.grad(gradient.square().sum(), x))
    torch.testing.assert_close(*penalties, rtol=1e-4, atol=1e-4)  # in float32, twice derived


def test_one_process_has_every_row_and_every_number():
    rows = torch.arange(6.0)
    assert ALONE.shard(rows).equal(rows)
    assert ALONE.all_gather(rows) is rows
    assert ALONE.broadcast(rows) is rows
    assert ALONE.is_first
