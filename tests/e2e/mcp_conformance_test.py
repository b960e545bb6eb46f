"""@modelcontextprotocol/conformance gives the same verdicts of a server and of Keyturn before it, in both eras."""
import concurrent.futures
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.mcp import LEGACY, MODERN, Server, conformance, failing  # noqa: E402
from support.mcp_proxy import ALLOW, Proxy, at  # noqa: E402

# Calls that wait for people are tasks of Keyturn's own to clients that take tasks. So it says that it has tasks, and refuses ids that nobody was told, whatever
# the server does; in these scenarios of the extension, which the fixture server does not have, it may do better than the server alone.
OWN = ("tasks-capability-negotiation", "tasks-dispatch-and-envelope")


class Conformance(unittest.TestCase):
    def test_keyturn_changes_no_verdict(self):
        servers = {LEGACY: Server(LEGACY), MODERN: Server(MODERN)}
        for server in servers.values():
            self.addCleanup(server.close)
        k = Proxy({"legacy": at(servers[LEGACY]), "modern": at(servers[MODERN])}, policy=ALLOW)
        self.addCleanup(k.close)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            direct = {era: pool.submit(conformance, server.url, era) for era, server in servers.items()}
            through = {era: pool.submit(conformance, k.mcp(name), era, k.bearer()) for era, name in ((LEGACY, "legacy"), (MODERN, "modern"))}
            for era in servers:
                with self.subTest(era):
                    expected, seen = direct[era].result(), through[era].result()
                    for scenario in sorted({*expected, *seen}):
                        if scenario in OWN:
                            better = {check for check, verdict in seen[scenario] if verdict == "SUCCESS"}
                            expected[scenario] = [(check, "SUCCESS" if check in better else verdict) for check, verdict in expected[scenario]]
                        self.assertEqual(seen.get(scenario), expected.get(scenario), scenario)
                    self.assertEqual(failing(seen), failing(expected))
                    self.assertGreaterEqual(len(seen), {LEGACY: 33, MODERN: 50}[era])


if __name__ == "__main__":
    unittest.main()
