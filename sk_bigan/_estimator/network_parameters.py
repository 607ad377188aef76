"""Parameters of an estimator's networks, as ``encoder__width``, that are parameters of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from inspect import Signature, signature
from typing import Any, Self

from sklearn.base import BaseEstimator

from ..networks.building import Wanted
from ..networks.players import Players

# Names of other libraries for parameters of ours.
OTHER_NAMES = {
    "n_components": "latent_dim",
    "embedding_dim": "latent_dim",
    "lr": "learning_rate",
    "learning_rate_init": "learning_rate",
    "epochs": "max_epochs",
    "n_epochs": "max_epochs",
    "epoch_num": "max_epochs",
    "max_iter": "max_epochs",
    "n_iter": "max_epochs",
    "hidden_layer_sizes": "hidden_units",
    "hidden_dims": "hidden_units",
    "seed": "random_state",
    "use_gpu": "device",
    "transform": "augmentation",
    "loss": "objective",
}


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of an error of an unknown parameter: a question, or nothing."""
    known = [*known]
    guesses = [OTHER_NAMES[name]] if name in OTHER_NAMES else get_close_matches(name, known, n=1)
    return "".join(f": did you mean {guess!r}?" for guess in guesses if guess in known)


def is_network_parameter(name: str) -> bool:
    network, separator, parameter = name.partition("__")
    return network in Players._fields and bool(separator and parameter)


class NetworkParameters(BaseEstimator):
    """An estimator that keeps them as attributes of these names."""

    def __init_subclass__(cls, **kwargs: Any):
        """Hide ``**network_parameters`` from the signature.

        A check of scikit-learn's calls `__init__` with every name in the signature.
        """
        super().__init_subclass__(**kwargs)
        if "__init__" not in vars(cls):
            return
        parameters = signature(cls.__init__).parameters.values()
        named = [parameter for parameter in parameters if parameter.kind != parameter.VAR_KEYWORD]
        cls.__init__.__signature__ = Signature(named)  # type: ignore[attr-defined]

    def _set_network_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Set the further keywords of `__init__`, or refuse them as Python would."""
        for name, value in parameters.items():
            if not is_network_parameter(name):
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword argument {name!r}"
                    f"{did_you_mean(name, self._get_param_names())}"
                )
            setattr(self, name, value)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return parameters by name, those of the networks (``encoder__...``) included.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include parameters of parameters that are estimators.

        Returns
        -------
        dict
        """
        own = {name: value for name, value in vars(self).items() if is_network_parameter(name)}
        return super().get_params(deep) | own

    def set_params(self, **params: Any) -> Self:
        """Set parameters, those of the networks (``encoder__...``) included.

        Setting a network, as ``encoder``, drops the parameters of the one before it.

        Parameters
        ----------
        **params : dict

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If there is no parameter of that name.
        """
        of_networks = {name: params[name] for name in params if is_network_parameter(name)}
        own = {name: params[name] for name in params if name not in of_networks}
        known = self.get_params()
        for name in own.keys() - known.keys():
            if guess := did_you_mean(name, known):
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {type(self).__name__}{guess}"
                )
        super().set_params(**own)
        for name in [name for name in vars(self) if is_network_parameter(name)]:
            if name.partition("__")[0] in own:
                delattr(self, name)
        self.__dict__.update(of_networks)
        return self


def wanted_networks(parameters: Mapping[str, Any]) -> dict[str, Wanted]:
    """Return the user's wishes for each network."""
    return {
        network: Wanted(
            parameters[network],
            {
                name.removeprefix(f"{network}__"): value
                for name, value in parameters.items()
                if name.startswith(f"{network}__")
            },
        )
        for network in Players._fields
    }
