"""Every row once a pass, in a new order, and no batch too small for BatchNorm."""

import pytest
import torch

from sk_bigan._data.batches import Batches
from sk_bigan._machine.processes import Processes

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


class OneOf(Processes):
    def __init__(self, n, index):
        self.n = n
        self.index = index


@pytest.mark.parametrize(("n", "batch_size", "n_processes"), [(64, 16, 2), (101, 16, 3), (5, 2, 4)])
def test_processes_share_each_batch_evenly(n, batch_size, n_processes):
    def passed_by(index):
        torch.manual_seed(0)
        return list(Batches(torch.arange(n), batch_size, CPU, processes=OneOf(n_processes, index)))

    passes = [passed_by(index) for index in range(n_processes)]
    for parts in zip(*passes, strict=True):
        assert len({len(part) for part in parts}) == 1
        assert sum(map(len, parts)) <= batch_size + n_processes
    rows = torch.cat([torch.cat(batches) for batches in passes])
    assert len(rows.unique()) == len(rows) == n - n % n_processes


def test_shared_batches_are_those_of_one_process():
    torch.manual_seed(0)
    whole = [batch.sort().values for batch in Batches(torch.arange(64), 16, CPU)]
    halves = []
    for index in range(2):
        torch.manual_seed(0)
        halves.append(list(Batches(torch.arange(64), 16, CPU, processes=OneOf(2, index))))
    for batch, *parts in zip(whole, *halves, strict=True):
        assert torch.cat(parts).sort().values.equal(batch)
