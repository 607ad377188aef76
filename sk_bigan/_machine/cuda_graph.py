"""A training step recorded once as a CUDA graph and replayed: one launch instead of hundreds."""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

logger = logging.getLogger(__name__)

Step = Callable[[Tensor, Any], dict[str, Tensor]]
Recording = Callable[[Tensor], dict[str, Tensor]]

# Steps of each kind before it is recorded, in which libraries set themselves up.
WARM_UP_STEPS = 3

# Kinds of steps at most: each recording has the memory of a step. A training has four or fewer, and
# parts of two sizes have twice as many.
MOST_KINDS = 8


class CudaGraphStep:
    """Takes the steps that `step` would take, replaying a recording for each kind of step.

    Steps are of one kind if their batches are of one shape and dtype, and they get the same second
    argument. Of too many kinds, all recordings are dropped and steps are recorded anew.

    If a step cannot be recorded, because a network waits for the GPU for instance, the log says
    so and all steps are taken as usual.

    Parameters
    ----------
    step : callable, (Tensor, hashable) -> dict of scalar Tensors
        All that changes from step to step is in tensors on the GPU, learning rates too.
    """

    def __init__(self, step: Step):
        self.step = step
        # Not the one that all recordings of a process share by default: when a recording goes, it
        # takes memory of its stream along, which others may still use (pytorch issue 193402).
        self.stream = torch.cuda.Stream()
        self.warm_ups: Counter[Any] = Counter()
        self.recordings: dict[Any, Recording] = {}
        self.recordable = True

    def __call__(self, batch: Tensor, game: Any) -> dict[str, Tensor]:
        if not self.recordable:
            return self.step(batch, game)
        kind = batch.shape, batch.dtype, game
        if kind not in self.warm_ups and len(self.warm_ups) == MOST_KINDS:
            self.warm_ups, self.recordings = Counter(), {}
        if self.warm_ups[kind] < WARM_UP_STEPS:
            self.warm_ups[kind] += 1
            return self._warm_up(batch, game)
        if kind not in self.recordings:
            try:
                self.recordings[kind] = self._record(batch, game)
            except RuntimeError as error:
                cause = str(error.__context__ or error)
                logger.warning("the training step is not recorded as a CUDA graph: %s", cause)
                self.recordable, self.recordings = False, {}
        # Outside the `except`, whose traceback holds the memory of the recording that failed.
        if not self.recordable:
            return self.step(batch, game)
        return self.recordings[kind](batch)

    def _warm_up(self, batch: Tensor, game: Any) -> dict[str, Tensor]:
        main = torch.cuda.current_stream()
        self.stream.wait_stream(main)
        with torch.cuda.stream(self.stream), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "This instance was constructed with capturable=True")
            losses = self.step(batch, game)
        main.wait_stream(self.stream)
        return losses

    def _record(self, batch: Tensor, game: Any) -> Recording:
        """Return a step that replays a recording of `step` with a batch of this size."""
        recorded_batch = batch.clone()
        graph = torch.cuda.CUDAGraph()
        # The outer context returns from the stream where a recording that fails does not. Other
        # threads may use the GPU meanwhile, which "global" would forbid.
        with (
            torch.cuda.stream(self.stream),
            torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"),
        ):
            recorded_losses = self.step(recorded_batch, game)

        def replay(batch: Tensor) -> dict[str, Tensor]:
            recorded_batch.copy_(batch)
            graph.replay()
            return {name: loss.clone() for name, loss in recorded_losses.items()}

        return replay
