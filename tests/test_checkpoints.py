"""A training that is broken off goes on as if nothing had happened, whatever was done to it."""

import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import time
import types
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np
import pandas as pd
import pytest
import torch
from filelock import FileLock
from helpers import AtStep, EachStep, once, same_weights, spoil, without_seconds
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import EarlyStopping
from torch import nn

from sk_bigan import TrainingDivergedError
from sk_bigan._machine.digests import described
from sk_bigan._training.monitoring import Monitor

HERE = Path(__file__).parent
SETTINGS = {"max_epochs": 5, "batch_size": 64}  # of 7 steps each


class BrokenOff(Exception):  # noqa: N818
    pass


def break_off(net):
    raise BrokenOff


def broken_off(estimator, X, step):
    """The estimator, after a training that did not get beyond this step."""
    callbacks = estimator.callbacks or []
    estimator.set_params(callbacks=[*callbacks, AtStep(step, break_off)])
    with pytest.raises(BrokenOff):
        estimator.fit(X)
    return estimator.set_params(callbacks=callbacks)


def checkpoints(folder):
    return sorted(folder.glob("checkpoint-*.pt"))


@pytest.fixture(scope="module")
def uninterrupted(digits, small):
    return {p: small(**SETTINGS, precision=p).fit(digits) for p in ("float32", "bfloat16")}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("every", [1, 2, 0.0, 1e9])
@pytest.mark.parametrize("step", [1, 7, 11, 34])
def test_a_training_goes_on_to_the_very_same_end(
    digits, small, uninterrupted, tmp_path, precision, every, step
):
    settings = {**SETTINGS, "precision": precision, "checkpoint_every": every}
    bigan = broken_off(small(checkpoint_dir=tmp_path, **settings), digits, step)
    assert not hasattr(bigan, "encoder_")
    bigan.fit(digits)
    assert same_weights(bigan, uninterrupted[precision])
    assert without_seconds(bigan.history_) == without_seconds(uninterrupted[precision].history_)


@pytest.mark.parametrize(("every", "steps_left"), [(1, 14), (2, 21), (0.0, 12), (1e9, 35)])
def test_it_goes_on_from_the_last_checkpoint(digits, small, tmp_path, every, steps_left):
    settings = {**SETTINGS, "checkpoint_dir": tmp_path, "checkpoint_every": every}
    bigan = broken_off(small(**settings), digits, 24)
    steps = []
    bigan.set_params(callbacks=[EachStep(steps.append)]).fit(digits)
    assert len(steps) == steps_left


@pytest.mark.parametrize("every", [1, 3, 0.0])
@pytest.mark.parametrize("step", [110, 260])
def test_looks_at_the_networks_go_on_in_the_same_measure(digits, small, tmp_path, every, step):
    settings = {"max_epochs": 12, "batch_size": 16}
    whole = small(**settings).fit(digits)
    settings |= {"checkpoint_dir": tmp_path, "checkpoint_every": every}
    bigan = broken_off(small(**settings), digits, step).fit(digits)
    assert without_seconds(bigan.history_) == without_seconds(whole.history_)
    assert len({epoch["d_spread"] for epoch in whole.history_}) == 4


def test_a_training_goes_on_after_a_rollback(digits, small, tmp_path):
    settings = {"max_epochs": 12, "batch_size": 16, "learning_rate": 1e-3}
    with pytest.warns(ConvergenceWarning, match="goes on from epoch 4 with learning_rate=0.0001"):
        whole = small(**settings, callbacks=[AtStep(150, once(spoil))]).fit(digits)
    settings |= {"checkpoint_dir": tmp_path, "checkpoint_every": 4}
    spoiled = small(**settings, callbacks=[AtStep(150, once(spoil))])
    with pytest.warns(ConvergenceWarning, match="goes on from epoch 4"):
        bigan = broken_off(spoiled, digits, 240)
    shutil.copytree(tmp_path, tmp_path / "copy")
    assert same_weights(bigan.set_params(callbacks=None).fit(digits), whole)

    hopeless = bigan.set_params(checkpoint_dir=tmp_path / "copy", callbacks=[EachStep(spoil)])
    with (
        pytest.warns(ConvergenceWarning) as caught,
        pytest.raises(TrainingDivergedError, match="lower learning_rate than 0.001, from which"),
    ):
        hopeless.fit(digits)
    assert len(caught) == 1  # two rollbacks in all


def test_augmentations_penalties_and_convolutions_go_on_too(small, digits, tmp_path):
    images = digits.reshape(-1, 8, 8)
    settings = {**SETTINGS, "max_epochs": 3, "architecture": "conv", "hidden_units": (4, 8)}
    settings |= {
        "augmentation": ["warp", "displace", "swap"],
        "vat_weight": 1.0,
        "prior": "uniform",
    }
    bigan = broken_off(small(checkpoint_dir=tmp_path, checkpoint_every=0.0, **settings), images, 10)
    assert same_weights(bigan.fit(images), small(**settings).fit(images))


def test_callbacks_go_on_with_what_they_had_counted(digits, small, tmp_path):
    patience = EarlyStopping(monitor="loss_d", patience=4, threshold=1e9, lower_is_better=False)
    settings = {**SETTINGS, "max_epochs": 9, "callbacks": [patience]}
    assert small(**settings).fit(digits).n_epochs_ == 5
    bigan = broken_off(small(checkpoint_dir=tmp_path, **settings), digits, 22)
    assert bigan.fit(digits).n_epochs_ == 5


def test_callbacks_may_be_told_something_else(digits, small, tmp_path):
    patience = EarlyStopping(monitor="loss_d", patience=4, threshold=1e9, lower_is_better=False)
    settings = {**SETTINGS, "max_epochs": 9, "checkpoint_dir": tmp_path}
    bigan = broken_off(small(**settings, callbacks=[patience]), digits, 22)
    patience.patience = 6
    assert bigan.fit(digits).n_epochs_ == 7


def test_a_callback_that_watches_something_else_counts_from_the_start(digits, small, tmp_path):
    def patience(monitor):
        return EarlyStopping(monitor, patience=4, threshold=1e9, lower_is_better=False)

    settings = {**SETTINGS, "max_epochs": 9, "checkpoint_dir": tmp_path}
    bigan = broken_off(small(**settings, callbacks=[patience("loss_d")]), digits, 22)
    assert bigan.set_params(callbacks=[patience("loss_eg")]).fit(digits).n_epochs_ == 8


@pytest.mark.parametrize("name", ["cycle_weight", "consistency_weight"])
def test_a_weight_is_the_same_as_an_integer_and_as_a_float(digits, small, tmp_path, name):
    settings = {**SETTINGS, "checkpoint_dir": tmp_path}
    bigan = broken_off(small(**settings, **{name: 2}), digits, 22)
    assert same_weights(bigan.set_params(**{name: 2.0}).fit(digits), bigan.fit(digits))


@pytest.mark.parametrize("told", [{"array": np.float64(3)}, lambda: None])
def test_a_network_whose_state_no_safe_file_holds_is_refused_before(digits, small, tmp_path, told):
    class Telling(nn.Linear):
        def get_extra_state(self):
            return told

        def set_extra_state(self, state):
            raise AssertionError

    bigan = small(**SETTINGS, checkpoint_dir=tmp_path, encoder=Telling(64, 4))
    with pytest.raises(ValueError, match="checkpoint_dir needs networks whose get_extra_state"):
        bigan.fit(digits)
    assert not [*tmp_path.glob("*.pt")]
    assert not hasattr(bigan, "model_")


def test_a_training_that_has_ended_is_read_and_not_repeated(digits, small, tmp_path):
    settings = {**SETTINGS, "checkpoint_dir": tmp_path}
    first = small(**settings).fit(digits)
    again = small(**settings, callbacks=[EachStep(break_off)]).fit(digits)
    assert same_weights(first, again)
    assert first.history_ == again.history_


def test_files_of_others_are_left_alone(digits, small, tmp_path):
    others = ["thesis.pdf.part", "checkpoint-best.pt", "checkpoint-000001.pt.bak", "notes.txt"]
    for name in others:
        (tmp_path / name).write_text(name)
    small(**SETTINGS, checkpoint_dir=tmp_path).fit(digits)
    small(**SETTINGS, checkpoint_dir=tmp_path).fit(digits)
    assert [(tmp_path / name).read_text() for name in others] == others


@pytest.mark.parametrize(("every", "n_written"), [(1, 5), (2, 3), (0.0, 17)])
def test_as_many_are_written_as_every_says(digits, small, tmp_path, every, n_written):
    """The start, each epoch but the last, or each of its four steps, and the end."""
    small(max_epochs=4, checkpoint_dir=tmp_path, checkpoint_every=every).fit(digits)
    assert max(int(file.stem[-6:]) for file in tmp_path.glob("*.pt")) == n_written


def test_each_checkpoint_takes_one_look(digits, small, tmp_path, monkeypatch):
    looks = []

    def look(monitor):
        looks.append(1)
        return look_at(monitor)

    look_at = Monitor.look
    monkeypatch.setattr(Monitor, "look", look)
    n_looks = []
    for folder in (None, tmp_path):
        looks.clear()
        small(max_epochs=6, batch_size=4, checkpoint_dir=folder).fit(digits)  # a look an epoch
        n_looks.append(len(looks))
    assert n_looks[1] == n_looks[0] + 2  # the first checkpoint and the last


def test_two_checkpoints_are_kept_and_no_scraps(digits, small, tmp_path):
    (tmp_path / "checkpoint-000009.pt.12-34.part").write_bytes(b"of a process that was killed")
    small(**SETTINGS, checkpoint_dir=tmp_path).fit(digits)
    files = [path.name for path in tmp_path.iterdir() if path.name != "lock"]
    assert sorted(files) == ["checkpoint-000005.pt", "checkpoint-000006.pt"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latent_dim": 5}, "latent_dim was 4 and is 5"),
        ({"max_epochs": 6}, "max_epochs was 5 and is 6"),
        ({"random_state": 1}, "random_state was 0 and is 1"),
        ({"objective": "hinge"}, "objective was 'non_saturating' and is 'hinge'"),
        ({"encoder__hidden_units": (8,)}, r"encoder__hidden_units was None and is \[8\]"),
    ],
)
def test_other_parameters_are_named(digits, small, tmp_path, changes, message):
    bigan = broken_off(small(**SETTINGS, checkpoint_dir=tmp_path), digits, 20)
    before = dict(vars(bigan.set_params(**changes)))
    with pytest.raises(ValueError, match=f"checkpoint_dir .* holds another training: {message}"):
        bigan.fit(digits)
    assert vars(bigan) == before


class Blurred(nn.Module):
    """An augmentation whose repr does not tell its strength."""

    def __init__(self, strength):
        super().__init__()
        self.strength = strength

    def forward(self, x):
        return x + self.strength * torch.randn_like(x)


class Chained:
    """An augmentation of some others."""

    def __init__(self, *steps):
        self.steps = steps

    def __call__(self, x):
        for step in self.steps:
            x = step(x)
        return x

    def twice(self, x):
        return self(self(x))


def noisy(strength):
    def augment(x):
        return x + strength * torch.randn_like(x)

    return augment


def with_default(strength):
    def augment(x, strength=strength):
        return x + strength * torch.randn_like(x)

    return augment


def linear(seed):
    torch.manual_seed(seed)
    return nn.Linear(5, 4)


def batch_normalized(mean):
    encoder = nn.Sequential(linear(0), nn.BatchNorm1d(4))
    encoder[1].running_mean.fill_(mean)
    return encoder


def layer_of(bias):
    class Layer(nn.Linear):
        def __init__(self, sample_shape, latent_dim):
            super().__init__(*sample_shape, latent_dim, bias)

    return Layer


def hinge(margin):
    return lambda real, fake: ((margin - real).relu().mean(), (margin + fake).relu().mean())


# What to make twice from the first argument, and once from the second.
ALIKE_BY_THEIR_REPR = {
    "a closure": ("augmentation", noisy, 0.1, 0.5),
    "a default": ("augmentation", with_default, 0.1, 0.5),
    "a part of a function": ("augmentation", lambda s: partial(noisy(s)), 0.1, 0.5),
    "the code of a lambda": (
        "augmentation",
        lambda scaled: (lambda x: 0.5 * x) if scaled else (lambda x: 0.5 + x),
        True,
        False,
    ),
    "an attribute": ("augmentation", lambda s: Chained(noisy(s)), 0.1, 0.5),
    "an attribute of an attribute": ("augmentation", lambda s: Chained(Chained(Blurred(s))), 0, 1),
    "a method": ("augmentation", lambda s: Chained(noisy(s)).twice, 0.1, 0.5),
    "one of a list": ("augmentation", lambda s: ["swap", noisy(s)], 0.1, 0.5),
    "a module": ("augmentation", Blurred, 0.1, 0.5),
    "weights": ("encoder", linear, 0, 1),
    "buffers": ("encoder", batch_normalized, 0.0, 1.0),
    "a class": ("encoder", layer_of, True, False),
    "an objective": ("objective", hinge, 1.0, 2.0),
    "a generator": ("random_state", np.random.RandomState, 0, 1),
}


@pytest.mark.parametrize("kind", ALIKE_BY_THEIR_REPR)
def test_what_a_value_is_made_of_counts(small, tmp_path, kind):
    name, make, one, other = ALIKE_BY_THEIR_REPR[kind]
    X = np.random.default_rng(0).normal(size=(40, 5))
    settings = {"max_epochs": 1, "sample_shape": (5,) if name != "augmentation" else None}
    settings |= {"checkpoint_dir": tmp_path}
    first = small(**settings, **{name: make(one)}).fit(X)
    assert same_weights(small(**settings, **{name: make(one)}).fit(X), first)
    assert same_weights(first.fit(X), first)
    with pytest.raises(ValueError, match=rf"another training: {name} was .* and is [^;]*\. Give"):
        small(**settings, **{name: make(other)}).fit(X)


DESCRIBE = """
import numpy as np
import test_checkpoints
from sk_bigan._machine.digests import described
for _, make, one, _ in test_checkpoints.ALIKE_BY_THEIR_REPR.values():
    print(described(make(one)))
print(described(lambda x: x in {"some", "texts", "in", "any", "order"}), described(np))
print(described(test_checkpoints.Unreadable()))
"""


def test_a_value_counts_alike_in_every_process():
    said = [
        subprocess.run(
            [sys.executable, "-c", DESCRIBE], cwd=HERE, check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert said[0] == said[1]
    assert said[0].count(" with digest ") == len(ALIKE_BY_THEIR_REPR) + 2


class Unreadable:
    """An object that no one can look into."""

    def __repr__(self):
        raise OSError

    def __getattribute__(self, name):
        raise OSError


def test_a_value_that_cannot_be_looked_into_counts_by_its_class():
    assert described(Unreadable()) == "Unreadable"
    cell = types.CellType()
    odd = types.FunctionType(noisy(0.1).__code__, {}, "odd", None, (cell,))
    assert described(odd) == "<function noisy.<locals>.augment>"
    itself = Chained()
    itself.steps = [itself]
    assert " with digest " in described(itself)


class Drawn(nn.Module):
    """An encoder with numbers that belong to it and are in no `state_dict`."""

    def __init__(self, sample_shape, latent_dim):
        super().__init__()
        self.body = nn.Linear(*sample_shape, 8)
        self.head = nn.Linear(8, latent_dim)
        self.register_buffer("shift", torch.randn(latent_dim), persistent=False)

    def forward(self, x):
        return self.head(self.body(x)) + self.shift


@pytest.mark.parametrize("parameters", [{}, {"features": "summary"}, {"encoder": Drawn}])
@pytest.mark.parametrize("ended", [True, False])
def test_a_training_without_a_random_state_goes_on_with_its_draws(
    digits, small, tmp_path, parameters, ended
):
    bigan = small(**parameters, random_state=None, batch_size=64, checkpoint_dir=tmp_path)
    copy = tmp_path / "copy"
    at_the_end = [AtStep(14, lambda net: shutil.copytree(tmp_path, copy))]  # of 14 steps
    bigan.set_params(callbacks=None if ended else at_the_end).fit(digits)
    again = small(**bigan.get_params(deep=False)).set_params(callbacks=None)
    again.set_params(checkpoint_dir=tmp_path if ended else copy).fit(digits)
    np.testing.assert_array_equal(again.transform(digits), bigan.transform(digits))
    opened = pickle.loads(pickle.dumps(again))
    np.testing.assert_array_equal(opened.transform(digits), bigan.transform(digits))


def test_trainings_without_a_random_state_draw_anew_in_folders_of_their_own(small, tmp_path):
    X = np.random.default_rng(0).normal(size=(40, 5))
    a, b = (
        small(max_epochs=1, random_state=None, checkpoint_dir=tmp_path / name).fit(X)
        for name in "ab"
    )
    assert not same_weights(a, b)


def test_a_generator_is_drawn_from_whether_a_training_goes_on_or_not(small, tmp_path):
    X = np.random.default_rng(0).normal(size=(40, 5))
    drawn = []
    for folder in (None, tmp_path, tmp_path):
        generator = np.random.RandomState(0)
        small(max_epochs=1, random_state=generator, checkpoint_dir=folder).fit(X)
        drawn.append(generator.randint(1000))
    assert len({*drawn}) == 1


def test_other_data_are_named(digits, small, tmp_path):
    bigan = broken_off(small(**SETTINGS, checkpoint_dir=tmp_path), digits, 20)
    for other in (digits[1:], digits[::-1], digits + (np.arange(400) == 399)[:, None]):
        with pytest.raises(ValueError, match="another training: X was 400 x 64 with .* and is"):
            bigan.fit(other)


def test_every_row_of_the_data_counts(small, tmp_path):
    X = np.random.default_rng(0).normal(size=(3001, 5))
    bigan = broken_off(small(max_epochs=1, checkpoint_dir=tmp_path), X, 3)
    X[1] += 0.1
    with pytest.raises(ValueError, match="another training: X was"):
        bigan.fit(X)


@pytest.mark.parametrize("form", [np.float32, np.asfortranarray, pd.DataFrame, torch.tensor])
def test_the_same_numbers_in_another_form_go_on(digits, small, uninterrupted, tmp_path, form):
    settings = {**SETTINGS, "precision": "float32", "checkpoint_dir": tmp_path}
    bigan = broken_off(small(**settings), digits, 20)
    assert same_weights(bigan.fit(form(digits)), uninterrupted["float32"])


def test_the_same_parameters_in_another_form_go_on(digits, small, uninterrupted, tmp_path):
    settings = {**SETTINGS, "precision": "float32", "checkpoint_dir": tmp_path}
    bigan = broken_off(small(**settings), digits, 20)
    bigan.set_params(hidden_units=[32], latent_dim=np.int64(4))
    assert same_weights(bigan.fit(digits), uninterrupted["float32"])


def test_what_the_training_does_not_depend_on_may_change(digits, small, uninterrupted, tmp_path):
    bigan = broken_off(small(**SETTINGS, precision="float32", checkpoint_dir=tmp_path), digits, 20)
    device = uninterrupted["float32"].device_  # in place of "auto"
    bigan.set_params(features="penultimate", verbose=0, checkpoint_every=3, device=device)
    assert same_weights(bigan.fit(digits), uninterrupted["float32"])


@pytest.mark.parametrize("damage", ["truncated", "flipped", "emptied"])
def test_a_damaged_checkpoint_is_left_out(digits, small, uninterrupted, tmp_path, damage):
    settings = {**SETTINGS, "precision": "float32", "checkpoint_dir": tmp_path}
    bigan = broken_off(small(**settings), digits, 24)
    newest = checkpoints(tmp_path)[-1]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes({"truncated": content[:-40], "flipped": content, "emptied": b""}[damage])
    with pytest.warns(UserWarning, match=f"left out: .*{newest.name} is damaged"):
        bigan.fit(digits)
    assert same_weights(bigan, uninterrupted["float32"])


def test_no_checkpoint_that_can_be_read_is_an_error(digits, small, tmp_path):
    bigan = broken_off(small(**SETTINGS, checkpoint_dir=tmp_path), digits, 24)
    for file in checkpoints(tmp_path):
        file.write_bytes(b"")
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(ValueError, match="no checkpoint that can be read; delete its files"),
    ):
        bigan.fit(digits)


def test_a_folder_in_use_is_refused(digits, small, tmp_path):
    bigan = small(**SETTINGS, checkpoint_dir=tmp_path)
    with (
        FileLock(tmp_path / "lock"),
        pytest.raises(OSError, match="checkpoint_dir must be a folder that no other training uses"),
    ):
        bigan.fit(digits)
    bigan.fit(digits)
    assert bigan.n_epochs_ == 5


# A process in which no file may be larger than so many bytes, as on a disk that is full.
FULL_DISK = """
import resource, sys, warnings
import numpy as np
import torch
from helpers import AtStep, weights
from sklearn.datasets import load_digits
from sk_bigan import BiGANTransformer

torch.set_num_threads(min(2, torch.get_num_threads()))  # as in conftest.py

def fill_the_disk(net):
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

folder, step = sys.argv[1], int(sys.argv[2])
if step == 0:
    fill_the_disk(None)
bigan = BiGANTransformer(
    4, hidden_units=(32,), max_epochs=5, batch_size=64, random_state=0, precision="float32",
    checkpoint_dir=folder, callbacks=[AtStep(step, fill_the_disk)],
)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        bigan.fit(load_digits().data[:400])
    except OSError as error:
        print(error)
        sys.exit()
print({str(warning.message) for warning in caught})
print(float(sum(w.double().abs().sum() for w in weights(bigan))))
"""


def on_a_full_disk(folder, step):
    command = [sys.executable, "-c", FULL_DISK, str(folder), str(step)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=HERE, check=True)
    return run.stdout.splitlines()


def test_a_disk_that_is_full_at_the_start_is_an_error(tmp_path):
    (message,) = on_a_full_disk(tmp_path, 0)
    assert f"checkpoint_dir must be a folder that can be written, got '{tmp_path}'" in message
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_disk_that_fills_up_costs_no_training(tmp_path, tmp_path_factory):
    caught, total = on_a_full_disk(tmp_path, 10)
    assert "a checkpoint could not be written: " in caught
    roomy, beyond_the_end = tmp_path_factory.mktemp("roomy"), 1000
    assert on_a_full_disk(roomy, beyond_the_end) == ["set()", total]
    assert [path.name for path in checkpoints(tmp_path)] == [
        "checkpoint-000001.pt",
        "checkpoint-000002.pt",
    ]


READ_ONLY = """
import os, sys
from sklearn.datasets import load_digits
from sk_bigan import BiGANTransformer

X = load_digits().data[:40]
BiGANTransformer(max_epochs=1, checkpoint_dir=sys.argv[2]).fit(X)  # imports what it needs
if os.geteuid() == 0:
    os.setuid(65534)  # nobody: root may write anywhere
try:
    BiGANTransformer(max_epochs=1, checkpoint_dir=sys.argv[1]).fit(X)
except OSError as error:
    print(error)
"""


def test_a_folder_that_is_read_only_is_an_error():
    with TemporaryDirectory() as place:
        folder = Path(place) / "read-only"
        folder.mkdir()
        Path(place).chmod(0o755)
        folder.chmod(0o555)
        command = [sys.executable, "-c", READ_ONLY, folder, Path(place) / "other"]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    expected = f"checkpoint_dir must be a folder that can be written, got '{folder}': "
    assert run.stdout.startswith(expected)
    assert "Permission denied" in run.stdout


# A real process and a real kill -9


@contextmanager
def training(folder, output, precision):
    """A process that has begun to train."""
    command = [sys.executable, HERE / "train.py", folder, output, precision]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        yield process


def train(folder, output, precision):
    """Seconds from the begin to the end."""
    with training(folder, output, precision) as process:
        begun = time.monotonic()
        assert process.stdout.readline() == "ended\n"
        seconds = time.monotonic() - begun
    assert process.returncode == 0
    return seconds


def check_kills(folder, precision, n_kills, seed):
    """Kill trainings at random moments; each ends with the weights of one that nobody killed."""
    moments = random.Random(seed)
    seconds = train(folder / "whole", folder / "whole.npz", precision)
    scraps = 0
    for _ in range(n_kills):
        while True:
            place = Path(mkdtemp(dir=folder))
            output = place / "weights.npz"
            with training(place / "run", output, precision) as process:
                time.sleep(moments.uniform(0, 0.8 * seconds))
                process.send_signal(signal.SIGKILL)
            if not output.exists():  # else it was quicker than the first, and had ended: again
                break
        assert process.returncode == -signal.SIGKILL
        scraps += len([*place.glob("run/*.part")])
        train(place / "run", output, precision)
        with np.load(folder / "whole.npz") as whole, np.load(output) as resumed:
            assert whole.files == resumed.files
            assert all(np.array_equal(whole[name], resumed[name]) for name in whole.files)
    return scraps


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_killed_process_goes_on_in_a_new_one(tmp_path, precision):
    check_kills(tmp_path, precision, n_kills=1, seed=0)


@pytest.mark.long
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_25_kills_of_25_leave_no_trace(tmp_path, precision):
    scraps = check_kills(tmp_path, precision, n_kills=25, seed=1)
    assert scraps > 0  # some fell into a write
