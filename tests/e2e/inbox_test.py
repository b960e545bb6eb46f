"""A person's inbox: its orders, its pages, its count, and the streams that keep it up."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import Keyturn, POLICY  # noqa: E402

# Two people for `append`, one for the others; append-soon expires first.
RULES = POLICY.replace("assurance: token, expires: 1s", "assurance: token, expires: 30m")


class Inbox(unittest.TestCase):
    def setUp(self):
        self.k = Keyturn(policy=RULES, config="limits: {pending_per_agent: 1000, requests_per_second: 10000}\n")
        self.addCleanup(self.k.close)

    def ask(self, tool, text="x"):
        asked = self.k.request(tool, {"text": text})
        self.assertEqual(asked.status, 202, asked)
        return asked.json

    def page(self, who="bob", **query):
        query = {"state": "pending", "for": "me", **query}
        got = self.k.get("/v1/actions?" + "&".join(f"{k}={v}" for k, v in query.items()), who)
        self.assertEqual(got.status, 200, got)
        return got.json

    def ids(self, who="bob", **query):
        """All pages, one after the other."""
        out, after = [], None
        while True:
            page = self.page(who, **query, **({"after": after} if after else {}))
            out += [item["id"] for item in page["items"]]
            after = page["next"]
            if after is None:
                return out

    def test_orders_and_pages(self):
        one, soon, two = self.ask("append-one")["id"], self.ask("append-soon")["id"], self.ask("append")["id"]
        for order, expected in (("oldest", [one, soon, two]), ("risk", [two, one, soon]), ("expiry", [soon, one, two])):
            for limit in (1, 2, 3, 50):
                self.assertEqual(self.ids(order=order, limit=limit), expected, (order, limit))
        self.assertEqual(self.page(limit=1)["total"], 3)

    def test_a_page_goes_on_where_it_was_when_something_before_it_is_gone(self):
        first, second, third = (self.ask("append-one") for _ in range(3))
        page = self.page(order="risk", limit=2)
        self.assertEqual([item["id"] for item in page["items"]], [first["id"], second["id"]])
        self.assertEqual(self.k.vote(second, "bob").status, 200)
        after = self.page(order="risk", limit=2, after=page["next"])
        self.assertEqual(([item["id"] for item in after["items"]], after["next"], after["total"]), ([third["id"]], None, 2))

    def test_parameters_that_make_no_sense_are_refused(self):
        for query in ("for=me&order=newest", "for=nobody", "for=me&state=denied", "order=risk"):
            self.assertEqual(self.k.get("/v1/actions?" + query, "bob").code, "invalid_parameter", query)
        self.assertEqual(self.k.get("/v1/actions?for=me&order=risk&after=x.y", "bob").code, "bad_cursor")
        self.assertEqual(self.k.get("/v1/actions?for=me", "bot").code, "invalid_parameter")

    def test_what_one_voted_on_waits_for_others(self):
        asked = self.ask("append")
        self.assertEqual((self.ids(), self.ids(**{"for": "voted"})), ([asked["id"]], []))
        self.assertEqual(self.k.vote(asked, "bob").status, 200)
        self.assertEqual((self.ids(), self.ids(**{"for": "voted"})), ([], [asked["id"]]))
        self.assertEqual(self.k.vote(asked, "carol").status, 200)
        self.assertEqual(self.ids(**{"for": "voted"}), [])

    def test_an_action_says_whether_it_waits_for_its_reader(self):
        asked = self.ask("append")
        says = lambda who: self.k.action(asked["id"], who).json["waits_for_you"]  # noqa: E731
        self.assertEqual((says("bob"), says("carol"), says("olga"), says("ada")), (True, True, False, False))
        self.assertNotIn("waits_for_you", self.k.action(asked["id"], "bot").json)
        self.assertEqual(self.k.vote(asked, "bob").status, 200)
        self.assertEqual((says("bob"), says("carol")), (False, True))

    def test_the_stream_tells_what_changed_and_how_many_wait(self):
        self.ask("append-one")
        stream = self.k.events("/v1/inbox/stream", "bob")
        self.addCleanup(stream.close)
        total = lambda: json.loads(stream.until("waiting")[-1]["data"])["total"]  # noqa: E731
        self.assertEqual(total(), 1)
        asked = self.ask("append")
        self.assertEqual(total(), 2)
        self.k.vote(asked, "bob")
        self.assertEqual(total(), 1)

    def test_what_one_voted_on_is_told_to_a_stream_that_opened_later(self):
        asked = self.ask("append")
        self.assertEqual(self.k.vote(asked, "bob").status, 200)
        stream = self.k.events("/v1/inbox/stream", "bob")
        self.addCleanup(stream.close)
        stream.until("waiting")
        self.assertEqual(self.k.vote(asked, "carol").status, 200)
        told = json.loads(stream.until("action")[-1]["data"])
        self.assertEqual(told["id"], asked["id"])

    def test_the_stream_of_all_tells_what_may_be_read_and_no_more(self):
        streams = {who: self.k.events("/v1/actions/stream", who) for who in ("olga", "ada", "bob")}
        for stream in streams.values():
            self.addCleanup(stream.close)
            stream.until("ping")
        self.k.request("echo", {"text": "read by its owner"}, wait=20)
        waiting = self.ask("append-one")
        told = {who: json.loads(stream.until("action")[-1]["data"])["tool"] for who, stream in streams.items()}
        self.assertEqual(told, {"olga": "echo", "ada": "echo", "bob": "append-one"})
        self.assertEqual(waiting["state"], "pending")
        self.assertEqual(self.k.get("/v1/actions/stream", "bot").code, "people_only")

    def test_streams_are_as_many_as_the_configuration_says(self):
        self.k.config_file.write_text("limits: {streams: 3, streams_per_caller: 2}\n")
        self.k.restart()

        def opened(who):
            stream = self.k.events("/v1/inbox/stream", who)
            self.addCleanup(stream.close)
            return stream.status
        self.assertEqual([opened(who) for who in ("bob", "bob", "bob", "carol", "erin")], [200, 200, 429, 200, 429])


if __name__ == "__main__":
    unittest.main()
