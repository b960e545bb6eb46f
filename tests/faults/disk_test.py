"""The disk fails under a running server: EIO, ENOSPC, short writes, a kill at every write. Nothing is released that is not recorded, and
what was acknowledged is there afterwards.

strace makes the faults: in the thread that writes the journal, at the n-th call of its kind. A machine that forbids it fails here.
"""
import pathlib
import resource
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from record import Clients, Record, server  # noqa: E402
from strace import Strace, thread_of  # noqa: E402
from support.keyturn import DEADLINE  # noqa: E402

GAVE_UP = 70

# From the first call on, before anybody asks: then nothing at all may be acknowledged.
AT_ONCE = {
    "EIO on fdatasync": "fdatasync:error=EIO",
    "EIO on the first fdatasync alone": "fdatasync:error=EIO:when=1",
    "ENOSPC on write": "pwrite64:error=ENOSPC",
    "ENOSPC on the first write alone": "pwrite64:error=ENOSPC:when=1",
    "ENOSPC on a later write of the commit": "pwrite64:error=ENOSPC:when=4",
    "EIO on write": "pwrite64:error=EIO:when=2+",
    "EDQUOT on write": "pwrite64:error=EDQUOT:when=3",
    "EROFS on write": "pwrite64:error=EROFS",
    "a write that writes nothing": "pwrite64:retval=0:when=3",
}
# Later, with all of them at work.
UNDER_LOAD = {
    "EIO on the 9th fdatasync": "fdatasync:error=EIO:when=9+",
    "EIO on the 16th fdatasync alone": "fdatasync:error=EIO:when=16",
    "ENOSPC on the 150th write": "pwrite64:error=ENOSPC:when=150+",
    "ENOSPC on the 261st write alone": "pwrite64:error=ENOSPC:when=261",
    "the 340th write writes nothing": "pwrite64:retval=0:when=340",
}
KILLS = [*(f"pwrite64:signal=SIGKILL:when={n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 23, 34, 49, 70, 101)),
         *(f"fdatasync:signal=SIGKILL:when={n}" for n in (1, 2, 3, 5, 9))]


class Disk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = server()
        cls.addClassCleanup(cls.k.close)

    def setUp(self):
        if not self.k.running:
            self.k.start()
        self.record = Record(self, self.k)
        self.record.read_new()

    def inject(self, what):
        return self.strace("-e", f"trace={what.split(':')[0]}", "-e", f"inject={what}", pids=[thread_of(self.k.process, "kt-journal")])

    def strace(self, *arguments, pids):
        tracer = Strace("-o", "/dev/null", *arguments, pids=pids)
        self.addCleanup(tracer.stop)
        return tracer

    def ended(self, by):
        """The server ends by itself, and says why."""
        try:
            code = self.k.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.fail(f"it goes on after {by}:\n{self.k.stderr()[-2000:]}")
        self.k._reader.join(DEADLINE)
        self.k.process.stdout.close()
        return code

    def goes_on(self, clients):
        """Without the fault: all that was acknowledged is there, and new work is done."""
        self.k.start()
        self.record.check(clients)
        self.assertEqual(self.k.request("echo", {"text": "after"}, "load0", wait=20).json["state"], "succeeded")

    def test_a_disk_that_fails_at_once_acknowledges_and_releases_nothing(self):
        for number, (name, what) in enumerate(AT_ONCE.items()):
            with self.subTest(name):
                if not self.k.running:
                    self.k.start()
                before, said = self.k.lines(), len(self.k.stderr())
                tracer = self.inject(what)
                clients = Clients(self.k, f"once{number}").start(read_from=len(self.record.leaves))
                self.assertEqual(self.ended(name), GAVE_UP, self.k.stderr()[said:])
                tracer.stop()
                clients.join()
                self.assertIn("nothing is answered that may not be recorded", self.k.stderr()[said:])
                self.assertEqual((clients.answers, clients.grants), (0, {}), "acknowledged without evidence")
                self.assertEqual(self.k.lines(), before, "executed without evidence")
                self.goes_on(clients)

    def test_a_disk_that_fails_under_load_loses_nothing_that_was_acknowledged(self):
        for number, (name, what) in enumerate(UNDER_LOAD.items()):
            with self.subTest(name):
                if not self.k.running:
                    self.k.start()
                said = len(self.k.stderr())
                tracer = self.inject(what)
                clients = Clients(self.k, f"load{number}").start(read_from=len(self.record.leaves))
                self.assertEqual(self.ended(name), GAVE_UP, self.k.stderr()[said:])
                tracer.stop()
                clients.join()
                self.assertGreater(clients.answers, 0)
                self.goes_on(clients)
        self.record.check_all()

    def test_killed_at_the_nth_write_or_sync_it_loses_nothing_that_was_acknowledged(self):
        for number, what in enumerate(KILLS):
            with self.subTest(what):
                if not self.k.running:
                    self.k.start()
                tracer = self.inject(what)
                clients = Clients(self.k, f"kill{number}").start(read_from=len(self.record.leaves))
                self.assertEqual(self.ended(what), -9)
                tracer.stop()
                clients.join()
                self.goes_on(clients)
        self.record.check_all()

    def test_writes_that_are_cut_short_by_a_full_disk_acknowledge_nothing(self):
        """A file size limit: the kernel writes what fits, then EFBIG, which is what a disk does that becomes full."""
        for number, more in enumerate((0, 10, 24, 100, 4096, 5000, 9000)):
            with self.subTest(more=more):
                self.k.restart()
                before, said = self.k.lines(), len(self.k.stderr())
                self.k.request("echo", {"text": "the log has its pages"}, "load0", wait=20)
                self.record.read_new()
                limit = (self.k.data / "journal.db-wal").stat().st_size + more
                resource.prlimit(self.k.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
                clients = Clients(self.k, f"short{number}").start(read_from=len(self.record.leaves))
                self.assertEqual(self.ended(f"{more} more bytes"), GAVE_UP, self.k.stderr()[said:])
                clients.join()
                self.assertEqual((clients.answers, clients.grants), (0, {}), "acknowledged without evidence")
                self.assertEqual(self.k.lines(), before, "executed without evidence")
                self.goes_on(clients)

    def test_no_checkpoint_is_signed_that_could_not_be_noted_first(self):
        """EIO where the last signed size is kept: the old checkpoint stands, with an alarm, and the log goes on."""
        said = len(self.k.stderr())
        note = self.k.get("/checkpoint").body
        tracer = self.strace("-f", "-P", str(self.k.data / "keys/last-signed.new"),
                             "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO", pids=[self.k.process.pid])
        self.assertEqual(self.k.request("echo", {"text": "goes on"}, "load0", wait=20).json["state"], "succeeded")
        self.k.wait_stderr("ALARM", said)
        self.assertEqual(self.k.get("/checkpoint").body, note)
        tracer.stop()
        clients = Clients(self.k, "signing").start(read_from=len(self.record.leaves))
        self.assertTrue(clients.signed.wait(DEADLINE), "it signs again once it can")
        self.k.kill9()
        clients.join()
        self.goes_on(clients)
        self.record.check_all()


if __name__ == "__main__":
    unittest.main()
