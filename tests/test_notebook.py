"""What a notebook shows of an estimator."""

from html import unescape

import pytest
from helpers import AtStep, interrupt
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from sk_bigan._estimator.notebook import visual_block


def shown(estimator):
    with config_context(display="diagram"):
        return unescape(estimator._repr_html_())


def test_networks_their_sizes_and_the_training(digits, small):
    bigan = small(max_epochs=3, validation_fraction=0.2).fit(digits)
    html = shown(bigan)
    sizes = {
        "encoder": 64 * 32
        + 2 * 32
        + 32 * 4
        + 4,  # BatchNorm has scales and shifts, no layer a bias
        "generator": 4 * 32 + 2 * 32 + 32 * 64 + 64,
        "discriminator": (64 + 1) * 32 + 4 * 32 + 32 + 1,
    }
    for network, size in sizes.items():
        assert f"{network}, {size:,} weights" in html
    for text in ("E: (64,) → (4,)", "G: (4,) → (64,)", "D: (64,), (4,) → logit"):
        assert text in html
    assert "Linear(in_features=64, out_features=32, bias=False)" in html
    assert f"3 epochs, on {bigan.device_}" in html
    assert "valid_score " in html


def test_the_numbers_are_those_of_the_last_epoch(digits, small):
    bigan = small(max_epochs=3).fit(digits)
    last = bigan.history_[-1]
    html = shown(bigan)
    assert f"loss_d {last['loss_d']:.3f}, loss_eg {last['loss_eg']:.3f}" in html
    assert f"cycle           {last['cycle']:.4g}" in html


def test_stopped_in_the_first_epoch_it_shows_the_networks(digits, small):
    bigan = small(callbacks=[AtStep(1, interrupt)])
    with pytest.raises(KeyboardInterrupt):
        bigan.fit(digits)
    html = shown(bigan)
    assert "weights" in html
    assert f"0 epochs, on {bigan.device_}" in html


def test_before_fit_it_is_one_box(small):
    assert visual_block(small()).kind == "single"
    assert "weights" not in shown(small())


def test_in_a_pipeline(digits, small):
    pipe = Pipeline([("bigan", small()), ("clf", LogisticRegression(max_iter=1000))])
    html = shown(pipe.fit(digits, digits[:, 20] > 8))
    assert "bigan: BiGANTransformer" in html
    assert "weights" in html
    assert "LogisticRegression" in html
