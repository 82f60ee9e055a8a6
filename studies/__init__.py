"""What the project's claims stand on: one folder a study, rerun by ``python -m studies``."""
