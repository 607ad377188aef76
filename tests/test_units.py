"""Other units at transform than in fit are noticed, and other rows are not."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

from sk_bigan import BiGANTransformer
from sk_bigan.columns import ColumnEncoder

pytestmark = pytest.mark.usefixtures("one_thread")

DIGITS = load_digits().data
PICTURES = load_digits().images.astype(np.uint8) * 15
CANCER, WINE = load_breast_cancer().data, load_wine().data

# X of fit, the same rows in other units, words of the warning
OTHER_UNITS = {
    "bytes, then shares": (PICTURES, PICTURES / 255, "from 0 to 0.9412, and in fit from 0 to 240"),
    "shares, then bytes": (PICTURES / 255, PICTURES, "from 0 to 240, and in fit from 0 to 0.9412"),
    "one picture in shares": (PICTURES, PICTURES[:1] / 255, "from 0 to .*in fit from 0 to 240"),
    "sixteenths": (DIGITS, DIGITS / 16, "from 0 to 1, and in fit from 0 to 16"),
    "thousandths": (CANCER, CANCER / 1000, "in column 0, which in fit had mean 14.13"),
    "hundreds": (CANCER, CANCER * 100, "in column 0, which in fit had mean 14.13"),
    "one row in hundreds": (CANCER, CANCER[:1] * 100, "in column 0, which in fit"),
}

# X of fit, other rows in the same units
SAME_UNITS = {
    "the first rows": (DIGITS, DIGITS[:3]),
    "one row": (WINE, WINE[:1]),
    "one class": (WINE, WINE[:59]),
    "a dark picture": (PICTURES, (PICTURES[:1] // 100)),
    "a dark picture of floats": (PICTURES, (PICTURES[:1] // 100).astype(float)),
    "a black picture": (PICTURES, np.zeros((1, 8, 8))),
    "one row many times": (CANCER, np.repeat(CANCER[:1], 50, axis=0)),
    "noisy rows": (WINE, WINE + np.random.default_rng(0).normal(size=WINE.shape) * WINE.std(0)),
}


RNG = np.random.default_rng(0)

# X of fit: rows of little, of much and of everything in between
FITS = {
    "two columns": RNG.random((200, 2)),
    "one column": np.sort(RNG.random((200, 1)), axis=0),
    "pictures that fade in": RNG.random((40, 8, 8)) * np.linspace(0.01, 1, 40)[:, None, None],
    "a slow walk": np.cumsum(RNG.normal(size=(200, 6)), axis=0) / 50,
    "a machine that is off at first": RNG.normal(size=(200, 5))
    * np.repeat([1e-3, 1.0], 100)[:, None],
    "heavy tails": np.exp(3 * RNG.normal(size=(200, 1)) + RNG.normal(size=(200, 4))),
    "tables": WINE,
}


def quick(X, **parameters):
    bigan = BiGANTransformer(hidden_units=(16,), max_epochs=1, random_state=0, **parameters)
    return bigan.set_params(latent_dim=1).fit(X)


@pytest.mark.parametrize("case", OTHER_UNITS)
@pytest.mark.parametrize("method", ["transform", "score", "score_samples"])
def test_other_units_are_named_with_both_ranges(case, method):
    X, other, words = OTHER_UNITS[case]
    with pytest.warns(UserWarning, match=f"{words}.*is it in other units") as caught:
        getattr(quick(X), method)(other)
    assert len(caught) == 1


@pytest.mark.parametrize("case", SAME_UNITS)
def test_other_rows_are_not(case):
    X, other = SAME_UNITS[case]
    quick(X).transform(other)


@pytest.mark.parametrize("case", FITS)
@pytest.mark.parametrize("scaling", ["range", "standard"])
def test_no_row_of_fit_is_in_other_units_alone_or_with_others(case, scaling, tmp_path):
    X = FITS[case]
    bigan = quick(X, scaling=scaling)
    bigan.save(tmp_path / "model.safetensors")
    order = np.argsort(np.abs(X).reshape(len(X), -1).max(axis=1))
    for model in (
        bigan,
        pickle.loads(pickle.dumps(bigan)),
        type(bigan).load(tmp_path / "model.safetensors"),
    ):
        for rows in (X[i : i + n] for n in (1, 12) for i in range(0, len(X), 3)):
            model.transform(rows)
        for rows in (X[order[:12]], X[order[-12:]], X[order[::20]], np.repeat(X[order[:1]], 30, 0)):
            model.transform(rows)
        with pytest.warns(UserWarning, match="is it in other units"):
            model.transform(X * 1e-9)
        with pytest.warns(UserWarning, match="is it in other units"):
            model.transform(X * 1e9)


TABLE = pd.DataFrame(WINE[:, :5], columns=[*"abcde"]).mask(RNG.random((178, 5)) < 0.2)
TABLE["kind"] = pd.Categorical(np.where(WINE[:, 0] > 13, "strong", "light"))
TABLE["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(TABLE.index, unit="D")
TABLES = {
    "texts and dates": TABLE.fillna(1.0),
    "gaps": TABLE[[*"abcde"]],
    "all": TABLE,
    "one number": TABLE[["kind", "c", "day"]],
}


@pytest.mark.parametrize("case", TABLES)
def test_numbers_of_tables_in_other_units_are_noticed(case):
    X = TABLES[case]
    numbers = [name for name in X.columns if len(name) == 1]
    bigan = quick(X)
    for factor in (1e-3, 1e3):
        other = X.assign(**{name: X[name] * factor for name in numbers})
        for method in (bigan.transform, bigan.score, bigan.impute):
            words = f"in column '{numbers[0]}', which in fit had mean {X[numbers[0]].mean():.4g}"
            with pytest.warns(UserWarning, match=f"{words}.*is it in other units") as caught:
                method(other)
            assert len(caught) == 1


@pytest.mark.parametrize("case", TABLES)
def test_other_rows_and_dates_and_gaps_are_in_the_same_units(case):
    X = TABLES[case]
    bigan = quick(X)
    numbers = [name for name in X.columns if len(name) == 1]
    for rows in (X, X[:59], *(X[i : i + n] for n in (1, 12) for i in range(0, len(X), 25))):
        bigan.transform(rows)
    bigan.transform(X.assign(**dict.fromkeys(numbers, np.nan)))
    bigan.transform(X.assign(**dict.fromkeys(numbers[1:], np.nan)))
    quick(TABLE[["kind", "day"]]).transform(TABLE.assign(day=pd.Timestamp("2099"))[["kind", "day"]])
    quick(X, scaling=ColumnEncoder(numbers="bins")).transform(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"latent_dim": 13}, r"latent_dim=13 is not less than the 13 column\(s\) of X"),
        ({"batch_size": 179}, "batch_size=179 exceeds the 178 rows of X"),
        ({"scaling": None}, "scaling=None leaves values that spread by 26.*take 'auto'"),
    ],
)
def test_sizes_and_units_that_do_not_suit_the_data_are_named(parameters, message):
    bigan = BiGANTransformer(hidden_units=(16,), max_epochs=1, **parameters)
    with pytest.warns(UserWarning, match=message) as caught:
        bigan.fit(WINE)
    assert len(caught) == 1


def test_defaults_are_no_fault_of_the_user():
    """Code and batch are larger than these rows."""
    BiGANTransformer(hidden_units=(16,), max_epochs=1).fit(WINE[:50, :4])
