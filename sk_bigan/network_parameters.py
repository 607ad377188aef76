"""Parameters of an estimator's networks, as ``encoder__width``, that are parameters of its own."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Signature, signature
from typing import Any, Self

from sklearn.base import BaseEstimator

from .building import NETWORKS, Wanted


def is_network_parameter(name: str) -> bool:
    network, separator, parameter = name.partition("__")
    return network in NETWORKS and bool(separator and parameter)


class NetworkParameters(BaseEstimator):
    """An estimator that keeps them as attributes of these names."""

    def __init_subclass__(cls, **kwargs: Any):
        """Let the signature name all parameters, in the place of ``**`` those that it passes on."""
        super().__init_subclass__(**kwargs)
        if "__init__" not in vars(cls):
            return
        own = signature(cls.__init__).parameters
        named = {name: p for name, p in own.items() if p.kind != p.VAR_KEYWORD}
        if len(named) < len(own):
            inherited = signature(super(cls, cls).__init__).parameters
            named |= {
                name: p
                for name, p in inherited.items()
                if p.kind == p.KEYWORD_ONLY and name not in named
            }
        vars(cls)["__init__"].__signature__ = Signature([*named.values()])

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name, those of the networks (``encoder__...``) included.

        Parameters
        ----------
        deep : bool, default=True
            Ignored but for parameters that are estimators themselves.

        Returns
        -------
        dict
        """
        return super().get_params(deep) | self._network_parameters()

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

    def _network_parameters(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if is_network_parameter(name)}


def wanted_networks(parameters: Mapping[str, Any]) -> dict[str, Wanted]:
    """What the user says of each network."""
    return {
        network: Wanted(
            parameters[network],
            {
                name.removeprefix(f"{network}__"): value
                for name, value in parameters.items()
                if name.startswith(f"{network}__")
            },
        )
        for network in NETWORKS
    }
