"""What others make of the exports: npm's cloudevents and nsyslog-parser, OCSF's own schema, OTLP's JSON encoding.

Needs Node.js and npm; installs the packages of exports/package-lock.json where they are missing.
"""
import json
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import Keyturn  # noqa: E402
from support.npm import install  # noqa: E402

PEER = pathlib.Path(__file__).resolve().parent / "exports"

# The required attributes, as schema.ocsf.io/1.8.0/classes/NAME shows them; exports/ocsf-1.8.0.json has the rest
# (all attributes without profiles, from the tag 1.8.0 of github.com/ocsf/ocsf-schema).
REQUIRED = {
    6003: {"activity_id", "actor", "api", "category_uid", "class_uid", "metadata", "severity_id", "src_endpoint", "time", "type_uid"},
    3004: {"activity_id", "category_uid", "class_uid", "entity", "metadata", "severity_id", "time", "type_uid"},
    3005: {"activity_id", "category_uid", "class_uid", "metadata", "privileges", "severity_id", "time", "type_uid", "user"},
}
HOSTILE = ("x\n<110>1 - h keyturn - action.decided [keyturn@32473 index=\"9\"] allowed", "x|0| outcome=success suser=ada externalId=forged",
           'x"} {"index": 9}', "x\u2028CEF:0|Keyturn|Keyturn|1|a|b|0|", '\\"] \\')
INTEGERS = {"integer_t": 31, "long_t": 63, "timestamp_t": 63}


class Ocsf:
    def __init__(self):
        self.schema = json.loads((PEER / "ocsf-1.8.0.json").read_text())

    def check(self, event):
        """Everything that is wrong with an event, as text."""
        kind = self.schema["classes"].get(str(event.get("class_uid")))
        if kind is None:
            return [f"class {event.get('class_uid')}"]
        wrong = list(self.object(event, kind, ""))
        if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
            wrong.append("type_uid")
        if event["category_uid"] != event["class_uid"] // 1000:
            wrong.append("category_uid")
        return wrong

    def object(self, value, kind, where):
        for name, attribute in kind["attributes"].items():
            if attribute.get("required") and name not in value:
                yield f"{where}{name} is missing"
        one_of = kind.get("constraints", {}).get("at_least_one")
        if one_of and not any(name in value for name in one_of):
            yield f"{where}: none of {one_of}"
        for name, member in value.items():
            attribute = kind["attributes"].get(name)
            if attribute is None:
                yield f"{where}{name}: no such attribute"
            elif attribute.get("deprecated"):
                yield f"{where}{name} is deprecated"
            elif attribute.get("array") != (True if isinstance(member, list) else None):
                yield f"{where}{name}: array or not"
            else:
                for one in member if isinstance(member, list) else [member]:
                    yield from self.value(one, attribute, where + name)

    def value(self, value, attribute, where):
        kind = attribute["type"]
        if "enum" in attribute and str(value) not in attribute["enum"]:
            yield f"{where}: {value!r} is none of the choices"
        if kind in INTEGERS:
            if not isinstance(value, int) or abs(value) >> INTEGERS[kind]:
                yield f"{where}: {value!r} is no {kind}"
        elif kind in self.schema["objects"]:
            if not isinstance(value, dict):
                yield f"{where} is no object"
            elif kind != "object":
                yield from self.object(value, self.schema["objects"][kind], where + ".")
        elif kind.endswith("_t"):
            if not isinstance(value, str):
                yield f"{where}: {value!r} is no {kind}"
        else:
            yield f"{where}: object {kind} is not in the excerpt"


class Exports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install(PEER)
        cls.k = Keyturn()
        cls.addClassCleanup(cls.k.close)
        cls.fill(cls.k)
        cls.k.stop()  # signs, so that everything is covered; the rest is read on the host
        cls.k.start()
        cls.k.stop()
        cls.lines = {name: cls.k.host("export", "--format", name).out.splitlines() for name in ("ndjson", "ocsf", "cloudevents", "syslog", "cef", "otlp")}
        cls.leaves = [json.loads(line)["leaf"] for line in cls.lines["ndjson"]]

    @staticmethod
    def fill(k):
        """A bit of everything that is recorded."""
        for _ in range(3):
            k.post("/v1/actions", "bot", {"tool": "echo", "args": {"text": "x"}}, headers={"Prefer": "wait=20", "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
        k.request("forbidden", {}, wait=20)
        approved = k.request("append-one", {"text": "x"}).json
        k.vote(approved, "bob")
        k.settled(approved["id"])
        denied = k.request("append-one", {"text": "x"}).json
        k.post(f"/v1/actions/{denied['id']}/comments", "bob", {"text": "why?"})
        k.vote(denied, "bob", "deny")
        cancelled = k.request("append-one", {"text": "x"}).json
        k.post(f"/v1/actions/{cancelled['id']}/cancel", "bot")
        k.request("deploy", {"ref": "x"}, wait=20)
        k.post("/v1/agents/bot2/suspend", "ada")
        k.post("/v1/agents/bot2/resume", "ada")
        k.get("/v1/exports", "bob")
        k.host("person", "groups", "olga", "--group", "sre")
        k.host("person", "groups", "olga", "--group", "dba")
        k.host("person", "groups", "olga")
        for words in HOSTILE:
            k.request(words, {})
            k.request("echo", {"text": "x"}, wait=20, claims={"model": words})

    def read(self, kind, texts):
        lines = "".join(json.dumps({"as": kind, "text": text}) + "\n" for text in texts)
        done = subprocess.run(["node", str(PEER / "read.mjs")], input=lines, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        answers = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
        self.assertEqual([answer["bad"] for answer in answers if "bad" in answer], [])
        return [answer["good"] for answer in answers]

    def test_every_format_has_every_entry(self):
        self.assertGreater(len(self.leaves), 40)
        self.assertEqual({name: len(lines) for name, lines in self.lines.items()}, dict.fromkeys(self.lines, len(self.leaves)))

    def test_ocsf_events_are_what_the_published_schema_asks_for(self):
        ocsf = Ocsf()
        self.assertEqual({int(uid): {name for name, attribute in kind["attributes"].items() if attribute.get("required")} for uid, kind in ocsf.schema["classes"].items()}, REQUIRED)
        seen = set()
        for leaf, line in zip(self.leaves, self.lines["ocsf"]):
            event = json.loads(line)
            self.assertEqual(ocsf.check(event), [], line)
            self.assertTrue(event["metadata"]["uid"].endswith("/" + event["unmapped"]["ledger_index"]))
            self.assertEqual(event["metadata"]["event_code"], leaf["type"])
            seen.add(event["class_uid"])
        self.assertEqual(seen, set(REQUIRED))

    def test_the_check_of_ocsf_can_fail(self):
        ocsf, good = Ocsf(), json.loads(self.lines["ocsf"][-1])
        for change in ({"time": "now"}, {"severity_id": 7}, {"metadata": {"version": "1.8.0"}}, {"actor": {}}, {"extra": 1}, {"type_uid": 1}, {"observables": {}}):
            self.assertNotEqual(ocsf.check({**good, **change}), [], change)
        self.assertNotEqual(ocsf.check({name: value for name, value in good.items() if name != "time"}), [])

    def test_cloudevents_reads_them(self):
        for index, (leaf, event) in enumerate(zip(self.leaves, self.read("cloudevents", self.lines["cloudevents"]))):
            self.assertEqual((event["id"], event["type"], event["specversion"], event["data"]), (str(index), "keyturn." + leaf["type"], "1.0", leaf))
            self.assertEqual(event["ledgerindex"], str(index))
            self.assertRegex(event["leafhash"], "^[0-9a-f]{64}$")
            self.assertTrue(all(re.fullmatch("[a-z0-9]{1,20}", name) for name in event), list(event))
        batch = self.read("batch", ["[" + ",".join(self.lines["cloudevents"][:10]) + "]"])[0]
        self.assertEqual([event["id"] for event in batch], [str(n) for n in range(10)])

    def test_nsyslog_parser_reads_rfc_5424(self):
        for index, (leaf, entry) in enumerate(zip(self.leaves, self.read("syslog", self.lines["syslog"]))):
            self.assertEqual((entry["type"], entry["version"], entry["facilityval"], entry["appName"], entry["messageid"]), ("RFC5424", 1, 13, "keyturn", leaf["type"]))
            data = entry["structuredData"]
            self.assertEqual((len(data), data[0]["$id"], data[0]["index"], data[0]["type"]), (1, "keyturn@32473", str(index), leaf["type"]))

    def test_nsyslog_parser_reads_cef_behind_a_syslog_header_and_is_not_fooled(self):
        header = "<110>1 2026-11-21T12:00:00.000Z host keyturn - type - "
        for index, (leaf, entry) in enumerate(zip(self.leaves, self.read("syslog", [header + line for line in self.lines["cef"]]))):
            self.assertEqual((entry["type"], entry["cef"]["deviceVendor"], entry["cef"]["deviceEventClassID"]), ("CEF", "Keyturn", leaf["type"]))
            fields = entry["fields"]
            self.assertTrue(fields["externalId"].endswith(f"/{index}"))
            self.assertEqual(fields.get("cn1"), str(index), entry)
            self.assertIn(fields.get("outcome", entry), ("success", "failure", "unknown"))
            if leaf.get("state") == "denied":
                self.assertEqual(fields["outcome"], "failure")
            self.assertNotEqual(fields.get("suser"), "ada externalId")

    def test_otlp_is_the_json_encoding_of_logs_data(self):
        known = {"timeUnixNano": str, "observedTimeUnixNano": str, "severityNumber": int, "severityText": str, "eventName": str, "body": dict, "attributes": list, "traceId": str, "spanId": str}
        traced = 0
        for leaf, line in zip(self.leaves, self.lines["otlp"]):
            request = json.loads(line)
            self.assertEqual(list(request), ["resourceLogs"])
            (resource,) = request["resourceLogs"]
            self.assertLessEqual(set(resource), {"resource", "scopeLogs", "schemaUrl"})
            (scope,) = resource["scopeLogs"]
            (record,) = scope["logRecords"]
            for name, value in record.items():
                self.assertIsInstance(value, known[name], name)
            self.assertRegex(record["timeUnixNano"], r"^\d{19}$")
            self.assertIn(record["severityNumber"], (9, 10, 13, 17))
            self.assertEqual(json.loads(record["body"]["stringValue"]), leaf)
            for attribute in record["attributes"] + resource["resource"]["attributes"]:
                self.assertEqual(sorted(attribute), ["key", "value"])
                self.assertIn(list(attribute["value"]), (["stringValue"], ["intValue"]))
                self.assertIsInstance(next(iter(attribute["value"].values())), str)
            traced += record.get("traceId") == "4bf92f3577b34da6a3ce929d0e0e4736" and record["spanId"] == "00f067aa0ba902b7"
        self.assertGreaterEqual(traced, 3)


if __name__ == "__main__":
    unittest.main()
