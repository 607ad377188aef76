"""Peak memory of a fit on a memory map of a million images.

    python benchmarks/memory_map.py [--rows 1000000] [--folder FOLDER] [--device cpu]

Writes rows of 784 random bytes to a file in FOLDER (784 MB by default, deleted afterwards) and fits
one epoch of default batches on it, in a process of its own. The peak counts the pages of the
file that the system keeps in memory for that process, which it may take back at any time; "beside
them" is what the process holds of its own at the end.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from apart import apart

N_FEATURES, CHUNK = 784, 10_000

FIT = """
import json, sys
import numpy as np, torch
from apart import megabytes
from sk_bigan import BiGANTransformer
from sk_bigan._estimator.steps import resolve_batch_size

path, device = sys.argv[1:]
torch.set_num_threads(2)

start = megabytes("VmRSS")
X = np.load(path, mmap_mode="r")
bigan = BiGANTransformer(latent_dim=50, max_epochs=1, device=device, random_state=0).fit(X)
print(json.dumps({
    "steps": -(-len(X) // resolve_batch_size(bigan.batch_size, len(X))),
    "MB before": start,
    "MB at the peak": megabytes("VmHWM"),
    "MB beside the file's pages": megabytes("RssAnon"),
    "seconds of training": bigan.history_[-1]["dur"],
}))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="default: the system's for temporary files")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder, "X.npy")
        shape = (arguments.rows, N_FEATURES)
        X = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        random = np.random.default_rng(0)
        for start in range(0, len(X), CHUNK):
            part = X[start : start + CHUNK]
            part[:] = random.integers(256, size=part.shape, dtype=np.uint8)
        X.flush()
        figures = apart(FIT, path, arguments.device)
    for name, value in figures.items():
        print(f"{name:<28}{value:>10,.0f}")


if __name__ == "__main__":
    main()
