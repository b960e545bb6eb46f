"""The disk fails beside the journal: where the helper notes what it starts, and where the lists for people are kept.

What cannot be noted is not started, what was started is never started again, and without lists decisions go on.
"""
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from record import Record, server  # noqa: E402
from strace import Strace  # noqa: E402
from support.keyturn import DEADLINE  # noqa: E402

NOT_STARTED = ("write:error=ENOSPC", "write:error=EIO:when=1", "write:retval=0", "fdatasync:error=EIO", "fdatasync:error=EIO:when=1")
# The second of each kind is of the outcome, or of the next start; a kill ends the helper.
DOUBTFUL = ("write:error=ENOSPC:when=2", "fdatasync:error=EIO:when=2", "write:signal=SIGKILL:when=1", "fdatasync:signal=SIGKILL:when=1",
            "write:signal=SIGKILL:when=2", "fdatasync:signal=SIGKILL:when=2")


def helpers(data):
    """The processes that run programs for this data folder."""
    found = []
    for process in pathlib.Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0") if process.name.isdigit() else []
        except OSError:
            continue  # it has ended
        if "exec-helper" in words and str(data) in words:
            found.append(int(process.name))
    return found


class Spool(unittest.TestCase):
    def setUp(self):
        self.k = server()
        self.addCleanup(self.k.close)

    def approved(self, text):
        action = self.k.request("append", {"text": text}, "load0").json
        for who in ("bob", "carol"):
            self.assertEqual(self.k.vote(action, who).status, 200)
        return self.k.settled(action["id"], "ada")

    def strace(self, *arguments, pids):
        tracer = Strace("-o", "/dev/null", *arguments, pids=pids)
        self.addCleanup(tracer.stop)
        return tracer

    def inject(self, what):
        [helper] = helpers(self.k.data)
        return self.strace("-P", str(self.k.data / "spool/exec/journal"), "-e", f"trace={what.split(':')[0]}", "-e", f"inject={what}", pids=[helper])

    def listed(self):
        """The ids of the list for people, once it has caught up."""
        deadline = time.monotonic() + DEADLINE
        while (answer := self.k.get("/v1/actions", "ada")).status != 200 and time.monotonic() < deadline:
            time.sleep(0.02)  # between looks; the verdict is the look
        self.assertEqual(answer.status, 200, answer)
        return [item["id"] for item in answer.json["items"]]

    def check_record(self):
        record = Record(self, self.k)
        record.read_new()
        record.check_all()

    def test_what_cannot_be_noted_is_not_started_and_says_why(self):
        for what in NOT_STARTED:
            with self.subTest(what):
                tracer = self.inject(what)
                after = self.approved(what)
                tracer.stop()
                self.assertEqual(after["state"], "failed", after)
                self.assertIn("spool", after["outcome"]["error"])
                self.assertNotIn(what, self.k.lines(), "it ran")
                self.assertEqual(self.approved(f"after {what}")["state"], "succeeded")
                self.assertEqual(self.k.lines().count(f"after {what}"), 1)
        self.check_record()

    def test_an_outcome_that_cannot_be_noted_and_a_helper_that_is_killed_run_nothing_twice(self):
        for what in DOUBTFUL:
            with self.subTest(what):
                tracer = self.inject(what)
                actions = [self.approved(f"{what} {n}") for n in range(3)]
                tracer.stop()
                self.k.restart()
                for n, action in enumerate(actions):
                    after, ran = self.k.settled(action["id"], "ada"), self.k.lines().count(f"{what} {n}")
                    self.assertEqual(after["state"], action["state"], "final is final")
                    self.assertIn(ran, {"succeeded": (1,), "failed": (0,), "unknown": (0, 1)}[after["state"]], after)
                self.assertEqual(self.approved(f"after {what}")["state"], "succeeded")
        self.check_record()

    def test_without_lists_decisions_and_evidence_go_on(self):
        for what in ("pwrite64:error=ENOSPC", "pwrite64:error=EIO:when=2"):
            with self.subTest(what):
                said = len(self.k.stderr())
                tracer = self.strace("-f", "-P", str(self.k.data / "read.db-wal"), "-e", "trace=pwrite64", "-e", f"inject={what}", pids=[self.k.process.pid])
                self.assertEqual(self.approved(what)["state"], "succeeded")
                self.k.wait_stderr("lists and search are off", said)
                tracer.stop()
                self.assertEqual(self.k.get("/v1/actions", "ada").status, 503)
                last = self.approved(f"more {what}")
                self.assertEqual(last["state"], "succeeded")
                self.k.restart()
                self.assertIn(last["id"], self.listed(), "the lists are made anew from the journal")
        self.check_record()


if __name__ == "__main__":
    unittest.main()
