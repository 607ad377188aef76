"""A device of the type 'cuda' without a GPU: a plugin of pytest, loaded before torch.

`make test-cuda` compiles its library, pretend_cuda.cpp, and loads this module by `-p`.
"""

import ctypes
import importlib.util
import os
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

if "torch" in sys.modules:
    raise pytest.UsageError("the pretended device must be loaded before torch: run make test-cuda")
TORCH = Path(importlib.util.find_spec("torch").submodule_search_locations[0])
VERSION = runpy.run_path(str(TORCH / "version.py"))
if VERSION["cuda"] is not None:
    raise pytest.UsageError(
        f"the pretended device needs a CPU build of torch, got {VERSION['__version__']}: a CUDA "
        "build has a device of its own, on which make test runs the tests that need one"
    )
LIBRARY = Path(__file__).parents[2] / "build" / "pretend_cuda.so"
if not LIBRARY.exists():
    raise pytest.UsageError(f"no {LIBRARY}: run make test-cuda, which compiles it with g++")

for name in ("libc10.so", "libtorch_cpu.so", "libtorch.so"):
    ctypes.CDLL(TORCH / "lib" / name, ctypes.RTLD_GLOBAL)
library = ctypes.CDLL(LIBRARY)
library.pretend_rng_size.restype = ctypes.c_size_t

import torch  # noqa: E402, after its device

cuda = torch.cuda
N_CARDS = 2
CAPABILITIES = [(9, 0), (7, 5)]  # the second card has no bfloat16
TOTAL = 16 << 30
FREE = [8 << 30, 8 << 30]
PROCESS = os.getpid()


def current_device():
    return library.pretend_current_device()


def set_device(device):
    library.pretend_set_device(index_of(device))


def index_of(device=None):
    """Return the number of the card; without an index, of the current one."""
    if isinstance(device, int):
        return device
    index = None if device is None else torch.device(device).index
    return current_device() if index is None else index


def get_rng_state(device="cuda"):
    state = bytearray(library.pretend_rng_size())
    buffer = (ctypes.c_char * len(state)).from_buffer(state)
    library.pretend_get_rng_state(index_of(device), buffer)
    return torch.frombuffer(state, dtype=torch.uint8)


def set_rng_state(state, device="cuda"):
    state = bytearray(state.numpy().tobytes())
    buffer = (ctypes.c_char * len(state)).from_buffer(state)
    library.pretend_set_rng_state(index_of(device), buffer, ctypes.c_size_t(len(state)))


def manual_seed(seed):
    library.pretend_manual_seed(current_device(), ctypes.c_uint64(seed))


def manual_seed_all(seed):
    for i in range(N_CARDS):
        library.pretend_manual_seed(i, ctypes.c_uint64(seed))


def get_device_properties(device=None):
    major, minor = CAPABILITIES[index_of(device)]
    return SimpleNamespace(major=major, minor=minor, name="pretended", total_memory=TOTAL)


class Stream:
    stream_id = 0

    def __init__(self, device=None):
        self.device = torch.device("cuda", index_of(device))

    def wait_stream(self, other):
        """Do nothing: all work is done at once."""

    def synchronize(self):
        """Do nothing, likewise."""

    def record_event(self):
        return Event(self)


class Event:
    """A mark in the work of a stream, which is done at once."""

    def __init__(self, stream):
        self.stream = stream

    def synchronize(self):
        """Do nothing, likewise."""


entered = []


class InStream:
    """Stands for `torch.cuda.stream`."""

    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        entered.append(self.stream)

    def __exit__(self, *error):
        entered.pop()


default_streams = {}


def default_stream(device=None):
    return default_streams.setdefault(index_of(device), Stream(device))


def current_stream(device=None):
    return entered[-1] if entered else default_stream(device)


def nothing(*args):
    return None


cuda.init = cuda._lazy_init = nothing
cuda.is_available = cuda.is_initialized = lambda: True
# As torch: a child of a process that has used CUDA cannot use it.
cuda._is_in_bad_fork = lambda: os.getpid() != PROCESS
cuda.device_count = lambda: N_CARDS
cuda.current_device, cuda.set_device = current_device, set_device
cuda.synchronize = nothing
cuda.empty_cache = nothing
cuda.manual_seed = manual_seed
cuda.manual_seed_all = cuda.random.manual_seed_all = manual_seed_all
cuda.get_rng_state, cuda.set_rng_state = get_rng_state, set_rng_state
cuda.mem_get_info = lambda device=None: (FREE[index_of(device)], TOTAL)
cuda.memory_reserved = cuda.memory_allocated = lambda device=None: 0
cuda.get_device_properties = get_device_properties
cuda.get_device_capability = lambda device=None: CAPABILITIES[index_of(device)]
cuda.Stream, cuda.stream, cuda.Event = Stream, InStream, Event
cuda.current_stream, cuda.default_stream = current_stream, default_stream
torch._C._host_emptyCache = nothing
torch.backends.cuda.is_built = lambda: True

import pretended_graphs  # noqa: E402, which needs the device

cuda.CUDAGraph, cuda.graph = pretended_graphs.CUDAGraph, pretended_graphs.graph
cuda.is_current_stream_capturing = lambda: bool(pretended_graphs.capturing)

clone_of_host_storage = torch.UntypedStorage.clone


def clone_of_storage(self):
    """Clone a storage of the device too, which a CPU build cannot."""
    if self.device.type != "cuda":
        return clone_of_host_storage(self)
    return pretended_graphs.whole(self).clone().untyped_storage()


torch.UntypedStorage.clone = clone_of_storage
