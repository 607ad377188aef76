"""Parameters of an estimator's networks, as ``encoder__width``, that are parameters of its own."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Signature, signature
from typing import Any, Self

from sklearn.base import BaseEstimator

from ..networks.building import Wanted
from ..networks.players import Players


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
        super().set_params(**{name: params[name] for name in params if name not in of_networks})
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
