"""Microsoft 365 Agents Playground, as npm has it, and a bot of Microsoft's SDK; a person in Chromium writes and presses a button.

Measured of @microsoft/m365agentsplayground 0.2.28 (15 MB, one package, no install script; it needs no network):
- It is told by words and environment: start --app-endpoint URL --channel-id msteams --port N --service-url URL --disable-telemetry; people, tenant, bot and chats
  by a YAML file named in M365_AGENTS_PLAYGROUND_CONFIG_PATH. Its page asks a CDN for fonts only. It listens on every address (playground/only_loopback.cjs).
- It begins with HEAD on the bot's address (405 will do) and then sends, in msteams, installationUpdate (add; from without a name), conversationUpdate, message and invoke
  as Teams does, serviceUrl without a slash at its end, recipient.id and ids as configured: the defaults are no GUIDs ("00000000-0000-0000-0000-0000000000020").
- It sends no Authorization unless it is given a client's id and secret, for which it asks login.microsoftonline.com: here Teams.relay signs.
- It shows Adaptive Cards with Action.Execute, merges inputs into data, and puts the card of the answer in the former's place, or its message below it. Its invoke
  has no value.trigger. A card with refresh is shown with a remark that views of single people are not supported: nothing is refreshed.
- Its connector sends, replies, updates (seen at once), makes chats (by the user's id; by aadObjectId it makes one that nobody sees) and threads in a channel, lists members and
  finds one by id, not by aadObjectId. Deleting answers 501 DeleteActivityAPINotImplemented. A faulty configuration ends it with a word in its log file only.
"""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import teams  # noqa: E402
from support.playground import Playground  # noqa: E402
from support.teams import Script, Teams  # noqa: E402


class AgentsPlayground(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.teams = Teams()
        cls.addClassCleanup(cls.teams.close)
        urls = cls.teams.urls()
        cls.bot = Script("bot.mjs", urls["metadata"], urls["login"], Teams.APP, Teams.SECRET, Teams.TENANT, folder=teams.HERE / "sdk")
        cls.addClassCleanup(cls.bot.close)
        cls.teams.bot(f"http://127.0.0.1:{cls.bot.ports[0]}/")
        cls.playground = Playground(cls.teams)
        cls.addClassCleanup(cls.playground.close)

    def activities(self):
        """What went through the relay to the bot: (activity, status)."""
        return [(self.teams.activity(one), one["status"]) for one in self.teams.sent() if one["body"]]

    def test_a_button_is_pressed_in_it(self):
        self.playground.browse([{"say": "ask"}, {"see": "Drop the table?"}, {"fill": "Why", "with": "it is old"}, {"click": "Approve"},
                                {"see": 'Alex Wilber: {"case":"7","reason":"it is old"}'}, {"gone": "Approve"}])
        got = self.activities()
        self.assertEqual({status for _, status in got}, {200})
        invoke = got[-1][0]
        self.assertEqual((invoke["type"], invoke["name"], invoke["from"]["aadObjectId"], invoke["conversation"]["tenantId"], invoke["value"]),
                         ("invoke", "adaptiveCard/action", Playground.ALEX["aadObjectId"], Teams.TENANT,
                          {"action": {"type": "Action.Execute", "title": "Approve", "verb": "approve", "data": {"case": "7", "reason": "it is old"}}}))
        self.assertLessEqual({"installationUpdate", "conversationUpdate", "message", "invoke"}, {one["type"] for one, _ in got})
        for one, _ in got:
            self.assertEqual((one["channelId"], one["serviceUrl"], one["recipient"]["id"]), ("msteams", self.playground.service_url, f"28:{Teams.APP}"))


if __name__ == "__main__":
    unittest.main()
