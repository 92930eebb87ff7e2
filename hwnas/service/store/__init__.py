"""What the service keeps: jobs, devices of users, idempotency keys. The only importer of SQLAlchemy."""

from hwnas.service.store.database import Database, open_database
from hwnas.service.store.errors import StoreError
from hwnas.service.store.forms import FINAL, Job, Kind, State

__all__ = ["FINAL", "Database", "Job", "Kind", "State", "StoreError", "open_database"]
