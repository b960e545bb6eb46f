"""The clients of integrations/python and integrations/typescript against the real server: the same promises of both, and both as docs/openapi.json has it."""
import inspect
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import typing
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.clients import TYPESCRIPT, Failure, Node, NodeClient, PythonClient, Relay, build_typescript, keyturn  # noqa: E402
from support.keyturn import DEADLINE, POLICY, TOOLS, free_port, until  # noqa: E402
from support.npm import install  # noqa: E402
from support.prism import DOCUMENT, FOLDER, Conforming  # noqa: E402

GRANT = """\
  @NAME@:
    params: {ref: {type: string}, pin: {type: string, secret: true, required: false}, more: {type: array, items: {type: integer}, required: false}}
    resource: {kind: service, name: web, env: prod}
    operation: deploy
    mode: grant
    enforcement_point: bot
"""
MORE_TOOLS = TOOLS + "".join(GRANT.replace("@NAME@", name) for name in ("own", "own-reviewed", "own-soon", "own-never"))
MORE_POLICY = POLICY + """\
- {id: own, match: {tool: [own]}, effect: allow}
- {id: own-reviewed, match: {tool: [own-reviewed]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
- {id: own-soon, match: {tool: [own-soon]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1s}}
- {id: own-never, match: {tool: [own-never]}, effect: deny}
"""


class Promises:
    """Of every client. Exchanges go through Prism where nothing is cut."""

    make = None

    @classmethod
    def setUpClass(cls):
        cls.k = Conforming(policy=MORE_POLICY, tools=MORE_TOOLS)
        cls.addClassCleanup(cls.k.close)
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.ran = cls.folder / "ran"

    def client(self, who="bot", url=None, **more):
        return self.make(url or self.k.front, self.k.tokens.get(who, who), **more)

    def relayed(self):
        relay = Relay(self.k.port)
        self.addCleanup(relay.close)
        return relay

    def asked(self, text, tool="append"):
        """The action with this text, as soon as it is there."""
        return until(lambda: next((a for a in self.k.get(f"/v1/actions?tool={tool}&limit=200", "ada").json["items"] if text in json.dumps(a["args"])), None),
                     f"nobody asked for {text}")

    def approve(self, text, tool="append", who=("bob", "carol")):
        action = self.asked(text, tool)
        for one in who:
            self.assertEqual(self.k.vote(action, one).status, 200)
        return action

    def raised(self, kind, call, *args, **named):
        with self.assertRaises(Failure) as caught:
            call(*args, **named)
        self.assertEqual(caught.exception.kind, kind, caught.exception)
        return caught.exception

    def lines_run(self, text):
        return [json.loads(line) for line in self.ran.read_text().splitlines() if text in line] if self.ran.exists() else []

    def release(self, ref, tool="own", client=None, more=None, **how):
        return (client or self.client()).do("released", tool=tool, args={"ref": ref, **(more or {})}, append=self.ran, **how)

    # ------------------------------------------------------------ asking
    def test_what_is_allowed_comes_back_done(self):
        action = self.client().do("request", tool="echo", args={"text": "hello"}, reason="a greeting")
        self.assertEqual((action["state"], action["outcome"]["stdout"], action["reason"]), ("succeeded", "hello\n", "a greeting"))

    def test_a_denial_is_an_answer(self):
        self.assertEqual(self.client().do("request", tool="forbidden")["state"], "denied")

    def test_a_problem_is_told_by_its_code_and_place(self):
        refused = self.raised("Refused", self.client().do, "request", tool="append", args={"text": 7})
        self.assertEqual((refused.status, refused.code, refused.pointer), (400, "invalid_args", "/args/text"))
        self.assertEqual(self.raised("Refused", self.client("kt_" + "A" * 43).do, "me").code, "unauthenticated")

    def test_a_wait_that_is_over_and_one_that_is_not(self):
        pending = self.client().do("request", tool="append", args={"text": "in two steps"}, wait=1)
        self.assertEqual(pending["state"], "pending")
        self.assertEqual(self.client().do("wait", action=pending, wait=0)["state"], "pending")
        waiting = self.k.later(self.client().do, "wait", action=pending["id"])
        self.approve("in two steps")
        self.assertEqual(waiting.result(DEADLINE)["state"], "succeeded")

    def test_a_lost_connection_is_taken_up_again(self):
        relay = self.relayed()
        waiting = self.k.later(self.client(url=relay.url).do, "request", tool="append", args={"text": "cut off"})
        relay.wait_taken("POST /v1/actions ")
        self.asked("cut off")
        relay.cut()
        relay.wait_taken("POST /v1/actions ", 2)
        self.approve("cut off")
        self.assertEqual(waiting.result(DEADLINE)["state"], "succeeded")
        self.assertEqual(self.k.lines().count("cut off"), 1)
        self.assertEqual(len([a for a in self.k.get("/v1/actions?tool=append&limit=200", "ada").json["items"] if a["args"]["text"] == "cut off"]), 1)

    def test_a_server_that_ended_and_came_back(self):
        waiting = self.k.later(self.client(url=self.k.url).do, "request", tool="append", args={"text": "came back"})
        self.asked("came back")
        self.k.kill9()
        self.k.start()
        self.approve("came back")
        self.assertEqual(waiting.result(DEADLINE)["state"], "succeeded")
        self.assertEqual(self.k.lines().count("came back"), 1)

    def test_a_server_that_is_not_there(self):
        self.raised("Unreachable", self.client(url=f"http://localhost:{free_port()}", patience=0.2).do, "me")

    def test_what_lies_between_is_no_keyturn(self):
        self.assertEqual(self.raised("Refused", self.client(url=self.k.url + "/elsewhere").do, "me").status, 404)

    def test_keys_lists_and_calling_back(self):
        bot = self.client()
        ids = [bot.do("request", tool="append-one", args={"text": f"list {n}"}, wait=0, key=f"{self.make.__name__} {n // 2}" if n < 2 else None)["id"]
               for n in (0, 2, 3, 4, 5)]
        again = bot.do("request", tool="append-one", args={"text": "list 0"}, wait=0, key=f"{self.make.__name__} 0")
        self.assertEqual(again["id"], ids[0])
        other = self.raised("Refused", bot.do, "request", tool="append-one", args={"text": "other"}, wait=0, key=f"{self.make.__name__} 0")
        self.assertEqual(other.code, "idempotency_mismatch")
        listed = [a["id"] for a in bot.do("list", tool="append-one", state="pending", limit=2)]
        self.assertEqual(listed[:5], ids[::-1])
        self.assertEqual([a["id"] for a in bot.do("list", tool="append-one", to="2020-01-01T00:00:00Z")], [])
        waiting = {a["id"] for a in self.client("bob").do("list", **{"for": "me", "state": "pending"})}
        self.assertLessEqual(set(ids), waiting)
        for id in ids:
            self.assertEqual(bot.do("cancel", id=id)["state"], "cancelled")
        self.assertEqual(self.raised("Refused", bot.do, "cancel", id=ids[0]).code, "closed")
        self.assertEqual(bot.do("get", id=ids[0])["state"], "cancelled")

    def test_people_decide(self):
        action = self.client().do("request", tool="append", args={"text": "people"}, wait=0)
        bob, carol = self.client("bob"), self.client("carol")
        self.assertEqual(bob.do("me")["groups"], ["dba"])
        self.assertEqual(self.raised("Refused", bob.do, "vote", action={**action, "digest": "sha256:" + "0" * 64}, decision="approve").code, "digest_mismatch")
        self.assertEqual(bob.do("vote", action=action, decision="approve", note="seen")["votes"][0]["note"], "seen")
        self.assertEqual(bob.do("take_vote_back", id=action["id"])["votes"], [])
        self.assertEqual(bob.do("comment", id=action["id"], text="why?")["comments"][0]["text"], "why?")
        new = bob.do("amend", id=action["id"], args={"text": "people, mended"}, note="so")
        self.assertEqual((new["amends"], self.client().do("get", id=action["id"])["amended_by"]), (action["id"], new["id"]))
        self.assertEqual(carol.do("vote", action=new, decision="deny", note="no")["state"], "denied")
        self.assertEqual(self.raised("Refused", self.client().do, "vote", action=new, decision="approve").code, "own_request")

    def test_a_vote_whose_answer_was_lost_is_given_once(self):
        relay = self.relayed()
        action = self.client().do("request", tool="append", args={"text": "lost vote"}, wait=0)
        relay.swallow(f"POST /v1/actions/{action['id']}/votes ")
        voted = self.client("bob", url=relay.url).do("vote", action=action, decision="approve")
        self.assertEqual(([v["reviewer"] for v in voted["votes"]], len(relay.swallowed)), (["bob"], 1))

    def test_a_comment_whose_answer_was_lost_is_not_made_twice(self):
        relay = self.relayed()
        action = self.client().do("request", tool="append", args={"text": "lost words"}, wait=0)
        relay.swallow(f"POST /v1/actions/{action['id']}/comments ")
        self.raised("Unreachable", self.client("bob", url=relay.url).do, "comment", id=action["id"], text="once")
        self.assertEqual([c["text"] for c in self.k.action(action["id"]).json["comments"]], ["once"])

    def test_the_stream_tells_all_of_it_and_goes_on_after_a_cut(self):
        relay = self.relayed()
        action = self.client().do("request", tool="append", args={"text": "streamed"}, wait=0)
        whole = self.k.later(self.client(url=self.k.url).do, "stream", id=action["id"])
        cut = self.k.later(self.client(url=relay.url).do, "stream", id=action["id"])
        relay.wait_taken("GET /v1/actions/")
        self.k.vote(action, "bob")
        relay.cut()
        relay.wait_taken("GET /v1/actions/", 2)
        self.k.vote(action, "carol")
        for events in (whole.result(DEADLINE), cut.result(DEADLINE)):
            self.assertEqual((events[0]["name"], events[-1]["state"]), ("snapshot", "succeeded"), events)
            versions = [e["version"] for e in events]
            self.assertEqual(versions, sorted(versions))
        self.assertEqual(self.raised("Refused", self.client("bot2", url=self.k.url).do, "stream", id=action["id"]).code, "not_found")

    # ------------------------------------------------------------ running what was released
    def test_it_runs_once_when_it_is_released_and_is_reported(self):
        for guarded in (False, True):
            ref = f"v1 {guarded}"
            self.assertEqual(self.release(ref, guarded=guarded, returns={"version": 7}), {"version": 7})
            self.assertEqual(self.lines_run(ref), [{"ref": ref}])
            action = self.asked(ref, "own")
            self.assertEqual((action["state"], action["outcome"]["result"]), ("succeeded", {"version": 7}))

    def test_people_release_it(self):
        waiting = self.k.later(self.release, "by people", "own-reviewed", more={"more": [1, 2]}, returns=1)
        self.asked("by people", "own-reviewed")
        self.assertEqual(self.lines_run("by people"), [])
        self.approve("by people", "own-reviewed", ("bob",))
        self.assertEqual(waiting.result(DEADLINE), 1)
        self.assertEqual(self.lines_run("by people"), [{"ref": "by people", "more": [1, 2]}])

    def test_another_agent_enforces(self):
        self.assertEqual(self.release("v2", "deploy", enforcement=self.client("deployer"), returns="ok"), "ok")
        self.assertEqual(self.asked("v2", "deploy")["state"], "succeeded")
        self.assertEqual(self.raised("Refused", self.release, "v3", "deploy").code, "not_found")  # bot itself may not use this grant
        self.assertEqual(self.lines_run("v3"), [])

    def test_what_is_raised_is_raised_and_reported(self):
        for guarded in (False, True):
            self.assertEqual(self.raised("Error", self.release, f"fails {guarded}", throws="no disk", guarded=guarded).message, "no disk")
            action = self.asked(f"fails {guarded}", "own")
            self.assertEqual(action["state"], "failed")
            self.assertIn("no disk", action["outcome"]["result"]["error"])

    def test_nothing_runs_that_was_not_released(self):
        for kind, tool, prepare in (("Denied", "own-never", None), ("Expired", "own-soon", None), ("StillOpen", "own-reviewed", None),
                                    ("Denied", "own-reviewed", lambda action: self.k.vote(action, "bob", "deny")),
                                    ("Cancelled", "own-reviewed", lambda action: self.k.post(f"/v1/actions/{action['id']}/amend", "bob", {"args": {"ref": "other"}}))):
            with self.subTest(kind=kind, tool=tool):
                ref = f"{kind} of {tool} {prepare is not None}"
                waiting = self.k.later(self.release, ref, tool, guarded=True, wait=1 if kind == "StillOpen" else None)
                if prepare:
                    self.assertLess(prepare(self.asked(ref, tool)).status, 300)
                raised = self.raised(kind, waiting.result, DEADLINE)
                self.assertEqual(raised.action["tool"], tool)
                self.assertEqual(self.lines_run(ref), [])
                if kind == "Cancelled":
                    self.assertTrue(raised.action["amended_by"])

    def test_the_same_wish_runs_once(self):
        key = f"one wish of {self.make.__name__}"
        self.release("wish", key=key, returns=1)
        raised = self.raised("AlreadyRan", self.release, "wish", key=key, returns=2)
        self.assertEqual(raised.action["outcome"]["result"], 1)
        self.assertEqual(len(self.lines_run("wish")), 1)

    def test_a_secret_argument_comes_from_the_call(self):
        raised = self.raised("ReleaseUncertain", self.release, "hidden 1", more={"pin": "1234"})
        self.assertEqual((self.lines_run("hidden 1"), self.k.action(raised.action["id"]).json["state"]), ([], "approved"), "not even used")
        self.release("hidden 2", more={"pin": "1234"}, secret=["pin"], returns=1)
        self.assertEqual(self.lines_run("hidden 2"), [{"ref": "hidden 2", "pin": "1234"}])

    def test_a_lost_answer_to_the_use_of_a_grant_runs_nothing(self):
        relay = self.relayed()
        relay.swallow("POST /v1/grants/consume ")
        self.raised("ReleaseUncertain", self.release, "lost use", client=self.client(url=relay.url))
        self.assertEqual((self.lines_run("lost use"), len(relay.swallowed)), ([], 1))
        self.assertEqual(self.asked("lost use", "own")["state"], "executing", "Keyturn will say unknown")

    def test_a_lost_grant_runs_nothing(self):
        relay = self.relayed()
        relay.swallow("POST /v1/actions ")
        raised = self.raised("ReleaseUncertain", self.release, "lost grant", client=self.client(url=relay.url))
        self.assertEqual((self.lines_run("lost grant"), raised.action["state"], len(relay.swallowed)), ([], "approved", 1))

    def test_a_lost_report_is_made_again(self):
        relay = self.relayed()
        relay.swallow("POST /v1/actions/act_")  # the outcome is the only one of those
        self.assertEqual(self.release("lost report", client=self.client(url=relay.url), returns=3), 3)
        self.assertEqual((self.asked("lost report", "own")["outcome"]["result"], len(relay.swallowed)), (3, 1))

    def test_who_asks_too_often_waits(self):
        with Conforming(policy=MORE_POLICY, tools=MORE_TOOLS, config="limits: {requests_per_second: 1}\n") as k:
            bot = self.make(k.url, k.tokens["bot"])
            began = time.monotonic()
            for n in range(12):  # ten at once, then one a second
                self.assertEqual(bot.do("request", tool="echo", args={"text": str(n)})["state"], "succeeded")
            self.assertGreater(time.monotonic() - began, 0.9)

    def test_zz_all_that_it_can_call_was_called_as_the_document_has_it(self):
        document = json.loads(DOCUMENT.read_text())
        called = set()
        for line in self.k.asked():
            method, path = line.split(" ")
            called |= {o["operationId"] for p, item in document["paths"].items() for m, o in item.items()
                       if m == method.lower() and len(p.split("/")) == len(path.split("/"))
                       and all(a == b or a.startswith("{") for a, b in zip(p.split("/"), path.split("/")))}
        self.assertLessEqual(set(keyturn.OPERATIONS) - {"streamAction"}, called)


class Python(Promises, unittest.TestCase):
    make = PythonClient

    def test_the_arguments_are_the_released_ones_whatever_the_caller_does_meanwhile(self):
        ran, given = [], [1]
        client = keyturn.Client(self.k.front, self.k.tokens["bot"])

        @client.guarded("own-reviewed")
        def deploy(ref, more=None):
            ran.append((ref, more))

        waiting = self.k.later(deploy, "mutable", more=given)
        self.asked("mutable", "own-reviewed")
        given.append(2)
        self.approve("mutable", "own-reviewed", ("bob",))
        waiting.result(DEADLINE)
        self.assertEqual(ran, [("mutable", [1])])

        @client.guarded("own-reviewed", args=lambda what: {"ref": what["ref"]})
        def mapped(what):
            ran.append(what)

        given = {"ref": "mapped"}
        waiting = self.k.later(mapped, given)
        self.asked("mapped", "own-reviewed")
        given["ref"] = "changed"
        self.approve("mapped", "own-reviewed", ("bob",))
        self.assertRaises(keyturn.ReleaseUncertain, waiting.result, DEADLINE)
        self.assertEqual(len(ran), 1)

    def test_what_only_begins_when_it_is_called_is_not_guarded(self):
        client = keyturn.Client(self.k.front, self.k.tokens["bot"])

        async def later():
            pass
        self.assertRaises(TypeError, client.guarded("own"), later)

    def test_the_token_is_not_shown_and_must_be_there(self):
        self.assertNotIn(self.k.tokens["bot"], repr(keyturn.Client(self.k.url, self.k.tokens["bot"])))
        with unittest.mock.patch.dict("os.environ", clear=True):
            self.assertRaises(ValueError, keyturn.Client, self.k.url)
        self.assertRaises(ValueError, keyturn.Client, "localhost:7717", "x")


class TypeScript(Promises, unittest.TestCase):
    make = NodeClient

    @classmethod
    def setUpClass(cls):
        NodeClient.node = Node()
        cls.addClassCleanup(NodeClient.node.close)
        super().setUpClass()


class Document(unittest.TestCase):
    """What the clients say they call and read is in docs/openapi.json."""

    @classmethod
    def setUpClass(cls):
        cls.document = json.loads(DOCUMENT.read_text())
        cls.schemas = cls.document["components"]["schemas"]

    def test_the_operations(self):
        described = {o["operationId"]: (m.upper(), p) for p, item in self.document["paths"].items() for m, o in item.items() if m != "parameters"}
        self.assertEqual(keyturn.OPERATIONS, {name: described.get(name) for name in keyturn.OPERATIONS})
        dist = build_typescript().parent / "http.js"
        done = subprocess.run(["node", "-e", "import(process.argv[1]).then((m) => console.log(JSON.stringify(m.OPERATIONS)))", str(dist)],
                              capture_output=True, text=True, check=True, timeout=60)
        self.assertEqual({name: tuple(of) for name, of in json.loads(done.stdout).items()}, keyturn.OPERATIONS)

    def resolve(self, schema):
        return self.schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    def types_of(self, schema):
        """JSON's types that it lets through; an empty set: all."""
        schema = self.resolve(schema)
        for word in ("oneOf", "anyOf"):
            if word in schema:
                return set().union(*map(self.types_of, schema[word]))
        said = schema.get("type", [])
        return {said} if isinstance(said, str) else set(said)

    def check(self, where, hint, schema):
        """A Python type against a schema: nothing is named that is not there, and what comes fits."""
        json_types = {str: "string", int: "integer", bool: "boolean", type(None): "null"}
        arms = typing.get_args(hint) if typing.get_origin(hint) is typing.Union else (hint,)
        if typing.Any in arms:
            return
        kinds = set()
        for arm in arms:
            origin = typing.get_origin(arm)
            if origin is list:
                kinds.add("array")
                self.check(where + "[]", typing.get_args(arm)[0], self.resolve(schema)["items"])
            elif origin is dict:
                kinds.add("object")
            elif typing.is_typeddict(arm):
                kinds.add("object")
                inner = self.resolve(next((s for s in schema.get("oneOf", [schema]) if self.types_of(s) == {"object"})))
                hints = typing.get_type_hints(arm)
                self.assertLessEqual(set(hints), set(inner["properties"]), where)
                self.assertLessEqual(arm.__required_keys__, set(inner.get("required", [])), where)
                for name, part in hints.items():
                    self.check(f"{where}.{name}", part, inner["properties"][name])
            else:
                kinds.add(json_types[arm])
        self.assertEqual(self.types_of(schema), kinds, where)

    def test_the_types_in_python(self):
        self.check("Action", keyturn.Action, {"$ref": "#/components/schemas/Action"})
        self.assertEqual(keyturn.FINAL | keyturn.SETTLED | {"deferred", "pending", "executing"}, set(self.schemas["State"]["enum"]))
        described = {p["name"] for p in self.document["paths"]["/v1/actions"]["get"]["parameters"]}
        self.assertLessEqual({"state", "tool", "actor", "q", "from", "to", "for", "limit", "after"}, described)
        sent = set(self.document["paths"]["/v1/actions"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"])
        given = set(inspect.signature(keyturn.Client.request).parameters) - {"self", "wait_s", "traceparent"}
        self.assertEqual(given, sent)

    def test_the_types_in_typescript(self):
        install(FOLDER)
        build_typescript()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            subprocess.run([str(FOLDER / "node_modules/.bin/openapi-typescript"), str(DOCUMENT), "--empty-objects-unknown", "-o", str(path / "document.ts")],
                           check=True, capture_output=True, timeout=120)
            (path / "check.ts").write_text(CHECK.replace("@CLIENT@", str(TYPESCRIPT / "dist/index.js")))
            done = subprocess.run([str(FOLDER / "node_modules/.bin/tsc"), "--noEmit", "--strict", "--target", "es2022", "--lib", "es2023,dom", "--module", "nodenext",
                                   "--skipLibCheck", "check.ts"], cwd=path, capture_output=True, text=True, timeout=120)
        self.assertEqual((done.returncode, done.stdout), (0, ""))


# What comes fits what the client says that comes, and the client names nothing that is not there.
CHECK = """\
import type { components, operations } from "./document.js";
import type * as ours from "@CLIENT@";

type Schemas = components["schemas"];
type Unknown<Ours, Theirs> = Exclude<keyof Ours, keyof Theirs>;
const none = <Names extends never>(): Names[] => [];
type Of<T> = NonNullable<T>;

export const fits = (action: Schemas["Action"], me: operations["getMe"]["responses"]["200"]["content"]["application/json"]): [ours.Action, ours.Me] => [action, me];
none<Unknown<ours.Action, Schemas["Action"]>>();
none<Unknown<ours.Party, Of<Schemas["Action"]["requester"]>>>();
none<Unknown<ours.Needed, Schemas["Needed"]>>();
none<Unknown<ours.Vote, Schemas["Vote"]>>();
none<Unknown<ours.Comment, Of<Schemas["Action"]["comments"]>[number]>>();
none<Unknown<ours.Verdict, Schemas["Verdict"]>>();
none<Unknown<ours.Outcome, Schemas["Outcome"]>>();
none<Unknown<ours.Ledger, Schemas["Action"]["ledger"]>>();
none<Unknown<ours.Me, operations["getMe"]["responses"]["200"]["content"]["application/json"]>>();
none<Exclude<ours.State, Schemas["State"]>>();
none<Exclude<Schemas["State"], ours.State>>();
type Query = Of<operations["listActions"]["parameters"]["query"]>;
none<Unknown<ours.ListOptions, Query>>();
"""


if __name__ == "__main__":
    unittest.main()
