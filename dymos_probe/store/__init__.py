"""The store: one labelled dataset a study, written run by run, read lazily."""

from dymos_probe.store.metric_values import Scores, write_metric, write_scores
from dymos_probe.store.reader import open_study, verify_study
from dymos_probe.store.schedules import read_schedule, schedule_names, write_schedule
from dymos_probe.store.schema import AttentionShape, Condition, Run, Sample, video_path
from dymos_probe.store.study_file import check_config, json_strengths, read_config, storage_errors
from dymos_probe.store.writer import (
    completed_runs,
    create_study,
    extend_study,
    finish_study,
    forget_run,
    is_created,
    write_run,
)

__all__ = [
    "AttentionShape",
    "Condition",
    "Run",
    "Sample",
    "Scores",
    "check_config",
    "completed_runs",
    "create_study",
    "extend_study",
    "finish_study",
    "forget_run",
    "is_created",
    "json_strengths",
    "open_study",
    "read_config",
    "read_schedule",
    "schedule_names",
    "storage_errors",
    "verify_study",
    "video_path",
    "write_metric",
    "write_run",
    "write_schedule",
    "write_scores",
]
