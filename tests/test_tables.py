"""Tables go in as they are, with categories, dates and gaps, and come back."""

import pickle
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
import skops.io
import torch
from helpers import AtStep, same_weights
from scipy.spatial.distance import pdist
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from sk_bigan import BiGANDetector, BiGANTransformer
from sk_bigan._data import frames
from sk_bigan._model.state import state_of
from sk_bigan.columns import ColumnEncoder, is_plain
from sk_bigan.inspection import consistency, evaluate, explain, latent_dim_curve, loadings
from sk_bigan.inspection.items import Cells
from sk_bigan.networks.tables import BlockOutput

pytestmark = pytest.mark.usefixtures("one_thread")

RNG = np.random.default_rng(0)
WINE = load_wine()


def mixed_frame(n=200):
    """Numbers, a category that depends on them, texts, booleans and dates, with gaps."""
    frame = pd.DataFrame(load_wine().data[:n, :4], columns=["alcohol", "acid", "ash", "alkaline"])
    frame["kind"] = pd.Categorical(np.where(frame.alcohol > 13, "strong", "light"))
    frame["place"] = np.where(WINE.target[:n] == 0, "north", "south")
    frame["dry"] = WINE.target[:n] == 2
    frame["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(frame.index, unit="D")
    frame.loc[::7, "acid"] = np.nan
    frame.loc[3::11, "place"] = None
    return frame


FRAME = mixed_frame()
LIBRARIES = {
    "pandas": lambda frame: frame,
    "polars": lambda frame: pl.from_pandas(frame),
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


def make(cls=BiGANTransformer, **parameters):
    defaults = {"latent_dim": 3, "hidden_units": (32,), "max_epochs": 2, "random_state": 0}
    return cls(**(defaults | parameters))


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_frame_comes_back_with_its_columns_and_dtypes(library):
    X = LIBRARIES[library](FRAME)
    bigan = make().fit(X)
    codes = bigan.transform(X)
    assert codes.shape == (len(FRAME), 3)
    assert np.isfinite(codes).all()
    for back in (bigan.inverse_transform(codes), bigan.sample(5)):
        assert type(back) is type(X)
        if library == "pyarrow":
            assert back.schema.types == X.schema.types
            assert back.column_names == X.column_names
        else:
            assert [*back.dtypes] == [*X.dtypes]
            assert [*back.columns] == [*X.columns]
    assert [*bigan.feature_names_in_] == [*FRAME.columns]
    assert bigan.n_features_in_ == 8


def test_libraries_make_no_difference():
    models = [make().fit(LIBRARIES[name](FRAME)) for name in LIBRARIES]
    for other in models[1:]:
        assert same_weights(models[0], other)


@pytest.mark.parametrize("names", [["alcohol", "place"], ["alcohol", "ash"]])
def test_models_take_record_batches(names):
    table = LIBRARIES["pyarrow"](FRAME[names])
    parts = table.to_batches(max_chunksize=100)
    bigan, of_tables = make(), make()
    for part in parts:
        bigan.partial_fit(part)
        of_tables.partial_fit(pa.Table.from_batches([part]))
    assert same_weights(bigan, of_tables)
    assert [*bigan.feature_names_in_] == names
    np.testing.assert_array_equal(bigan.transform(parts[0]), bigan.transform(table[:100]))
    with pytest.raises(ValueError, match="same order"):
        bigan.transform(parts[0].select(names[::-1]))
    assert Cells(parts[0]).names == names
    detector = make(BiGANDetector).fit(table)
    assert [*explain(detector, parts[0][:3]).feature_names_in] == names
    if hasattr(bigan, "columns_"):
        assert bigan.impute(parts[0]).equals(bigan.impute(table[:100]))
        assert type(bigan.sample(2)) is pa.Table


@pytest.mark.parametrize(
    "look",
    [
        consistency,
        evaluate,
        loadings,
        partial(latent_dim_curve, latent_dims=[1], cv=2, param_name="n_components"),
    ],
)
def test_inspection_takes_record_batches(look):
    table = LIBRARIES["pyarrow"](FRAME[["alcohol", "ash", "alkaline"]])
    pca = PCA(1, random_state=0).fit(table)
    look(pca, table.to_batches()[0])


def test_learned_rows_are_nearer_to_the_table_than_those_of_untrained_networks():
    bigan = make(hidden_units=(128,), max_epochs=100).fit(FRAME)
    untrained = make(learning_rate=1e-12, max_epochs=1).fit(FRAME)
    right = {
        model: np.mean(model.inverse_transform(model.transform(FRAME)).kind == FRAME.kind)
        for model in (bigan, untrained)
    }
    assert right[bigan] > 0.85
    assert bigan.score(FRAME) > 0.5 > 0.2 > untrained.score(FRAME)
    assert right[bigan] > right[untrained]


@pytest.mark.parametrize("features", ["penultimate", "hidden", ["body.0"]])
def test_layers_take_gaps_too(features):
    layers = make(features=features).fit(FRAME).transform(FRAME)
    assert layers.shape == (len(FRAME), 32)
    assert np.isfinite(layers).all()


def test_gaps_are_filled_better_than_by_the_mean():
    """Columns that follow from each other tell what is missing."""
    z = RNG.normal(size=(600, 1))
    X = z @ np.ones((1, 6)) + 0.1 * RNG.normal(size=(600, 6))
    gaps = RNG.random(X.shape) < 0.2
    given = np.where(gaps, np.nan, X)
    bigan = make(latent_dim=2, hidden_units=(128,), max_epochs=60).fit(given)
    imputed = bigan.impute(given)
    np.testing.assert_allclose(imputed[~gaps], X[~gaps], rtol=1e-9)
    errors = np.square(imputed - X)[gaps].mean()
    assert errors < 0.5 * np.square(np.nanmean(given, axis=0) - X)[gaps].mean()
    untrained = make(latent_dim=2, learning_rate=1e-12, max_epochs=1).fit(given).impute(given)
    assert errors < 0.5 * np.square(untrained - X)[gaps].mean()


def test_an_imputed_frame_keeps_what_is_known():
    imputed = make().fit(FRAME).impute(FRAME)
    assert not imputed.isna().any(axis=None)
    for name in FRAME.columns:
        known = FRAME[name].notna()
        if FRAME[name].dtype.kind == "f":
            np.testing.assert_allclose(imputed[name][known], FRAME[name][known], rtol=1e-9)
        else:
            assert (imputed[name][known] == FRAME[name][known]).all()


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("numbers", ["standard", "bins"])
def test_known_values_stay_that_their_encoding_does_not_hold(library, numbers):
    """Rare categories share a number, bins end at the extremes, and float64 has 53 bits."""
    table = pd.DataFrame({"kind": [*"aaaabbbbcccdde", None], "id": 2**60 + np.arange(15)})
    table["size"] = np.linspace(0, 1, 15)
    encoder = ColumnEncoder(numbers=numbers, max_categories=2)
    bigan = make(scaling=encoder).fit(LIBRARIES[library](table))
    table["size"] *= 7
    imputed = bigan.impute(LIBRARIES[library](table))
    for name in table.columns:
        assert [*imputed[name]][:14] == [*LIBRARIES[library](table)[name]][:14]
    with pytest.warns(UserWarning, match="not seen 1 of the categories"):
        filled = bigan.impute(LIBRARIES[library](table.assign(kind="new")))
    assert {str(kind) for kind in filled["kind"]} <= {*"abcde"}


def test_known_values_take_the_dtype_of_fit():
    table = pd.DataFrame({"count": [*range(20)], "kind": [*"ab"] * 10})
    bigan = make(scaling=ColumnEncoder(numbers="bins")).fit(table)
    later = pd.DataFrame({"count": [30.0, np.nan, -2.0], "kind": [*"abb"]})
    imputed = bigan.impute(later)
    assert imputed["count"].dtype == np.int64
    assert [imputed["count"][0], imputed["count"][2]] == [30, -2]


DAYS = np.array(["2020-01-01", "2020-01-02", "2020-01-05"], "M8[us]")
NOON = np.array(["2020-01-05T13:45", "2020-01-06T09:30:00.000000001"], "M8[ns]")

# Values in fit, values known later, and whether the dtype of fit holds these
LATER = {
    "large integers": (np.arange(3, dtype="i1"), np.array([300, -300]), False),
    "integers beyond the sign": (np.arange(3, dtype="u1"), np.array([-5, 7], "i1"), False),
    "integers of the other sign": (np.array([1, 2**63], "u8"), np.array([-1, 2**60 + 1]), False),
    "fractions": (np.arange(3), np.array([2.5, 1e300]), False),
    "floats of more digits": (np.arange(3, dtype="f4"), np.array([0.1, 1e300]), False),
    "integers of more digits": (np.arange(3, dtype="f4"), np.array([2**24 + 1, 2**60 + 1]), False),
    "whole floats": (np.arange(3, dtype="i1"), np.array([100.0, -2.0]), True),
    "times of a day": (DAYS, NOON.astype("M8[s]"), True),
    "times of more digits": (DAYS, NOON, False),
    "years beyond nanoseconds": (NOON, np.array(["0900-01-01", "9999-12-30"], "M8[s]"), False),
    "short durations": (DAYS - DAYS[0], NOON - NOON[0], False),
}


@pytest.mark.parametrize("library", [*LIBRARIES, "pandas of Arrow", "nullable", "arrays"])
@pytest.mark.parametrize("case", LATER)
def test_no_known_value_is_changed_to_the_dtype_of_fit(case, library):
    """int8 would clip and cut it, float32 round it, and days would forget its hour."""
    in_fit, known, holds = LATER[case]

    def table(values):
        frame = pd.DataFrame({"a": values})
        if library == "arrays":
            return frame.to_numpy()
        if library == "nullable":
            return frame.astype({"a": pd.array(values).dtype})
        if library == "pandas of Arrow":
            return pa.Table.from_pandas(frame).to_pandas(types_mapper=pd.ArrowDtype)
        return LIBRARIES[library](frame)

    encoder = ColumnEncoder().fit(table(in_fit))
    column = frames.read(table(known))[1][0]
    like_fit = table(in_fit)
    filled = encoder._filled(table(known), np.zeros((2, 1)))
    values = frames.read(filled)[1][0].observed
    assert [*values.astype(column.observed.dtype)] == [*column.observed]
    assert (values == column.observed).all()
    assert type(filled) is type(like_fit)
    assert (frames.read(filled)[0].dtypes == frames.read(like_fit)[0].dtypes) == holds


@pytest.mark.parametrize("library", LIBRARIES)
def test_hours_of_a_zone_stay(library):
    days = pd.date_range("2020-01-01", periods=20, tz="Asia/Tokyo").as_unit("us")
    later = pd.DataFrame({"t": [days[3] + pd.Timedelta("1ns"), pd.NaT], "n": [np.nan, 1.5]})
    bigan = make().fit(LIBRARIES[library](pd.DataFrame({"t": days, "n": np.arange(20)})))
    filled = bigan.impute(LIBRARIES[library](later))
    filled = filled if library == "pandas" else filled.to_pandas()
    assert str(filled.dtypes["t"]) == "datetime64[ns, Asia/Tokyo]"
    assert filled.t[0] == later.t[0]
    assert filled.n[1] == 1.5
    assert not filled.isna().any(axis=None)


@pytest.mark.parametrize(
    ("container", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)]
)
def test_an_array_with_gaps_comes_back_in_the_container_that_is_set(container, frame):
    X = np.where(WINE.data > 1000, np.nan, WINE.data)
    bigan = make().set_output(transform=container).fit(X)
    codes = bigan.transform(X)
    for rows in (bigan.impute(X), bigan.inverse_transform(codes), bigan.sample(3)):
        assert isinstance(rows, frame)
        assert [*rows.columns] == [f"x{i}" for i in range(13)]
    default = clone(bigan).set_output(transform="default").fit(X)
    np.testing.assert_array_equal(bigan.impute(X), default.impute(X))


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_columns_of_an_array_of_objects_have_dtypes_in_a_container(container):
    X = np.array([[1.5, "a", None, 7], [2.0, "b", True, 8], [0.5, "a", False, 9]] * 20, object)
    bigan = make().set_output(transform=container).fit(X)
    for rows in (bigan.sample(150), bigan.impute(X), bigan.inverse_transform(bigan.transform(X))):
        frame = rows.to_pandas() if container == "polars" else rows
        assert [dtype.kind for dtype in frame.dtypes.drop("x1")] == [*"fbi"]
        assert pd.api.types.is_string_dtype(frame["x1"])
        assert container == "pandas" or pl.Object not in rows.dtypes


@pytest.mark.parametrize("names", [["ash"], ["ash", "place"]])
def test_a_frame_that_came_back_does_not_share_its_index(names):
    X = FRAME[names].copy()
    bigan = make(latent_dim=1).set_output(transform="pandas").fit(X)
    codes = bigan.transform(X)
    frames = [bigan.inverse_transform(codes)]
    if hasattr(bigan, "columns_"):
        frames.append(bigan.impute(X))
    for frame in frames:
        frame.index.name = "changed"
    assert X.index.name is codes.index.name is None


@pytest.mark.parametrize("container", [np.ndarray.tolist, list, torch.tensor])
def test_gaps_are_taken_from_lists_and_tensors_as_from_arrays(container):
    X = np.where(WINE.data > 1000, np.nan, WINE.data)
    of_array, bigan = make().fit(X), make().fit(container(X))
    np.testing.assert_array_equal(bigan.transform(container(X)), of_array.transform(X))
    np.testing.assert_array_equal(bigan.impute(container(X)), of_array.impute(X))
    assert same_weights(bigan.partial_fit(container(X)), of_array.partial_fit(X))


@pytest.mark.parametrize("container", [np.ndarray.tolist, torch.tensor, pd.DataFrame])
def test_what_the_error_of_gaps_advises_takes_them(container):
    X = np.where(WINE.data > 1000, np.nan, WINE.data)
    whole, gaps = container(X[~np.isnan(X).any(axis=1)]), container(X)
    with pytest.raises(ValueError, match="scaling='columns', which .* fit has seen none"):
        make().fit(whole).transform(gaps)
    assert np.isfinite(make(scaling="columns").fit(whole).transform(gaps)).all()


@pytest.mark.parametrize("container", [np.ndarray.tolist, torch.tensor, pd.DataFrame])
def test_one_gap_is_no_trouble_to_any_fold(container):
    X = WINE.data.copy()
    X[0, 0] = np.nan
    assert np.isfinite(cross_val_score(make(scaling="columns"), container(X), cv=3)).all()


def test_a_gap_gets_what_its_row_s_code_stands_for():
    bigan = make().fit(FRAME)
    imputed = bigan.columns_.transform(bigan.impute(FRAME))
    stood_for = bigan.columns_.transform(bigan.inverse_transform(bigan.transform(FRAME)))
    gaps = np.isnan(bigan.columns_.transform(FRAME))
    np.testing.assert_allclose(imputed[gaps], stood_for[gaps], atol=1e-4)


def with_gaps(n=300):
    X = RNG.normal(size=(n, 4)) * [1, 10, 100, 1]
    X[RNG.random(X.shape) < 0.6] = np.nan
    return X


def errors_of_known_values(bigan, X, seen_by_the_encoder):
    """Squared errors in units in which each column has a variance of one; NaN of gaps."""
    rebuilt = bigan.inverse_transform(bigan.transform(seen_by_the_encoder))
    return np.square(bigan.columns_.transform(X) - bigan.columns_.transform(rebuilt))


def test_the_score_is_of_known_values_alone():
    X = with_gaps()
    bigan = make().fit(X)
    errors = errors_of_known_values(bigan, X, X)
    scores, none = bigan.score_samples(X), np.isnan(X).all(axis=1)
    expected = 1 - np.nanmean(errors[~none], axis=1)
    np.testing.assert_allclose(scores[~none], expected, rtol=1e-3, atol=1e-4)
    assert none.any()
    assert not scores[none].any()


def test_the_score_of_an_epoch_is_of_known_values_alone():
    X = RNG.normal(size=(64, 1)) * np.ones(8)  # as many rows as are watched
    X[RNG.random(X.shape) < 0.6] = np.nan
    bigan = make(max_epochs=100).fit(X)
    explained = 1 - np.nanmean(errors_of_known_values(bigan, X, X))
    assert bigan.history_[-1]["score"] == pytest.approx(explained, abs=0.02)


def test_an_untrained_model_explains_nothing_of_a_table_with_gaps():
    untrained = make(max_epochs=1, learning_rate=1e-12).fit(with_gaps())
    assert abs(untrained.score(with_gaps())) < 0.1


def test_the_noise_of_a_density_is_that_of_known_values():
    X = with_gaps()
    detector = make(BiGANDetector, contamination=1e-6).fit(X)
    errors = errors_of_known_values(detector, X, detector.impute(X))
    assert detector.noise_variance_ == pytest.approx(np.nanmean(errors), rel=1e-3)


def test_a_gap_tells_nothing_but_the_mean():
    """A row with a gap has the code of the row with the column's mean."""
    X = np.where(RNG.random((200, 5)) < 0.1, np.nan, RNG.normal(size=(200, 5)))
    bigan = make().fit(X)
    row = np.array([[0.3, np.nan, 0.1, -0.5, 1.0]])
    with_mean = np.where(np.isnan(row), np.nanmean(X, axis=0), row)
    np.testing.assert_allclose(bigan.transform(row), bigan.transform(with_mean), atol=1e-5)


def test_plain_numbers_are_trained_as_they_were():
    X = load_iris(as_frame=True).data
    assert not hasattr(make().fit(X), "columns_")
    assert same_weights(make().fit(X), make().fit(X.to_numpy()))


def test_a_category_is_swapped_as_a_whole():
    """E never sees two ones in a block, nor none."""
    seen = []

    class Watching(torch.nn.Linear):
        def __init__(self, sample_shape, latent_dim):
            super().__init__(sample_shape[0], latent_dim)

        def forward(self, x):
            if self.training:
                seen.append(x.detach())
            return super().forward(x)

    make(encoder=Watching).fit(pd.DataFrame({"a": [*"xyz"] * 20, "b": np.arange(60.0)}))
    blocks = torch.cat(seen)[:, :3]
    assert blocks.unique(dim=0).shape == (3, 3)


def test_outputs_of_g_are_what_their_block_can_hold():
    x = 5 * torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    center, factor = torch.rand(6), 1 + torch.rand(6)
    output = BlockOutput([("number", 1), ("category", 3), ("bins", 2)], center, factor)(x)
    assert output[:, 0].equal(x[:, 0])
    rows = output / factor + center
    torch.testing.assert_close(rows[:, 1:4].sum(1), torch.ones(50))
    assert ((rows[:, 1:] > -1e-6) & (rows[:, 1:] < 1 + 1e-6)).all()
    assert rows[:, 1:4].argmax(1).equal(x[:, 1:4].argmax(1))


def test_every_encoded_column_counts_alike_but_rare_categories():
    """One row in a thousand would weigh thirty times as much as others, squared a thousand."""
    common, rare = np.repeat([*"ab"], 500), np.where(np.arange(1000) == 7, "y", "z")
    X = pd.DataFrame({"common": common, "rare": rare, "number": np.arange(1000.0)})
    bigan = make(max_epochs=1).fit(X)
    samples = bigan.model_.map(lambda x: x, bigan.columns_.transform(X))
    deviations = samples.std(axis=0)
    np.testing.assert_allclose(deviations[[0, 1, 4]], 1, rtol=1e-5)
    np.testing.assert_allclose(deviations[2:4], np.sqrt(0.001 * 0.999) / 0.05, rtol=1e-5)
    np.testing.assert_allclose(samples.mean(axis=0), 0, atol=1e-5)


@pytest.mark.parametrize(
    "scaling", ["columns", ColumnEncoder(numbers="bins"), ColumnEncoder(max_categories=5)]
)
def test_the_encoder_may_be_chosen(scaling):
    bigan = make(scaling=scaling).fit(FRAME)
    assert (
        bigan.columns_.get_params()
        == (ColumnEncoder() if scaling == "columns" else scaling).get_params()
    )
    assert np.isfinite(bigan.transform(FRAME)).all()
    assert make(scaling="columns").fit(WINE.data).columns_.blocks_[0].kind == "number"


@pytest.mark.parametrize(
    "parameters", [{"vat_weight": 1.0}, {"cycle_weight": 0}, {"augmentation": None}]
)
def test_gaps_go_through_every_kind_of_step(parameters):
    history = make(**parameters).fit(FRAME).history_
    assert np.isfinite([epoch["loss_d"] for epoch in history]).all()


@pytest.mark.parametrize(
    "score", ["density", "reconstruction", "logit", "features", "cycle_features"]
)
def test_detectors_take_tables(score):
    detector = make(BiGANDetector, anomaly_score=score).fit(FRAME)
    assert np.mean(detector.predict(FRAME) == -1) == pytest.approx(0.1, abs=0.01)


def test_pickles_clones_and_parts():
    bigan = make().fit(FRAME)
    codes = bigan.transform(FRAME)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(bigan)).transform(FRAME), codes)
    assert same_weights(clone(bigan).fit(FRAME), bigan)
    in_parts = make()
    for part in (FRAME[::2], FRAME[1::2]):
        in_parts.partial_fit(part)
    assert in_parts.n_epochs_ == 2
    assert not hasattr(bigan.fit(WINE.data), "columns_")


@pytest.mark.parametrize("form", [list, lambda rows: np.array(rows, dtype=object)])
def test_rows_of_numbers_and_texts_are_a_table(form):
    frame = FRAME[["alcohol", "acid", "place", "dry"]]
    rows = form(frame.astype(object).to_numpy().tolist())
    of_frame, bigan = make().fit(frame), make().fit(rows)
    np.testing.assert_array_equal(bigan.transform(rows), of_frame.transform(frame))
    assert bigan.score(rows) == of_frame.score(frame)
    imputed = pd.DataFrame(bigan.impute(rows), columns=frame.columns)
    pd.testing.assert_frame_equal(imputed, of_frame.impute(frame), check_dtype=False)
    assert make(BiGANDetector).fit(rows).predict(rows).shape == (len(frame),)


@pytest.mark.parametrize("rows", [slice(2), slice(None)])
@pytest.mark.parametrize("cls", [BiGANTransformer, BiGANDetector])
def test_a_later_part_may_lack_all_values_of_a_column(cls, rows):
    part = FRAME[rows].assign(acid=np.nan, place=None)
    bigan = make(cls, warm_start=True).fit(FRAME).partial_fit(part)
    assert np.isfinite(bigan.transform(FRAME)).all()
    assert np.isfinite(bigan.fit(part).score(FRAME))


def test_places_of_columns_are_learned_in_spite_of_gaps():
    X = load_digits().data[:300]
    gaps = np.random.default_rng(0).random(X.shape) < 0.05
    bigan = make(augmentation="displace").fit(np.where(gaps, np.nan, X))
    assert np.isfinite(bigan.transform(X)).all()
    whole = make(augmentation="displace", scaling="columns").fit(X)
    known = np.isfinite(bigan._places).all(axis=1) & np.isfinite(whole._places).all(axis=1)
    distances = [pdist(of._places[known]) for of in (bigan, whole)]
    assert np.corrcoef(distances)[0, 1] > 0.8


@pytest.mark.parametrize("architecture", ["mlp", "conv", "pooled"])
def test_a_table_is_no_image(architecture):
    X = np.where(WINE.data[:, :4] > 15, np.nan, WINE.data[:, :4])
    bigan = make(architecture=architecture, sample_shape=(1, 2, 2))
    wanted = r"sample_shape must be None or \(4,\), and architecture 'mlp'"
    with pytest.raises(ValueError, match=wanted):
        bigan.fit(X)


def test_a_grid_search_starts_from_the_frame():
    pipe = make_pipeline(make(), LogisticRegression())
    search = GridSearchCV(pipe, {"bigantransformer__latent_dim": [2, 3]}, cv=2)
    assert search.fit(FRAME, WINE.target).best_score_ > 0.3


def test_a_resumed_training_ends_as_one_that_was_not_broken_off(tmp_path):
    whole = make(max_epochs=4, validation_fraction=0.2).fit(FRAME)
    settings = {"max_epochs": 4, "validation_fraction": 0.2, "checkpoint_dir": tmp_path}

    def stop(net):
        raise RuntimeError("broken off")

    with pytest.raises(RuntimeError, match="broken off"):
        make(**settings, callbacks=[AtStep(5, stop)]).fit(FRAME)
    assert same_weights(make(**settings).fit(FRAME), whole)


NAMES = [f"x{i}" for i in range(60)]
MANY = pd.DataFrame(np.random.default_rng(0).integers(0, 3, (80, 60)), columns=NAMES)


def test_another_encoder_is_noticed_to_its_last_name(tmp_path):
    def encoder(n):
        return ColumnEncoder(categorical_features=NAMES[:n])

    bigan = make(scaling=encoder(40)).fit(MANY)
    bigan.set_params(scaling__categorical_features=NAMES[:35])
    with pytest.raises(
        ValueError, match=r"scaling changed from .*'x39'.* to .*'x34'\], .*only fit"
    ):
        bigan.partial_fit(MANY)
    settings = {"checkpoint_dir": tmp_path}
    make(scaling=encoder(40), **settings).fit(MANY)
    with pytest.raises(ValueError, match=r"holds another training: .*scaling was .*'x39'.* and is"):
        make(scaling=encoder(35), **settings).fit(MANY)


def test_the_same_encoder_in_another_form_is_no_other(tmp_path):
    settings = {"max_epochs": 1, "checkpoint_dir": tmp_path}
    given = ColumnEncoder(numbers="bins", categorical_features=NAMES[:40])
    bigan = make(scaling=given, **settings).fit(MANY)
    weights = pickle.dumps(state_of(bigan.model_))
    with sklearn.config_context(print_changed_only=False):
        for names in (
            np.array(NAMES[:40]),
            pd.Index(NAMES[:40]),
            pl.Series(NAMES[:40]),
            tuple(NAMES[:40]),
        ):
            same = given.set_params(categorical_features=names, n_bins=np.int64(8))
            assert (
                pickle.dumps(state_of(make(scaling=same, **settings).fit(MANY).model_)) == weights
            )
            bigan.set_params(scaling=same, checkpoint_dir=None).partial_fit(MANY)


BAD = {
    "another order": (lambda f: f[f.columns[::-1]], ValueError, "same order"),
    "a column less": (lambda f: f.drop(columns="ash"), ValueError, "ash"),
    "text for numbers": (
        lambda f: f.assign(ash="much"),
        ValueError,
        "numbers in column 'ash' as in fit",
    ),
    "an unseen category": (
        lambda f: f.assign(place="east"),
        UserWarning,
        "'place', such as 'east'",
    ),
    "infinity": (lambda f: f.assign(ash=np.inf), ValueError, "infinity.*'ash'"),
}


@pytest.mark.parametrize("case", BAD)
def test_other_columns_at_transform_are_named(case):
    change, error, message = BAD[case]
    bigan = make().fit(FRAME)
    before = bigan.transform(FRAME)
    with pytest.raises(error, match=f"(?s){message}"):
        bigan.transform(change(FRAME))
    np.testing.assert_array_equal(bigan.transform(FRAME), before)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (FRAME.assign(ash=None), "value in each column, got none in column 'ash'"),
        (FRAME.assign(ash=["a", 1.0] * 89), "columns of one kind, got"),
        (pd.DataFrame({"name": [f"name {i}" for i in range(400)]}), "'name'"),
    ],
)
def test_columns_that_cannot_be_encoded_are_named(X, message):
    unfitted = make()
    with pytest.raises(ValueError, match=message):
        unfitted.fit(X)
    assert not hasattr(unfitted, "columns_")


def test_errors_beside_a_gap_and_of_two_columns_of_a_name():
    with pytest.raises(ValueError, match=r"finite in float32, got values up to \d"):
        make().fit(FRAME).transform(FRAME.assign(ash=1e200, place=None))
    twice = pd.DataFrame([["x", "y"]] * 9, columns=["a", "a"])
    with pytest.raises(ValueError, match="got 'x' in column 'a'"):
        make(scaling="standard").fit(twice)


def test_what_takes_plain_numbers_says_so(tmp_path):
    bigan = make().fit(FRAME)
    for call in (lambda: bigan.save(tmp_path / "model"), lambda: bigan.to_onnx(tmp_path / "model")):
        with pytest.raises(ValueError, match="plain numbers"):
            call()
    with pytest.raises(ValueError, match="impute needs a fit on X with gaps"):
        make().fit(WINE.data).impute(WINE.data)
    with pytest.raises(ValueError, match="X contains NaN: .* fit with scaling='columns'"):
        make().fit(WINE.data).transform(np.where(WINE.data > 100, np.nan, WINE.data))


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_skops_keeps_the_model_of_a_table(library):
    levels = pd.CategoricalDtype(["strong", "none", "light"], ordered=True)
    X = LIBRARIES[library](FRAME.astype({"kind": levels}))
    bigan = make().fit(X)
    dumped = skops.io.dumps(bigan)
    again = skops.io.loads(dumped, trusted=skops.io.get_untrusted_types(data=dumped))
    np.testing.assert_array_equal(again.transform(X), bigan.transform(X))
    assert again.sample(9).equals(bigan.sample(9))


@pytest.mark.parametrize("as_given", [np.asarray, np.ndarray.tolist, torch.from_numpy])
def test_gaps_of_windows_and_images_are_to_be_filled_first(as_given):
    windows = np.random.default_rng(0).normal(size=(20, 8, 2))
    bigan = make().fit(windows)
    windows[3, 4, 1] = np.nan
    for call in (make().fit, bigan.transform):
        with pytest.raises(ValueError, match=r"X contains NaN: fill the gaps .* first") as error:
            call(as_given(windows))
        assert "columns" not in str(error.value)
    for columns in (make(scaling="columns"), ColumnEncoder()):
        with pytest.raises(ValueError, match=r"table of two dimensions.*got shape \(20, 8, 2\)"):
            columns.fit(as_given(windows))


@pytest.mark.parametrize(
    ("X", "plain"),
    [
        (WINE.data, True),
        (pd.DataFrame(WINE.data), True),
        (pl.DataFrame({"a": [1, 2], "b": [True, False]}), True),
        (np.array([[1.0, np.nan]]), False),
        (pl.DataFrame({"a": [1, None]}), False),
        (pd.DataFrame({"a": ["x", "y"]}), False),
        (pd.DataFrame({"a": pd.date_range("2020", periods=2)}), False),
        (WINE.data.tolist(), True),
        ([[1.5, "a"], [2.5, "b"]], False),
        ([[1.5, None], [2.5, 3.5]], False),
        (np.array([[1.5, "a"], [2.5, "b"]], object), False),
        (np.array([[1.5, None], [2.5, 3]], object), False),
        (WINE.data.astype(object), True),
        ([["1.5", "2"], ["2.5", "3"]], False),  # texts are categories, as in frames
        (np.array([["1.5", "2"]], dtype=object), False),
        (np.array([["2020-01-01"]], dtype="M8[D]"), False),
        ([[[1.0, np.nan]]], True),
        (np.full((3, 2, 2), np.nan), True),  # images are no tables
    ],
)
def test_plain_numbers_are_told_from_other_tables(X, plain):
    assert is_plain(X) == plain


DATES = pd.DataFrame(
    {"a": pd.date_range("2020", periods=60), "b": pd.date_range("1990", periods=60)}
)
GAP = DATES.mask(np.arange(60)[:, np.newaxis] == [3, 5])
OF_TIMES = {
    "arrays of dates": DATES.to_numpy(),
    "arrays with NaT": GAP.to_numpy(),
    "arrays of durations": (GAP - GAP.min()).to_numpy(),
    "rows in lists": [*map(list, DATES.to_numpy())],
    "pandas": GAP,
    "pandas, durations": GAP - GAP.min(),
    "pandas, with numbers": GAP.assign(a=1.0),
    "pandas of Arrow": pa.Table.from_pandas(GAP).to_pandas(types_mapper=pd.ArrowDtype),
    "pandas, Arrow's dates": pl.from_pandas(GAP)
    .cast(pl.Date)
    .to_pandas(use_pyarrow_extension_array=True),
    "polars": pl.from_pandas(GAP),
    "polars, days with numbers": pl.from_pandas(GAP.assign(a=1.0)).with_columns(
        pl.col("b").cast(pl.Date)
    ),
    "polars, times of a day": pl.from_pandas(GAP.assign(a=1.0)).with_columns(pl.col("b").dt.time()),
    "pyarrow": pa.Table.from_pandas(GAP),
    "pyarrow, days with numbers": pl.from_pandas(GAP.assign(a=1.0))
    .with_columns(pl.col("b").cast(pl.Date))
    .to_arrow(),
    "pyarrow, durations": pa.Table.from_pandas(GAP - GAP.min()),
}


@pytest.mark.parametrize("case", OF_TIMES)
def test_dates_are_no_numbers(case):
    """NumPy makes numbers of them, and of their gaps the least integer."""
    X = OF_TIMES[case]
    for scaling in ("standard", "range", None):
        with pytest.raises(ValueError, match="X must hold numbers, got .*scaling='columns'"):
            make(scaling=scaling).fit(X)
    names = None if case.startswith(("arrays", "rows")) else ["a", "b"]
    plain = make(latent_dim=1).fit(pd.DataFrame(RNG.normal(size=(60, 2)), columns=names))
    for method in (plain.transform, plain.score_samples, plain.partial_fit):
        with pytest.raises(ValueError, match="X must hold numbers, got .*scaling='columns'"):
            method(X)
    bigan = make(latent_dim=1).fit(X)
    assert frames.read(bigan.sample(2))[1][1].observed.dtype.kind in "mM"
    assert np.isfinite(bigan.transform(X)).all()


def test_dates_of_data_sets_and_of_images_are_no_numbers():
    pictures = np.zeros((20, 2, 2), dtype="M8[D]")
    for X in (pictures, Items([*pictures])):
        with pytest.raises(ValueError, match=r"X must hold .*numbers, got (datetime64\[D\]|'1970)"):
            make().fit(X)


class Items(torch.utils.data.Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


NUMBERED = pd.DataFrame(RNG.normal(size=(40, 3)), columns=[1, 2, 3]).mask(RNG.random((40, 3)) < 0.2)
TUPLES = NUMBERED.set_axis(pd.MultiIndex.from_tuples([("a", "x"), ("a", "y"), ("b", "z")]), axis=1)


@pytest.mark.parametrize("X", [NUMBERED, TUPLES])
def test_columns_without_texts_as_names_are_compared(X):
    bigan, encoder = make(latent_dim=1).fit(X), ColumnEncoder().fit(X)
    others = X.iloc[:, [1, 0, 2]], X.set_axis(range(7, 10), axis=1)
    for other in others:
        for method in (bigan.transform, bigan.impute, bigan.partial_fit, encoder.transform):
            with pytest.raises(ValueError, match=r"columns of fit in their order, \[.*, got \["):
                method(other)
    for same in (X.copy(), X.set_axis(X.columns.copy(), axis=1), X.to_numpy(dtype=float)):
        np.testing.assert_array_equal(bigan.transform(same), bigan.transform(X))


def test_an_array_for_a_frame_is_warned_of_once_and_by_the_estimator():
    X = FRAME.iloc[:, :6]
    array = X.to_numpy(dtype=object)
    of_frame, of_array = make().fit(X), make().fit(array)
    for bigan, other in ((of_frame, array), (of_array, X)):
        with pytest.warns(UserWarning, match="feature names, but BiGANTransformer") as caught:
            bigan.transform(other)
        assert len(caught) == 1
    with pytest.raises(ValueError, match="5 features, but BiGANTransformer is expecting 6"):
        of_array.transform(array[:, :5])


WHOLE = pd.DataFrame({"s": [*"abc"] * 40, "f": RNG.normal(size=120)})
PART = WHOLE[WHOLE.s != "c"].reset_index(drop=True)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_fitted_encoder_is_copied_as_fitted(frozen):
    """A stream of tables may begin without all of its categories."""
    encoder = ColumnEncoder(max_categories=9).fit(WHOLE)
    scaling = FrozenEstimator(encoder) if frozen else encoder
    bigan = make(scaling=scaling).partial_fit(PART)
    bigan.partial_fit(WHOLE)
    assert [*bigan.columns_.get_feature_names_out()] == ["s_a", "s_b", "s_c", "f"]
    assert bigan.columns_ is not encoder
    np.testing.assert_array_equal(bigan.columns_.transform(WHOLE), encoder.transform(WHOLE))
    with pytest.raises(ValueError, match="feature names should match"):
        make(scaling=scaling).fit(PART[["f", "s"]])
    with pytest.raises(ValueError, match="a value in each column, got none in column 'f'"):
        make(scaling=scaling).fit(PART.assign(f=np.nan))
    copy = clone(bigan).partial_fit(PART)
    expected = ["s_a", "s_b", *(["s_c"] if frozen else []), "f"]
    assert [*copy.columns_.get_feature_names_out()] == expected


def test_an_encoder_that_is_not_fitted_is_fitted():
    for scaling in (ColumnEncoder(), FrozenEstimator(ColumnEncoder())):
        bigan = make(scaling=scaling).fit(PART)
        assert [*bigan.columns_.get_feature_names_out()] == ["s_a", "s_b", "f"]
        assert not hasattr(getattr(scaling, "estimator", scaling), "blocks_")


POSTCODES = np.array([["01234", "1"], ["10115", "2"], ["01234", "2"]] * 20)


@pytest.mark.parametrize("container", [np.array, np.ndarray.tolist, lambda X: X.astype(object)])
def test_texts_are_categories_in_any_container(container):
    X = container(POSTCODES)
    drawn = make(latent_dim=1).fit(X).sample(5)
    of_frame = make(latent_dim=1).fit(pd.DataFrame(POSTCODES))
    assert {*drawn[:, 0]} <= {"01234", "10115"}
    assert drawn.tolist() == of_frame.sample(5).to_numpy().tolist()
    many = container(np.arange(1000.0).reshape(500, 2).astype(str))
    with pytest.raises(ValueError, match=r"texts are numbers, as by X\.astype\(float\)"):
        make().fit(many)
