"""Copies and checks of nested states."""

import numpy as np
import pytest
import torch

from sk_bigan._machine.plain import all_finite

FINITE = {
    "none": {"history": [{"loss": np.nan}], "lr": 0.1},
    "nested": {"a": [torch.ones(2), (torch.zeros(3),)], "b": {"c": torch.arange(4)}},
    "empty": [torch.ones(0), torch.ones(2, 0)],
    "bytes": torch.full((5000,), 255, dtype=torch.uint8),
    "a sum beyond float32": [torch.full((2,), 3e38), torch.tensor([3e38, -3e38])],
    "beyond float32": torch.tensor([1e300], dtype=torch.float64),
    "half": torch.full((100,), 6e4, dtype=torch.float16),
}


@pytest.mark.parametrize("state", FINITE)
def test_finite_numbers_are_finite_in_any_state(state):
    assert all_finite(FINITE[state])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_one_number_among_many_is_found(value, dtype):
    numbers = torch.ones(1000, dtype=dtype)
    numbers[617] = value
    assert not all_finite({"a": torch.ones(3), "b": [torch.arange(3), {"c": numbers}]})


def test_infinities_that_cancel_are_found():
    assert not all_finite([torch.tensor([np.inf, -np.inf])])
