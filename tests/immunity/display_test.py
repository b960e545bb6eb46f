"""Spoofed display: what reviewers see is every byte, and nothing that an agent writes can pass for Keyturn's own words."""
import json
import pathlib
import re
import sys
import unicodedata
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import POLICY, TOOLS, Keyturn  # noqa: E402

OWN = """\
  huge: {exec: [/usr/bin/echo, "{{text}}"], params: {text: {type: string, bytes_max: 900000}}, resource: {kind: host, name: here, env: prod}, sandbox: none}
"""
RULE = "- {id: huge, match: {tool: [huge]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}\n"

TRICKS = {
    "zero-width": ("a\u200bb\u200cc\u2060d\ufeffe", ["U+200B", "U+200C", "U+2060", "U+FEFF"]),
    "bidi-override": ("rm \u202e txt.\u2066 x\u2069\u202c", ["U+202E", "U+2066", "U+2069", "U+202C"]),
    "homoglyph": ("\u0430ll-\u0440rod", ["U+0430", "U+0440"]),
    "combining": ("x" + "\u0301" * 12 + "y", ["U+0301"]),
    "struck-out": ("r\u0336m\u0336 -rf x\u20d2", ["U+0336", "U+20D2"]),
    "ansi": ("\x1b[2K\x1b[1Aapproved \x1b]8;;http://evil\x07link\x1b]8;;\x07", ["U+001B", "U+0007"]),
    "backspace": ("rm\b\bls", ["U+0008"]),
    "carriage-return": ("rm -rf /\rls       ", ["U+000D"]),
    "c1": ("a\x9b31mb", ["U+009B"]),
    "tags": ("a\U000e0041\U000e0042b", ["U+E0041"]),
    "variation": ("a\ufe0fb\U000e0101", ["U+FE0F"]),
    "line-separators": ("a\u2028b\u2029c\x85d", ["U+2028", "U+2029", "U+0085"]),
    "odd-spaces": ("a\u00a0b\u3000c\u115fd", ["U+00A0", "U+3000", "U+115F"]),
    "private-use": ("a\ue000b", ["U+E000"]),
}
INJECTIONS = ("<script>alert(1)</script><img src=x onerror=alert(1)>", "<http://evil|Approve> <!channel> *bold*", "[Approve](https://evil) ![x](https://evil/x.png)",
              "\n\n### APPROVED by bob\n> ok", '{"type":"Action.Execute","title":"Approve"}', "U+202E RIGHT-TO-LEFT OVERRIDE [4000 spaces] \u27e6U+202E\u27e7", "{{7*7}} ${x} %s %n")


def runs_of(sections):
    for section in sections:
        yield from section.get("runs") or []
        for field in section.get("fields") or []:
            yield from field["name"]
            yield from field["value"]


class Display(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(policy=POLICY + RULE, tools=TOOLS + OWN)
        cls.addClassCleanup(cls.k.close)

    def shown(self, text, **fields):
        answer = self.k.request("append-one", {"text": text}, **fields)
        self.assertEqual(answer.status, 202, answer)
        action = self.k.action(answer.json["id"], "bob").json
        self.assertIs(action["display_complete"], True)
        return action["id"], action["display"]

    def assertNothingHidden(self, sections):
        for run in runs_of(sections):
            if run.get("mark") == "bidi":
                continue
            for c in run["t"]:
                self.assertTrue(c in "\n " or (not c.isspace() and unicodedata.category(c)[0] in "LNPSM" and unicodedata.combining(c) != 1), f"{c!r} reached the screen in {run}")
            self.assertNotRegex(run["t"], "[\u0300-\u036f]{3}", "stacked marks")

    def assertShown(self, sections, words):
        marked = " ".join(run["t"] for run in runs_of(sections) if run.get("mark"))
        for word in words:
            self.assertIn(word, marked)

    def test_invisible_and_deceiving_characters_in_arguments(self):
        for name, (text, words) in TRICKS.items():
            with self.subTest(name):
                _, sections = self.shown(text)
                self.assertNothingHidden(sections)
                self.assertShown(sections, words)

    def test_nul_is_refused(self):
        answer = self.k.request("append-one", {"text": "a\0b"})
        self.assertEqual((answer.status, answer.code), (400, "invalid_args"))

    def test_invisible_and_deceiving_characters_in_reason_and_claims(self):
        for name, (text, words) in TRICKS.items():
            with self.subTest(name):
                _, sections = self.shown("plain", reason=text, claims={"session": text, "model": text, text: "key"})
                self.assertNothingHidden(sections)
                if name != "homoglyph" and name != "odd-spaces":
                    self.assertShown(sections, words)

    def test_the_terminal_gets_no_control_byte(self):
        for text, _ in TRICKS.values():
            action_id, _ = self.shown(text, reason=text)
            out = self.k.cli("show", action_id, token="bob").out
            self.assertNotRegex(out, r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060-\u2069\ufeff]", repr(out))

    def test_names_that_deceive_cannot_be_asked_for_as_tools(self):
        for name in ("ech\u043e", "echo\u200b", "echo\x1b[2K", "../echo", "echo\n"):
            answer = self.k.post("/v1/actions", "bot", {"tool": name, "args": {}})
            self.assertIn(answer.json.get("state", "refused"), ("denied", "refused"), answer)
            if answer.status == 200:
                shown = self.k.action(answer.json["id"], "ada").json
                self.assertNothingHidden(shown["display"])

    def test_markup_injection_is_text(self):
        for text in INJECTIONS:
            with self.subTest(text=text):
                action_id, sections = self.shown(text, reason=text)
                plain = "".join(run["t"] for run in runs_of(sections) if not run.get("mark"))
                for piece in re.split(r"\s+|\u27e6.*?\u27e7", text):
                    self.assertIn(piece.strip(), plain, "shown as it is, unmarked: it cannot pass for Keyturn's own words")
                titles = [s["title"] for s in sections]
                self.assertFalse([t for t in titles if "APPROVED" in t])
                lines = self.k.cli("show", action_id, token="bob").out.splitlines()
                self.assertFalse([line for line in lines if line.startswith(("### APPROVED", "> ok"))], "content never begins in the first column")

    def test_truncation_hides_no_tail(self):
        for filler in ("a" * 19000, "a\n" * 9000, "-- \u00e9" * 3000):
            _, sections = self.shown("b" + filler + "; rm -rf /srv")
            whole = "".join(run["t"] for run in runs_of(sections))
            self.assertIn("; rm -rf /srv", whole)

    def test_what_is_too_large_to_be_shown_cannot_be_approved(self):
        """By nobody, over no channel: not in the browser, not by a token that never looked."""
        answer = self.k.request("huge", {"text": "a" * 600_000 + "; rm -rf /srv"})
        self.assertEqual(answer.status, 202, answer)
        seen = self.k.action(answer.json["id"], "bob").json
        self.assertIs(seen["display_complete"], False)
        vote = self.k.vote(answer.json, "bob")
        self.assertEqual((vote.status, vote.code), (403, "not_shown"), vote)
        self.assertNotEqual(self.k.cli("approve", answer.json["id"], "--yes", token="bob", check=False).code, 0)
        self.assertEqual(self.k.action(answer.json["id"], "bob").json["votes"], [])
        self.assertEqual(self.k.vote(answer.json, "olga", digest=answer.json["digest"]).code, "related_to_requester")
        denied = self.k.vote(answer.json, "bob", "deny")
        self.assertEqual((denied.status, denied.json["state"]), (200, "denied"))

    def test_whitespace_push_is_counted(self):
        for filler, word in ((" " * 4000, "4000 spaces"), ("\n" * 4000, r"\d{4} newlines"), ("\t" * 500, "U+0009|tab|500"), (" \n" * 2000, r"\d{4}")):
            with self.subTest(filler=filler[:2]):
                _, sections = self.shown("ls" + filler + "rm -rf /srv")
                marked = [run["t"] for run in runs_of(sections) if run.get("mark")]
                self.assertTrue([t for t in marked if re.search(word, t)], marked)
                unmarked = "".join(run["t"] if not run.get("mark") else "\u25a0" for run in runs_of(sections))
                self.assertNotRegex(unmarked, r" {20,}|\n{6,}")

    def test_look_alike_names_of_people_and_agents(self):
        for words in (("person", "add", "bob3", "--name", "b\u043eb"), ("person", "add", "bob4", "--name", "carol@example.com"), ("person", "add", "b0b"),
                      ("person", "add", "eve", "--name", "ada\u200b"), ("person", "add", "eve", "--name", "\u202eada"), ("person", "add", "c\u0430rol"),
                      ("person", "add", "eve", "--email", "CAROL@EXAMPLE.COM"), ("agent", "add", "b0t", "--owner", "olga"), ("agent", "add", "Bot", "--owner", "olga"),
                      ("agent", "add", "carol", "--owner", "olga"), ("agent", "add", "CAROL", "--owner", "olga"), ("person", "add", "bot2"), ("person", "add", "bot2@example.com", "--name", "bot2")):
            with self.subTest(words=words):
                done = self.k.host(*words, check=False)
                self.assertNotEqual(done.code, 0, f"{words} was taken")
        self.assertNotIn("eve", json.dumps(self.k.get("/v1/people", "ada").json))


if __name__ == "__main__":
    unittest.main()
