"""What the programs here measure with: servers of their own on loopback, ended by process id; figures in a table."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            sys.exit(f"a server ended with {process.returncode}")
        time.sleep(0.02)
    sys.exit("a server did not start")


class Process:
    def __init__(self, command, **more):
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)

    def __enter__(self):
        return self.process

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def nginx(folder, files):
    """A server of these files (name -> bytes); its port and the Process."""
    port = free_port()
    (folder / "www").mkdir()
    for name, content in files.items():
        (folder / "www" / name).write_bytes(content)
    folder.chmod(0o755)
    (folder / "nginx.conf").write_text(f"""daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log /dev/null;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000; server {{ listen 127.0.0.1:{port}; root {folder}/www; }} }}
""")
    return port, Process(["nginx", "-e", "/dev/null", "-c", str(folder / "nginx.conf")])


def rss_kb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def cpu_ms(pid):
    """What a process and its threads used so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(len(values) * q))]


def line(name, figure, beside="", aim=""):
    print(f"{name:46} {figure:>22}  {beside:34} {aim}", flush=True)
