"""Parts of the user's own that hold numbers on the CPU are refused by name before a training."""

import pickle

import pytest
import torch
from torch import nn

from sk_bigan import BiGANTransformer

MEANS = torch.tensor([[3.0, 0, 0, 0], [-3.0, 0, 0, 0]])


def mixture(n_samples, latent_dim):
    return MEANS[torch.randint(2, (n_samples,))] + torch.randn(n_samples, latent_dim)


def weighted(real_logits, fake_logits):
    loss = (torch.ones(len(real_logits), device="cpu") * (fake_logits - real_logits)).mean()
    return loss, -loss


def shaded(x):
    return x * torch.linspace(0.9, 1.0, x.shape[1], device="cpu")


class Shading(nn.Module):
    """A network with a tensor that is no buffer, and so stays where it was made."""

    def __init__(self, sample_shape, latent_dim):
        super().__init__()
        self.shades = torch.linspace(0.9, 1.0, sample_shape[0])
        self.layer = nn.Linear(sample_shape[0], latent_dim)

    def forward(self, x):
        return self.layer(x * self.shades)


class ShadingGenerator(Shading):
    def forward(self, z):
        return (z @ self.layer.weight) * self.shades


class ShadingDiscriminator(Shading):
    def forward(self, x, z):
        return (self.layer(x * self.shades) * z).sum(1)


OWN = {
    "prior": mixture,
    "objective": weighted,
    "augmentation": shaded,
    "encoder": Shading,
    "generator": ShadingGenerator,
    "discriminator": ShadingDiscriminator,
}


@pytest.mark.parametrize("name", OWN)
def test_numbers_on_the_cpu_are_named_before_the_training(rows, make, name):
    bigan = make(max_epochs=1, **{name: OWN[name]})
    with pytest.raises(ValueError, match=f"^{name} .*cuda:0.*same device"):
        bigan.fit(rows)
    assert not hasattr(bigan, "model_")
    bigan.set_params(device="cpu").fit(rows)


@pytest.mark.parametrize("name", OWN)
def test_a_training_that_moves_to_the_card_names_them_and_stays_as_it_was(rows, make, name):
    bigan = make(max_epochs=1, device="cpu", **{name: OWN[name]}).fit(rows)
    codes = bigan.transform(rows)
    with pytest.raises(ValueError, match=f"^{name} .*cuda:0.*same device"):
        bigan.set_params(device="cuda").partial_fit(rows)
    assert (bigan.transform(rows) == codes).all()


@pytest.mark.parametrize("name", ["encoder", "generator", "discriminator"])
def test_a_model_that_does_not_work_on_the_card_is_opened_on_the_cpu(rows, make, tmp_path, name):
    bigan = make(max_epochs=1, device="cpu", **{name: OWN[name]}).fit(rows)
    bigan.set_params(device="cuda").save(tmp_path / "model")
    with pytest.warns(UserWarning, match=f"on the CPU: {name} .*cuda:0.*same device"):
        loaded = BiGANTransformer.load(tmp_path / "model", **{name: OWN[name]})
    with pytest.warns(UserWarning, match=f"on the CPU: {name} .*cuda:0.*same device"):
        unpickled = pickle.loads(pickle.dumps(bigan))
    for opened in (loaded, unpickled):
        assert opened.device_ == torch.device("cpu")
        assert (opened.transform(rows) == bigan.transform(rows)).all()
