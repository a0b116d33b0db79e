"""Long work as small resumable steps, which outlives the program: jobs of one catalogue.

``worker`` runs them one at a time, ``store`` keeps them, ``kinds`` are what can be asked for.
"""

from resight.jobs.kinds import bulk_kinds
from resight.jobs.records import ACTIVE, Job, State
from resight.jobs.worker import Jobs, Kind, Task

__all__ = ["ACTIVE", "Job", "Jobs", "Kind", "State", "Task", "bulk_kinds"]
