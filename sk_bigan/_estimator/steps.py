"""Steps of a training, their rows and their rate, where these are "auto".

Small data need many epochs until the networks have had enough updates. Too many epochs lose
neighbourhoods in the codes of large data, and overfit small data. Batches are larger where the
least epochs make enough updates all the same.
"""

from __future__ import annotations

from math import ceil, sqrt

UPDATES = 400
LEAST_EPOCHS, MOST_EPOCHS = 12, 100
LEAST_BATCH, MOST_BATCH = 128, 512
RATE = 4e-4  # for batches of the least size


def resolve_batch_size(batch_size: int | str, n_rows: int) -> int:
    """Return the most rows in a batch."""
    if not isinstance(batch_size, str):
        return batch_size
    return min(max(n_rows * LEAST_EPOCHS // UPDATES, LEAST_BATCH), MOST_BATCH)


def automatic_epochs(batch_size: int | str, n_rows: int) -> int:
    """Return the passes over the rows."""
    updates_an_epoch = ceil(n_rows / resolve_batch_size(batch_size, n_rows))
    return min(max(UPDATES // updates_an_epoch, LEAST_EPOCHS), MOST_EPOCHS)


def resolve_rate(learning_rate: float | str, batch_size: int, n_rows: int) -> float:
    """Return the learning rate of batches of this size from so many rows.

    "auto" is the square root rule for Adam: Malladi et al. 2022 (arXiv 2205.10287).
    """
    if not isinstance(learning_rate, str):
        return learning_rate
    return RATE * sqrt(min(batch_size, max(n_rows, LEAST_BATCH)) / LEAST_BATCH)
