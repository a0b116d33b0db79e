"""Weights files: what there is, where it is, how it comes and how it is read."""

from resight.models.checkpoint import read_checkpoint
from resight.models.fetch import ALREADY_THERE, Fetched, fetch, fetch_all
from resight.models.folder import WeightsStatus, models_folder, status, verify, weights_path
from resight.models.sources import Progress
from resight.models.table import DEFAULT_WEIGHTS, WEIGHTS, PackageFile, Paper, WeightsFile, weights

__all__ = [
    "ALREADY_THERE",
    "DEFAULT_WEIGHTS",
    "WEIGHTS",
    "Fetched",
    "PackageFile",
    "Paper",
    "Progress",
    "WeightsFile",
    "WeightsStatus",
    "fetch",
    "fetch_all",
    "models_folder",
    "read_checkpoint",
    "status",
    "verify",
    "weights",
    "weights_path",
]
