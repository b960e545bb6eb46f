"""Witnesses: what they cosign, what they refuse, and what waits for them; a log that was rolled back is read, and not written."""
import base64
import contextlib
import hashlib
import http.client
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.passkey import Browser  # noqa: E402
from support.keyturn import BIN, DEADLINE, POLICY, TOOLS, Keyturn, end_helper, free_port, until  # noqa: E402

RULES = """\
- {id: cosigned, match: {tool: [append-cosigned]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h, evidence: cosigned}}
- {id: cosigned-grant, match: {tool: [deploy-cosigned]}, effect: require, require: {quorum: {sre: 1}, assurance: token, expires: 1h, evidence: cosigned}}
- {id: published, match: {tool: [append-published]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h, evidence: published}}
"""
OWN = "".join(f"""\
  {name}:
    exec: [@WORK@/append.sh, "{{{{text}}}}"]
    params: {{text: {{type: string, bytes_max: 20000}}}}
    operation: write
    resource: {{kind: file, name: lines, env: prod}}
    sandbox: none
""" for name in ("append-cosigned", "append-published")) + """\
  deploy-cosigned:
    params: {ref: {type: string}}
    resource: {kind: service, name: web, env: prod}
    operation: deploy
    mode: grant
    enforcement_point: deployer
"""


class Witness:
    """`keyturn witness`, as a process of its own."""

    def __init__(self, *logs):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keyturn-witness-"))
        self.port, self.process, self.logs = free_port(), None, list(logs)
        self.key = self.run("--print-key").stdout.strip()

    def words(self):
        return [str(BIN), "witness", "--data", str(self.folder / "w")]

    def run(self, *more):
        return subprocess.run([*self.words(), *more], capture_output=True, text=True, timeout=DEADLINE, check=True)

    def start(self):
        logs = [word for log in self.logs for word in ("--log", log)]
        self.process = subprocess.Popen([*self.words(), "--listen", f"127.0.0.1:{self.port}", *logs], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = self.process.stdout.readline()
        assert "witnessing on" in said, said
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(DEADLINE)
        if self.process:
            self.process.stdout.close()
        self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def post(self, body, path="/add-checkpoint"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        with contextlib.closing(connection):
            connection.request("POST", path, body.encode() if isinstance(body, str) else body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers.get_content_type()


def config(witness):
    return f"witnesses:\n- {{url: 'http://127.0.0.1:{witness.port}', key: '{witness.key}'}}\n"


class Cosigned(unittest.TestCase):
    def setup(self, started=True):
        k = Keyturn(policy=POLICY + RULES, tools=TOOLS + OWN, start=False)
        self.addCleanup(k.close)
        witness = Witness(k.vkey)
        self.addCleanup(witness.close)
        if started:
            witness.start()
        k.config_file.write_text(config(witness))
        k.start()
        return k, witness

    def test_the_checkpoint_carries_the_cosignature_and_verify_asks_for_it(self):
        k, witness = self.setup()
        last = k.request("echo", {"text": "seen by a witness"}, wait=20).json["ledger"]
        size = last.get("last_index", last["index"]) + 1
        until(lambda: k.get("/v1/ledger", "ada").json["cosigned_size"] >= size, "nothing was cosigned")
        note = k.get("/checkpoint").body.decode()
        self.assertIn("— " + witness.key.split("+")[0] + " ", note)
        good = k.cli("verify", k.url, "--key", k.vkey, "--witness", witness.key, token="ada", check=False)
        self.assertEqual(good.code, 0, good.out + good.err)
        self.assertIn("cosigned by", good.out)
        other = Witness(k.vkey)
        self.addCleanup(other.close)
        bad = k.cli("verify", k.url, "--key", k.vkey, "--witness", other.key, token="ada", check=False)
        self.assertEqual(bad.code, 3, "a witness that did not cosign: " + bad.out)
        out = k.folder / "evidence"
        k.cli("evidence", "--out", out, token="ada")
        for key, code in ((witness.key, 0), (other.key, 3)):
            words = ["--key", k.vkey, "--witness", key]
            self.assertEqual(k.cli("verify", out, *words, check=False).code, code)
            script = subprocess.run([sys.executable, "-I", str(out / "verify.py"), *words], capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual(script.returncode, code, script.stdout + script.stderr)
            self.assertEqual(", cosigned by " + key.split("+")[0] in script.stdout, code == 0, script.stdout)
        self.assertIn("not checked  checkpoint: the cosignature of", k.cli("verify", out, "--key", k.vkey).out)

    def test_a_release_waits_for_the_cosignature(self):
        k, witness = self.setup(started=False)
        action = k.request("append-cosigned", {"text": "when witnessed"}).json
        voted = k.vote(action, "bob").json
        self.assertEqual((voted["state"], voted["awaiting_evidence"]), ("approved", "cosigned"), voted)
        self.assertEqual(k.action(action["id"], wait=1).json["awaiting_evidence"], "cosigned")
        published = k.request("append-published", {"text": "when published"}).json
        k.vote(published, "bob")
        self.assertEqual(k.settled(published["id"])["state"], "succeeded")
        self.assertEqual(k.lines(), ["when published"], "nothing ran before a witness had seen its approval")
        self.assertEqual(k.action(action["id"]).json["state"], "approved")
        k.restart()  # what waits for evidence survives
        self.assertEqual(k.lines(), ["when published"])
        witness.start()
        self.assertEqual(k.settled(action["id"])["state"], "succeeded")
        self.assertEqual(k.lines(), ["when published", "when witnessed"])
        events = [moment["type"] for moment in k.get(f"/v1/actions/{action['id']}/timeline", "ada").json["items"]]
        self.assertLess(events.index("review.closed"), events.index("release.held"))
        self.assertLess(events.index("release.held"), events.index("execution.intended"))

    def test_a_grant_waits_too_and_a_cancelled_one_never_comes(self):
        k, witness = self.setup(started=False)
        one, two = (k.request("deploy-cosigned", {"ref": ref}).json for ref in ("v1", "v2"))
        for action in (one, two):
            self.assertEqual(k.vote(action, "carol").json["awaiting_evidence"], "cosigned")
            self.assertIsNone(k.action(action["id"], "bot").json["grant"], "the agent has none before the witness has seen it")
        self.assertEqual(k.post(f"/v1/actions/{two['id']}/cancel", "bot").status, 200)
        witness.start()
        got = until(lambda: k.action(one["id"], "bot").json.get("grant"), "no grant came")
        self.assertEqual(k.post("/v1/grants/consume", "deployer", {"grant": got, "digest": k.action(one["id"]).json["digest"]}).status, 200)
        self.assertEqual(k.action(two["id"]).json["state"], "cancelled")
        self.assertIsNone(k.action(two["id"], "bot").json["grant"])

    def test_evidence_that_policy_asks_for_by_now_is_waited_for(self):
        """What was asked for before the policy changed is released under the new one."""
        k, witness = self.setup(started=False)
        action = k.request("append-one", {"text": "asked before"}).json
        k.write_policy((POLICY + RULES).replace("tool: [append-one, slow-one]}, effect: require, require: {quorum: {dba: 1}, assurance: token,",
                                                "tool: [append-one, slow-one]}, effect: require, require: {quorum: {dba: 1}, assurance: token, evidence: cosigned,"))
        k.reload()
        voted = k.vote(action, "bob").json
        self.assertEqual((voted["state"], voted["awaiting_evidence"]), ("approved", "cosigned"), voted)
        self.assertEqual(k.lines(), [])
        self.assertEqual(k.post(f"/v1/actions/{action['id']}/cancel", "bot").status, 200)
        self.assertNotIn("awaiting_evidence", k.action(action["id"]).json, "it waits for nothing any more")

    def test_what_was_held_and_went_back_to_review_is_held_and_released_again(self):
        k, witness = self.setup(started=False)
        action = k.request("append-cosigned", {"text": "reviewed twice"}).json
        self.assertEqual(k.vote(action, "bob").json["awaiting_evidence"], "cosigned")
        k.write_tools((TOOLS + OWN).replace("  append-cosigned:\n", "  append-cosigned:\n    timeout: 30s\n"))
        k.reload()
        witness.start()
        again = until(lambda: (lambda now: now if now["state"] == "pending" else None)(k.action(action["id"], "bob").json), "another tool: people look again")
        self.assertEqual(k.lines(), [])
        witness.stop()
        voted = k.vote(again, "bob").json
        self.assertEqual((voted["state"], voted.get("awaiting_evidence")), ("approved", "cosigned"), voted)
        witness.start()
        self.assertEqual(k.settled(action["id"])["state"], "succeeded")
        self.assertEqual(k.lines(), ["reviewed twice"])

    def test_a_host_command_with_the_server_stopped_asks_the_witness_and_ends(self):
        k, witness = self.setup()
        k.request("echo", {"text": "x"}, wait=20)
        k.stop()
        end_helper(k.data)
        for n in range(8):
            k.host("person", "add", f"p{n}", "--config", k.config_file)
        for n in range(3):
            done = k.host("ledger", "rotate-key", "--reason", "again", "--config", k.config_file)
            self.assertEqual(set(re.findall(r"Z witness ([^:]*):", done.err)) - {witness.key.split("+")[0]}, set(), done.err)

    def test_what_a_witness_refuses(self):
        k, witness = self.setup()
        size = int(k.get("/checkpoint").body.decode().splitlines()[1])
        until(lambda: k.get("/v1/ledger", "ada").json["cosigned_size"] >= size, "nothing was cosigned")
        k.stop()  # nothing moves any more
        end_helper(k.data)
        status, body, kind = witness.post("old 0\n\n" + "x")
        self.assertEqual(status, 404)
        k.start()
        k.request("echo", {"text": "more"}, wait=20)
        note = k.get("/checkpoint").body.decode()
        seen = until(lambda: k.get("/v1/ledger", "ada").json["cosigned_size"], "nothing")
        plain = note[:note.index("\n\n") + 2] + next(line + "\n" for line in note.splitlines() if line.startswith("— " + k.vkey.split("+")[0]))
        status, body, kind = witness.post(f"old {seen + 1000}\n\n{plain}")
        self.assertEqual(status, 400)
        status, body, kind = witness.post("old 1\n\n" + plain)
        self.assertEqual((status, kind), (409, "text/x.tlog.size"))
        self.assertRegex(body, r"^[1-9][0-9]*\n$")
        for text, want in ((plain.replace("\n", "\n\n", 1), 400), (plain[:plain.index("\n\n") + 2], 403), (plain.replace("— keyturn", "— other"), 403),
                           (re.sub(r"^(\S+)\n", r"another.log\n", plain, count=1), 404)):
            self.assertIn(witness.post(f"old {int(body)}\n\n{text}")[0], (want, 400, 403), text)
        bogus = base64.b64encode(hashlib.sha256(b"no hash of this tree").digest()).decode()
        current = int(witness.post("old 1\n\n" + plain)[1])
        if int(plain.splitlines()[1]) == current:
            self.assertEqual(witness.post(f"old {current}\n{bogus}\n\n{plain}")[0], 422)
        self.assertEqual(witness.post(b"\xff\xfe", "/add-checkpoint")[0], 400)

    def test_a_whole_folder_restored_from_a_backup_is_noticed_by_the_witness(self):
        """Even with its own memory of what was signed restored, too: the witness has seen more."""
        k, witness = self.setup()
        k.request("append", {"text": "before the backup"})
        k.back_up()
        last = k.request("echo", {"text": "after the backup"}, wait=20).json["ledger"]
        until(lambda: k.get("/v1/ledger", "ada").json["cosigned_size"] > last["index"], "nothing was cosigned")
        k.restore(databases=())
        k.start()
        self.assertIn("ALARM", k.stderr())
        self.assertReadOnly(k)

    def assertReadOnly(self, k):
        alarm = k.get("/v1/ledger", "ada").json["alarm"]
        self.assertIn(alarm["code"], ("rolled_back", "forked"))
        refused = k.request("echo", {"text": "x"})
        self.assertEqual((refused.status, refused.code), (503, "read_only"))
        self.assertEqual(k.get("/readyz").status, 503)
        self.assertEqual(k.get("/checkpoint").status, 503, "no second signature for anything")
        self.assertTrue(k.get("/v1/me", "ada").json["read_only"])
        self.assertIn("keyturn_ledger_alarm 1", k.get("/metrics").body.decode())
        items = k.get("/v1/actions", "ada").json["items"]
        self.assertTrue(items, "what there is can be looked at")
        self.assertEqual(k.get("/v1/actions/" + items[0]["id"], "ada").status, 200)
        self.assertEqual(k.get("/v1/ledger/entries?from=0&limit=5", "ada").status, 200)
        voted = [item for item in items if item["state"] == "pending"]
        if voted:
            self.assertEqual(k.vote(voted[0], "bob").status, 503)

    def test_a_restored_journal_is_served_and_not_written(self):
        k = Keyturn()
        self.addCleanup(k.close)
        k.request("append", {"text": "waits for people"})
        k.back_up()
        last = k.request("echo", {"text": "after"}, wait=20).json["ledger"]
        until(lambda: k.get("/v1/ledger", "ada").json["size"] > last["index"], "no checkpoint")
        k.restore()
        before = sorted((path.name, path.read_bytes()) for path in (k.data / "keys").iterdir())
        k.start()
        self.assertReadOnly(k)
        k.stop()
        self.assertEqual(before, sorted((path.name, path.read_bytes()) for path in (k.data / "keys").iterdir()), "nothing was signed")

    def rolled_back(self, k):
        k.request("append", {"text": "waits for people"})
        k.back_up()
        for n in range(3):
            last = k.request("echo", {"text": f"lost {n}"}, wait=20).json["ledger"]
        until(lambda: k.get("/v1/ledger", "ada").json["size"] > last.get("last_index", last["index"]), "no checkpoint")
        kept = k.folder / "kept"
        kept.write_bytes(k.get("/checkpoint").body)
        k.restore()
        return kept

    def test_a_log_that_lost_entries_begins_a_new_epoch_that_says_so(self):
        k = Keyturn()
        self.addCleanup(k.close)
        self.assertIn("nothing to restart", self.stopped(k, "ledger", "restart", "--reason", "for fun").err)
        k.start()
        kept = self.rolled_back(k)
        signed = int(kept.read_text().splitlines()[1])
        done = self.stopped(k, "ledger", "restart", "--reason", "the disk died; restored from tonight's backup", code=0)
        vkey = done.last
        self.assertIn("/epoch-2+", vkey)
        k.start()
        self.assertEqual(k.get("/readyz").status, 200)
        self.assertEqual(k.request("echo", {"text": "it goes on"}, wait=20).json["state"], "succeeded")
        ledger = until(lambda: (lambda it: it if it["size"] > 0 else None)(k.get("/v1/ledger", "ada").json), "no checkpoint")
        self.assertEqual(ledger["vkey"], vkey)
        good = k.cli("verify", k.url, "--key", vkey, token="ada", check=False)
        self.assertEqual(good.code, 0, good.out + good.err)
        missing = int(re.search(r"restarted here: of (\S+), (\d+) signed entries are missing", good.out)[2])
        self.assertEqual(missing, signed - self.restarted(k)["present"]["size"])
        self.assertEqual(self.restarted(k)["previous"]["size"], signed)
        old = k.cli("verify", k.url, "--key", k.vkey, token="ada", check=False)
        self.assertEqual(old.code, 3, "the old key signs nothing of the new epoch")
        self.assertIn("nothing to restart", self.stopped(k, "ledger", "restart", "--reason", "again").err)
        self.assertEqual(k.host("fsck", check=False).code, 0)

    def restarted(self, k):
        entries = k.get("/v1/ledger/entries?from=0&limit=256", "ada").json["items"]
        leaves = [json.loads(base64.b64decode(entry["leaf"])) for entry in entries]
        return next(leaf for leaf in leaves if leaf["type"] == "ledger.restarted")

    def stopped(self, k, *words, code=None):
        k.stop()
        end_helper(k.data)
        done = k.host(*words, check=False)
        if code is not None:
            self.assertEqual(done.code, code, done.err)
        return done

    def test_a_sealed_one_asks_two_administrators(self):
        k = Keyturn(people={"ada": [], "ben": ["administrators"], "olga": [], "bob": ["dba"], "erin": ["dba"], "carol": ["sre"], "dave": ["sre"]})
        self.addCleanup(k.close)
        browsers = [Browser(k, name) for name in ("ada", "ben", "bob")]
        files = []
        for browser in browsers:
            files.append(k.folder / f"token-{len(files)}")
            files[-1].write_text(browser.post("/v1/tokens", {}).json["token"] + "\n")
        k.host("seal")
        k.tokens["ada"] = files[0].read_text().strip()
        self.rolled_back(k)
        ada, ben, bob = files
        for given in ([], [ada], [ada, ada], [ada, bob]):
            done = k.host("ledger", "restart", "--reason", "x", *(w for f in given for w in ("--approver-token", f)), check=False)
            self.assertNotEqual(done.code, 0, given)
        done = k.host("ledger", "restart", "--reason", "x", "--approver-token", ada, "--approver-token", ben)
        self.assertIn("/epoch-2+", done.last)
        k.start()
        self.assertEqual(self.restarted(k)["approved_by"], ["ada", "ben"])

    def test_a_journal_from_before_the_seal_does_not_unseal(self):
        k = Keyturn(people={"ada": [], "ben": ["administrators"], "olga": [], "bob": ["dba"], "erin": ["dba"], "carol": ["sre"], "dave": ["sre"]})
        self.addCleanup(k.close)
        tokens = []
        for name in ("ada", "ben"):
            tokens.append(k.folder / f"{name}.token")
            tokens[-1].write_text(Browser(k, name).post("/v1/tokens", {}).json["token"] + "\n")
        k.back_up()
        size = lambda: int(k.get("/checkpoint").body.decode().splitlines()[1])
        before = size()
        k.host("seal")
        until(lambda: (k.data / "keys/sealed").exists() and size() > before, "the seal is not marked, or not signed")
        k.restore()
        self.assertNotEqual(k.host("ledger", "restart", "--reason", "x", check=False).code, 0, "the host alone")
        done = k.host("ledger", "restart", "--reason", "x", *(w for f in tokens for w in ("--approver-token", f)))
        self.assertIn("/epoch-2+", done.last)
        k.start()
        self.assertFalse(k.get("/v1/me", "bot").json["sealed"], "as two administrators agreed")

    def test_a_machine_that_remembers_the_seal_does_not_serve_without_it(self):
        k = Keyturn()
        self.addCleanup(k.close)
        k.stop()
        end_helper(k.data)
        (k.data / "keys/sealed").write_text("sealed\n")
        k.start(wait=False)
        k.wait_stderr("ALARM: the configuration was sealed on this machine")
        self.assertNotEqual(k.process.wait(DEADLINE), 0)
        self.assertIn("sealed", k.host("person", "add", "mallory", check=False).err)
        (k.data / "keys/sealed").unlink()


class RotatedKey(unittest.TestCase):
    def test_the_old_key_signs_who_comes_after_it(self):
        k = Keyturn()
        self.addCleanup(k.close)
        k.request("echo", {"text": "under the old key"}, wait=20)
        k.stop()
        end_helper(k.data)
        done = k.host("ledger", "rotate-key", "--reason", "yearly", "--json").json
        self.assertEqual(done["vkey"].split("+")[0], k.vkey.split("+")[0], "the log's name stays")
        self.assertNotEqual(done["vkey"], k.vkey)
        k.start()
        self.assertEqual(k.request("echo", {"text": "under the new key"}, wait=20).json["state"], "succeeded")
        until(lambda: k.get("/v1/ledger", "ada").json["size"] > int(done["last_checkpoint"].splitlines()[1]), "no checkpoint")
        self.assertEqual(k.get("/v1/ledger", "ada").json["vkey"], done["vkey"])
        self.assertEqual(k.cli("verify", k.url, "--key", done["vkey"], token="ada").code, 0)
        self.assertEqual(k.cli("verify", k.url, "--key", k.vkey, token="ada", check=False).code, 3)
        entries = k.get("/v1/ledger/entries?from=0&limit=256", "ada").json["items"]
        rotated = [json.loads(base64.b64decode(entry["leaf"])) for entry in entries]
        index, leaf = next((n, leaf) for n, leaf in enumerate(rotated) if leaf["type"] == "key.rotated")
        self.assertEqual((leaf["from"], leaf["to"]), (k.vkey, done["vkey"]))
        self.assertEqual(int(done["last_checkpoint"].splitlines()[1]), index + 1, "the old key's last word covers it")
        log = k.folder / "log"  # what was served when the old key signed last
        for path in self.tiles(index + 1):
            (log / path).parent.mkdir(parents=True, exist_ok=True)
            (log / path).write_bytes(k.get("/" + path, "ada").body)
        (log / "checkpoint").write_text(done["last_checkpoint"])
        self.assertEqual(k.cli("verify", log, "--key", k.vkey).code, 0)
        k.stop()
        end_helper(k.data)
        self.assertEqual(k.host("fsck").code, 0)
        self.assertFalse((k.data / "keys/ledger.key.next").exists())

    def tiles(self, size):
        self.assertLess(size, 256)
        return [f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"]


if __name__ == "__main__":
    unittest.main()
