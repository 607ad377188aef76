"""Peak memory of a fit on colour images, over their side and the batch size.

    python benchmarks/image_memory.py [--sides 32 64 96] [--batch-sizes 128 64 32]
        [--architecture pooled] [--encoder-hidden-units 64 128 256 1024]

Every fit takes two batches of random images with the recipe for photographs, in a process of its
own. The peak is of the whole process, the libraries included: "imports" is their part. Images
themselves are bytes, and come on top: 1,000 of 96 x 96 take 28 MB. `--encoder-hidden-units` without
a number leaves the architecture's own.
"""

import argparse

from apart import apart

FIT = """
import json, sys
import numpy as np
from apart import megabytes
from sk_bigan import BiGANTransformer

side, batch_size, architecture = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
hidden_units = {"encoder__hidden_units": [int(n) for n in sys.argv[4:]]} if sys.argv[4:] else {}

imports = megabytes("VmHWM")
X = np.random.default_rng(0).integers(256, size=(2 * batch_size, side, side, 3), dtype=np.uint8)
BiGANTransformer(
    latent_dim=64,
    architecture=architecture,
    **hidden_units,
    augmentation=["crop", "mirror", "colour"],
    batch_size=batch_size,
    max_epochs=1,
    random_state=0,
).fit(X)
print(json.dumps({"imports": imports, "peak": megabytes("VmHWM")}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[32, 64, 96])
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[128, 64, 32])
    parser.add_argument("--architecture", default="pooled")
    parser.add_argument("--encoder-hidden-units", nargs="*", default=["64", "128", "256", "1024"])
    arguments = parser.parse_args()
    print("| side | batch size | MB, imports | MB, peak |\n|---|---|---|---|")
    for side in arguments.sides:
        for batch_size in arguments.batch_sizes:
            shape = arguments.architecture, *arguments.encoder_hidden_units
            figures = apart(FIT, side, batch_size, *shape).values()
            print(f"| {side} | {batch_size} |", " | ".join(f"{n:,.0f}" for n in figures), "|")


if __name__ == "__main__":
    main()
