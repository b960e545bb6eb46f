"""docs/schemas: what editors are told of a document is what the server reads. Every example and test document fits, what the server refuses by shape does not, and each
object has the words that its reader asks for, no more and no fewer (the reader names them itself, where it finds one that it does not know)."""
import copy
import json
import pathlib
import re
import subprocess
import sys
import unittest

import jsonschema
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import runbook_files_test  # noqa: E402
import runbooks_test  # noqa: E402
from support import keyturn  # noqa: E402
from support.keyturn import POLICY, ROOT, Keyturn  # noqa: E402

SCHEMAS = {name: json.loads((ROOT / f"docs/schemas/{name}.json").read_text()) for name in ("runbook", "tools", "credentials")}
KINDS = {"Runbook": "runbook", "Tools": "tools", "Credentials": "credentials"}

# One document for each way in which an object can be said, so that every word is asked for.
PARAM = {"type": "string", "required": False}
REQUIRE = {"quorum": {"dba": 1}, "any": [{"dba": 1}], "stages": [{"sre": 1}], "veto": "any", "assurance": "token", "channels": ["web"], "notify": "email", "expires": "1h",
           "look": "1s", "another": "1d", "retype": "action.tool", "evidence": "durable", "review_after": "1h", "remind": "1h",
           "escalate": {"after": "30m", "to": "lead", "instead_of": ["dba"]}}
RUNBOOK = {
    "apiVersion": "keyturn/v1", "kind": "Runbook", "metadata": {"name": "all", "description": "x", "revision": 1}, "operation": "execute",
    "resource": {"kind": "host", "name": "x", "env": "dev", "labels": {"a": "b"}},
    "inputs": {"name": PARAM, "things": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, "default": []},
               "one": {"type": "object", "properties": {"a": {"type": "integer"}}, "default": {}}},
    "review": "plan", "timeout": "1h", "concurrency": {"limit": 2, "busy": "refuse"}, "locks": ["db/{{ inputs.name }}", "all"],
    "triggers": [
        {"schedule": "30 2 * * MON-FRI", "time_zone": "Europe/Berlin", "missed": "once", "as": "bot", "inputs": {"name": "{{ event.time }}"}},
        {"webhook": "alerts", "kind": "alertmanager", "secret": {"secret": "env:ALERTS"}, "user": "am", "when": "event.status == 'firing'", "as": "bot", "inputs": {}},
        {"webhook": "pages", "kind": "pagerduty", "secret": "env:PAGES", "as": "bot"}],
    "steps": [
        {"id": "a", "name": "A", "when": "true", "foreach": "inputs.things", "at_once": 2, "tool": "echo", "args": {"text": "{{ item }}"}, "idempotent": True,
         "retry": {"tries": 3, "backoff": "1s", "backoff_max": "10s"}, "timeout": "1m", "outputs": {"x": "result.stdout"}, "on_failure": "continue",
         "compensate": {"tool": "echo", "args": {"text": "x"}}},
        {"id": "b", "runbook": "other", "inputs": {}, "on_failure": [{"id": "b1", "pass": True}]},
        {"id": "c", "approve": {"message": "go {{ inputs.name }}?", "show": {"x": 1}, "require": REQUIRE}},
        {"id": "d", "steps": [{"id": "d1", "pass": True}]},
        {"id": "e", "branches": {"l": [{"id": "e1", "pass": True}], "r": [{"id": "e2", "pass": True}]}}],
    "outputs": {"x": "steps.d.outcome"}}
OTHER = {"kind": "Runbook", "metadata": {"name": "other"}, "steps": [{"id": "a", "pass": True}]}
TOOLS = {
    "apiVersion": "keyturn/v1", "kind": "Tools",
    "tools": {
        "echo": {"description": "x", "exec": ["/bin/echo", "{{text}}", "{{list}}"],
                 "params": {"text": {"type": "string", "default": "x", "pattern": "x", "description": "y"}, "list": {"type": "array", "items": {"type": "string"}, "default": []}},
                 "preview": ["/bin/echo", "{{text}}"], "state": ["/bin/true"],
                 "operation": "read", "resource": {"kind": "host", "name": "x"}, "mode": "execute", "cwd": "/", "output_bytes_max": 2048, "timeout": "1s",
                 "env": {"A": "x", "B": {"param": "text"}, "C": {"secret": "env:X", "as": "file"}, "D": {"credential": "key", "field": "value", "as": "file"}},
                 "sandbox": {"network": True, "read_only": ["/etc"], "read_write": ["/tmp"]},
                 "limits": {"memory": "512MiB", "processes": 10, "open_files": 1000, "file_size": "1GiB"}},
        "counted": {"sql": {"dsn": "host=/run", "statement": "{{sql}}"}, "params": {"sql": {"type": "string"}}, "preview": True, "state": "rows"},
        "open": {"exec": ["/bin/true"], "sandbox": {"disabled": True, "exposes_keyturn": True}},
        "none": {"exec": ["/bin/true"], "sandbox": "none"},
        "query": {"sql": {"dsn": "host=/run dbname=x user=y", "password": {"secret": "env:X"}, "statement": "SELECT {{n}}", "harmless_functions": ["f"]},
                  "params": {"n": {"type": "integer", "minimum": 1}}, "rows_max": 10},
        "lent": {"sql": {"dsn": "host=/run dbname=x", "credential": "role"}, "params": {"sql": {"type": "string"}}},
        "call": {"http": {"server": "https://x.example", "ca": "/etc/ca.pem", "addresses": "public", "method": "POST", "path": "/a/{{id}}", "query": {"q": "{{id}}"},
                          "headers": {"X-A": "b", "X-B": {"secret": "env:X", "prefix": "y "}, "X-C": {"credential": "leased", "field": "password", "prefix": "z "}}, "body": {"json": {"a": "{{id}}"}, "type": "application/json"}, "success": [304],
                          "failed_on": [503], "response_headers": ["etag"], "idempotency_key": True, "kubernetes": False},
                 "params": {"id": {"type": "string"}}, "preview": {"path": "/a/{{id}}", "query": {"q": "x"}, "if_match": True}},
        "form": {"http": {"server": "https://x.example", "method": "POST", "path": "/a", "body": {"form": {"a": 1}}, "credential": "header"}},
        "text": {"http": {"server": "https://x.example", "method": "POST", "path": "/a", "body": {"text": "x"}}},
        "scale": {"kubernetes": {"server": "https://k.example", "ca": "/etc/ca.pem", "addresses": ["10.0.0.0/8"], "verb": "patch", "group": "apps", "version": "v1",
                                 "resource": "deployments", "subresource": "scale", "namespace": "shop", "name": "web", "patch": {"spec": {"replicas": 2}}, "patch_type": "merge",
                                 "field_manager": "x", "query": {"pretty": False}}, "preview": True},
        "make": {"kubernetes": {"server": "https://k.example", "verb": "create", "version": "v1", "resource": "configmaps", "namespace": "shop", "object": {"a": 1}}},
        "deploy": {"mode": "grant", "enforcement_point": "deployer", "input_schema": {"type": "object", "properties": {"ref": {"type": "string"}}}},
        "deep": {"mode": "grant", "enforcement_point": "deployer",
                 "params": {"a": {"type": "object", "properties": {"b": {"type": "object", "properties": {"c": {"type": "string"}}, "required": ["c"]}}}}}},
    "upstreams": {
        "web": {"url": "https://x.example/mcp", "headers": {"Authorization": {"secret": "env:X", "prefix": "Bearer "}, "X-A": "b"}, "ca": "/etc/ca.pem",
                "resource": {"kind": "mcp", "name": "x"}, "agents": {"bot": ["read_*"]}, "operations": {"read_*": "read"}, "trust_annotations": True,
                "gates": ["resources/read"], "pins": "review", "timeout": "30s", "hold": "50s", "leg": "20s", "result_bytes_max": 2048},
        "local": {"command": ["/usr/bin/node", "x.js"], "env": {"A": "x", "B": {"secret": "env:X"}}, "cwd": "/", "sandbox": {"network": True},
                  "limits": {"memory": "1GiB"}},
        "beside": {"attached": True}}}
SECRET = {"secret": "env:X"}
TOKEN = {"token_url": "https://x.example/token", "ca_file": "/etc/ca.pem", "client_id": "x", "client_secret": SECRET, "client_authentication": "body",
         "revocation_url": "https://x.example/revoke", "scope": "a", "audience": "b", "resource": "c"}
CREDENTIALS = {"apiVersion": "keyturn/v1", "kind": "Credentials", "credentials": {
    "key": {"static": {"value": SECRET}},
    "header": {"only_to": ["https://x.example/"], "http_header": {"header": "X", "prefix": "y ", "value": SECRET}},
    "role": {"lifetime": "5m", "postgres_role": {"dsn": "host=/run dbname=x user=y", "password": SECRET, "grants": ["GRANT SELECT ON t TO {{role}}"], "owner": "o", "connections": 2}},
    "ssh": {"ssh_certificate": {"ca_key": SECRET, "principals": ["root"], "force_command": "id", "source_address": ["10.0.0.0/8"], "extensions": ["permit-pty"]}},
    "client": {"oauth_client_credentials": TOKEN},
    "swap": {"token_exchange": {**TOKEN, "subject_token": SECRET, "subject_token_type": "a", "actor_token": SECRET, "actor_token_type": "b", "requested_token_type": "c"}},
    "kube": {"kubernetes_token": {"server": "https://k.example", "ca_file": "/etc/ca.pem", "token": SECRET, "namespace": "n", "service_account": "s", "audiences": ["a"], "revocable": True}},
    "aws": {"aws_sts": {"region": "eu-central-1", "endpoint": "https://sts.example", "ca_file": "/etc/ca.pem", "access_key_id": SECRET, "secret_access_key": SECRET,
                        "session_token": SECRET, "role_arn": "arn:aws:iam::1:role/x", "external_id": "e", "policy_arns": ["a"], "policy": {"Version": "2012-10-17", "Statement": []}}},
    "leased": {"vault": {"address": "https://v.example", "ca_file": "/etc/ca.pem", "token": SECRET, "namespace": "n", "path": "database/creds/x", "fields": ["password"]}}}}
UNREAD = {"runbook": {"secretPlace", "trigger/secret"}, "tools": {"secretPlace"}, "credentials": {"secretPlace", "secret"}}  # read as a whole
APART = {"secretHeader": {"prefix", "as"}, "credentialHeader": {"prefix", "as"}}  # `prefix` is read before, and `as` is known and has no effect
SAMPLES = {"runbook": RUNBOOK, "tools": TOOLS, "credentials": CREDENTIALS}


def validator(name, schema=None):
    whole = SCHEMAS[name]
    return jsonschema.Draft202012Validator({**(schema or whole), "$defs": whole["$defs"]})


def fits(name, document):
    return validator(name).is_valid(document)


def why(name, document):
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in validator(name).iter_errors(document)]


def documents(text):
    """The YAML documents of a text, by the schema that they are for."""
    for tree in yaml.safe_load_all(text):
        if tree is not None:
            yield KINDS[tree.get("kind", "Tools")], tree


def set_in(tree, path, key, value):
    out = copy.deepcopy(tree)
    place = out
    for part in path:
        place = place[part]
    place[key] = value
    return out


def places(name, schema, value, path=(), at="/"):
    """Every object of a document whose words the schema lists: (its path, where in the schema, the words)."""
    if "$ref" in schema:
        target = schema["$ref"].rsplit("/", 1)[1]
        yield from places(name, SCHEMAS[name]["$defs"][target], value, path, target)
        return
    for word in ("anyOf", "oneOf"):
        for one in schema.get(word, []):
            if ("$ref" in one or "type" in one) and validator(name, one).is_valid(value):
                yield from places(name, one, value, path, at)
    if isinstance(value, dict) and schema.get("type") == "object":
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is False:
            yield path, at, set(properties)
        for key, inner in value.items():
            if key in properties:
                yield from places(name, properties[key], inner, (*path, key), f"{at}/{key}")
            elif isinstance(schema.get("additionalProperties"), dict):
                yield from places(name, schema["additionalProperties"], inner, (*path, key), f"{at}/*")
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for i, inner in enumerate(value):
            yield from places(name, schema["items"], inner, (*path, i), f"{at}/-")


def closed(name, schema=None, at="/"):
    """Where in the schema objects list their words."""
    schema = schema or SCHEMAS[name]
    if schema.get("additionalProperties") is False and "properties" in schema:
        yield at
    for key, inner in schema.get("properties", {}).items():
        yield from closed(name, inner, f"{at}/{key}")
    for word, suffix in (("additionalProperties", "/*"), ("items", "/-")):
        if isinstance(schema.get(word), dict):
            yield from closed(name, schema[word], at + suffix)
    for word in ("anyOf", "oneOf"):
        for inner in schema.get(word, []):
            if inner.get("type"):
                yield from closed(name, inner, at)


class Schemas(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(policy=re.sub(r"(?s)rules:.*", "rules: []\n", POLICY), start=False)
        cls.addClassCleanup(cls.k.close)

    def check(self, **changed):
        """What `serve --check` says of the samples, with these instead."""
        files = {**SAMPLES, **changed}
        folder = self.k.folder / "runbooks"
        folder.mkdir(exist_ok=True)
        (folder / "all.yaml").write_text(json.dumps(files["runbook"], indent=1))
        (folder / "other.yaml").write_text(json.dumps(OTHER, indent=1))
        self.k.tools_file.write_text(json.dumps(files["tools"], indent=1))
        credentials = self.k.folder / "credentials.yaml"
        credentials.write_text(json.dumps(files["credentials"], indent=1))
        done = subprocess.run([*self.k.command, "--check", "--runbooks", str(folder), "--credentials", str(credentials)], cwd=self.k.folder, capture_output=True, text=True,
                              timeout=60)
        return done.returncode, done.stderr

    def test_they_are_schemas(self):
        for name, schema in SCHEMAS.items():
            jsonschema.Draft202012Validator.check_schema(schema)
            self.assertEqual(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", name)

    def test_documents_that_load_fit(self):
        texts = {str(path.relative_to(ROOT)): path.read_text() for path in ROOT.glob("examples/**/*.yaml")}
        texts = {name: text for name, text in texts.items() if re.search(r"^kind: (Runbook|Tools|Credentials)$|^tools:|^upstreams:", text, re.M)}
        self.assertGreaterEqual(len(texts), 1)
        texts["tests"] = keyturn.TOOLS + runbooks_test.RUNBOOKS
        texts["files"] = runbook_files_test.GREET + "---\n" + runbook_files_test.CREDENTIALS
        for guide in ("runbook", "credentials"):
            whole = (ROOT / f"docs/formats/{guide}.md").read_text()
            for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", whole, re.S)):
                if "kind:" in block and "apiVersion" in block:
                    texts[f"{guide}.md {number}"] = block
        for where, text in texts.items():
            for name, document in documents(re.sub(r"@[A-Z_]+@", "/x", text)):  # of a template
                self.assertEqual(why(name, document), [], where)

    def test_the_samples_load_and_fit(self):
        self.assertEqual(self.check(), (0, ""))
        for name, document in SAMPLES.items():
            self.assertEqual(why(name, document), [], name)

    def test_each_object_has_the_words_that_its_reader_asks_for(self):
        for name, sample in SAMPLES.items():
            words, asked, number = {}, {}, 0
            found = list(places(name, SCHEMAS[name], sample))
            wanted = set(closed(name))
            for target, inner in SCHEMAS[name]["$defs"].items():
                wanted |= set(closed(name, inner, target))
            found = [one for one in found if one[1] not in UNREAD[name]]
            self.assertEqual({at for _, at, _ in found}, wanted - UNREAD[name], f"{name}: the sample has no such object")
            for path, at, properties in found:
                number += 1
                _, said = self.check(**{name: set_in(sample, path, f"zz_{number}", True)})
                listed = re.search(rf'unknown field "zz_{number}"; here may stand (.*)', said)
                self.assertTrue(listed, f"{name} {path}: {said}")
                words[at] = properties
                asked.setdefault(at, set()).update(re.split(r", | and ", listed[1]))
            for at, properties in words.items():
                self.assertEqual(asked[at], properties ^ APART.get(at, set()), f"{name} {at}")

    def test_what_is_wrong_by_its_shape_is_wrong_for_both(self):
        step = ("steps", 0)
        wrong = {"runbook": [
            ((), "steps", []), ((), "review", "maybe"), ((), "timeout", "soon"), ((), "metadata", {"name": "9"}), ((), "kind", "Runbok"),
            (step, "id", "1a"), (step, "runbook", "other"), (step, "at_once", 0), (step, "on_failure", "go"), (step, "idempotent", "yes"), (step, "retry", {"tries": 1}),
            (("steps", 2, "approve"), "require", {}), (("steps", 2, "approve", "require"), "assurance", "none"), (("steps", 3), "pass", False),
            (("steps", 2, "approve", "require"), "quorum", {"dba": 0}), (("triggers", 0), "webhook", "x"), (("triggers", 0), "missed", "twice"),
            (("triggers", 1), "kind", "nagios"), (("triggers", 1), "secret", "hunter2"), ((), "concurrency", {}), ((), "concurrency", {"limit": 0}), ((), "locks", [1])],
            "tools": [
            ((), "kind", "Tool"), (("tools", "echo"), "timeout", 5), (("tools", "echo"), "exec", []), (("tools", "echo"), "mode", "run"), (("tools", "none"), "sandbox", "no"),
            (("tools", "echo", "params", "text"), "type", "text"), (("tools", "query"), "rows_max", 0), (("tools", "deploy"), "exec", ["/bin/true"]),
            (("tools", "query", "sql"), "password", "hunter2"), (("upstreams", "web"), "command", ["/bin/true"]), (("upstreams", "web"), "pins", "none"),
            (("upstreams", "web"), "gates", ["tools/list"]), (("upstreams", "beside"), "attached", False)],
            "credentials": [
            (("credentials", "key"), "vault", {}), (("credentials", "key", "static"), "value", "hunter2"), (("credentials", "role", "postgres_role"), "grants", []),
            (("credentials", "ssh", "ssh_certificate"), "principals", []), (("credentials", "ssh", "ssh_certificate"), "extensions", ["all"]),
            (("credentials", "key"), "lifetime", "long"), (("credentials", "leased", "vault"), "address", "v.example")]}
        for name, changes in wrong.items():
            for path, key, value in changes:
                document = set_in(SAMPLES[name], path, key, value)
                self.assertFalse(fits(name, document), (name, path, key, value))
                code, said = self.check(**{name: document})
                self.assertEqual(code, 1, (name, path, key, value, said))


if __name__ == "__main__":
    unittest.main()
