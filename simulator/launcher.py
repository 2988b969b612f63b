"""Become another program that dies with its parent: python launcher.py PARENT_PID PROGRAM [ARGUMENT...].

Linux: the kernel kills us when the parent is gone (PR_SET_PDEATHSIG, kept over exec), even after kill -9.
More exactly when the parent's *thread* that started us ends, so start it from a thread that outlives it.
Elsewhere: this program stays in between and looks twice a second whether the parent still lives.
Either way the program inherits the files that we did.
"""

import os
import signal
import subprocess
import sys
import time
from types import FrameType

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> int:
    if sys.platform != "linux":
        return _watch(parent, command)
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        print(f"launcher: prctl: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        return 71
    if os.getppid() != parent:  # it died before prctl took effect
        return 70
    return os.execv(command[0], command)  # noqa: S606 - becoming the program is the point


def _watch(parent: int, command: list[str]) -> int:
    child = subprocess.Popen(command, close_fds=False)

    def pass_on(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    while child.poll() is None:
        if os.getppid() != parent:
            child.kill()
        time.sleep(0.5)
    code = child.returncode
    if code < 0:  # end as the child did, so that our parent sees the same
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
