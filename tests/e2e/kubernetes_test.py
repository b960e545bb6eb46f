"""Kubernetes tools on a running server: facts, a dry run as preview, the object's version as state, a token for each action; against an API server that is as strict as
the real one."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import kubernetes  # noqa: E402
from support.keyturn import POLICY, Keyturn, contains  # noqa: E402

RULES = POLICY + """\
- {id: prod-scale, match: {tool: ["k8s.*"]}, when: 'facts.kubernetes.verb in ["patch", "update", "delete", "create", "deletecollection"] && facts.kubernetes.namespace == "shop"',
   effect: require, require: {quorum: {sre: 1}, assurance: token, expires: 1h}}
- {id: read, match: {tool: ["k8s.*"], operation: [read]}, effect: allow}
- {id: small, match: {tool: ["free.*"]}, effect: allow}
- {id: no-secrets, match: {tool: ["k8s.*"]}, when: 'facts.kubernetes.resource == "secrets"', effect: deny}
"""
COMMON = "server: @URL@, credential: scaler, version: v1, group: apps, resource: deployments, namespace: shop"
NAME = "{name: {type: string}}"
TOOLS = f"""\
tools:
  k8s.scale:
    kubernetes: {{{COMMON}, verb: patch, subresource: scale, name: "{{{{name}}}}", patch: {{spec: {{replicas: "{{{{replicas}}}}"}}}}}}
    params: {{name: {{type: string}}, replicas: {{type: integer, minimum: 0, maximum: 50}}}}
    resource: {{kind: deployment, name: shop, env: prod}}
  k8s.get:
    kubernetes: {{{COMMON}, verb: get, name: "{{{{name}}}}"}}
    params: {NAME}
  k8s.delete:
    kubernetes: {{{COMMON}, verb: delete, name: "{{{{name}}}}", options: {{propagationPolicy: Foreground}}}}
    params: {NAME}
  k8s.image:
    kubernetes: {{{COMMON}, verb: patch, patch_type: json, name: "{{{{name}}}}", patch: [{{op: replace, path: /spec/template/spec/containers/0/image, value: "{{{{image}}}}"}}]}}
    params: {{name: {{type: string}}, image: {{type: string}}}}
  k8s.create:
    kubernetes: {{{COMMON}, verb: create, object: {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: "{{{{name}}}}", labels: {{app: "{{{{name}}}}"}}}}, spec: {{replicas: 1}}}}}}
    params: {NAME}
  k8s.replace:
    kubernetes: {{{COMMON}, verb: update, name: "{{{{name}}}}", object: {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: "{{{{name}}}}"}}, spec: {{replicas: "{{{{replicas}}}}"}}}}}}
    params: {{name: {{type: string}}, replicas: {{type: integer}}}}
  k8s.clear:
    kubernetes: {{{COMMON}, verb: deletecollection, query: {{labelSelector: "app={{{{name}}}}"}}}}
    params: {NAME}
  k8s.plain:
    http: {{server: @URL@, method: PATCH, kubernetes: true, credential: scaler, path: "/apis/apps/v1/namespaces/shop/deployments/{{{{name}}}}",
            body: {{json: {{spec: {{replicas: 7}}}}, type: application/merge-patch+json}}}}
    params: {NAME}
  k8s.nodes:
    kubernetes: {{server: @URL@, credential: scaler, verb: delete, version: v1, resource: nodes, name: "{{{{name}}}}"}}
    params: {NAME}
  free.scale:
    kubernetes: {{{COMMON}, verb: patch, subresource: scale, name: "{{{{name}}}}", patch: {{spec: {{replicas: "{{{{replicas}}}}"}}}}}}
    params: {{name: {{type: string}}, replicas: {{type: integer}}}}
---
apiVersion: keyturn/v1
kind: Credentials
credentials:
  scaler:
    lifetime: 10m
    only_to: ["@URL@/apis/apps/v1/namespaces/shop/", "@URL@/api/v1/nodes/"]
    kubernetes_token: {{server: "@URL@", token: {{secret: "env:K8S"}}, namespace: shop, service_account: scaler, revocable: true}}
"""


def shown(action):
    sections = [one for one in action["display"] if one["title"].startswith("What it would")]
    assert sections, [one["title"] for one in action["display"]]
    return "\n".join("".join(run["t"] for run in [*one.get("runs", []), *(run for field in one.get("fields", []) for run in [*field["name"], {"t": ": "}, *field["value"], {"t": "\n"}])]) + " ".join(one["warnings"])
                     for one in sections)


class KubernetesTools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = kubernetes.Kubernetes()
        cls.addClassCleanup(cls.api.close)
        cls.k = Keyturn(policy=RULES, tools=TOOLS.replace("@URL@", cls.api.url), start=False)
        cls.addClassCleanup(cls.k.close)
        cls.k.start(env={"K8S": kubernetes.ADMIN})

    def setUp(self):
        self.api.objects.clear()
        self.api.writes.clear()
        self.api.seen.clear()
        self.api.cut.clear()
        self.api.before_write = None
        self.api.put("web")

    def ask(self, tool, **args):
        answer = self.k.request(tool, args)
        self.assertEqual(answer.json.get("state"), "pending", answer)
        return answer.json

    def approve(self, action):
        answer = self.k.vote(action, "carol")
        self.assertEqual(answer.status, 200, answer)
        return self.k.settled(action["id"])

    def preview(self, action, who="carol"):
        """What people are shown of what it would touch, as text."""
        return shown(self.k.action(action["id"], who).json)

    def test_people_see_what_the_server_would_make_of_it_and_that_is_done(self):
        asked = self.ask("k8s.scale", name="web", replicas=5)
        self.assertIn("@@ Scale shop/web @@\n- /spec/replicas: 3\n+ /spec/replicas: 5\n", self.preview(asked))
        self.assertIn("object.name: web\n", self.preview(asked))
        self.assertEqual((self.api.replicas("web"), self.api.real_writes()), (3, []))
        ended = self.approve(asked)
        self.assertEqual((ended["state"], self.api.replicas("web")), ("succeeded", 5), ended)
        self.assertEqual(ended["outcome"]["result"]["body"]["spec"], {"replicas": 5})
        self.assertEqual(self.api.real_writes(), [("patch", "web", False)])
        sent = [json.loads(body) for method, target, body, _ in self.api.seen if method == "PATCH" and "dryRun" not in target]
        self.assertEqual(sent[0]["spec"], {"replicas": 5})
        self.assertEqual(set(sent[0]["metadata"]), {"uid", "resourceVersion"})

    def test_facts_are_what_the_request_says_and_policy_decides_by_them(self):
        asked = self.ask("k8s.scale", name="web", replicas=5)
        self.assertEqual(asked["facts"]["kubernetes"], {"verb": "patch", "group": "apps", "version": "v1", "resource": "deployments", "subresource": "scale", "namespace": "shop",
                                                        "name": "web", "dry_run": False})
        self.assertEqual(asked["operation"], "write")
        got = self.k.request("k8s.get", {"name": "web"}, wait=20).json
        self.assertEqual((got["state"], got["operation"], got["outcome"]["result"]["body"]["spec"]["replicas"]), ("succeeded", "read", 3), got)
        self.assertEqual(self.k.request("k8s.nodes", {"name": "n1"}).json["state"], "denied")

    def test_a_change_between_review_and_release_returns_to_review_with_the_new_state(self):
        asked = self.ask("k8s.scale", name="web", replicas=5)
        before = self.k.action(asked["id"], "carol").json
        self.api.touch("web", replicas=4)
        self.k.vote(asked, "carol")
        again = self.k.action(asked["id"], "carol").json
        self.assertEqual((again["state"], self.api.replicas("web")), ("pending", 4), again)
        self.assertNotEqual(again["digest"], before["digest"])
        self.assertIn("- /spec/replicas: 4\n+ /spec/replicas: 5\n", shown(again))
        self.assertEqual(self.approve(again)["state"], "succeeded")
        self.assertEqual(self.api.replicas("web"), 5)

    def test_a_change_in_the_last_moment_is_refused_by_the_server_itself(self):
        for tool, args in (("k8s.scale", {"replicas": 9}), ("k8s.image", {"image": "web:9"}), ("k8s.delete", {}), ("k8s.replace", {"replicas": 9}), ("k8s.plain", {})):
            with self.subTest(tool):
                self.api.objects.clear()
                self.api.put("web")
                asked = self.ask(tool, name="web", **args)
                left = [True]

                def meanwhile():
                    if left and left.pop():
                        self.api.touch("web", replicas=4)
                # Each action makes and deletes an object for its token first: only the write to the deployment counts.
                self.api.before_write = lambda: meanwhile() if self.api.seen[-1][1].startswith("/apis/apps/") else None
                ended = self.approve(asked)
                self.assertEqual((ended["state"], self.api.replicas("web")), ("failed", 4), ended)
                self.assertRegex(ended["outcome"]["reason"], "409|422")

    def test_deletes_creates_and_collections(self):
        gone = self.ask("k8s.delete", name="web")
        self.assertIn("deleted.name: web\n", self.preview(gone))
        self.assertIn(("shop", "deployments", "web"), self.api.objects)
        self.assertEqual(self.approve(gone)["state"], "succeeded")
        self.assertNotIn(("shop", "deployments", "web"), self.api.objects)
        made = self.ask("k8s.create", name="new")
        self.assertIn("\n+ /spec/replicas: 1\n", self.preview(made))
        self.assertEqual(self.approve(made)["state"], "succeeded")
        self.assertEqual(self.api.replicas("new"), 1)
        there = self.ask("k8s.create", name="late")
        self.api.put("late")
        self.k.vote(there, "carol")
        self.assertEqual(self.k.action(there["id"]).json["state"], "pending")
        self.assertIn("already exists", self.preview(there))
        all_of = self.ask("k8s.clear", name="new")
        self.assertIn("deleted.count: 1\n", self.preview(all_of))
        self.assertEqual(self.approve(all_of)["state"], "succeeded")
        self.assertNotIn(("shop", "deployments", "new"), self.api.objects)
        self.assertIn(("shop", "deployments", "late"), self.api.objects)

    def test_what_the_server_would_refuse_is_shown_to_people(self):
        asked = self.ask("k8s.image", name="web", image="web:2")
        self.assertIn('- /spec/template/spec/containers/0/image: "web:1"\n+ /spec/template/spec/containers/0/image: "web:2"\n', self.preview(asked))
        self.api.rights["scaler"].discard(("patch", "deployments"))
        self.addCleanup(self.api.rights["scaler"].add, ("patch", "deployments"))
        refused = self.ask("k8s.image", name="web", image="web:2")
        self.assertIn("403", self.preview(refused))

    def test_what_cannot_be_looked_at_is_said_and_not_released(self):
        self.api.rights["scaler"].discard(("get", "deployments"))
        self.addCleanup(self.api.rights["scaler"].add, ("get", "deployments"))
        asked = self.ask("k8s.delete", name="web")
        self.assertIn("403", self.preview(asked))
        self.k.vote(asked, "carol")
        self.assertEqual(self.api.real_writes(), [])
        self.assertIn(("shop", "deployments", "web"), self.api.objects)

    def test_what_policy_allows_at_once_is_not_looked_at(self):
        done = self.k.request("free.scale", {"name": "web", "replicas": 6}, wait=20).json
        self.assertEqual((done["state"], self.api.replicas("web")), ("succeeded", 6), done)
        self.assertEqual([target for method, target, _, _ in self.api.seen if "dryRun" in target], [])

    def test_an_answer_that_never_came_leaves_it_unknown_and_it_is_not_sent_again(self):
        asked = self.ask("k8s.scale", name="web", replicas=5)
        self.api.cut.add("/apis/apps/v1/namespaces/shop/deployments/web/scale")
        ended = self.approve(asked)
        self.assertEqual((ended["state"], self.api.replicas("web")), ("unknown", 5), ended)
        self.assertEqual(len(self.api.real_writes()), 1)

    def test_tokens_are_for_one_action_and_gone_afterwards(self):
        asked = self.ask("k8s.scale", name="web", replicas=5)
        self.approve(asked)
        used = {headers["authorization"] for _, target, _, headers in self.api.seen if target.startswith("/apis/apps/")}
        self.assertEqual(len(used), 3, used)  # to look, to look again at release, to do it
        self.assertNotIn("Bearer " + kubernetes.ADMIN, used)
        self.assertEqual(self.api.issued(), [])
        self.assertEqual(contains(self.k.data, [kubernetes.ADMIN, *(one.removeprefix("Bearer ") for one in used)]), [])
        self.assertIn("credentials[0].id: crd_", self.preview(asked))


if __name__ == "__main__":
    unittest.main()
