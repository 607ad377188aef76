"""CUDA graphs without a GPU: lists of operations, replayed on the very tensors of the recording."""

import torch
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_flatten
from watching import Watch, is_on, launches

cuda = torch.cuda
capturing = []  # the present recordings


def whole(storage):
    """Return all bytes of a storage of the device, as a tensor on its memory."""
    with _disable_current_modes():
        empty = torch.empty(0, dtype=torch.uint8, device=storage.device)
        return empty.set_(storage, 0, (storage.nbytes(),), (1,))


def address(tensor):
    return tensor.untyped_storage().data_ptr()


class CUDAGraph:
    """The operations of one recording."""

    def __init__(self):
        self.calls = []  # (operation, its arguments, its new tensors)
        self.memory = []  # of all that was computed: a recording has memory of its own

    def replay(self):
        with torch._C._AutoDispatchBelowAutograd():
            for func, args, kwargs, results in self.calls:
                values, _ = tree_flatten(func(*args, **kwargs))
                for result, value in zip(results, values, strict=True):
                    if result is not None and result.numel() and address(result) != address(value):
                        result.copy_(value)


class Capture(Watch):
    """Runs what it records, and afterwards undoes it: a recording computes nothing."""

    def __init__(self, graph):
        super().__init__()
        self.graph = graph
        self.before = {}  # (tensor, its value) by address, of what existed before
        self.own = set()  # addresses of what the recording made

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given, _ = tree_flatten((args, kwargs))
        for tensor in written(func, args, kwargs):
            self._keep_value(tensor)
        out = super().__torch_dispatch__(func, types, args, kwargs)
        results, _ = tree_flatten(out)
        known = {address(value) for value in given if is_on(value, "cuda")}
        new = [r if is_on(r, "cuda") and address(r) not in known else None for r in results]
        self.own |= {address(result) for result in new if result is not None}
        if any(is_on(value, "cuda") for value in [*given, *results]) and launches(func):
            self.graph.calls.append((func, args, kwargs, new))
        self.graph.memory.append(results)
        return out

    def _keep_value(self, tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() in self.own or storage.data_ptr() in self.before:
            return
        with _disable_current_modes():
            self.before[storage.data_ptr()] = whole(storage), whole(storage).clone()

    def undo(self):
        for tensor, value in self.before.values():
            tensor.copy_(value)
        self.before = {}

    def wait(self, what):
        raise RuntimeError(f"CUDA error: operation not permitted when stream is capturing: {what}")


def written(func, args, kwargs):
    """Yield the tensors of the device that the operation writes."""
    arguments = func._schema.arguments
    values = [*zip(arguments, args, strict=False)]
    values += [(arg, kwargs[arg.name]) for arg in arguments if arg.name in kwargs]
    for arg, value in values:
        # Its schema keeps silent about the running statistics.
        statistics = "native_batch_norm" in str(func) and arg.name.startswith("running")
        if statistics or (arg.alias_info is not None and arg.alias_info.is_write):
            yield from (tensor for tensor in tree_flatten(value)[0] if is_on(tensor, "cuda"))


class graph:  # noqa: N801, the name is torch's
    """Stands for `torch.cuda.graph`."""

    def __init__(self, cuda_graph, pool=None, stream=None, capture_error_mode="global"):
        self.graph = cuda_graph
        self.in_stream = cuda.stream(stream or cuda.Stream())
        self.capture_error_mode = capture_error_mode

    def __enter__(self):
        self.in_stream.__enter__()
        self.generator = cuda.get_rng_state()
        capturing.append(self)
        self.capture = Capture(self.graph)
        self.capture.__enter__()

    def __exit__(self, *error):
        self.capture.__exit__(*error)
        capturing.pop()
        cuda.set_rng_state(self.generator)
        self.capture.undo()
        if error[0] is not None:  # as in torch, which does not leave the stream either
            raise RuntimeError("CUDA error: operation failed due to an error during capture")
        self.in_stream.__exit__(*error)
