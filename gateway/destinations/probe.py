"""Ask a server whether we could write, by writing a comment: a reading's path and rights, no data."""

from __future__ import annotations

from collections.abc import Callable

from gateway.destinations.http_errors import Advice
from gateway.destinations.sink import Finding, LinesRefusedError, RetryLaterError, TooLargeError

# Line protocol's own comment syntax. Not an empty body: a server cannot gunzip that.
PROBE = "# dustline gateway check"


def check_by_writing(write_probe: Callable[[], None], advice: Advice) -> list[Finding]:
    try:
        write_probe()
    except RetryLaterError as error:
        if error.state == "connection":
            return [Finding(False, str(error), error.state)]
        return [Finding(True, f"{advice.where} answers"), Finding(False, str(error), error.state)]
    except TooLargeError as error:
        return [Finding(True, f"{advice.where} answers"), Finding(False, str(error))]
    except LinesRefusedError:
        # InfluxDB 2 looks at target and rights first and only then says that there are no points in it.
        pass
    return [Finding(True, f"{advice.where} answers"), Finding(True, f"may write to {advice.target}")]
