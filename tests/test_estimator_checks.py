"""scikit-learn's own checks: those for everybody, and those for its own estimators."""

import inspect

import pytest
from sklearn.utils import estimator_checks as checks
from sklearn.utils._testing import check_docstring_parameters, ignore_warnings

from sk_bigan import BiGANTransformer

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
PUBLIC_METHODS = [
    method
    for name, method in inspect.getmembers(BiGANTransformer, inspect.isfunction)
    if method.__module__ == BiGANTransformer.__module__ and not name.startswith("_")
]


@checks.parametrize_with_checks([BiGANTransformer(max_epochs=2)])
def test_everybodys_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("check", OF_ITS_OWN_ESTIMATORS, ids=lambda check: check.__name__)
def test_checks_of_scikit_learns_own_estimators(check):
    with ignore_warnings():
        check("BiGANTransformer", BiGANTransformer(max_epochs=2))


@pytest.mark.parametrize("method", PUBLIC_METHODS, ids=lambda method: method.__name__)
def test_docstrings_name_the_parameters_in_order(method):
    assert check_docstring_parameters(method) == []


def test_class_docstring_names_the_parameters_in_order():
    assert check_docstring_parameters(BiGANTransformer.__init__, BiGANTransformer.__doc__) == []
