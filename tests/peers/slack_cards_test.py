"""Our loopback Slack refuses cards, views and manifests beyond Slack's published limits and shapes, and none within them.

Needs Node.js and npm; installs the packages of slack/package-lock.json where they are missing.
"""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.slack_sdk import ADA, OPS, WithSlack, button, mrkdwn, plain  # noqa: E402


class Cards(WithSlack):
    """Blocks and views beyond the published limits are refused, and those just within are not."""

    def errors(self, blocks):
        return self.slack.check(blocks)

    def test_limits(self):
        section = {"type": "section", "text": mrkdwn("x")}
        option = {"text": plain("o"), "value": "v"}

        def actions(*elements):
            return [{"type": "actions", "elements": list(elements)}]

        for name, most, blocks in (
            ("blocks", 50, lambda n: [section] * n),
            ("section text", 3000, lambda n: [{"type": "section", "text": mrkdwn("x" * n)}]),
            ("field", 2000, lambda n: [{"type": "section", "fields": [plain("x" * n)]}]),
            ("fields", 10, lambda n: [{"type": "section", "fields": [plain("x")] * n}]),
            ("header", 150, lambda n: [{"type": "header", "text": plain("x" * n)}]),
            ("context", 10, lambda n: [{"type": "context", "elements": [mrkdwn("x")] * n}]),
            ("actions", 25, lambda n: actions(*(button(f"a{i}") for i in range(n)))),
            ("button text", 75, lambda n: actions(button("a", "x" * n))),
            ("button value", 2000, lambda n: actions(button("a", value="x" * n))),
            ("action_id", 255, lambda n: actions(button("a" * n))),
            ("button url", 3000, lambda n: actions(button("a", url="https://x.example/" + "x" * (n - 18)))),
            ("block_id", 255, lambda n: [{**section, "block_id": "b" * n}]),
            ("options", 100, lambda n: actions({"type": "static_select", "action_id": "s", "options": [option] * n})),
            ("overflow", 5, lambda n: actions({"type": "overflow", "action_id": "s", "options": [option] * n})),
            ("confirm title", 100, lambda n: actions(button("a", confirm={"title": plain("x" * n), "text": plain("x"), "confirm": plain("x"), "deny": plain("x")}))),
            ("confirm text", 300, lambda n: actions(button("a", confirm={"text": plain("x" * n)}))),
            ("confirm button", 30, lambda n: actions(button("a", confirm={"text": plain("x"), "confirm": plain("x" * n)}))),
            ("alt_text", 2000, lambda n: [{"type": "image", "image_url": "https://x.example/i.png", "alt_text": "x" * n}]),
            ("markdown", 12_000, lambda n: [{"type": "markdown", "text": "x" * n}]),
        ):
            with self.subTest(name):
                self.assertEqual(self.errors(blocks(most)), [])
                over = self.errors(blocks(most + 1))
                self.assertTrue(over and any(f"less than {most + 1} characters" in one or f"no more than {most} items" in one for one in over), over)

    def test_shapes(self):
        rich = {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": "x", "style": {"bold": True}}, {"type": "user", "user_id": ADA}]},
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "drop"}], "border": 0},
                {"type": "rich_text_list", "style": "bullet", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}]},
                {"type": "rich_text_quote", "elements": [{"type": "link", "url": "https://x.example/", "text": "x"}]},
            ],
        }
        self.assertEqual(self.errors([rich, {"type": "divider"}]), [])
        for blocks, said in (
            ([{"type": "foo"}], "unsupported type: foo"),
            ([{"type": "section"}], "missing required field: text"),
            ([{"type": "header", "text": mrkdwn("x")}], "unsupported type: mrkdwn"),
            ([{"type": "section", "text": plain("")}], "must be more than 0 characters"),
            ([{"type": "section", "text": "x"}], "must be an object"),
            ([{"type": "section", "text": mrkdwn("x"), "colour": "red"}], "invalid additional property: colour"),
            ([{"type": "divider", "text": plain("x")}], "invalid additional property: text"),
            ([{"type": "actions", "elements": [mrkdwn("x")]}], "unsupported type: mrkdwn"),
            ([{"type": "actions", "elements": []}], "no fewer than 1 items"),
            ([{"type": "actions", "elements": [button("a"), button("a")]}], "`action_id` already exists"),
            ([{"type": "divider", "block_id": "b"}, {"type": "divider", "block_id": "b"}], "`block_id` already exists"),
            ([{"type": "actions", "elements": [button("a", style="green")]}], "valid enum value"),
            ([{"type": "actions", "elements": [{**button("a"), "text": mrkdwn("x")}]}], "unsupported type: mrkdwn"),
            ([{"type": "actions", "elements": [button("a", url="not a url")]}], "valid url"),
            ([{"type": "rich_text", "elements": [{"type": "rich_text_table", "elements": []}]}], "unsupported type: rich_text_table"),
            ([{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "html", "text": "x"}]}]}], "unsupported type: html"),
            ([{"type": "context", "elements": [button("a")]}], "unsupported type: button"),
            ([{"type": "image", "alt_text": "x"}], "exactly one of"),
            ("blocks", "must be an array"),
        ):
            with self.subTest(said):
                self.assertTrue([one for one in self.errors(blocks) if said in one and "[json-pointer:/blocks" in one], self.errors(blocks))

    def test_a_message_with_violations_is_refused_and_says_where(self):
        told = self.sdk.web("chat.postMessage", channel=OPS, text="x", blocks=[{"type": "section", "text": mrkdwn("x" * 3001)}])
        self.assertEqual(told["error"], "invalid_blocks")
        self.assertEqual(
            told["data"]["response_metadata"]["messages"],
            [
                "[ERROR] failed to match all allowed schemas [json-pointer:/blocks/0/text]",
                "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
            ],
        )
        long = [{"type": "section", "text": mrkdwn("x" * 2500)}] * 5
        self.assertTrue(self.sdk.web("chat.postMessage", channel=OPS, text="x", blocks=long)["ok"])
        for method, more in (("chat.postMessage", {}), ("chat.update", {"ts": self.post()["ts"]}), ("chat.postEphemeral", {"user": ADA})):
            self.assertEqual(self.sdk.web(method, channel=OPS, text="x", blocks=long + long[:1], **more)["error"], "msg_blocks_too_long")

    def test_views(self):
        modal = {"type": "modal", "title": plain("x"), "blocks": [{"type": "divider"}]}
        asks = {"type": "input", "label": plain("Reason"), "element": {"type": "plain_text_input", "action_id": "t"}}
        for view in (modal, {**modal, "blocks": [asks], "submit": plain("Send")}, {**modal, "blocks": [{"type": "divider"}] * 100}, {"type": "home", "blocks": []}):
            self.assertEqual(self.slack.say("check_view", view=view)["errors"], [])
        for view, said in (
            ({**modal, "title": plain("x" * 25)}, "less than 25"),
            ({**modal, "title": mrkdwn("x")}, "unsupported type"),
            ({**modal, "submit": plain("x" * 25)}, "less than 25"),
            ({**modal, "close": plain("x" * 25)}, "less than 25"),
            ({**modal, "private_metadata": "x" * 3001}, "less than 3001"),
            ({**modal, "callback_id": "x" * 256}, "less than 256"),
            ({**modal, "external_id": "x" * 256}, "less than 256"),
            ({**modal, "blocks": [{"type": "divider"}] * 101}, "no more than 100 items"),
            ({**modal, "blocks": [asks]}, "missing required field: submit"),
            ({"type": "modal", "blocks": []}, "missing required field: title"),
            ({"type": "page", "blocks": []}, "unsupported type: page"),
            ({**modal, "blocks": [{"type": "markdown", "text": "x"}]}, "unsupported type: markdown"),
            ({"type": "home", "blocks": [], "title": plain("x")}, "additional property: title"),
        ):
            with self.subTest(said):
                self.assertTrue([one for one in self.slack.say("check_view", view=view)["errors"] if said in one and "[json-pointer:/view" in one])
        told = self.sdk.web("views.publish", user_id=ADA, view={"type": "home", "blocks": [{"type": "foo"}]})
        self.assertEqual(
            (told["error"], told["data"]["response_metadata"]["messages"]),
            ("invalid_arguments", ["[ERROR] unsupported type: foo [json-pointer:/view/blocks/0/type]"]),
        )

    def test_manifests(self):
        good = {
            "display_information": {"name": "Keyturn"},
            "features": {"bot_user": {"display_name": "keyturn"}, "slash_commands": [{"command": "/keyturn", "description": "open cases"}]},
            "oauth_config": {"scopes": {"bot": ["chat:write", "commands"]}},
            "settings": {"socket_mode_enabled": True, "event_subscriptions": {"bot_events": ["app_home_opened"]}, "interactivity": {"is_enabled": True}},
        }
        token = self.slack.app["config_token"]
        self.assertTrue(self.sdk.web("apps.manifest.validate", token=token, manifest=good)["ok"])
        for change, said in (
            ({"display_information": {"name": "x" * 36}}, "less than 36"),
            ({"oauth_config": {"scopes": {"bot": ["chat:shout"]}}}, "valid enum"),
            ({"features": {}}, "bot user"),
            ({"settings": {"event_subscriptions": {"bot_events": ["message.im"]}}}, "Request URL"),
            ({"settings": {"socket_mode_enabled": True, "event_subscriptions": {"bot_events": ["message.im"]}}}, "im:history"),
            ({"settings": {"interactivity": {"is_enabled": True, "request_url": "http://x.example/"}}}, "https"),
            ({"colour": "red"}, "additional property"),
        ):
            with self.subTest(said):
                told = self.sdk.web("apps.manifest.validate", token=token, manifest={**good, **change})
                self.assertEqual(told["error"], "invalid_manifest")
                self.assertTrue([one for one in told["data"]["errors"] if said in one["message"]], told["data"]["errors"])


if __name__ == "__main__":
    unittest.main()
