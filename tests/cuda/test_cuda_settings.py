"""The card, the precision and torch's settings are those that were asked for."""

import multiprocessing
import pickle
import re

import numpy as np
import pytest
import torch
from helpers import same_weights
from torch.utils._python_dispatch import TorchDispatchMode

from sk_bigan._machine.devices import resolve_device, resolve_precision


def test_auto_precision_is_that_of_the_card_in_use():
    networks = [torch.nn.Linear(4, 4)]
    assert resolve_precision("auto", torch.device("cuda:0"), networks) == torch.bfloat16
    assert resolve_precision("auto", torch.device("cuda:1"), networks) == torch.float32


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_an_autocast_of_the_caller_changes_nothing(rows, make, device):
    plain = make(device=device, precision="bfloat16").fit(rows)
    with torch.autocast(device, torch.bfloat16):
        within = make(device=device, precision="bfloat16").fit(rows)
        codes = plain.transform(rows)
    assert same_weights(plain, within)
    np.testing.assert_array_equal(codes, plain.transform(rows))


def test_a_device_without_a_number_is_the_current_one():
    assert resolve_device("cuda") == torch.device("cuda", 0)
    with torch.accelerator.device_index(1):
        assert resolve_device("auto") == torch.device("cuda", 1)
        assert resolve_device("cuda:0") == torch.device("cuda", 0)


def test_a_model_stays_on_its_card_when_another_becomes_the_current_one(rows, make):
    bigan = make(max_epochs=1).fit(rows)
    codes = bigan.transform(rows)
    with torch.accelerator.device_index(1):
        np.testing.assert_array_equal(bigan.transform(rows), codes)
        bigan.partial_fit(rows)
    assert bigan.device_ == torch.device("cuda", 0)
    bigan.set_params(device="cuda:1").partial_fit(rows)
    assert bigan.device_ == torch.device("cuda", 1)


class WithoutKernels(TorchDispatchMode):
    """A card that is too old for this torch, or too new."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.add.Tensor and args[0].is_cuda:
            raise RuntimeError("CUDA error: no kernel image is available for execution")
        return func(*args, **(kwargs or {}))


def test_auto_passes_over_a_card_that_torch_has_no_kernels_for():
    with WithoutKernels(), pytest.warns(UserWarning, match="passes over cuda.*no kernel image"):
        assert resolve_device("auto") == torch.device("cpu")


def test_a_card_that_torch_has_no_kernels_for_is_refused_by_name():
    with WithoutKernels(), pytest.raises(ValueError, match="device must be .*'cuda'.*no kernel"):
        resolve_device("cuda")


CALLS = {
    "fit": lambda bigan, rows: bigan.fit(rows),
    "fit by auto": lambda bigan, rows: bigan.set_params(device="auto").fit(rows),
    "partial_fit": lambda bigan, rows: bigan.partial_fit(rows),
    "transform": lambda bigan, rows: bigan.transform(rows),
    "sample": lambda bigan, rows: bigan.sample(3),
    "pickle": lambda bigan, rows: pickle.dumps(bigan),
}


def report(call, bigan, rows, pipe):
    try:
        CALLS[call](bigan, rows)
        pipe.send("no error")
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("call", CALLS)
def test_a_forked_process_says_what_to_do_instead(rows, make, call):
    bigan = make(max_epochs=1).fit(rows)
    ours, theirs = multiprocessing.Pipe()
    fork = multiprocessing.get_context("fork")
    child = fork.Process(target=report, args=(call, bigan, rows, theirs))
    child.start()
    assert ours.poll(60)
    message = ours.recv()
    child.join()
    assert re.match("ForkedError: device='cuda.*forked after.*'loky'.*'spawn'", message)
