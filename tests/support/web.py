"""A web server on loopback that says exactly the bytes it is told to, and remembers exactly the bytes that came. With TLS where a folder is given."""
import pathlib
import re
import socket
import ssl
import subprocess
import threading
import time

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"


def certificate(folder, name="127.0.0.1"):
    """Of itself, for one address or name: (certificate, key)."""
    cert, key = pathlib.Path(folder) / "web.pem", pathlib.Path(folder) / "web.key"
    alt = f"IP:{name}" if re.fullmatch(r"[0-9.]+", name) else f"DNS:{name}"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName={alt}", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def server_tls(cert, key):
    out = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    out.load_cert_chain(cert, key)
    return out


class Web:
    """requests: whole requests, as bytes. says[path]: bytes, or a function of the connection (and it may go on as it likes)."""

    def __init__(self, tls=None, host="127.0.0.1"):
        self.requests, self.says, self.connections, self.ended = [], {}, 0, threading.Event()
        self.listener = socket.create_server((host, 0))
        self.port = self.listener.getsockname()[1]
        self.tls = tls
        self.url = f"http{'s' if tls else ''}://{host}:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            connection.settimeout(30)
            try:
                if self.tls:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                request = self._read(connection)
                if not request:
                    return
                self.requests.append(request)
                path = request.split(b" ", 2)[1].decode().partition("?")[0]
                said = self.says.get(path, OK)
                if callable(said):
                    said(connection)
                else:
                    connection.sendall(said)
            except OSError:
                pass

    @staticmethod
    def _read(connection):
        got = b""
        while b"\r\n\r\n" not in got:
            piece = connection.recv(65536)
            if not piece:
                return got
            got += piece
        head, _, body = got.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: (\d+)", head, re.I)
        while length and len(body) < int(length[1]):
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def dribble(self, head):
        """A byte now and then, until the other side has enough."""
        def say(connection):
            connection.sendall(head)
            while not self.ended.is_set():
                connection.sendall(b"x")
                time.sleep(0.05)  # the pace of the attack; no verdict waits for it
        return say

    def flood(self, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        block = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        while True:
            connection.sendall(block)

    def close(self):
        self.ended.set()
        self.listener.close()

    def heads(self):
        return [request.partition(b"\r\n\r\n")[0].decode("latin-1") for request in self.requests]
