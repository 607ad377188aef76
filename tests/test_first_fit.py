"""What the first fit of a process does without, and that it computes the same."""

import subprocess
import sys

import torch
from torch import nn

from sk_bigan._machine.backward import backward
from sk_bigan._training.optimizers import ADAM_BETAS, Adam


def test_it_imports_neither_torchs_compiler_nor_its_algebra():
    code = """
import sys
from sklearn.datasets import load_digits
from sk_bigan import BiGANTransformer
BiGANTransformer(max_epochs=1, device="cpu", random_state=0).fit(load_digits().data[:200])
assert not {"torch._dynamo", "sympy"} & {*sys.modules}
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_step_of_adam_is_torchs():
    def trained(optimizer_class):
        torch.manual_seed(0)
        layer = nn.Linear(3, 2)
        optimizer = optimizer_class(layer.parameters(), lr=0.1, betas=ADAM_BETAS, fused=True)
        for _ in range(3):
            optimizer.zero_grad(set_to_none=True)
            layer(torch.ones(4, 3)).square().sum().backward()
            optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
        optimizer.step()
        return layer.weight

    assert torch.equal(trained(Adam), trained(torch.optim.Adam))


def test_gradients_go_back_as_torch_propagates_them():
    def gradients(propagate):
        torch.manual_seed(0)
        layer, x = nn.Linear(3, 2), torch.randn(4, 3, requires_grad=True)
        outputs = [layer(x), layer(x).square().mean()]
        propagate(outputs, [torch.randn(4, 2), torch.tensor(3.0)], inputs=[layer.weight])
        assert x.grad is None
        assert layer.bias.grad is None
        return layer.weight.grad

    assert torch.equal(gradients(backward), gradients(torch.autograd.backward))
