"""What the skorch engine costs beside a hand-written loop of the same training step.

    python benchmarks/engine_overhead.py [--repeats 7]

Both loops train the same networks on the same resident data with the same settings; their epochs
alternate, and the median of the ratios is reported.
"""

import argparse
from copy import deepcopy
from statistics import median
from time import perf_counter

import torch
from torch import nn
from torch.nn.functional import softplus

from sk_bigan.devices import resolve_precision
from sk_bigan.networks import build_networks
from sk_bigan.objectives import OBJECTIVES
from sk_bigan.priors import PRIORS
from sk_bigan.training import BiGANNet

# name: (rows, features, latent_dim, hidden_units)
CASES = {
    "digits, defaults": (1797, 64, 16, (1024,)),
    "digits, 128 wide": (1797, 64, 16, (128,)),
    "MNIST's shape, defaults": (12_800, 784, 50, (1024,)),
    "MNIST's shape, 1024-1024": (12_800, 784, 50, (1024, 1024)),
}
LEARNING_RATE, BATCH_SIZE = 2e-4, 128


def hand_written_epoch(X, E, G, D, optimizer_d, optimizer_eg, latent_dim, precision):
    """The step of `BiGANNet.train_step`, with R1 and the cycle term at weight 1, and no more."""
    parameters_d = list(D.parameters())
    parameters_eg = [*E.parameters(), *G.parameters()]
    totals = torch.zeros(4)
    for rows in torch.randperm(len(X)).tensor_split(-(-len(X) // BATCH_SIZE)):
        x = X[rows]
        z = torch.randn(len(x), latent_dim)
        x_of_pair = x.detach().requires_grad_()
        with torch.autocast("cpu", precision, precision != torch.float32):
            codes = E(x).float()
            real_logits = D(x=x_of_pair, z=codes).float()
            fake_logits = D(x=G(z).float(), z=z).float()
            loss_d = softplus(-real_logits).mean() + softplus(fake_logits).mean()
            loss_eg = softplus(real_logits).mean() + softplus(-fake_logits).mean()
            slopes = torch.autograd.grad(real_logits.sum(), (x_of_pair, codes), create_graph=True)
            r1 = 0.5 * (slopes[0].square().sum(1) + slopes[1].square().sum(1)).mean()
            cycle = (x - G(codes).float()).square().mean()
        optimizer_d.zero_grad()
        optimizer_eg.zero_grad()
        (loss_d + r1).backward(inputs=parameters_d, retain_graph=True)
        (loss_eg + cycle).backward(inputs=parameters_eg)
        optimizer_d.step()
        optimizer_eg.step()
        totals += torch.stack([loss_d, loss_eg, r1, cycle]).detach()
    return totals.tolist()


def seconds(function):
    start = perf_counter()
    function()
    return perf_counter() - start


def compare(n_samples, n_features, latent_dim, hidden_units, repeats):
    torch.manual_seed(0)
    X = 2 * torch.rand(n_samples, n_features) - 1
    networks = build_networks(
        "mlp",
        (n_features,),
        latent_dim,
        hidden_units,
        code_activation=nn.Identity(),
        bounded=True,
        own=dict.fromkeys(("encoder", "generator", "discriminator")),
    )
    precision = resolve_precision("auto", X.device)
    E, G, D = (deepcopy(network).train() for network in networks)
    adam = {"lr": LEARNING_RATE, "betas": (0.5, 0.999), "fused": True}
    optimizer_d = torch.optim.Adam(D.parameters(), **adam)
    optimizer_eg = torch.optim.Adam([*E.parameters(), *G.parameters()], **adam)

    net = BiGANNet(
        **dict(zip(("encoder", "generator", "discriminator"), networks, strict=True)),
        latent_dim=latent_dim,
        prior=PRIORS["normal"],
        objective=OBJECTIVES["non_saturating"],
        cycle_weight=1.0,
        gradient_penalty=1.0,
        precision=precision,
        to_samples=nn.Identity(),
        lr=LEARNING_RATE,
        max_epochs=1,
        batch_size=BATCH_SIZE,
        verbose=0,
    ).initialize()

    def by_hand():
        hand_written_epoch(X, E, G, D, optimizer_d, optimizer_eg, latent_dim, precision)

    by_hand(), net.train(X)  # warm up
    pairs = [(seconds(by_hand), seconds(lambda: net.train(X))) for _ in range(repeats)]
    steps = -(-n_samples // BATCH_SIZE)
    return (
        1e3 * median(hand for hand, _ in pairs) / steps,
        1e3 * median(engine for _, engine in pairs) / steps,
        median(engine / hand for hand, engine in pairs),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(2)
    print(f"{'case':<28}{'by hand':>12}{'engine':>12}{'ratio':>8}")
    for name, case in CASES.items():
        hand, engine, ratio = compare(*case, repeats)
        print(f"{name:<28}{hand:>9.2f} ms{engine:>9.2f} ms{ratio:>8.3f}", flush=True)


if __name__ == "__main__":
    main()
