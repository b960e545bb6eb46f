"""OpenSSH's server on loopback, as an unprivileged user, that trusts a CA's certificates and nothing else."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from .keyturn import DEADLINE, free_port, until

SSHD = "/usr/sbin/sshd"


def installed():
    return os.path.exists(SSHD) and shutil.which("ssh-keygen") is not None


def keygen(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)], check=True, stdin=subprocess.DEVNULL)


class Sshd:
    """`user`: the one account; `ca`: the CA's private key, for Keyturn; `known_hosts`: for clients."""

    def __init__(self):
        account = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())  # one with a shell
        self.user = account.pw_name
        identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keyturn-sshd-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.ca, host, config = self.folder / "ca", self.folder / "host", self.folder / "config"
        keygen(self.ca)
        keygen(host)
        os.chown(host, account.pw_uid, account.pw_gid)
        self.known_hosts = self.folder / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} " + " ".join((self.folder / "host.pub").read_text().split()[:2]) + "\n")
        self.known_hosts.chmod(0o644)
        config.write_text(f"""\
Port {self.port}
ListenAddress 127.0.0.1
HostKey {host}
TrustedUserCAKeys {self.ca}.pub
AuthorizedKeysFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile none
LogLevel VERBOSE
Subsystem sftp internal-sftp
""")
        self.log_file = self.folder / "log"
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True, **identity)
        until(lambda: "Server listening" in self.log() or self.process.poll() is not None, "sshd said nothing")
        if self.process.poll() is not None:
            raise AssertionError("sshd did not start: " + self.log())

    def log(self):
        return self.log_file.read_text(errors="replace")

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE)
        shutil.rmtree(self.folder, ignore_errors=True)
