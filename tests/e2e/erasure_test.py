"""Erasure: what was agreed to is gone from every file, nothing else is, and the record proves all the same."""
import base64
import hashlib
import hmac
import json
import pathlib
import random
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, POLICY, TOOLS, Keyturn, until  # noqa: E402
from support.passkey import Browser  # noqa: E402

ADMINS = ("ada", "ben", "cleo", "dora")
PEOPLE = {"ada": [], **{who: ["administrators"] for who in ADMINS[1:]}, "olga": [], "bob": ["dba"], "carol": ["sre"], "erin": ["dba"]}

SECRET = "a secret of sixteen bytes and more"
RUNBOOK = """\
---
kind: Runbook
metadata: {name: person}
inputs: {text: {type: string}}
triggers: [{webhook: own, kind: generic, secret: {secret: "env:OWN"}, as: bot, inputs: {text: "{{ event.text }}"}}]
steps:
- {id: say, tool: echo, args: {text: "{{ inputs.text }}"}, outputs: {said: result.stdout}}
outputs: {said: steps.say.outputs.said}
"""


class Erasing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(people=PEOPLE, config="limits: {requests_per_second: 1000, pending_per_agent: 1000}\n", tools=TOOLS + RUNBOOK,
                        policy=POLICY + '- {id: runbooks, match: {tool: ["runbook.*"]}, effect: allow}\n', start=False)
        cls.k.start(env={"OWN": SECRET})
        cls.addClassCleanup(cls.k.close)
        cls.browsers = {who: Browser(cls.k, who) for who in ADMINS}

    def echo(self, text, **more):
        action = self.k.request("echo", {"text": text}, wait=20, **more).json
        self.assertEqual(action["state"], "succeeded", action)
        return action

    def propose(self, subject, who="ada"):
        return self.browsers[who].post("/v1/erasures", {"subject": subject, "reason": "a person asked for it"})

    def agree(self, proposed, voters=("ben", "cleo")):
        self.assertEqual((proposed.status, proposed.json.get("state")), (201, "pending"), proposed)
        for who in voters:
            vote = self.browsers[who].vote(proposed.json)
            self.assertEqual(vote.status, 200, vote)
        done = self.k.settled(proposed.json["id"], "ada")
        self.assertEqual(done["state"], "succeeded", done)
        return done

    def erase(self, **subject):
        return self.agree(self.propose(subject))

    def sealed(self, action=None):
        """The sealed bytes of an action's private parts (of all), by ledger index."""
        with sqlite3.connect(f"file:{self.k.data}/journal.db?mode=ro", uri=True) as database:
            rows = database.execute("SELECT e.idx, e.sealed FROM event e JOIN stream s ON s.id = e.stream WHERE e.sealed IS NOT NULL"
                                    + (" AND s.name = ?" if action else ""), (f"action/{action}",) if action else ()).fetchall()
        database.close()
        return {index: bytes(sealed) for index, sealed in rows}

    def found_on_disk(self, needles):
        found = []
        for path in sorted(self.k.data.rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                found += [(path.name, needle[:40]) for needle in needles if needle in content]
        return found

    def signed_past(self, index):
        deadline = time.monotonic() + DEADLINE
        while int(self.k.get("/checkpoint").body.decode().splitlines()[1]) <= index:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def deliver(self, text):
        body, at = json.dumps({"text": text}), str(int(time.time()))
        proof = hmac.new(SECRET.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "Keyturn-Signature": f"t={at},v1={proof}"}
        self.assertEqual(self.k.http("POST", "/v1/hooks/own", raw_body=body, headers=headers).status, 202)

    # ------------------------------------------------------------ what is gone
    def test_a_run_is_erased_with_what_started_it(self):
        word = "words-of-a-run-4811"
        self.deliver(word)
        def over():
            return [run for run in self.k.get("/v1/runs", "ada").json["items"] if run["state"] == "succeeded"]
        run = until(over, "no run has ended")[0]["id"]
        shown = self.k.get(f"/v1/runs/{run}", "ada").json
        self.assertEqual((shown["inputs"], shown["outputs"]), ({"text": word}, {"said": word + "\n"}))
        step = shown["steps"][0]["action"]
        done = self.erase(action=run)
        self.assertIn("run/" + run, json.dumps(done))
        self.erase(action=step)
        after = self.k.get(f"/v1/runs/{run}", "ada").json
        self.assertEqual((after["inputs"], after["outputs"], after["state"]), ({}, {}, "succeeded"))
        self.assertNotIn(word, json.dumps(after))
        with sqlite3.connect(f"file:{self.k.data}/journal.db?mode=ro", uri=True) as database:
            left = database.execute("SELECT s.name, e.sealed FROM event e JOIN stream s ON s.id = e.stream WHERE e.sealed IS NOT NULL AND (s.name LIKE 'run/%' OR s.name LIKE 'hook/%')").fetchall()
        database.close()
        self.assertEqual(len(left), 4, left)
        self.assertEqual([name for name, sealed in left if any(sealed)], [])

    def test_nothing_of_what_was_erased_is_in_any_file_and_the_record_proves(self):
        secret, other = "personal-words-4711", "other-words-4712"
        action, kept = self.echo(secret, reason=secret + "-reason"), self.echo(other)
        before = self.sealed(action["id"])
        self.assertEqual(len(before), 2, "what was asked for, and what came out")
        self.assertTrue(self.found_on_disk([secret.encode()]), "the spool kept the output for a crash")
        pieces = [sealed[at:at + 24] for sealed in before.values() for at in (0, 8, 32, len(sealed) - 24)]
        self.assertTrue(self.found_on_disk(pieces))
        done = self.erase(action=action["id"])
        self.echo("one more commit")
        self.assertEqual(self.found_on_disk([secret.encode(), base64.b64encode(secret.encode()), *pieces]), [])
        self.assertTrue(all(not any(s) for s in self.sealed(action["id"]).values()))

        now = self.k.action(action["id"], "ada").json
        self.assertIsNone(now["args"])
        self.assertEqual((now["reason"], now["state"], now["outcome"]["exit_code"]), ("", "succeeded", 0))
        self.assertEqual((now["erased"]["by"], now["erased"]["request"]), (done["id"], True))
        self.assertIn("ERASED", [section["title"] for section in now["display"]])
        self.assertNotIn(secret, json.dumps(now))
        self.assertNotIn(secret, self.k.action(action["id"], "bot").body.decode())
        self.assertEqual(self.k.action(kept["id"], "ada").json["args"], {"text": other})
        shown = self.k.cli("show", action["id"], token="ada", check=False).out
        self.assertIn("ERASED", shown)
        self.assertNotIn(secret, shown)

        entry = self.k.get(f"/v1/ledger/entries?from={now['erased']['index']}&limit=1", "ada").json["items"][0]
        leaf = json.loads(base64.b64decode(entry["leaf"]))
        self.assertEqual((leaf["type"], leaf["erased"]["subject"], leaf["erased"]["authorised_by"]), ("payload.erased", {"action": action["id"]}, done["id"]))
        self.signed_past(now["erased"]["index"])
        verified = self.k.cli("verify", self.k.url, "--key", self.k.vkey, token="ada", check=False)
        self.assertEqual(verified.code, 0, verified.out + verified.err)
        self.k.restart()
        self.assertIsNone(self.k.action(action["id"], "ada").json["args"])
        self.assertEqual(self.k.action(action["id"], "ada").json["erased"]["by"], done["id"])
        self.k.stop()
        try:
            fsck = self.k.cli("fsck", "--data", self.k.data, "--json", check=False)
            self.assertEqual((fsck.code, fsck.json["verdict"]), (0, "intact"), fsck.out)
            self.assertIn("ERASED: ", fsck.out)
            for words, name in ((("--from", min(before), "--to", max(before) + 1), "narrow"), ((), "all")):
                out = self.k.folder / f"evidence-{name}"
                self.k.host("evidence", *words, "--reveal", "--out", out)
                bundle = next(p for p in out.rglob("*.json") if "keyturn/evidence-bundle/v1" in p.read_text()[:400])
                checked = self.k.cli("verify", bundle, "--key", self.k.vkey, check=False)
                self.assertEqual(checked.code, 0, checked.out + checked.err)
                self.assertIn(f"ERASED (leaf {now['erased']['index']} authorises)", checked.out)
                self.assertEqual(self.k.cli("verify", out, "--key", self.k.vkey, check=False).code, 0)
                script = subprocess.run([sys.executable, "-I", str(out / "verify.py"), "--key", self.k.vkey], capture_output=True, text=True)
                self.assertRegex(script.stdout, r"^INTACT.*, [1-9]\d* ERASED")
        finally:
            self.k.start()

    def test_what_a_retry_an_amendment_a_comment_and_a_replay_find(self):
        action = self.echo("to be retried", idempotency_key="erased-1")
        self.erase(action=action["id"])
        again = self.k.request("echo", {"text": "to be retried"}, idempotency_key="erased-1").json
        self.assertEqual((again["id"], again["state"], again["args"]), (action["id"], "succeeded", None))
        self.assertEqual(self.k.request("echo", {"text": "another"}, idempotency_key="erased-1").code, "idempotency_mismatch")
        self.assertEqual(self.k.post(f"/v1/actions/{action['id']}/amend", "bot", {"args": {"text": "x"}}).code, "closed")
        self.assertEqual(self.k.post(f"/v1/actions/{action['id']}/comments", "ada", {"text": "why?"}).status, 200)
        now = self.k.action(action["id"], "ada").json
        self.assertEqual([c["text"] for c in now["comments"]], ["why?"], "what comes later is not erased")
        self.assertIsNone(now["args"])
        replay = self.k.post("/v1/policy/replay", "ada", {"policy": POLICY})
        self.assertEqual(replay.status, 200, replay)
        self.assertRegex(replay.body.decode(), r'"erased"\s*:\s*[1-9]|"why":\s*"erased"')
        listed = [a["id"] for a in self.k.get("/v1/actions?actor=bot&limit=200", "ada").json["items"]]
        self.assertIn(action["id"], listed)
        self.erase(action=action["id"])  # the comment, too
        self.assertEqual([(c["text"], c.get("erased")) for c in self.k.action(action["id"], "ada").json["comments"]], [("", True)])

    def test_of_a_person_goes_what_they_wrote_asked_or_had_asked_and_nothing_else(self):
        words = {name: f"words-of-{name}" for name in ("note", "comment", "asked", "behalf", "carol", "bot")}
        reviewed = self.k.request("append", {"text": words["bot"]}).json
        self.k.vote(reviewed, "erin", note=words["note"])
        self.k.post(f"/v1/actions/{reviewed['id']}/comments", "erin", {"text": words["comment"]})
        self.k.vote(reviewed, "carol", note=words["carol"])
        self.k.settled(reviewed["id"])
        asked = self.k.request("echo", {"text": words["asked"]}, "erin", wait=20).json
        behalf = self.echo(words["behalf"], claims={"on_behalf_of": "ERIN@example.com"})
        waits = self.k.request("append", {"text": "open"}, claims={"on_behalf_of": "erin"}).json
        proposed = self.propose({"person": "erin"})
        shown = json.dumps(proposed.json["display"])
        for action in (reviewed, asked, behalf):
            self.assertIn(action["id"], shown)
        self.assertNotIn(waits["id"], shown)
        self.assertIn("of 3 actions", shown)
        self.assertIn("not over yet", shown)
        self.agree(proposed)
        self.echo("one more commit")
        gone = [words[name].encode() for name in ("note", "comment", "asked", "behalf")]
        self.assertEqual(self.found_on_disk(gone), [])
        now = self.k.action(reviewed["id"], "ada").json
        self.assertEqual(now["args"], {"text": words["bot"]}, "the agent's own")
        self.assertEqual(now["erased"]["request"], False)
        self.assertEqual({v["reviewer"]: (v["note"], v.get("note_erased")) for v in now["votes"]},
                         {"erin": ("", True), "carol": (words["carol"], None)})
        self.assertEqual([(c["by"], c["text"], c.get("erased")) for c in now["comments"]], [("erin", "", True)])
        for action in (asked, behalf):
            self.assertIsNone(self.k.action(action["id"], "ada").json["args"])
        self.assertEqual(self.k.action(waits["id"], "ada").json["args"], {"text": "open"})
        self.assertEqual(self.propose({"person": "erin"}).code, "nothing_to_erase")

    def test_of_a_person_who_left_the_name_and_the_address_go_too(self):
        self.k.host("person", "add", "gone", "--name", "Gwendolyn Gone", "--email", "gwen.gone@example.org")
        said = [b"Gwendolyn", b"gwen.gone@"]
        self.assertEqual(self.propose({"person": "gone"}).code, "nothing_to_erase", "an active person is who they are")
        self.k.host("person", "deactivate", "gone")
        proposed = self.propose({"person": "gone"})
        self.assertIn("person/gone (name and mail address)", json.dumps(proposed.json["display"]))
        self.agree(proposed)
        person = lambda: next(p for p in self.k.get("/v1/people", "ada").json["items"] if p["id"] == "gone")
        self.assertEqual((person()["name"], person()["email"]), ("", ""))
        self.k.restart()
        self.assertEqual((person()["name"], person()["email"], person()["active"]), ("", "", False))
        self.assertEqual(self.found_on_disk(said), [])
        self.assertEqual(self.k.host("fsck", check=False).code, 0)

    # ------------------------------------------------------------ who may, and when
    def test_only_two_unrelated_administrators_and_not_the_person(self):
        action = self.echo("to be agreed on")
        for who, code in (("bot", "people_only"), ("bob", "not_allowed")):
            for path, body in (("/v1/erasures", {"subject": {"action": action["id"]}, "reason": "x"}),
                               ("/v1/actions", {"tool": "keyturn.erasure", "args": {"action": action["id"]}})):
                self.assertEqual(self.k.post(path, who, body).code, code, (who, path))
        proposed = self.propose({"action": action["id"]})
        self.assertEqual(self.browsers["ada"].vote(proposed.json).code, "own_request")
        self.assertEqual(self.browsers["ben"].vote(proposed.json).status, 200)
        self.assertEqual(self.k.action(proposed.json["id"], "ada").json["state"], "pending")
        self.assertEqual(self.k.action(action["id"], "ada").json["args"], {"text": "to be agreed on"})
        dora = self.k.request("echo", {"text": "of dora"}, "dora", wait=20).json
        hers = self.propose({"person": "dora"})
        self.assertEqual(self.browsers["dora"].vote(hers.json).code, "related_to_requester")
        self.agree(hers)
        self.assertIsNone(self.k.action(dora["id"], "ada").json["args"])
        for subject, code in (({}, "missing_field"), ({"action": "a", "person": "b"}, "missing_field"), ({"person": "nobody"}, "unknown_person"),
                              ({"action": "act_nothing"}, "not_found"), ({"what": "x"}, "unknown_field")):
            self.assertEqual(self.propose(subject).code, code, subject)

    def test_not_what_is_open_or_executing_or_waits_for_its_grant_to_be_used(self):
        waiting = self.k.request("append", {"text": "waits"}).json
        granted = self.k.request("deploy", {"ref": "v1"}).json
        running = self.k.request("slow").json
        self.k.wait_started()
        for action in (waiting, granted, running):
            refused = self.propose({"action": action["id"]})
            self.assertEqual((refused.status, refused.code), (409, "still_open"), action["state"])
        self.k.let_go()
        self.k.settled(running["id"])
        self.assertEqual(self.propose({"action": running["id"]}).status, 201)

    def test_what_is_written_before_people_agree_is_shown_to_them_anew(self):
        action = self.echo("to be commented")
        proposed = self.propose({"action": action["id"]})
        self.assertEqual(self.browsers["ben"].vote(proposed.json).status, 200)
        self.k.post(f"/v1/actions/{action['id']}/comments", "ada", {"text": "one thing more"})
        voted = self.browsers["cleo"].vote(proposed.json)
        self.assertEqual((voted.status, voted.json["state"]), (200, "pending"), voted)
        self.assertEqual(self.k.action(action["id"], "ada").json["args"], {"text": "to be commented"})
        again = self.k.action(proposed.json["id"], "ada")
        self.assertNotEqual(again.json["digest"], proposed.json["digest"])
        for who in ("ben", "cleo"):
            self.assertEqual(self.browsers[who].vote(again.json).status, 200)
        self.assertEqual(self.k.settled(again.json["id"], "ada")["state"], "succeeded")
        self.assertIsNone(self.k.action(action["id"], "ada").json["args"])

    # ------------------------------------------------------------ a crash
    def test_killed_in_the_middle_all_of_it_is_erased_or_nothing(self):
        seen = set()
        for round_number in range(16):
            who = f"crash{round_number}"
            self.k.add_person(who)
            actions = [self.k.request("echo", {"text": f"{who}-{n}-words"}, who, wait=20).json for n in range(12)]
            proposed = self.propose({"person": who})
            self.assertEqual(self.browsers["ben"].vote(proposed.json).status, 200)

            def last_vote():
                try:
                    self.browsers["cleo"].vote(proposed.json)
                except Exception:  # noqa: BLE001 - the server is gone: that is the test
                    pass
            voting = threading.Thread(target=last_vote)
            voting.start()
            time.sleep(random.uniform(0, 0.035))  # the moment of the kill; no verdict rests on it
            self.k.kill9()
            voting.join(DEADLINE)
            self.k.start()
            state = self.k.action(proposed.json["id"], "ada").json["state"]
            if state == "executing":
                state = self.k.settled(proposed.json["id"], "ada")["state"]
            gone = [self.k.action(a["id"], "ada").json["args"] is None for a in actions]
            self.assertEqual(len(set(gone)), 1, f"{sum(gone)} of {len(gone)} are erased")
            self.assertEqual(gone[0], state == "succeeded", state)
            seen.add(state)
            if gone[0]:
                self.echo("one more commit")
                self.assertEqual(self.found_on_disk([f"{who}-{n}-words".encode() for n in range(12)]), [])
        self.assertTrue(seen <= {"pending", "succeeded", "failed"}, seen)


if __name__ == "__main__":
    unittest.main()
