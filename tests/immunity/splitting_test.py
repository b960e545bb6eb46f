"""One large thing split into many small ones, one after another or all at once, over restarts, and asked again after a denial."""
import concurrent.futures
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import POLICY, Keyturn  # noqa: E402

RULES = """\
- {id: often, match: {tool: [echo]}, when: history.count_1h >= 5, effect: deny}
- {id: first, match: {tool: [deploy]}, when: history.first_time, effect: require, require: {quorum: {sre: 1}, assurance: token, expires: 1h}}
- {id: stubborn, match: {tool: [append-soon]}, when: request.repeats_of_denied > 0, effect: deny}
- {id: wait, match: {tool: [append-soon]}, when: 'request.time < timestamp("2126-01-01T00:00:00Z")', effect: deny}
"""


class Splitting(unittest.TestCase):
    def setUp(self):
        self.k = Keyturn(policy=POLICY.replace("rules:\n", "rules:\n" + RULES, 1))
        self.addCleanup(self.k.close)

    def repeats(self, text):
        explained = self.k.post("/v1/policy/explain", "ada", {"agent": "bot", "tool": "append-soon", "args": {"text": text}})
        rule = next(r for r in explained.json["rules"] if r["rule"] == "stubborn")
        return rule["when"]["reads"]["request.repeats_of_denied"]

    def test_many_at_once_are_not_each_among_the_first(self):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda n: self.k.request("echo", {"text": str(n)}, wait=20).json, range(40)))
        allowed = [a for a in answers if a["verdict"]["effect"] == "allow"]
        self.assertEqual(len(allowed), 5)
        self.assertEqual({a["state"] for a in answers}, {"succeeded", "denied"})

    def test_the_count_survives_restart_crash_and_the_loss_of_the_lists(self):
        for n in range(5):
            self.assertEqual(self.k.request("echo", {"text": str(n)}, wait=20).json["state"], "succeeded")
        self.k.restart()
        self.assertEqual(self.k.request("echo", {"text": "restarted"}).json["state"], "denied")
        self.k.kill9()
        self.k.start()
        self.assertEqual(self.k.request("echo", {"text": "crashed"}).json["state"], "denied")
        self.k.stop()
        for name in ("read.db", "read.db-wal", "read.db-shm"):
            (self.k.data / name).unlink(missing_ok=True)
        self.k.start()
        self.assertEqual(self.k.request("echo", {"text": "lists lost"}).json["state"], "denied")
        self.assertEqual(self.k.request("echo", {"text": "another agent"}, "bot2", wait=20).json["state"], "succeeded")

    def test_the_first_time_is_the_first_time_once(self):
        self.assertEqual(self.k.request("deploy", {"ref": "v1"}).json["state"], "pending")
        self.assertEqual(self.k.request("deploy", {"ref": "v1"}).json["state"], "approved")
        self.k.restart()
        self.assertEqual(self.k.request("deploy", {"ref": "v1"}).json["state"], "approved")

    def test_what_was_denied_is_known_when_it_is_asked_again_also_after_a_restart(self):
        first = self.k.request("append-soon", {"text": "x"}).json
        self.assertEqual(first["state"], "denied")
        for restart in (False, True):
            if restart:
                self.k.restart()
            repeats = [self.repeats("x"), self.repeats("y")]
            self.assertEqual(repeats, [1, 0])


if __name__ == "__main__":
    unittest.main()
