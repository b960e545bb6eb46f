"""A Node.js program of tests/peers that says what happens in lines of JSON, and is told in such lines. Installs the packages of its lock where they are
missing."""
import json
import os
import queue
import subprocess
import threading
import time

from .keyturn import DEADLINE, ROOT, Failed
from .npm import install


class Peer:
    """Started once it listens; on the same port again after stop() and start()."""

    def __init__(self, folder, script, *arguments):
        self.folder, self.script, self.arguments = ROOT / "tests/peers" / folder, script, arguments
        install(self.folder)
        self.said, self._lines, self.process = [], queue.Queue(), None
        self.start()

    def start(self):
        self.process = subprocess.Popen(["node", self.script, *self.arguments], cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")})
        self.read(self.process)
        self.port = self.until(lambda line: "listening" in line)["listening"]

    def read(self, process):
        def lines():
            for line in process.stdout:
                self._lines.put(json.loads(line))
        threading.Thread(target=lines, daemon=True).start()

    def tell(self, word, what):
        """And waits until it says `word`: from then on it does."""
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        self.until(lambda line: word in line)

    def until(self, wanted, within=DEADLINE):
        """The first line not looked at yet that is wanted; all of them are in `said`."""
        deadline = time.monotonic() + within
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise Failed(f"{self.script} did not say what was waited for; it said {json.dumps(self.said[-5:])[:3000]}") from None
            self.said.append(line)
            if wanted(line):
                return line

    def catch_up(self):
        """Takes what it has said by now."""
        while not self._lines.empty():
            self.said.append(self._lines.get())
        return self.said

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
