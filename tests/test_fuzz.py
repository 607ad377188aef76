"""Files from strangers: a clear error or the right model, and never anything else."""

import pickle
import random
import re
import sys
import time
from contextlib import suppress
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sk_bigan import BiGANTransformer
from sk_bigan._model.file import read, write

DIGITS = load_digits().data[:50]
SETTINGS = {
    "mlp": {"hidden_units": (8,)},
    "conv": {"architecture": "conv", "hidden_units": (2, 4), "sample_shape": (1, 8, 8)},
    "not scaled": {"hidden_units": (8,), "scaling": None},
}
SECONDS = 5  # for a file of some kilobytes
BYTES = 200 * 2**20
CODE_RUNS = {"compile", "exec", "os.system", "os.exec", "pickle.find_class", "subprocess.Popen"}

HOSTILE = [
    *(None, True, 0, 1, -1, 2**31, 2**63, 2**70, 10**400, 0.5, 1e308, float("nan")),
    *("", "auto", "mlp", "conv", "os.system", "../../etc/passwd", "\0", "é" * 1000, "1e9999"),
    *(
        [],
        [0],
        [1],
        [-1],
        [2**40],
        [2**40, 2**40],
        [1] * 10_000,
        [1, 9999, 9999],
        10**8,
        [None],
        ["a"],
        [[[[[]]]]],
    ),
    *({}, {"a": 1}, {"__class__": "x"}, {"latent_dim": 3}),
]

seen = set()
sys.addaudithook(lambda event, args: seen.add(event) if event in CODE_RUNS else None)


def damaged(content, dice):
    """Bytes flipped, cut out, put in, repeated or zeroed."""
    content = bytearray(content)
    for _ in range(dice.randint(1, 3)):
        # Half of the time in the header, where the structure is.
        end = len(content) if dice.random() < 0.5 else min(len(content), 3000)
        start = dice.randrange(max(1, end))
        stop = min(len(content), start + dice.randint(1, 50))
        part = content[start:stop]
        content[start:stop] = dice.choice(
            [
                bytes(byte ^ (1 << dice.randrange(8)) for byte in part),
                b"",
                part + part,
                bytes(len(part)),
                dice.randbytes(len(part)),
                dice.randbytes(dice.randint(1, 2000)),
            ]
        )
        if dice.random() < 0.2:
            del content[dice.randrange(len(content) + 1) :]
    return bytes(content)


def forged(description, arrays, dice):
    """A file whose checksum is right, and whose content is not."""
    description, arrays = deepcopy(description), dict(arrays)
    for _ in range(dice.randint(1, 2)):
        if dice.random() < 0.6:
            place = description
            while True:
                key = dice.choice([*place] if isinstance(place, dict) else range(len(place)))
                inner = place[key]
                if isinstance(inner, dict | list) and inner and dice.random() < 0.7:
                    place = inner
                else:
                    break
            if dice.random() < 0.2:
                del place[key]
            else:
                place[key] = dice.choice(HOSTILE)
        else:
            name = dice.choice([*arrays])
            array = arrays.pop(name)
            change = dice.randrange(6)
            if change == 0:
                arrays[name] = array.astype(dice.choice([np.int8, np.float64, np.bool_, np.uint64]))
            elif change == 1:
                arrays[name] = array.reshape(-1)[: dice.randint(0, array.size)]
            elif change == 2:
                arrays[name] = np.zeros((dice.randint(0, 3), dice.randint(0, 70)), array.dtype)
            elif change == 3:
                arrays[name + dice.choice(["x", ".", "\0"])] = array
            elif change == 4:
                arrays[name] = np.full_like(array, dice.choice([0, 1, 127]))
    return description, arrays


def most_resident(forget=False):
    """Bytes of memory that were in use at the most, since last told to forget; Linux counts."""
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s*(\d+) kB", status)[1])


def attempt(path):
    """Load a file and use what comes; "error" where it is refused."""
    begun = time.monotonic()
    try:
        model = BiGANTransformer.load(path)
    except (ValueError, TypeError) as error:
        assert str(path) in str(error)  # noqa: PT017
        model = None
    assert time.monotonic() - begun < SECONDS
    return model


def check_fuzz(make, tmp_path, n_files, seed):
    dice = random.Random(seed)
    outcomes = {"refused": 0, "right": 0, "another": 0}
    for settings in SETTINGS.values():
        bigan, path = make(max_epochs=1, **settings).fit(DIGITS), tmp_path / "model"
        bigan.save(path, optimizers=True)
        codes, content, whole = bigan.transform(DIGITS), path.read_bytes(), read(path)
        repr(attempt(path))  # what is to be imported, also for a message, is now
        seen.clear()
        before = most_resident(forget=True)
        for number in range(n_files // len(SETTINGS)):
            is_forged = number % 2 == 1
            if is_forged:
                write(path, *forged(*whole, dice))
            else:
                path.write_bytes(damaged(content, dice))
            model = attempt(path)
            if model is None:
                outcomes["refused"] += 1
            elif not is_forged:
                np.testing.assert_array_equal(model.transform(DIGITS), codes)
                outcomes["right"] += 1
            else:
                with suppress(ValueError):
                    assert np.isfinite(model.transform(DIGITS)).all()
                outcomes["another"] += 1
        assert most_resident() - before < BYTES
        assert not seen
    return outcomes


pytestmark = pytest.mark.filterwarnings("ignore:this BiGANTransformer was saved by")


def test_5000_files_from_strangers(small, tmp_path):
    outcomes = check_fuzz(small, tmp_path, n_files=5001, seed=0)
    assert sum(outcomes.values()) == 5001
    assert outcomes["refused"] > 3000
    assert outcomes["another"] > 200


FORGED = {
    "wide layer": (("parameters", "hidden_units"), [2_000_000]),
    "many layers": (("parameters", "hidden_units"), [1] * 100_000),
    "many layers of one network": (("parameters", "encoder__hidden_units"), [1] * 100_000),
    "long code": (("parameters", "latent_dim"), 2_000_000),
    "many dimensions": (("layout",), [[2] * 1_000_000, [2] * 1_000_000, False]),
    "large numbers": (("layout",), [[10**4000], [10**4000], False]),
    "wide rows": (("layout",), [[10**9], [10**9], False]),
    "other columns": (("arrays", "scaler.n_features_in_"), np.array(65)),
    "no variation": (("_total_variance",), 0.0),
    "no sizes": (("_sizes_in_fit",), [float("nan"), 1.0]),
    "moments of another network": (
        ("arrays", "optimizer_d_.0.exp_avg"),
        np.zeros((2, 2), np.float32),
    ),
}


@pytest.mark.parametrize(("place", "value"), FORGED.values(), ids=FORGED)
def test_a_forged_size_costs_neither_memory_nor_time(small, tmp_path, place, value):
    bigan, path = small(max_epochs=1).fit(DIGITS), tmp_path / "model"
    bigan.save(path, optimizers=True)
    description, arrays = read(path)
    *way, last = place
    inner = {**description, "arrays": arrays}
    for key in way:
        inner = inner[key]
    inner[last] = value
    if place[0] not in ("arrays", "parameters"):
        description[last] = value
    write(path, description, arrays)
    before = most_resident(forget=True)
    begun = time.monotonic()
    with pytest.raises(ValueError, match=f"'{path}' cannot be opened"):
        BiGANTransformer.load(path)
    assert time.monotonic() - begun < SECONDS
    assert most_resident() - before < BYTES


def test_a_pickle_under_the_name_of_a_model_is_not_opened(tmp_path):
    class Hostile:
        def __reduce__(self):
            return exec, ("raise SystemExit('ran')",)

    (tmp_path / "model").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(ValueError, match="not a file of safetensors"):
        BiGANTransformer.load(tmp_path / "model")
