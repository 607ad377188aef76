"""Devices, precisions, seeds and inference batches."""

import platform
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from sk_bigan._data.inference import forward, inference_rows
from sk_bigan._machine.devices import (
    as_tensor,
    cpu_capabilities,
    resolve_device,
    resolve_precision,
    send,
)
from sk_bigan._machine.random_numbers import seeded
from sk_bigan._machine.repeatable import repeatable
from sk_bigan.networks.folding import Batching

CPU = torch.device("cpu")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def test_auto_takes_an_accelerator_where_there_is_one():
    expected = "cpu"
    if torch.backends.mps.is_available():
        expected = "mps"
    if torch.cuda.is_available():
        expected = "cuda"
    assert resolve_device("auto").type == expected
    assert resolve_device("cpu") == CPU


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "cpu:nonsense", "meta"])
def test_a_device_that_is_not_there_is_named(device):
    with pytest.raises(ValueError, match=f"device must be .*got '{device}'"):
        resolve_device(device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="has what it must name as missing")
def test_several_gpus_are_missing_where_one_would_be(digits, small):
    with pytest.raises(ValueError, match="device must be .*got 'cuda'"):
        small(device="cuda", data_parallel=True).fit(digits)


def test_the_units_of_a_cpu_are_those_of_torch_s_older_functions():
    units = cpu_capabilities()
    assert units.get("avx2", False) == torch.cpu._is_avx2_supported()
    assert units.get("avx512_f", False) == torch.cpu._is_avx512_supported()
    assert units.get("avx512_bf16", False) == torch.cpu._is_avx512_bf16_supported()


def test_auto_precision_is_what_the_processor_does_natively():
    capabilities = cpu_capabilities()
    native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    native_dtype = torch.bfloat16 if native else torch.float32
    for wide in (nn.Linear(4, 1024), nn.Linear(256, 256), nn.Conv2d(64, 64, 5)):
        networks = [nn.Linear(4, 4), wide]
        assert resolve_precision("auto", CPU, networks) == native_dtype
        assert resolve_precision("float32", CPU, networks) == torch.float32


@pytest.mark.parametrize(("n", "padded"), [(1, 4), (3, 4), (4, 4), (5, 32), (32, 32), (40, 64)])
def test_a_few_rows_are_one_batch_and_more_are_whole_blocks(n, padded):
    sizes, X = [], np.arange(3.0 * n).reshape(n, 3)

    def double(rows):
        sizes.append(len(rows))
        return 2 * rows

    output = forward(double, X, CPU, np.float64, batching=Batching(4))
    assert sizes == [padded]
    np.testing.assert_array_equal(output, 2 * X)


def test_a_wide_layer_makes_batches_small_on_a_cpu():
    n_rows = []
    forward(
        lambda rows: n_rows.append(len(rows)) or rows,
        np.ones((100, 3)),
        CPU,
        np.float64,
        batching=Batching(width=2**14),
    )
    assert n_rows == [64, 64]


def test_auto_precision_of_small_networks_is_float32_on_a_cpu():
    # Casts take longer there than the products that they speed up.
    networks = [nn.Linear(64, 256), nn.Linear(256, 16)]
    assert resolve_precision("auto", CPU, networks) == torch.float32
    assert resolve_precision("bfloat16", CPU, networks) == torch.bfloat16


def settings_of_nvidia():
    """Return torch's settings of NVIDIA's libraries, by both of its interfaces."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    flags = [cudnn.deterministic, cudnn.benchmark, torch.backends.mkldnn.matmul.fp32_precision]
    flags += [operation.fp32_precision for operation in (matmul, cudnn.conv, cudnn.rnn)]
    for read in (
        lambda: cudnn.allow_tf32,
        lambda: matmul.allow_tf32,
        torch.get_float32_matmul_precision,
    ):
        try:
            flags.append(read())
        except RuntimeError:  # the two interfaces differ
            flags.append("mixed")
    return flags


@pytest.fixture
def general_precision():
    """Set the precision of all operations, and of none of them by itself."""

    def set_(value):
        torch.backends.fp32_precision = value

    yield set_
    set_("none")


def set_benchmark():
    torch.backends.cudnn.benchmark = True


def set_conv():
    torch.backends.cudnn.conv.fp32_precision = "ieee"


def set_rnn():
    torch.backends.cudnn.rnn.fp32_precision = "ieee"


def set_matmul():
    torch.backends.cuda.matmul.fp32_precision = "tf32"


def forbid_tf32():
    torch.backends.cudnn.allow_tf32 = False


def shorten_products():
    torch.set_float32_matmul_precision("medium")


CALLERS = (set_benchmark, set_conv, set_rnn, set_matmul, forbid_tf32, shorten_products)


@pytest.fixture
def plain_settings():
    yield
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = True
    torch.set_float32_matmul_precision("highest")
    for operations in (torch.backends.cuda, torch.backends.mkldnn):
        operations.matmul.fp32_precision = "none"


@pytest.mark.parametrize(("tf32", "inside"), [(False, "ieee"), (True, "tf32")])
@pytest.mark.parametrize("set_something", [lambda: None, *CALLERS])
def test_an_nvidia_gpu_computes_as_told_and_is_left_as_it_was(
    set_something, tf32, inside, plain_settings
):
    set_something()
    before = settings_of_nvidia()
    with repeatable(CPU, tf32):
        assert settings_of_nvidia() == before
    with repeatable(torch.device("cuda"), tf32):
        matmul = "high" if tf32 else "highest"
        ours = [True, False, before[2], inside, inside, inside, tf32, tf32]
        # A CPU at "bf16" and the one name for both would be a contradiction.
        assert settings_of_nvidia() == [*ours, "mixed" if before[2] == "bf16" else matmul]
        with torch.backends.cudnn.flags(enabled=False):  # reads what two interfaces might dispute
            pass
    assert settings_of_nvidia() == before


def test_operations_without_a_precision_of_their_own_stay_so(general_precision, plain_settings):
    general_precision("ieee")
    with repeatable(torch.device("cuda")):
        pass
    general_precision("tf32")
    assert torch.backends.cuda.matmul.fp32_precision == "tf32"


def test_rows_that_are_whole_are_read_where_they_lie():
    X = np.arange(24.0).reshape(6, 4)
    for rows in (X, X[::2], X[:, :3]):
        assert as_tensor(rows).data_ptr() == rows.ctypes.data
    for rows in (X, X[::2], X[::-1], X[:, ::2], X.T):
        assert np.array_equal(as_tensor(rows), rows)


def test_seeded_repeats_itself_and_leaves_the_generator_as_it_was():
    before = torch.get_rng_state()
    draws = []
    for seed in (0, 0, 1):
        with seeded(seed, CPU):
            draws.append(torch.randn(4))
    assert draws[0].equal(draws[1])
    assert not draws[0].equal(draws[2])
    assert torch.get_rng_state().equal(before)


def test_seeded_restores_after_an_error():
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), seeded(0, CPU):
        torch.randn(4).div_(1 / 0)
    assert torch.get_rng_state().equal(before)


@needs_cuda
def test_seeded_covers_the_accelerator():
    device = torch.device("cuda")
    before = torch.cuda.get_rng_state()
    draws = []
    for _ in range(2):
        with seeded(0, device):
            draws.append(torch.randn(4, device=device))
    assert draws[0].equal(draws[1])
    assert torch.cuda.get_rng_state().equal(before)


@pytest.mark.parametrize("n", [1, 31, 33, 4096, 4097, 10_000])
def test_forward_gives_every_row_once_and_in_order(n):
    rows = np.arange(n, dtype=np.float32).reshape(n, 1)
    outputs = forward(nn.Identity(), rows, CPU, np.float64)
    np.testing.assert_array_equal(outputs, rows)
    assert outputs.dtype == np.float64


@pytest.mark.parametrize(
    "view",
    [
        lambda X: X[::-1],
        lambda X: np.asfortranarray(X),
        lambda X: X[:, ::2],
        lambda X: np.frombuffer(X.tobytes()).reshape(X.shape),  # read-only
    ],
    ids=["reversed", "by columns", "every other column", "read-only"],
)
def test_forward_takes_any_layout_of_memory(view):
    X = view(np.random.default_rng(0).normal(size=(50, 6)))
    np.testing.assert_array_equal(forward(nn.Identity(), X, CPU, np.float64), X)


@pytest.mark.parametrize("limit", [1000, 32])
def test_batches_are_halved_until_they_fit(limit):
    sizes = []

    def short_of_memory(batch):
        sizes.append(len(batch))
        if len(batch) > limit:
            raise torch.OutOfMemoryError
        return batch

    rows = np.arange(5000.0).reshape(-1, 1)
    np.testing.assert_array_equal(forward(short_of_memory, rows, CPU, np.float64), rows)
    tried = sizes[: -(5000 // sizes[-2]) - 1]  # the last batch holds what is left
    assert tried == [4096 // 2**i for i in range(len(tried))]
    assert limit / 2 <= sizes[len(tried)] == tried[-1] / 2 <= limit


def test_no_memory_even_for_the_smallest_batch_is_an_error():
    def out_of_memory(batch):
        raise torch.OutOfMemoryError("no memory")

    with pytest.raises(torch.OutOfMemoryError, match="no memory"):
        forward(out_of_memory, np.zeros((100, 1)), CPU, np.float32)


def test_wide_rows_come_in_smaller_batches():
    sizes = [inference_rows(n, CPU) for n in (1, 100, 1000, 10**5, 10**9)]
    assert sizes[0] == 4096
    assert sizes[-1] == 32
    assert sizes == sorted(sizes, reverse=True)
    assert all(size % 32 == 0 for size in sizes)


class Copies(TorchDispatchMode):
    """Notes whether copies may return before they are made."""

    def __init__(self):
        super().__init__()
        self.non_blocking = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten._to_copy.default:
            self.non_blocking.append(bool((kwargs or {}).get("non_blocking")))
        return func(*args, **(kwargs or {}))


def test_no_device_but_cuda_may_copy_later_from_memory_that_changes():
    with Copies() as copies:  # "meta" stands for devices such as MPS
        send(torch.ones(3), torch.device("meta"))
    assert copies.non_blocking == [False]


FAULTS = """
import resource, sys, torch
from sk_bigan._machine.devices import keep_freed_memory

def faults_of_a_step():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    gradients = [torch.ones(2**20) for _ in range(6)]  # 24 MB, in pages of 4 kB
    del gradients
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "keep":
    keep_freed_memory()
faults_of_a_step()
print(faults_of_a_step())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries need no help")
def test_memory_that_one_step_frees_is_there_for_the_next():
    def faults(argument):
        run = subprocess.run(
            [sys.executable, "-c", FAULTS, argument], capture_output=True, text=True, check=True
        )
        return int(run.stdout)

    assert faults("keep") < faults("return") / 2
