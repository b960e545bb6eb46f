#!/usr/bin/env python3
"""Starts the demo: a private PostgreSQL with a small orders database, Keyturn in front of it, two simulated colleagues.

Everything lives in one folder (--data); everything listens on loopback; both processes end with this one (Ctrl-C).
"""
import argparse
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
STARTUP_SECONDS_MAX = 30


def postgres_bin():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        sys.exit("demo: Debian's package postgresql is not installed (./run installs it)")
    return found[-1].parent


def unprivileged():
    """PostgreSQL refuses to run as root: then its own system user runs it."""
    if os.getuid() != 0:
        return None
    return pwd.getpwnam("postgres")


def run(command, user=None, **more):
    if user:
        more.update(user=user.pw_uid, group=user.pw_gid, extra_groups=[])
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", **more)
    if done.returncode:
        sys.exit(f"demo: {' '.join(map(str, command))} failed:\n{done.stdout}")
    return done.stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Database:
    def __init__(self, folder):
        self.folder, self.user, self.bin = folder, unprivileged(), postgres_bin()
        self.data, self.password_file = folder / "data", folder / "keyturn.password"

    def start(self):
        fresh = not (self.data / "PG_VERSION").exists()
        self.folder.mkdir(parents=True, exist_ok=True)
        if fresh:
            self.password_file.write_text(secrets.token_hex(24) + "\n")
            self.password_file.chmod(0o600)
            self.data.mkdir(exist_ok=True)
            if self.user:
                os.chown(self.data, self.user.pw_uid, self.user.pw_gid)
                self.open_the_way()
            run([self.bin / "initdb", "-D", self.data, "-U", "postgres", "--auth=scram-sha-256", "--auth-local=trust",
                 "-E", "UTF8", "--no-sync"], self.user)
        self.port = free_port()
        self.sockets = pathlib.Path(f"/tmp/keyturn-demo-{os.getpid()}")
        self.sockets.mkdir(mode=0o700)
        if self.user:
            os.chown(self.sockets, self.user.pw_uid, self.user.pw_gid)
        identity = {} if not self.user else {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        log = open(self.folder / "postgres.log", "ab")
        self.process = subprocess.Popen(
            [self.bin / "postgres", "-D", self.data, "-p", str(self.port), "-k", self.sockets, "-c", "listen_addresses=127.0.0.1"],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/", start_new_session=True, **identity)
        self.wait()
        if fresh:
            self.fill()

    def open_the_way(self):
        """The server's own user must be able to reach its folder below ours."""
        for parent in [self.folder, *self.folder.parents]:
            mode = parent.stat().st_mode
            if not mode & 0o001 and os.stat(parent).st_uid == 0 and parent != pathlib.Path("/"):
                parent.chmod(mode | 0o001)

    def psql(self, *more, database="postgres"):
        return run([self.bin / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.sockets, "-p", str(self.port), "-U", "postgres",
                    "-d", database, *more], self.user)

    def wait(self):
        deadline = time.monotonic() + STARTUP_SECONDS_MAX
        while subprocess.run([self.bin / "pg_isready", "-q", "-h", self.sockets, "-p", str(self.port)]).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"demo: PostgreSQL did not start; see {self.folder / 'postgres.log'}")
            time.sleep(0.1)

    def fill(self):
        password = self.password_file.read_text().strip()
        self.psql("-c", f"CREATE ROLE keyturn LOGIN PASSWORD '{password}'")
        self.psql("-c", "CREATE DATABASE orders OWNER keyturn")
        script = (HERE / "orders.sql").read_text()
        self.psql("-c", "SET ROLE keyturn; " + script, database="orders")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        shutil.rmtree(self.sockets, ignore_errors=True)


def tools_file(data, database):
    text = (HERE / "tools.yaml").read_text()
    text = text.replace("@PORT@", str(database.port)).replace("@PASSWORD_FILE@", str(database.password_file))
    path = data / "demo-tools.yaml"
    path.write_text(text)
    return path


def set_up_people(keyturn, data):
    """The administrator is you; the colleagues are simulated and say so everywhere."""
    def host(*words):
        return run([keyturn, *words, "--data", data / "store"])
    host("init")
    host("person", "add", "admin", "--name", "You", "--group", "sre", "--group", "dba")
    host("person", "add", "sim-robin", "--name", "Robin (simulated)", "--group", "dba", "--simulated")
    host("person", "add", "sim-kim", "--name", "Kim (simulated)", "--group", "sre", "--simulated")
    host("person", "add", "sim-owner", "--name", "Olga (simulated)", "--simulated")
    host("agent", "add", "demo-agent", "--owner", "sim-owner")


def main():
    options = argparse.ArgumentParser(description=__doc__, epilog="Further options are handed on to keyturn serve.", allow_abbrev=False)
    options.add_argument("--keyturn", required=True, type=pathlib.Path)
    options.add_argument("--data", required=True, type=pathlib.Path)
    chosen, more = options.parse_known_args()
    keyturn, data = chosen.keyturn.resolve(), chosen.data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    database = Database(data / "postgres")
    database.start()
    server = None
    try:
        tools = tools_file(data, database)
        if not (data / "store").exists():
            set_up_people(keyturn, data)
        server = subprocess.Popen([keyturn, "serve", "--data", data / "store", "--policy", HERE / "policy.yaml", "--tools", tools, "--demo",
                                   *more])
        code = server.wait()
        sys.exit(code)
    except KeyboardInterrupt:
        pass
    finally:
        if server and server.poll() is None:
            server.terminate()
            server.wait()
        database.stop()


if __name__ == "__main__":
    main()
