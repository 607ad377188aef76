"""Two processes with half a batch each against the whole batch. Prints a JSON line a case.

torchrun --nproc-per-node=2 law.py
"""

import itertools
import json
import sys
from copy import deepcopy
from math import prod

import torch
from torch import nn

from sk_bigan._machine.processes import AcceleratedProcesses
from sk_bigan._training.step import Game, accumulate_gradients
from sk_bigan.networks.building import Wanted, build_networks
from sk_bigan.objectives import OBJECTIVES

NETWORKS = {"mlp": ((7,), (16, 16)), "conv": ((1, 8, 8), (4, 8, 16))}


def against_the_mean(real_logits, fake_logits):
    """No slope depends on its own logit alone, nor on those of one process."""
    difference = real_logits - fake_logits.mean()
    return nn.functional.softplus(-difference).mean(), nn.functional.softplus(difference).mean()


class Normalized(nn.Module):
    """A D with BatchNorm."""

    def __init__(self, sample_shape, latent_dim):
        super().__init__()
        self.first = nn.Linear(prod(sample_shape) + latent_dim, 16, bias=False)
        self.rest = nn.Sequential(nn.BatchNorm1d(16), nn.LeakyReLU(0.2), nn.Linear(16, 1))

    def forward(self, *, x, z):
        return self.rest(self.first(torch.cat([x.flatten(1), z], 1)))


def make_networks(architecture, discriminator, cycles):
    shape, units = NETWORKS[architecture]
    torch.manual_seed(0)
    networks = build_networks(
        architecture,
        shape,
        3,
        units,
        code_activation=nn.Identity(),
        output=nn.Tanh(),
        wanted={"discriminator": Wanted(discriminator)},
        cycle_discriminators=cycles,
    )
    with torch.no_grad():  # logits that differ
        for parameter in networks[2].parameters():
            parameter.mul_(4 if parameter.ndim > 1 else 1)
    for network in networks:
        network.train()
    return networks


def gradients(networks, processes=None, **settings):
    networks = deepcopy(networks)
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(32, *NETWORKS[settings["architecture"]][0], generator=generator) * 2 - 1
    z = torch.randn(32, 3, generator=generator)
    views = [x + 0.1, x - 0.1]
    game = Game(
        settings["objective"],
        gradient_penalty=settings["gradient_penalty"],
        cycle_weight=0.7,
        consistency_weight=0.3,
    )
    if processes is None:
        losses = accumulate_gradients(networks, x, views, z, game)
    else:
        x, z, *views = (processes.shard(rows) for rows in (x, z, *views))
        with processes.synchronized_batch_norm(*networks):
            losses = accumulate_gradients(networks, x, views, z, game, processes)
    found = [p.grad for network in networks for p in network.parameters()]
    statistics = [
        buffer for network in networks for buffer in network.buffers() if buffer.is_floating_point()
    ]
    if processes is not None:
        processes.all_reduce([*found, *losses.values()])
    return {"gradients": found, "losses": [*losses.values()], "statistics": statistics}


def main():
    processes = AcceleratedProcesses(cpu=True)
    choices = {
        "architecture": NETWORKS,
        "discriminator": [None, Normalized],
        "cycles": [False, True],
        "objective": [OBJECTIVES["non_saturating"], OBJECTIVES["hinge"], against_the_mean],
        "gradient_penalty": [0.0, 2.0],
    }
    for values in itertools.product(*choices.values()):
        case = dict(zip(choices, values, strict=True))
        networks = make_networks(case["architecture"], case["discriminator"], case["cycles"])
        expected, found = gradients(networks, **case), gradients(networks, processes, **case)
        report = {name: getattr(value, "__name__", value) for name, value in case.items()}
        for name, tensors in expected.items():
            pairs = zip(tensors, found[name], strict=True)
            largest = max(1, *(tensor.abs().max().item() for tensor in tensors))
            report[name] = max((a - b).abs().max() for a, b in pairs).item() / largest
        if processes.is_first:
            sys.stdout.write(f"{json.dumps(report)}\n")


if __name__ == "__main__":
    main()
