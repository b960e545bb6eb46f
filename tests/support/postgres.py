"""A private PostgreSQL for a test: own data folder, own port on 127.0.0.1, own roles; ended by process id."""
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time

from .keyturn import DEADLINE, Failed, free_port


def installed():
    return sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))


class Postgres:
    """Database `orders` owned by role `keyturn`, whose password is in `password` and in the file `password_file`."""

    def __init__(self):
        self.bin = installed()[-1].parent
        user = pwd.getpwnam("postgres") if os.getuid() == 0 else None  # it refuses to run as root
        self.identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keyturn-pg-"))
        self.folder.chmod(0o755)
        self.data, self.sockets = self.folder / "data", self.folder / "s"
        for path in (self.data, self.sockets):
            path.mkdir(mode=0o700)
            if user:
                os.chown(path, user.pw_uid, user.pw_gid)
        self.password = "pw-" + secrets.token_hex(16)
        self.password_file = self.folder / "keyturn.password"
        self.password_file.write_text(self.password + "\n")
        self.password_file.chmod(0o600)
        self.port = free_port()
        self.process = None
        try:
            self._run(self.bin / "initdb", "-D", self.data, "-U", "postgres", "--auth=scram-sha-256", "--auth-local=trust", "-E", "UTF8", "--no-sync")
            self._start()
            self.psql(f"CREATE ROLE keyturn LOGIN PASSWORD '{self.password}'", database="postgres")
            self.psql("CREATE DATABASE orders OWNER keyturn", database="postgres")
        except BaseException:
            self.close()
            raise

    def _run(self, *command):
        done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", **self.identity)
        if done.returncode:
            raise Failed(f"{command[0]}: {done.stdout}")
        return done.stdout

    def _start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [str(self.bin / "postgres"), "-D", str(self.data), "-p", str(self.port), "-k", str(self.sockets), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True, **self.identity)
        deadline = time.monotonic() + DEADLINE
        while subprocess.run([str(self.bin / "pg_isready"), "-q", "-h", str(self.sockets), "-p", str(self.port)]).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed("PostgreSQL did not start: " + (self.folder / "log").read_text()[-2000:])
            time.sleep(0.05)

    def psql(self, sql, database="orders"):
        """As superuser, through the private socket: what is really there. Rows as lines, columns separated by |."""
        return self._run(self.bin / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.sockets, "-p", self.port, "-U", "postgres", "-d", database, "-c", sql).strip()

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
