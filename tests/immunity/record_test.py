"""The record: no release without evidence, no history that can be changed unnoticed, no secret in any of it."""
import base64
import json
import os
import pathlib
import re
import resource
import shutil
import sqlite3
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, POLICY, TOOLS, Failed, Keyturn, contains, end_helper  # noqa: E402

SECRET, PARAM = "s3cr3t-value-of-a-tool-9f2c", "hunter2-parameter-77aa"
OWN = """\
  with-secret:
    exec: [/bin/sh, -c, 'echo "token is $TOKEN and pin is $PIN"; echo "$TOKEN" >&2; echo $PIN | rev']
    params: {pin: {type: string, secret: true}}
    env: {TOKEN: {secret: "file:@WORK@/token"}, PIN: {param: pin}}
    resource: {kind: host, name: here, env: prod}
    sandbox: none
  no-secret:
    exec: [/usr/bin/true]
    env: {TOKEN: {secret: "file:@WORK@/nowhere"}}
    resource: {kind: host, name: here, env: prod}
    sandbox: none
"""
RULES = """\
- {id: secrets, match: {tool: [with-secret, no-secret]}, effect: allow}
"""


class Record(unittest.TestCase):
    def server(self, **more):
        k = Keyturn(**more)
        self.addCleanup(k.close)
        return k

    def checkpoint_past(self, k, size):
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            note = k.get("/checkpoint").body.decode()
            if int(note.splitlines()[1]) >= size:
                return note
            time.sleep(0.05)
        self.fail("no checkpoint of size " + str(size))

    def signed_now(self, k):
        last = k.request("echo", {"text": "last"}, wait=20).json
        return self.checkpoint_past(k, last["ledger"].get("last_index", last["ledger"]["index"]) + 1)

    def assertAlarm(self, k):
        """It does not go on with a record that is not the one it signed: it stays down, or up and read-only, and says why."""
        k.start(wait=False)
        deadline = time.monotonic() + DEADLINE
        while k.process.poll() is None and "ALARM" not in k.stderr() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertIn("ALARM", k.stderr())
        before = k.lines()
        try:
            k.wait_ready()
        except Failed:  # it ended: that is an answer, too
            self.assertNotEqual(k.process.wait(DEADLINE), 0)
        if k.process.poll() is None:
            self.assertGreaterEqual(k.request("append", {"text": "after the alarm"}).status, 500)
        self.assertEqual(k.lines(), before)

    def test_a_row_that_calls_the_configuration_closed_hides_nothing(self):
        k = self.server()
        before = k.get("/v1/policy", "ada").json["digest"]
        self.edit_journal(k, lambda db: db.execute("UPDATE stream SET open = 0 WHERE name IN ('config', 'policy', 'tools', 'agent/bot', 'person/ada')"))
        k.start()
        self.assertEqual(k.get("/v1/policy", "ada").json["digest"], before)
        self.assertEqual(k.request("echo", {"text": "the agent is known"}, wait=20).json["state"], "succeeded")

    def test_names_and_mail_addresses_of_people_are_not_in_the_open_record(self):
        k = self.server()
        k.host("person", "add", "zoe", "--name", "Zoë Quarterly", "--email", "zoe.q@example.org")
        leaves = [base64.b64decode(entry["leaf"]).decode() for entry in k.get("/v1/ledger/entries?from=0&limit=256", "ada").json["items"]]
        self.assertTrue(any('"id":"zoe"' in leaf for leaf in leaves))
        for secret in ("Quarterly", "zoe.q@", "ada@example.com"):
            self.assertFalse([leaf for leaf in leaves if secret in leaf], secret)
        k.restart()
        zoe = next(p for p in k.get("/v1/people", "ada").json["items"] if p["id"] == "zoe")
        self.assertEqual((zoe["name"], zoe["email"]), ("Zoë Quarterly", "zoe.q@example.org"), "and they are known after a restart")

    # ------------------------------------------------------------ history
    def test_restored_backup_is_noticed(self):
        k = self.server()
        k.request("echo", {"text": "before the backup"}, wait=20)
        self.signed_now(k)
        k.back_up()
        for n in range(5):
            k.request("echo", {"text": f"after the backup {n}"}, wait=20)
        self.signed_now(k)
        k.restore(databases=("journal.db", "read.db"))
        for words in (("person", "add", "mallory", "--group", "dba"), ("token", "create", "--person", "ada"), ("agent", "resume", "bot"), ("seal",)):
            done = k.host(*words, check=False)
            self.assertNotEqual(done.code, 0, f"added to a log that was rolled back: {words}")
            self.assertIn("signed", done.err, words)
        with sqlite3.connect(k.data / "journal.db") as now, sqlite3.connect(k.folder / "backup/journal.db") as then:
            table, _ = self.leaf_column(now)
            sizes = [db.execute(f"SELECT count(*) FROM {table}").fetchone() for db in (now, then)]
        self.assertEqual(*sizes)
        for db in (now, then):
            db.close()
        self.assertAlarm(k)

    def test_forked_history_is_noticed(self):
        k = self.server()
        self.signed_now(k)
        k.stop()
        end_helper(k.data)
        shutil.copytree(k.data, k.folder / "fork", ignore=shutil.ignore_patterns("*.sock"))
        k.start()
        k.request("echo", {"text": "the true history"}, wait=20)
        true_note = self.signed_now(k)
        k.stop()
        end_helper(k.data)
        kept = (k.data / "keys/last-signed").read_bytes()
        shutil.rmtree(k.data)
        shutil.copytree(k.folder / "fork", k.data)
        k.start()  # the whole folder is old: nothing on this machine can know
        for n in range(4):
            k.request("echo", {"text": f"another history {n}"}, wait=20)
        self.signed_now(k)
        old = k.folder / "seen-before"
        old.write_text(true_note)
        verified = k.cli("verify", k.url, "--key", k.vkey, "--since", old, token="ada", check=False)
        self.assertEqual(verified.code, 1, "whoever kept a checkpoint sees the fork: " + verified.out + verified.err)
        k.stop()
        end_helper(k.data)
        (k.data / "keys/last-signed").write_bytes(kept)
        self.assertAlarm(k)

    def edit_journal(self, k, change):
        k.stop()
        end_helper(k.data)
        with sqlite3.connect(k.data / "journal.db") as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            change(db)
        db.close()

    def leaf_column(self, db):
        """Where the leaves lie: the first blob or text column that holds a canonical event."""
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in db.execute(f"PRAGMA table_info({table})").fetchall():
                column = row[1]
                for marker in (b"action.decided", "action.decided"):
                    found = db.execute(f"SELECT count(*) FROM {table} WHERE instr(CAST({column} AS BLOB), CAST(? AS BLOB)) > 0", (marker,)).fetchone()[0]
                    if found and db.execute(f"SELECT count(*) FROM {table} WHERE instr(CAST({column} AS BLOB), CAST('\"stream\":' AS BLOB)) > 0").fetchone()[0]:
                        return table, column
        self.fail("no leaves found")

    def assertCaught(self, k, note):
        """Start refuses, or the server that runs fails every verification with the key and a checkpoint from before."""
        k.start(wait=False)
        deadline = time.monotonic() + DEADLINE
        while k.process.poll() is None and time.monotonic() < deadline:
            try:
                if k.get("/healthz").status == 200:
                    break
            except OSError:
                time.sleep(0.02)
        if k.process.poll() is not None:
            self.assertNotEqual(k.process.returncode, 0)
            return
        old = k.folder / "kept-checkpoint"
        old.write_text(note)
        verified = k.cli("verify", k.url, "--key", k.vkey, "--since", old, token="ada", check=False)
        self.assertIn(verified.code, (1, 3), verified.out + verified.err)

    def test_an_edited_entry_in_the_database_is_caught(self):
        k = self.server()
        action = k.request("append", {"text": "denied one"}).json
        k.vote(action, "bob", "deny")
        note = self.signed_now(k)

        def change(db):
            table, column = self.leaf_column(db)
            changed = db.execute(f"""UPDATE {table} SET {column} = CAST(replace(CAST({column} AS TEXT), '"decision":"deny"', '"decision":"good"') AS BLOB)
                                     WHERE instr(CAST({column} AS TEXT), '"decision":"deny"') > 0""").rowcount
            self.assertGreater(changed, 0)
        self.edit_journal(k, change)
        self.assertCaught(k, note)

    def test_a_truncated_database_is_caught(self):
        k = self.server()
        for n in range(5):
            k.request("echo", {"text": f"{n}"}, wait=20)
        note = self.signed_now(k)

        def change(db):
            table, _ = self.leaf_column(db)
            key = db.execute(f"PRAGMA table_info({table})").fetchone()[1]
            db.execute(f"DELETE FROM {table} WHERE {key} > (SELECT max({key}) - 3 FROM {table})")
        self.edit_journal(k, change)
        self.assertCaught(k, note)

    def test_the_signing_key_swapped_is_caught(self):
        k = self.server()
        note = self.signed_now(k)
        k.stop()
        end_helper(k.data)
        (k.data / "keys/ledger.key").write_text(os.urandom(32).hex() + "\n")
        (k.data / "keys/ledger.key").chmod(0o600)
        self.assertCaught(k, note)

    def test_keys_that_others_can_read_are_refused(self):
        k = self.server(people={}, agents={})
        k.stop()
        (k.data / "keys/ledger.key").chmod(0o644)
        k.start(wait=False)
        self.assertNotEqual(k.process.wait(DEADLINE), 0)
        self.assertIn("ledger.key", k.stderr())
        (k.data / "keys/ledger.key").chmod(0o600)

    def test_two_servers_on_one_folder(self):
        k = self.server(people={}, agents={})
        done = k.cli(*[w if w != f"127.0.0.1:{k.port}" else "127.0.0.1:0" for w in k.command[1:]], check=False)
        self.assertNotEqual(done.code, 0)
        self.assertIn(str(k.data), done.err)
        self.assertEqual(k.get("/healthz").status, 200)

    # ------------------------------------------------------------ the disk
    def test_disk_full_no_release_without_evidence(self):
        """Writes fail at a random point of the journal (RLIMIT_FSIZE): the server ends rather than lie, and comes back whole."""
        k = self.server(config="limits: {requests_per_second: 5000, pending_per_agent: 5000}\n")
        k.request("append", {"text": "first"})
        k.stop()
        end_helper(k.data)
        room = max(p.stat().st_size for p in k.data.glob("*.db*")) + 300_000
        k.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)))
        acknowledged = []
        for n in range(3000):
            try:
                answer = k.request("append-one", {"text": f"disk-{n}" + "x" * 2000})
                if answer.status != 202:
                    self.assertGreaterEqual(answer.status, 500, answer)
                    break
                voted = k.vote(answer.json, "bob")
                if voted.status != 200:
                    self.assertGreaterEqual(voted.status, 500, voted)
                    break
                acknowledged.append((answer.json["id"], f"disk-{n}"))
            except Exception:  # noqa: BLE001  the server ended without an answer
                break
        else:
            self.fail("the disk never filled")
        k.kill9() if k.running else None
        end_helper(k.data)
        k.start()
        lines = [line.split("x")[0] for line in k.lines()]
        for action_id, text in acknowledged:
            after = k.action(action_id, "ada", wait=20)
            self.assertEqual(after.status, 200, f"acknowledged and lost: {action_id}")
            self.assertEqual([v["reviewer"] for v in after.json["votes"]], ["bob"], after)
            self.assertLessEqual(lines.count(text), 1)
            if after.json["state"] == "succeeded":
                self.assertEqual(lines.count(text), 1)
        recorded = {line for line in lines if line.startswith("disk-")}
        voted = {a["args"]["text"].split("x")[0] for a in self.all_actions(k) if a["votes"] and "text" in a["args"]}
        self.assertLessEqual(recorded, voted, "something ran whose approval is not in the record")
        self.assertEqual(k.settled(k.request("echo", {"text": "alive"}).json["id"])["state"], "succeeded")
        self.signed_now(k)
        verified = k.cli("verify", k.url, "--key", k.vkey, token="ada", check=False)
        self.assertEqual(verified.code, 0, verified.out + verified.err)

    def all_actions(self, k):
        cursor = ""
        while True:
            page = k.get("/v1/actions?limit=200" + (f"&after={cursor}" if cursor else ""), "ada").json
            yield from page["items"]
            if page["next"] is None:
                return
            cursor = page["next"]

    def test_a_database_that_is_taken_away_is_missed(self):
        """What is appended to a deleted file is lost: that must not look like a new beginning."""
        k = self.server()
        self.signed_now(k)
        for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
            (k.data / name).unlink(missing_ok=True)
        k.kill9()
        end_helper(k.data)
        self.assertAlarm(k)

    # ------------------------------------------------------------ secrets
    def test_secrets_are_nowhere(self):
        k = self.server(policy=POLICY + RULES, tools=TOOLS + OWN, start=False, people={}, agents={})
        token = k.work / "token"
        token.write_text(SECRET + "\n")
        token.chmod(0o600)
        k.start()
        for name in ("ada", "olga", "bob"):
            k.add_person(name)
        k.add_agent("bot", "olga")
        action = k.request("with-secret", {"pin": PARAM}, wait=20)
        self.assertEqual(action.json["state"], "succeeded", action)
        outcome = action.json["outcome"]
        for stream in (outcome["stdout"], outcome["stderr"]):
            self.assertNotIn(SECRET, stream)
            self.assertNotIn(PARAM, stream)
        self.assertIn("token is", outcome["stdout"])
        leaves = [json.loads(base64.b64decode(entry["leaf"])) for entry in k.get("/v1/ledger/entries?from=0&limit=256", "ada").json["items"]]
        intended = next(leaf for leaf in leaves if leaf["type"] == "execution.intended")
        self.assertEqual(intended["execution"]["credentials"], [f"file:{k.work}/token"], "which credential, by name")
        k.request("with-secret", {"pin": PARAM}, idempotency_key="again")
        broken = k.request("no-secret", wait=20)
        self.assertIn(broken.json.get("state", "refused"), ("failed", "refused"), broken)
        self.assertNotIn(SECRET, broken.body.decode())
        needles = [SECRET, PARAM, *k.token_secrets]
        for path in (f"/v1/actions/{action.json['id']}", f"/v1/actions/{action.json['id']}/timeline", "/v1/actions?limit=200", "/v1/ledger/entries?limit=256", "/v1/policy", "/v1/tokens", "/v1/stats", "/v1/people"):
            for who in ("ada", "olga"):
                body = k.get(path, who).body.decode()
                leaves = [base64.b64decode(i["leaf"]).decode() for i in json.loads(body)["items"]] if path.startswith("/v1/ledger") else []
                for needle in needles:
                    self.assertNotIn(needle, body + "".join(leaves), path)
        metrics = k.get("/metrics").body.decode()
        for needle in [*needles, "bot", "olga"]:
            self.assertNotIn(needle, metrics)
        k.restart()
        k.stop()
        end_helper(k.data)
        self.assertEqual(contains(k.data, needles), [])
        for needle in needles:
            self.assertNotIn(needle, k.stderr() + "".join(k.stdout_lines))

    def test_reviewers_tell_secrets_apart_by_a_fingerprint_that_outlives_the_process(self):
        k = self.server(policy=POLICY + RULES.replace("effect: allow", "effect: require, require: {quorum: {dba: 1}, expires: 1h}"), tools=TOOLS + OWN)

        def fingerprint(action_id):
            found = re.findall(r"fingerprint ([0-9a-zA-Z_-]+)", k.action(action_id, "bob").body.decode())
            self.assertEqual(len(set(found)), 1, "one secret, one fingerprint")
            return found[0]
        first, other = (k.request("with-secret", {"pin": pin}).json["id"] for pin in (PARAM, PARAM + "x"))
        before = fingerprint(first)
        self.assertNotEqual(before, fingerprint(other))
        k.restart()
        self.assertEqual(fingerprint(first), before)
        self.assertEqual(fingerprint(k.request("with-secret", {"pin": PARAM}).json["id"]), before)

    def test_a_literal_credential_in_an_action_is_refused_with_advice(self):
        k = self.server()
        literal = ("AKIAIOSFODNN7EXAMPLQ", "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "postgres://root:Sup3rS3cret99@db/x", "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U")
        for text in literal:
            answer = k.request("append", {"text": "x " + text})
            self.assertEqual(answer.status, 400, answer)
            self.assertTrue(answer.code.startswith("literal_"), answer)
            self.assertNotIn(text[8:], answer.body.decode(), "the credential is not repeated")
            self.assertTrue(answer.json.get("pointer", "").startswith("/args"), answer)
            answer = k.request("append", {"text": "x"}, reason="use " + text)
            self.assertEqual((answer.status, answer.json.get("pointer")), (400, "/reason"), answer)
        self.assertEqual(k.request("append", {"text": "password=$1 and <token>"}).status, 202, "a placeholder is none")
        k.stop()
        end_helper(k.data)
        self.assertEqual(contains(k.data, list(literal)), [])

    def test_a_credential_sent_to_a_tool_that_does_not_exist_is_not_recorded(self):
        k = self.server()
        token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
        answer = k.request("no-such-tool", {"anything": {"deep": [token]}})
        self.assertEqual((answer.status, answer.code, answer.json["pointer"]), (400, "literal_credential", "/args/anything/deep/0"), answer)
        answer = k.request("no-such-tool", {}, claims={"model": token})
        self.assertEqual((answer.status, answer.json["pointer"]), (400, "/claims"), answer)
        k.stop()
        end_helper(k.data)
        self.assertEqual(contains(k.data, [token]), [])

    def test_an_output_too_large_to_keep_is_cut_and_its_outcome_is_known(self):
        big = "  big: {exec: [/usr/bin/seq, \"3000000\"], resource: {kind: host, name: here, env: dev}, sandbox: none, output_bytes_max: 33554432}\n"
        k = self.server(policy=POLICY.replace("[echo,", "[big, echo,"), tools=TOOLS + big)
        action = k.request("big", wait=25).json
        self.assertEqual(action["state"], "succeeded", str(action)[:500])
        self.assertEqual((action["outcome"]["exit_code"], action["outcome"]["truncated"]), (0, True))
        k.restart()
        self.assertEqual(k.action(action["id"]).json["state"], "succeeded")

    def test_a_literal_credential_in_what_people_write_is_refused_with_its_place(self):
        k = self.server()
        token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
        action = k.request("append", {"text": "words"}).json
        path = f"/v1/actions/{action['id']}"
        for who, at, body, where in (
                ("bob", "/comments", {"text": f"I used {token}"}, "/text"), ("bot", "/comments", {"text": token}, "/text"),
                ("bob", "/votes", {"decision": "approve", "digest": action["digest"], "note": f"fine with {token}"}, "/note"),
                ("bob", "/votes", {"decision": "deny", "digest": action["digest"], "note": f"you sent {token}"}, "/note"),
                ("bob", "/amend", {"args": {"text": "other"}, "note": token}, "/note"), ("bob", "/amend", {"args": {"text": token}}, "/args/text")):
            with self.subTest(at=at, who=who):
                answer = k.post(path + at, who, body)
                self.assertEqual((answer.status, answer.code, answer.json.get("pointer")), (400, "literal_credential", where), answer)
                self.assertNotIn(token[8:], answer.body.decode(), "the credential is not repeated")
        after = k.action(action["id"]).json
        self.assertEqual((after["state"], after["votes"], after["comments"]), ("pending", [], []))
        self.assertEqual(k.post(path + "/comments", "bob", {"text": "its token is in the vault: token=$TOKEN"}).status, 200)
        self.assertEqual(k.vote(action, "bob", "deny", note="no").status, 200)
        k.stop()
        end_helper(k.data)
        self.assertEqual(contains(k.data, [token]), [])

    def test_a_credential_in_a_reported_outcome_is_taken_out_and_the_outcome_is_kept(self):
        pin = "p-7713-secret-parameter"
        tools = TOOLS + "  pinned: {mode: grant, enforcement_point: deployer, operation: deploy, params: {pin: {type: string, secret: true}}, resource: {kind: service, name: web, env: prod}}\n"
        k = self.server(policy=POLICY.replace("tool: [deploy]", "tool: [deploy, pinned]"), tools=tools)
        token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
        action = k.request("pinned", {"pin": pin}).json
        used = k.post("/v1/grants/consume", "deployer", {"grant": action["grant"], "digest": action["digest"]})
        self.assertEqual(used.status, 200, used)
        report = {"outcome": "succeeded", "result": {"log": [f"pushed with {token}", f"pin {pin} accepted"], "password": "Sup3rS3cret99", "url": "https://root:Sup3rS3cret99@host/x", "count": 3}}
        self.assertEqual(k.post(f"/v1/actions/{action['id']}/outcome", "deployer", report).status, 200)
        needles = [token, pin, "Sup3rS3cret99"]
        for _ in range(2):
            shown = k.action(action["id"], "olga")
            self.assertEqual(shown.json["state"], "succeeded")
            self.assertEqual(shown.json["outcome"]["result"]["count"], 3)
            self.assertIn("pushed with [redacted", shown.json["outcome"]["result"]["log"][0])
            for needle in needles:
                self.assertNotIn(needle, shown.body.decode())
            k.restart()
        k.stop()
        end_helper(k.data)
        self.assertEqual(contains(k.data, needles), [])

    # ------------------------------------------------------------ denials
    def events(self, k):
        size = int(k.get("/v1/ledger", "ada").json["size"])
        out, at = [], 0
        while at < size:
            items = k.get(f"/v1/ledger/entries?from={at}&limit=256", "ada").json["items"]
            out += [json.loads(base64.b64decode(i["leaf"])) for i in items]
            at += len(items)
        return out

    def test_a_denial_leaves_a_trace(self):
        k = self.server()
        denied = k.request("forbidden").json
        k.request("no-such-tool")
        k.request("append", {"text": "x"}, operation="read")
        action = k.request("append", {"text": "votes"}).json
        k.vote(action, "olga", digest=action["digest"])
        k.vote(action, "bot", digest=action["digest"])
        k.get("/v1/people", "bot")
        k.get("/v1/me", "kt_" + "x" * 43)
        self.signed_now(k)
        events = self.events(k)
        streams = {e["stream"] for e in events}
        self.assertIn(f"action/{denied['id']}", streams)
        text = json.dumps(events)
        for code in ("operation_mismatch", "related_to_requester", "own_request", "people_only", "unauthenticated"):
            self.assertIn(code, text, f"a refusal ({code}) left no trace")
        self.assertIn("no-such-tool", text)

    def test_a_refusal_with_half_a_character_leaves_a_trace(self):
        """What is recorded of the request is cut, and a cut through a character must not lose the entry."""
        k = self.server()
        for n, character in enumerate(("é", "界", "😀")):
            for shift in range(4):
                tool = "x" * shift + character * 60
                answer = k.request(tool, {"text": "x"}, "bot", operation=f"op{n}{shift}", reason="token=hunter2hunter2")
                self.assertEqual((answer.status, answer.code), (400, "literal_credential"), answer)
        self.signed_now(k)
        codes = [e["refusal"]["code"] for e in self.events(k) if e["type"] == "request.refused"]
        self.assertEqual(codes.count("literal_credential"), 10, "as many as are recorded a minute")

    def test_a_flood_of_refusals_neither_fills_the_ledger_nor_hides(self):
        k = self.server()
        before = int(self.signed_now(k).splitlines()[1])
        for _ in range(200):
            k.get("/v1/people", "bot")
        after = int(self.signed_now(k).splitlines()[1])
        self.assertLess(after - before, 60)
        self.assertGreater(after - before, 2)


if __name__ == "__main__":
    unittest.main()
