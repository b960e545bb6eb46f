"""The demo as `./run --demo` starts it, on a port and in a folder of its own."""
import http.client
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from support.keyturn import BIN, DEADLINE, ROOT, Keyturn, end_helper, free_port


class Demo:
    """Enough of support.keyturn.Keyturn for a support.passkey.Browser. A context: it ends with it."""
    tokens = {}
    http, get, post = Keyturn.http, Keyturn.get, Keyturn.post

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keyturn-demo-test-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.process = subprocess.Popen([sys.executable, str(ROOT / "examples/demo/start.py"), "--keyturn", str(BIN), "--data", str(self.folder / "demo"),
                                         "--listen", f"127.0.0.1:{self.port}"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self):
        lines = queue.Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in self.process.stdout] and None, daemon=True).start()
        said, deadline = "", time.monotonic() + 2 * DEADLINE
        while "listening on" not in said:
            try:
                said += lines.get(timeout=max(0.1, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError("the demo did not start:\n" + said) from None
        while True:
            try:
                if self.get("/healthz").status == 200:
                    return
            except (OSError, http.client.HTTPException):
                assert time.monotonic() < deadline, said
                time.sleep(0.02)

    @property
    def link(self):
        """One more enrolment link for you, the administrator."""
        said = subprocess.run([str(BIN), "person", "enrol", "admin", "--data", str(self.folder / "demo/store")], capture_output=True, text=True, check=True).stdout
        return re.search(r"\S+#\S+", said)[0]

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        end_helper(self.folder / "demo/store")
        shutil.rmtree(self.folder, ignore_errors=True)
