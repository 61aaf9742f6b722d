"""When a call is sent again, and after which pause.

A call that is sent again carries the same ids, so that it is applied once. It is sent again when its error is
``retryable``, until its deadline; an error that leaves no time for the pause is raised at once.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Callable, TypeVar

from .connection import Deadline
from .errors import UNKNOWN, ManaError

_Value = TypeVar("_Value")


@dataclass
class Retry:
    """How a client repeats calls.

    A call is sent at most ``attempts`` times. Each pause is drawn from zero to a bound that doubles from ``pause_first``
    to ``pause_max``, in seconds, so that a thousand clients do not come back at once; it is at least what the server
    asked for. Repetitions also come out of a budget: a call that succeeds adds a tenth to it, a repetition takes one,
    and it never holds more than ``budget``. A server that is in trouble is not given a multiple of its load.
    """

    attempts: int = 4
    pause_first: float = 0.05
    pause_max: float = 5.0
    budget: float = 10.0
    _left: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.pause_first <= 0 or self.pause_max < self.pause_first or self.budget < 0:
            raise ValueError("at least one attempt, pauses that are positive and grow, a budget from 0 on")
        self._left = self.budget

    def run(self, deadline: Deadline, call: Callable[[], _Value]) -> _Value:
        """What ``call`` returns. Raises its last error, as unknown when an earlier attempt may have been applied."""
        uncertain = False
        for attempt in range(self.attempts):
            try:
                value = call()
            except ManaError as error:
                uncertain = uncertain or error.execution == UNKNOWN
                if uncertain:
                    error.execution = UNKNOWN
                bound = min(self.pause_max, self.pause_first * 2.0**attempt)
                pause = max(random.uniform(0.0, bound), error.retry_after)
                left = deadline.remaining()
                is_last = attempt + 1 == self.attempts or self._left < 1.0 or (left is not None and left <= pause)
                if not error.retryable or is_last:
                    raise
                self._left -= 1.0
                time.sleep(pause)
            else:
                self._left = min(self.budget, self._left + 0.1)
                return value
        raise AssertionError("the last attempt returns or raises")
