"""Tools of the OpenAI Agents SDK: what runs is what Keyturn released, once."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.shop import Plain  # noqa: E402


class OpenAiAgentsTest(Plain, unittest.TestCase):
    name = "openai-agents"


if __name__ == "__main__":
    unittest.main()
