"""How fast training and inference are, as ratios within one run.

    python benchmarks/speed.py --data mnist.npz [--device cpu] [--repeats 7] [--json speed.json]

The reference networks (784-1024-1024-50, batch 128) train with the pure objective, on MNIST or,
without --data, on noise of its shape. What is compared takes turns, a few dozen steps at a time,
and medians are printed: seconds on a shared machine mean little, ratios within one run do.
PyOD's loader is compared too where `pyod` is installed.
"""

import argparse
import json
import subprocess
import sys
from copy import deepcopy
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from sklearn.datasets import load_digits
from skorch.dataset import Dataset
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from sk_bigan import BiGANTransformer
from sk_bigan._data.batches import Batches
from sk_bigan._machine.devices import resolve_device, resolve_precision
from sk_bigan._training.engine import BiGANNet
from sk_bigan._training.loop import Training
from sk_bigan._training.optimizers import ADAM_BETAS, make_optimizers
from sk_bigan._training.step import Game, accumulate_gradients
from sk_bigan.networks.building import build_networks
from sk_bigan.objectives import OBJECTIVES
from sk_bigan.priors import PRIORS

N_FEATURES, WIDTH, LATENT_DIM, BATCH_SIZE, LEARNING_RATE = 784, 1024, 50, 128, 2e-4
PRODUCT_SIZE, PRODUCTS = 2048, 5
STEPS = {"cpu": 25, "cuda": 400}  # in one turn
PURE = Game(OBJECTIVES["non_saturating"])


def make_networks(n_features=N_FEATURES, latent_dim=LATENT_DIM, hidden_units=(WIDTH, WIDTH)):
    torch.manual_seed(0)
    return build_networks(
        "mlp",
        (n_features,),
        latent_dim,
        hidden_units,
        code_activation=nn.Identity(),
        output=nn.Tanh(),
        wanted={},
    )


def unavoidable_flops():
    """Of one step: every product of the three networks, forward and backward, D's pairs together.

    A layer of m x k weights takes 2 m k a row forward, as much for its weights' gradient, and as
    much for its input's where somebody needs that: not at the data, nor at z from the prior.
    """
    d, w, k = N_FEATURES, WIDTH, LATENT_DIM
    encoder = 3 * (d * w + w * w + w * k) - d * w
    generator = 3 * (k * w + w * w + w * d) - k * w
    discriminator = 2 * 3 * (d * w + w * w + 2 * k * w + w) - d * w - 2 * k * w
    return 2 * BATCH_SIZE * (encoder + generator + discriminator)


# Contestants: each makes a function that takes its steps over X once


def plain_loop(X, device, batches=None):
    """What the public implementations do: a loader, BCE on sigmoids, D twice, G(E(x)) unused."""
    E, G, D = (network.to(device).train() for network in make_networks())
    optimizer_d = torch.optim.Adam(D.parameters(), LEARNING_RATE, ADAM_BETAS)
    optimizer_eg = torch.optim.Adam([*E.parameters(), *G.parameters()], LEARNING_RATE, ADAM_BETAS)
    if batches is None:
        loader = DataLoader(TensorDataset(X), BATCH_SIZE, shuffle=True)
        batches = FirstOfEach(loader, device)
    bce = nn.BCELoss()

    def loss_of(x, codes, generated, z, real_label):
        real, fake = D(x=x, z=codes).sigmoid(), D(x=generated, z=z).sigmoid()
        ones, zeros = torch.ones_like(real), torch.zeros_like(real)
        labels = (ones, zeros) if real_label == 1 else (zeros, ones)
        return bce(real, labels[0]) + bce(fake, labels[1])

    def steps():
        for x in batches:
            z = torch.randn(len(x), LATENT_DIM, device=device)
            codes, generated = E(x), G(z)
            G(codes)
            loss_d = loss_of(x, codes.detach(), generated.detach(), z, real_label=1)
            optimizer_d.zero_grad()
            loss_d.backward()
            optimizer_d.step()
            loss_eg = loss_of(x, codes, generated, z, real_label=0)
            optimizer_eg.zero_grad()
            loss_eg.backward()
            optimizer_eg.step()
            loss_d.item(), loss_eg.item()

    return steps


def make_net(device, precision, networks=None, latent_dim=LATENT_DIM, engine=BiGANNet, **settings):
    terms, settings = terms_of_game(settings)
    players = (networks or make_networks()).to(device)
    defaults = {
        "players": players,
        "game": PURE._replace(precision=resolve_precision(precision, device, players), **terms),
        "latent_dim": latent_dim,
        "prior": PRIORS["normal"],
        "to_samples": nn.Identity(),
        "optimizers": make_optimizers(players),
        "lr": LEARNING_RATE,
        "max_epochs": 1,
        "batch_size": BATCH_SIZE,
        "verbose": 0,
        "device": device,
    }
    return engine(**(defaults | settings)).initialize()


def terms_of_game(settings):
    """Split settings into fields of `Game` and the others."""
    terms = {name: value for name, value in settings.items() if name in Game._fields}
    return terms, {name: value for name, value in settings.items() if name not in terms}


def ours(X, device, precision="auto", **settings):
    net = make_net(device, precision, **settings)
    X = X.to(device)
    return partial(Training(net).run, X)


def by_hand(X, device, precision="auto", networks=None, latent_dim=LATENT_DIM, **settings):
    """The same step in a loop of its own, with nothing around it."""
    players = deepcopy(networks or make_networks()).to(device)
    for network in players:
        network.train()
    E, G, D = players
    adam = {"lr": LEARNING_RATE, "betas": ADAM_BETAS, "fused": True}
    optimizers = (
        torch.optim.Adam(D.parameters(), **adam),
        torch.optim.Adam([*E.parameters(), *G.parameters()], **adam),
    )
    terms, _ = terms_of_game(settings)
    game = PURE._replace(precision=resolve_precision(precision, device, players), **terms)
    X = X.to(device)

    def steps():
        for rows in torch.randperm(len(X), device=device).tensor_split(-(-len(X) // BATCH_SIZE)):
            x = X.index_select(0, rows)
            z = torch.randn(len(x), latent_dim, device=device)
            for optimizer in optimizers:
                optimizer.zero_grad()
            accumulate_gradients(players, x, [x], z, game)
            for optimizer in optimizers:
                optimizer.step()

    return steps


class SkorchLoader(BiGANNet):
    """The same engine on skorch's own data path: a Dataset and a DataLoader, row by row."""

    def get_dataset(self, X, y=None):
        return Dataset(X)

    def get_iterator(self, dataset, training=False):
        batches = DataLoader(dataset, BATCH_SIZE, shuffle=True)
        return None if dataset is None else FirstOfEach(batches, self.device)


class PyODLoader(SkorchLoader):
    """The same engine on the loader of PyOD's deep models."""

    def get_dataset(self, X, y=None):
        from pyod.utils.torch_utility import TorchDataset

        return TorchDataset(X)


class FirstOfEach:
    """A loader's batches of X, without what else it gives, on the device."""

    def __init__(self, batches, device):
        self.batches = batches
        self.device = torch.device(device)

    def __len__(self):
        return len(self.batches)

    def after(self, n_batches):
        assert n_batches == 0  # no training here goes on within an epoch
        return iter(self)

    def __iter__(self):
        for batch in self.batches:
            yield (batch[0] if isinstance(batch, list | tuple) else batch).to(self.device)


# Measuring


def seconds(function, device):
    start = perf_counter()
    function()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return perf_counter() - start


def take_turns(contestants, device, repeats):
    """{name: seconds of each turn}, after one turn each that does not count."""
    for function in contestants.values():
        seconds(function, device)
    turns = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, function in contestants.items():
            turns[name].append(seconds(function, device))
    return turns


def ratio(turns, slow, fast):
    return median(a / b for a, b in zip(turns[slow], turns[fast], strict=True))


def products(precision, device):
    """Large matrix products, which run at the machine's own rate."""
    a = torch.randn(PRODUCT_SIZE, PRODUCT_SIZE, device=device).to(precision)
    return lambda: [a @ a for _ in range(PRODUCTS)]


# What is measured: each yields (what, figure)


def training(X, device, repeats):
    steps = STEPS[device.type]
    X = X[: steps * BATCH_SIZE]
    contestants = {
        "plain loop": plain_loop(X, device),
        "ours": ours(X, device),
        "ours in float32": ours(X, device, "float32"),
        "ours with R1 and cycle": ours(X, device, cycle_weight=1.0, gradient_penalty=1.0),
        "by hand": by_hand(X, device),
    }
    if device.type == "cuda":
        contestants["ours recorded"] = ours(X, device, cuda_graph=True)
    automatic = resolve_precision("auto", device, make_networks())
    rates = {"ours": automatic, "ours in float32": torch.float32}
    for precision in rates.values():
        contestants[str(precision)] = products(precision, device)
    turns = take_turns(contestants, device, repeats)
    for name, times in turns.items():
        if name.startswith("torch."):
            rate = PRODUCTS * 2 * PRODUCT_SIZE**3 / median(times)
            yield f"GFLOP/s of matrix products, {name}", rate / 1e9
        else:
            yield f"ms a step: {name}", 1e3 * median(times) / steps
    for name in contestants:
        if name.startswith("ours"):
            yield f"plain loop / {name}", ratio(turns, "plain loop", name)
    yield "ours / by hand", ratio(turns, "ours", "by hand")
    for name, precision in rates.items():
        work = steps * unavoidable_flops() / (PRODUCTS * 2 * PRODUCT_SIZE**3)
        yield f"% of the rate of products: {name}", 100 * work * ratio(turns, str(precision), name)
    if device.type == "cuda":
        for name in ("ours", "ours recorded"):
            yield f"% of the time inside kernels: {name}", kernel_share(contestants[name])


def kernel_share(steps):
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        wall = seconds(steps, torch.device("cuda"))
    kernels = sum(event.self_device_time_total for event in profile.key_averages())
    return 100 * kernels / 1e6 / wall


def loaders(X, device, repeats):
    """Other loaders under our step, by themselves, and under the plain loop.

    On the reference networks, where arithmetic rules, and on small ones, where loading does.
    """
    engines = {"skorch's loader": SkorchLoader}
    if find_spec("pyod"):
        engines["PyOD's loader"] = PyODLoader
    digits = torch.from_numpy(load_digits().data).float() / 8 - 1
    small = {"networks": make_networks(64, 16, (128,)), "latent_dim": 16}
    for data, rows, settings in (
        ("reference networks", X[: STEPS[device.type] * BATCH_SIZE], {}),
        ("digits, 128 wide", digits, small),
    ):
        for name, engine in engines.items():
            theirs, own = (
                make_net(device, "auto", engine=kind, **deepcopy(settings))
                for kind in (engine, BiGANNet)
            )
            batches = theirs.get_iterator(theirs.get_dataset(rows), training=True)
            own_batches = Batches(rows, BATCH_SIZE, torch.device("cpu"))
            contestants = {
                "ours": partial(Training(own).run, rows.to(device)),
                name: partial(Training(theirs).run, rows),
                "our batches": partial(list, own_batches),
                "their batches": partial(list, batches),
            }
            if not settings:
                contestants["plain loop"] = plain_loop(rows, device, batches)
            turns = take_turns(contestants, device, repeats)
            yield f"{name} / ours, same step: {data}", ratio(turns, name, "ours")
            loading = ratio(turns, "their batches", "our batches")
            yield f"{name} / ours, loading alone: {data}", loading
            if not settings:
                yield f"plain loop on {name} / ours", ratio(turns, "plain loop", "ours")


def small_data(device, repeats):
    """The engine where a step is short, and what a fit costs beside its steps."""
    X = load_digits().data
    x = torch.from_numpy(X).float() / 8 - 1
    both = {"cycle_weight": 1.0, "gradient_penalty": 1.0}
    for width in (1024, 128):
        shared = {"latent_dim": 16, **both}
        networks = make_networks(64, 16, (width,))
        turns = take_turns(
            {
                "ours": ours(x, device, networks=deepcopy(networks), **shared),
                "by hand": by_hand(x, device, networks=networks, **shared),
            },
            device,
            repeats,
        )
        yield f"ms an epoch: digits, {width} wide", 1e3 * median(turns["ours"])
        yield f"ours / by hand: digits, {width} wide", ratio(turns, "ours", "by hand")

    beyond = []
    for _ in range(repeats):
        bigan = BiGANTransformer(max_epochs=2, random_state=0, device=device)
        whole = seconds(lambda bigan=bigan: bigan.fit(X), device)
        beyond.append(whole - 2 * bigan.history_[-1]["dur"])
    yield "ms of a fit beyond its epochs: digits", 1e3 * median(beyond)


def precisions(device, repeats):
    """Where bfloat16 pays: a default step of networks of several widths, over rows of noise."""
    for n_features, latent_dim in ((13, 4), (64, 16), (784, 50)):
        rows = torch.randn(STEPS[device.type] * BATCH_SIZE, n_features).clamp(-1, 1)
        for widths in ((64,), (256,), (512,), (1024,), (256, 256), (1024, 1024)):
            settings = {"latent_dim": latent_dim, "cycle_weight": 100.0, "gradient_penalty": 1.0}
            contestants = {
                precision: ours(
                    rows,
                    device,
                    precision,
                    networks=make_networks(n_features, latent_dim, widths),
                    **settings,
                )
                for precision in ("float32", "bfloat16")
            }
            turns = take_turns(contestants, device, repeats)
            yield (
                f"float32 / bfloat16: {n_features} columns, widths {widths}",
                ratio(turns, "float32", "bfloat16"),
            )


def inference(X, device, repeats):
    X = X[:20_000].numpy()
    bigan = BiGANTransformer(
        LATENT_DIM, hidden_units=(WIDTH, WIDTH), max_epochs=1, device=device, random_state=0
    ).fit(X[:1000])
    x, E = torch.from_numpy(X).to(device), bigan.encoder_

    def bare():
        with torch.inference_mode():
            return torch.cat([E(batch) for batch in x.split(1024)]).cpu()

    turns = take_turns({"bare": bare, "transform": lambda: bigan.transform(X)}, device, repeats)
    yield "transform / bare forward of E", ratio(turns, "transform", "bare")


MEMORY = """
import sys
import numpy as np
from sk_bigan import BiGANTransformer
from sk_bigan._data.batches import Batches
from sk_bigan.networks.building import build_networks

def megabytes(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(field))

parameters = {"hidden_units": (1024, 1024), "max_epochs": 1, "random_state": 0, "device": "cpu"}
BiGANTransformer(2, **{**parameters, "hidden_units": (8,)}).fit(np.eye(8))  # torch loads itself
X = np.random.default_rng(0).integers(0, 256, (int(sys.argv[1]), 784), dtype=np.uint8)
before = megabytes("VmRSS")
with open("/proc/self/clear_refs", "w") as peak:
    peak.write("5")
bigan = BiGANTransformer(50, **parameters).fit(X)
networks = bigan.encoder_, bigan.generator_, bigan.discriminator_
weights = sum(p.nbytes for n in networks for p in n.parameters()) / 2**20
print(megabytes("VmHWM") - before - weights)
"""

FIRST_FIT = """
from time import perf_counter
import sklearn.base, skorch, torch
from sklearn.datasets import load_digits
start = perf_counter()
import sk_bigan
imported = perf_counter()
sk_bigan.BiGANTransformer(max_epochs=1, random_state=0, device="cpu").fit(load_digits().data)
print(imported - start, perf_counter() - imported)
"""


def in_a_new_process(script, *arguments):
    command = [sys.executable, "-c", script, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(number) for number in run.stdout.split()]


def processes(repeats):
    starts = [in_a_new_process(FIRST_FIT) for _ in range(repeats)]
    imports, first_fit = (median(column) for column in zip(*starts, strict=True))
    yield "ms that `import sk_bigan` adds to torch, scikit-learn and skorch", 1e3 * imports
    yield "ms of the first fit in a process, one epoch of digits", 1e3 * first_fit
    if Path("/proc/self/clear_refs").exists():
        (peak,) = in_a_new_process(MEMORY, "60000")
        yield "MB of a fit on 60,000 x 784 bytes beyond these and the weights", peak


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="npz with X_train of shape (60000, 28, 28)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = resolve_device(arguments.device)
    if arguments.data is None:
        X = torch.rand(20_000, N_FEATURES)
    else:
        X = torch.from_numpy(np.load(arguments.data)["X_train"]).flatten(1) / 255
    X = 2 * X - 1

    figures = {}
    for part in (
        training(X, device, arguments.repeats),
        loaders(X, device, arguments.repeats),
        small_data(device, arguments.repeats),
        precisions(device, arguments.repeats),
        inference(X, device, arguments.repeats),
        processes(arguments.repeats),
    ):
        for what, figure in part:
            figures[what] = figure
            print(f"{what:<72}{figure:>10.3f}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
