"""The configurations of WBIA's tables: every knob is a parameter of theirs, as are the weights."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any, ClassVar, Optional

import utool as ut
from wbia import dtool

from resight.errors import SettingsError
from resight.method import Method
from resight.wbia.config import (
    DEFAULTS,
    FEATURE_KNOBS,
    FUSION_DEFAULTS,
    PAIR_KNOBS,
    Fusion,
    Knobs,
    features_digest,
    pairs_digest,
    read_knobs,
    screen_digest,
)
from resight.wbia.models import method_of

logger = logging.getLogger("wbia.resight")

#: Keys of a query that are for WBIA, or made by us.
_NOT_OURS = frozenset({"pipeline_root", "proot", "config_path", "fingerprint"})


class KnobsConfig(dtool.Config):
    """Values from JSON and from the query, and a digest of all that they stand for.

    The parameters are what is in force, whether it came from the query, a file or the defaults,
    so rows depend on a file's content and never on its path. ``fingerprint`` says what weights,
    versions and precision come to; it is asked for when WBIA looks for rows, since that loads
    the networks.
    """

    _changed_by: ClassVar[tuple[str, ...]]

    def __init__(self, **given: Any) -> None:
        super().__init__()
        self._problem: Optional[SettingsError] = None
        self._read: Optional[Knobs] = None
        ours = {name: value for name, value in given.items() if name not in _NOT_OURS}
        try:
            if "fingerprint" in given:  # as WBIA stored it: nothing is to be read
                self._read = Knobs(**ours)
            else:
                self._read = read_knobs(given.get("config_path"), ours)
        except SettingsError as error:
            if given:
                # WBIA's server on Python 3.11 fails to report errors: it calls what is gone.
                logger.error("%s", error)
                raise
            self._problem = error  # WBIA makes one of each kind when it starts; let it start
            return
        self.config_path = given.get("config_path")
        for name in DEFAULTS:
            setattr(self, name, getattr(self._read, name))

    @property
    def knobs(self) -> Knobs:
        """What is in force. Raises ``SettingsError`` where the default file is wrong."""
        if self._read is None:
            raise self._problem or SettingsError("this configuration was never read")
        return self._read

    def get_param_info_list(self) -> list[Any]:
        shown = [ut.ParamInfo(name, DEFAULTS[name]) for name in self._changed_by]
        hidden = [name for name in DEFAULTS if name not in self._changed_by]
        return [
            *shown,
            *(ut.ParamInfo(name, DEFAULTS[name], hideif=_always) for name in hidden),
            ut.ParamInfo("config_path", None, hideif=_always),
            ut.ParamInfo("fingerprint", ""),
        ]

    def get_cfgstr(self, **kwargs: Any) -> str:
        self.fingerprint = self._fingerprint
        return str(super().get_cfgstr(**kwargs))

    def __getstate__(self) -> dict[str, Any]:
        return {each.varname: getattr(self, each.varname) for each in self.get_param_info_list()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        type(self).__init__(self, **state)

    @cached_property
    def _fingerprint(self) -> str:
        return self._digest(method_of(self.knobs))

    def _digest(self, method: Method) -> str:
        raise NotImplementedError


def _always(self: Any) -> bool:  # noqa: ARG001
    return True


class LightGlueFeatureConfig(KnobsConfig):
    """Of the table ``LightGlueFeatures``."""

    _changed_by = FEATURE_KNOBS

    def _digest(self, method: Method) -> str:
        return features_digest(self.knobs, method)


class LightGlueConfig(KnobsConfig):
    """Of the table and pipeline ``LightGlue``."""

    _changed_by = PAIR_KNOBS

    def _digest(self, method: Method) -> str:
        return pairs_digest(self.knobs, method)


class LightGlueScreenConfig(KnobsConfig):
    """Of the table ``LightGlueScreen``: first looks at pairs."""

    _changed_by = (*FEATURE_KNOBS, "matcher")

    def _digest(self, method: Method) -> str:
        return screen_digest(self.knobs, method)


class HybridConfig(KnobsConfig):
    """Of the table and pipeline ``Hybrid``: the knobs of ``LightGlue`` and those of ``Fusion``."""

    _changed_by = PAIR_KNOBS

    def _digest(self, method: Method) -> str:
        return pairs_digest(self.knobs, method)

    def __init__(self, **given: Any) -> None:
        ours = {name: given.pop(name) for name in FUSION_DEFAULTS if given.get(name) is not None}
        super().__init__(**given)
        self.fusion = Fusion(**ours)
        for name in FUSION_DEFAULTS:
            setattr(self, name, getattr(self.fusion, name))

    def get_param_info_list(self) -> list[Any]:
        fusion = [ut.ParamInfo(name, value) for name, value in FUSION_DEFAULTS.items()]
        return [*fusion, *super().get_param_info_list()]
