"""Every row once a pass, in a new order, and no batch too small for BatchNorm."""

import pytest
import torch

from sk_bigan.batches import Batches

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("n", "batch_size"), [(2, 2), (3, 2), (9, 8), (129, 128), (1000, 64), (5, 99)]
)
def test_a_pass_takes_each_row_once_in_batches_of_nearly_one_size(n, batch_size):
    batches = list(Batches(torch.arange(n), batch_size, CPU))
    assert torch.cat(batches).sort().values.equal(torch.arange(n))
    sizes = [len(batch) for batch in batches]
    assert len(sizes) == len(Batches(torch.arange(n), batch_size, CPU))
    assert min(sizes) >= 2
    assert max(sizes) <= max(batch_size, 3)
    assert max(sizes) - min(sizes) <= 1


def test_each_pass_has_an_order_of_its_own_from_the_torch_seed():
    batches = Batches(torch.arange(100), 100, CPU)
    torch.manual_seed(0)
    (first,), (second,) = batches, batches
    torch.manual_seed(0)
    (again,) = batches
    assert not first.equal(second)
    assert first.equal(again)
