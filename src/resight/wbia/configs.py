"""The configurations of WBIA's tables: every knob is a parameter of theirs, as are the weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar, Optional

import utool as ut
from wbia import dtool

from resight.errors import SettingsError
from resight.method import Method
from resight.wbia.config import (
    DEFAULTS,
    FEATURE_KNOBS,
    PAIR_KNOBS,
    Knobs,
    features_digest,
    pairs_digest,
    read_knobs,
)
from resight.wbia.models import method_of

#: Keys of a query that are for WBIA, or made by us.
_NOT_OURS = frozenset({"pipeline_root", "proot", "config_path", "fingerprint"})


class _KnobsConfig(dtool.Config):  # type: ignore[misc]
    """Values from JSON and from the query, and a digest of all that they stand for.

    The parameters are what is in force, whether it came from the query, a file or the defaults,
    so rows depend on a file's content and never on its path. ``fingerprint`` says what weights,
    versions and precision come to; it is asked for when WBIA looks for rows, since that loads
    the networks.
    """

    _changed_by: ClassVar[tuple[str, ...]]
    _digest: ClassVar[Callable[[Knobs, Method], str]]

    def __init__(cfg, **given: Any) -> None:
        super().__init__()
        cfg._problem: Optional[SettingsError] = None
        cfg._read: Optional[Knobs] = None
        ours = {name: value for name, value in given.items() if name not in _NOT_OURS}
        try:
            if "fingerprint" in given:  # as WBIA stored it: nothing is to be read
                cfg._read = Knobs(**ours)
            else:
                cfg._read = read_knobs(given.get("config_path"), ours)
        except SettingsError as error:
            if given:
                raise
            cfg._problem = error  # WBIA makes one of each kind when it starts; let it start
            return
        cfg.config_path = given.get("config_path")
        for name in DEFAULTS:
            setattr(cfg, name, getattr(cfg._read, name))

    @property
    def knobs(cfg) -> Knobs:
        """What is in force. Raises ``SettingsError`` where the default file is wrong."""
        if cfg._read is None:
            raise cfg._problem or SettingsError("this configuration was never read")
        return cfg._read

    def get_param_info_list(cfg) -> list[Any]:
        shown = [ut.ParamInfo(name, DEFAULTS[name]) for name in cfg._changed_by]
        hidden = [name for name in DEFAULTS if name not in cfg._changed_by]
        return [
            *shown,
            *(ut.ParamInfo(name, DEFAULTS[name], hideif=_always) for name in hidden),
            ut.ParamInfo("config_path", None, hideif=_always),
            ut.ParamInfo("fingerprint", ""),
        ]

    def get_cfgstr(cfg, **kwargs: Any) -> str:
        cfg.fingerprint = cfg._fingerprint
        return str(super().get_cfgstr(**kwargs))

    def __getstate__(cfg) -> dict[str, Any]:
        return {each.varname: getattr(cfg, each.varname) for each in cfg.get_param_info_list()}

    def __setstate__(cfg, state: dict[str, Any]) -> None:
        type(cfg).__init__(cfg, **state)

    @cached_property
    def _fingerprint(cfg) -> str:
        return type(cfg)._digest(cfg.knobs, method_of(cfg.knobs))


def _always(cfg: Any) -> bool:  # noqa: ARG001
    return True


class LightGlueFeatureConfig(_KnobsConfig):
    """Of the table ``LightGlueFeatures``."""

    _changed_by = FEATURE_KNOBS
    _digest = staticmethod(features_digest)


class LightGlueConfig(_KnobsConfig):
    """Of the table and pipeline ``LightGlue``."""

    _changed_by = PAIR_KNOBS
    _digest = staticmethod(pairs_digest)
