"""examples/runbooks/scale-deployment.yaml, as it stands there, against an API server that is as strict as the real one."""
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import kubernetes  # noqa: E402
from support.keyturn import Keyturn, contains, until  # noqa: E402
from support.runbook_site import EXAMPLES, runbooks  # noqa: E402

TOOLS = "".join(f"--- # file: {one.name}\n{one.read_text()}" for one in (EXAMPLES / "tools.yaml", EXAMPLES / "credentials.yaml", *runbooks()))
POLICY = (EXAMPLES / "policy.yaml").read_text()


def by_token(text):
    """People vote by token here."""
    return re.sub(r"(require: \{quorum: \{[^}]*\}), ", r"\1, assurance: token, ", text)


class ScaleDeployment(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = kubernetes.Kubernetes()
        cls.addClassCleanup(cls.api.close)
        token = tempfile.NamedTemporaryFile("w", prefix="keyturn-kubernetes-")
        cls.addClassCleanup(token.close)
        token.write(kubernetes.ADMIN)
        token.flush()
        text = TOOLS.replace("https://kubernetes.example:6443", cls.api.url).replace("/etc/keyturn/kubernetes.token", token.name)
        cls.k = Keyturn(policy=by_token(POLICY), tools=by_token(re.sub(r"ca: \S+, |\n +ca_file: /etc/keyturn/kubernetes-ca.pem", "", text)))
        cls.addClassCleanup(cls.k.close)

    def setUp(self):
        self.api.objects.clear()
        self.api.writes.clear()
        self.api.put("web")

    def start(self, **inputs):
        answer = self.k.request("runbook.scale-deployment", inputs)
        self.assertEqual(answer.status, 202, answer)
        return answer.json

    def asked(self, tool):
        def pending():
            found = self.k.get(f"/v1/actions?state=pending&tool={tool}", "carol").json["items"]
            return found[0] if found else None
        return until(pending, f"{tool} asks nobody")

    def approve(self, tool, decision="approve"):
        answer = self.k.vote(self.asked(tool), "carol", decision)
        self.assertEqual(answer.status, 200, answer)

    def test_it_scales_as_far_as_one_person_saw(self):
        run = self.start(deployment="web", replicas=5)
        self.approve("k8s.scale")
        ended = self.k.settled(run["id"])
        self.assertEqual((ended["state"], ended["outcome"]["result"]), ("succeeded", {"was": 3, "is": 5, "image": "web:1"}), ended)
        self.assertEqual(self.api.replicas("web"), 5)
        self.assertEqual(self.api.issued(), [])
        self.assertEqual(contains(self.k.data, [kubernetes.ADMIN]), [])

    def test_going_far_asks_first_and_a_denial_changes_nothing(self):
        run = self.start(deployment="web", replicas=0)
        hold = self.asked("keyturn.hold")
        self.assertEqual(hold["args"]["message"], "Scale web from 3 to 0?")
        self.approve("keyturn.hold", "deny")
        self.assertEqual(self.k.settled(run["id"])["state"], "failed")
        self.assertEqual((self.api.replicas("web"), self.api.writes), (3, []))

    def test_nothing_to_do_asks_nobody(self):
        run = self.start(deployment="web", replicas=3)
        ended = self.k.settled(run["id"])
        self.assertEqual((ended["state"], ended["outcome"]["result"]["is"]), ("succeeded", 3), ended)

    def test_what_moved_meanwhile_is_shown_anew(self):
        run = self.start(deployment="web", replicas=5)
        first = self.asked("k8s.scale")
        self.api.touch("web", replicas=4)
        self.k.vote(first, "carol")
        self.assertEqual((self.k.action(first["id"], "carol").json["state"], self.api.replicas("web")), ("pending", 4))
        self.approve("k8s.scale")
        self.assertEqual(self.k.settled(run["id"])["state"], "succeeded")
        self.assertEqual(self.api.replicas("web"), 5)

    def test_a_failure_afterwards_puts_the_old_number_back(self):
        run = self.start(deployment="web", replicas=5)
        self.api.rights["scaler"].add(("get", "deployments"))
        step = self.asked("k8s.scale")
        self.api.rights["scaler"].discard(("get", "deployments"))  # so that the look afterwards fails
        self.addCleanup(self.api.rights["scaler"].add, ("get", "deployments"))
        self.assertEqual(self.k.vote(step, "carol").status, 200)
        ended = self.k.settled(run["id"])
        self.assertEqual((ended["state"], self.api.replicas("web")), ("failed", 3), ended)


if __name__ == "__main__":
    unittest.main()
