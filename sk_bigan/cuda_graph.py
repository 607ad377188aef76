"""A training step recorded once as a CUDA graph and replayed: one launch instead of hundreds."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor

logger = logging.getLogger(__name__)

Step = Callable[[Tensor], dict[str, Tensor]]

# Steps taken as usual before a recording, in which libraries and optimizers set themselves up.
WARM_UP_STEPS = 3


class CudaGraphStep:
    """Takes the steps that `step` would take, replaying a recording for each size of batch.

    Where a step cannot be recorded (a network that waits for the GPU, say), the log says so and
    all steps are taken as usual.

    Parameters
    ----------
    step : callable, Tensor -> dict of scalar Tensors
        Everything that changes from step to step is in tensors on the GPU, learning rates too.
    """

    def __init__(self, step: Step):
        self.step = step
        self.warm_ups_left = WARM_UP_STEPS
        self.recordings: dict[int, Step] = {}

    def __call__(self, batch: Tensor) -> dict[str, Tensor]:
        if self.warm_ups_left > 0:
            self.warm_ups_left -= 1
            return self._on_a_stream_of_its_own(batch)
        if len(batch) not in self.recordings:
            try:
                self.recordings[len(batch)] = record(self.step, batch)
            except RuntimeError as error:
                logger.warning("the training step is not recorded as a CUDA graph: %s", error)
                self.recordings[len(batch)] = self.step
        return self.recordings[len(batch)](batch)

    def _on_a_stream_of_its_own(self, batch: Tensor) -> dict[str, Tensor]:
        """As torch wants it before a recording."""
        main, side = torch.cuda.current_stream(), torch.cuda.Stream()
        side.wait_stream(main)
        with torch.cuda.stream(side):
            losses = self.step(batch)
        main.wait_stream(side)
        return losses


def record(step: Step, batch: Tensor) -> Step:
    """A step that replays what `step` does with a batch of this size."""
    recorded_batch = batch.clone()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        recorded_losses = step(recorded_batch)

    def replay(batch: Tensor) -> dict[str, Tensor]:
        recorded_batch.copy_(batch)
        graph.replay()
        return {name: loss.clone() for name, loss in recorded_losses.items()}

    return replay
