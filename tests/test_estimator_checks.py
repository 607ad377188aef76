"""scikit-learn's own checks: those for everybody, and those for its own estimators."""

import ast
import inspect
from unittest import SkipTest

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc
from sklearn.datasets import load_iris
from sklearn.utils import estimator_checks as checks
from sklearn.utils._testing import ignore_warnings

from sk_bigan import BiGANDetector, BiGANTransformer

OF_ITS_OWN_ESTIMATORS = [
    checks.check_dataframe_column_names_consistency,
    checks.check_estimators_partial_fit_n_features,
    checks.check_get_feature_names_out_error,
    checks.check_global_output_transform_pandas,
    checks.check_global_set_output_transform_polars,
    checks.check_inplace_ensure_writeable,
    checks.check_n_features_in_after_fitting,
    checks.check_param_validation,
    checks.check_set_output_transform,
    checks.check_set_output_transform_pandas,
    checks.check_set_output_transform_polars,
    checks.check_transformer_get_feature_names_out,
    checks.check_transformer_get_feature_names_out_pandas,
]
METHODS = [
    (BiGANTransformer, "fit"),
    (BiGANTransformer, "partial_fit"),
    (BiGANTransformer, "transform"),
    (BiGANTransformer, "inverse_transform"),
    (BiGANTransformer, "sample"),
    (BiGANTransformer, "score_samples"),
    (BiGANTransformer, "score"),
    (BiGANTransformer, "to_onnx"),
    (BiGANDetector, "score_samples"),
    (BiGANDetector, "score"),
    (BiGANDetector, "decision_function"),
    (BiGANDetector, "predict"),
]


@checks.parametrize_with_checks([BiGANTransformer(max_epochs=2), BiGANDetector(max_epochs=2)])
def test_everybodys_checks(estimator, check):
    try:
        check(estimator)
    except SkipTest as skip:  # there is none that cannot run here
        pytest.fail(f"skipped: {skip}")


@pytest.mark.parametrize("check", OF_ITS_OWN_ESTIMATORS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("estimator", [BiGANTransformer, BiGANDetector])
def test_checks_of_scikit_learns_own_estimators(estimator, check):
    with ignore_warnings():
        check(estimator.__name__, estimator(max_epochs=2))


def documented(doc):
    """Names in a numpydoc section of parameters, one a parameter."""
    return [name for entry in doc["Parameters"] for name in entry.name.split(", ")]


@pytest.mark.parametrize(("estimator", "name"), METHODS)
def test_docstrings_name_the_parameters_in_order(estimator, name):
    method = getattr(estimator, name)
    parameters = [p for p in inspect.signature(method).parameters if p != "self"]
    assert documented(FunctionDoc(method)) == parameters


def test_the_class_docstring_names_parameters_in_order_and_their_defaults():
    parameters = inspect.signature(BiGANTransformer).parameters
    doc = ClassDoc(BiGANTransformer)
    assert documented(doc) == list(parameters)
    for entry in doc["Parameters"]:
        default = ast.literal_eval(entry.type.split("default=")[1])
        for name in entry.name.split(", "):
            assert parameters[name].default == default


def test_the_class_docstring_names_every_fitted_attribute():
    X, _ = load_iris(return_X_y=True, as_frame=True)
    fitted = BiGANTransformer(max_epochs=1, scaling="columns").fit(X)
    attributes = {
        name for name in dir(fitted) if name.endswith("_") and name[0] != "_" and name[-2] != "_"
    }
    doc = ClassDoc(BiGANTransformer)
    assert attributes == {n for entry in doc["Attributes"] for n in entry.name.split(", ")}


def test_the_detectors_docstring_names_what_is_its_own():
    """Beside the transformer's parameters and attributes."""
    X, _ = load_iris(return_X_y=True)
    transformer = BiGANTransformer(max_epochs=1).fit(X)
    detector = BiGANDetector(max_epochs=1).fit(X)
    doc = ClassDoc(BiGANDetector)
    own = vars(detector).keys() - vars(transformer).keys()
    attributes = {entry.name for entry in doc["Attributes"]}
    assert {name for name in own if name.endswith("_")} == attributes - {"encoder_, history_, ..."}
    of_transformer = inspect.signature(BiGANTransformer).parameters
    parameters = inspect.signature(BiGANDetector).parameters
    assert of_transformer.keys() < parameters.keys()
    differing = [
        name
        for name, parameter in parameters.items()
        if name not in of_transformer or parameter.default != of_transformer[name].default
    ]
    *documented_ones, rest = doc["Parameters"]
    names = [entry.name for entry in documented_ones]
    assert names == [*differing, "validation_fraction"]  # which means more here
    assert rest.name == "architecture, hidden_units, ..."
    for entry in documented_ones:
        default = ast.literal_eval(entry.type.split("default=")[1])
        assert parameters[entry.name].default == default
