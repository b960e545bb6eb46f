"""strace on threads of a running server: faults that the kernel seems to make, and the trace of what was written."""
import os
import pathlib
import re
import select
import subprocess
import time


class CannotTrace(AssertionError):
    """A machine that forbids ptrace cannot run these tests: that is a failure with a reason, not a pass."""


def thread_of(process, name):
    """The id of the thread of this name (16 bytes of it)."""
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return int(task.name)
    raise AssertionError(f"no thread {name!r}")


class Strace:
    """Attached when the constructor returns; ends when what it traces ends, or at stop()."""

    def __init__(self, *arguments, pids, deadline=30):
        targets = [word for pid in pids for word in ("-p", str(pid))]
        try:
            self.process = subprocess.Popen(["strace", *arguments, *targets], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.PIPE, env=dict(os.environ, LC_ALL="C"))
        except FileNotFoundError:
            raise CannotTrace("strace is not installed: tools/setup.sh installs it") from None
        self.said, waiting, until = "", len(pids), time.monotonic() + deadline
        while waiting > 0:
            ready, _, _ = select.select([self.process.stderr], [], [], max(0.0, until - time.monotonic()))
            more = os.read(self.process.stderr.fileno(), 65536).decode() if ready else ""
            self.said += more
            waiting = len(pids) - len(re.findall(r"^strace: Process \d+ attached", self.said, re.M))
            if waiting > 0 and not more:
                self.process.kill()
                self.process.wait()
                raise CannotTrace("strace could not attach to the server (the server lets only root; or ptrace is forbidden here, by "
                                  f"kernel.yama.ptrace_scope, seccomp or a container without CAP_SYS_PTRACE): {self.said.strip() or 'it said nothing'}")

    def stop(self):
        """Detaches, and waits for the whole trace."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(30)
        self.process.stderr.close()
