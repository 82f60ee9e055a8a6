"""Generations in a worker process of their own: submitted, watched, cancelled and kept through plain files.

Nothing here loads torch; the worker does.
"""

from dymos_probe.jobs.folder import JobFiles
from dymos_probe.jobs.keep import compatible, keep
from dymos_probe.jobs.offered import OfferedPair, offered_pairs
from dymos_probe.jobs.queue import Job, cancel, forget, job, jobs, state, submit
from dymos_probe.jobs.request import Request
from dymos_probe.jobs.start import ensure_worker
from dymos_probe.jobs.state import State
from dymos_probe.jobs.upload import UploadLimits, read_upload

__all__ = [
    "Job",
    "JobFiles",
    "OfferedPair",
    "Request",
    "State",
    "UploadLimits",
    "cancel",
    "compatible",
    "ensure_worker",
    "forget",
    "job",
    "jobs",
    "keep",
    "offered_pairs",
    "read_upload",
    "state",
    "submit",
]
