"""An adapter below integrations/ with its framework: its test's driver, running."""
import json
import os
import queue
import subprocess
import threading

from .keyturn import DEADLINE, ROOT, Failed

FOLDER = ROOT / "integrations"
SHARED = FOLDER / "tool-calls", FOLDER / "typescript"  # their sources are compiled into every adapter


class Agent:
    """One process with one run of an agent. A context: it ends with it. `patience_ms`: how long it asks a lost server again."""

    def __init__(self, name, url, token, refunds, patience_ms=60_000):
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self.process = subprocess.Popen(["node", f"dist/{name}/test/driver.js"], cwd=FOLDER / name, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**environment, "KEYTURN_URL": url, "KEYTURN_TOKEN": token, "REFUNDS": str(refunds), "PATIENCE_MS": str(patience_ms)})
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdin.close()
        self.process.stdout.close()

    def send(self, op, **fields):
        self.process.stdin.write(json.dumps({"op": op, **fields}) + "\n")
        self.process.stdin.flush()

    def answer(self):
        try:
            line = self._lines.get(timeout=2 * DEADLINE)
        except queue.Empty:
            raise Failed("the driver did not answer") from None
        if not line:
            raise Failed(f"the driver ended ({self.process.wait()})")
        return json.loads(line)

    def ask(self, op, **fields):
        self.send(op, **fields)
        return self.answer()

    def resolve(self):
        """With as long a wait as a test may take: what is waited for is Keyturn's word."""
        return self.ask("resolve", wait_ms=DEADLINE * 1000)
