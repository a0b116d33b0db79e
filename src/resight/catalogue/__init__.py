"""The catalogue of individuals: one folder that is never lost or silently wrong."""

from __future__ import annotations

from resight.catalogue.catalogue import Catalogue
from resight.catalogue.csvfile import plan_csv
from resight.catalogue.folders import folder_warnings
from resight.catalogue.importing import (
    BadSource,
    ImportPlan,
    PlannedPhoto,
    plan_folders,
    plan_pattern,
)
from resight.catalogue.individuals import version_of
from resight.catalogue.records import (
    REVIEWS,
    AddOutcome,
    AnnotationRecord,
    BackupReport,
    Change,
    Decision,
    Dismissal,
    Finding,
    IndividualSummary,
    Likeness,
    MergeConflict,
    Merged,
    MergedDecision,
    Opinion,
    Prepared,
    Purged,
    Shown,
)
from resight.catalogue.snapshot import State

__all__ = [
    "REVIEWS",
    "AddOutcome",
    "AnnotationRecord",
    "BackupReport",
    "BadSource",
    "Catalogue",
    "Change",
    "Decision",
    "Dismissal",
    "Finding",
    "ImportPlan",
    "IndividualSummary",
    "Likeness",
    "MergeConflict",
    "Merged",
    "MergedDecision",
    "Opinion",
    "PlannedPhoto",
    "Prepared",
    "Purged",
    "Shown",
    "State",
    "folder_warnings",
    "plan_csv",
    "plan_folders",
    "plan_pattern",
    "version_of",
]
