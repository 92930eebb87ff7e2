"""What jobs do, one file per kind: a function of what was asked, that goes on from a checkpoint and may be stopped."""

from hwnas.service.tasks.registry import TASKS, get_task
from hwnas.service.tasks.task import Made, Stopped, Task, Work

__all__ = ["TASKS", "Made", "Stopped", "Task", "Work", "get_task"]
