"""MCP servers that do not do as they should, and clients that speak HTTP by hand."""
import contextlib
import http.client
import http.server
import itertools
import json
import socket
import threading

from .mcp import LEGACY, MODERN

BOTH = "application/json, text/event-stream"


def text(words):
    return {"content": [{"type": "text", "text": words}]}


class OddServer(http.server.ThreadingHTTPServer):
    """An MCP server over HTTP (JSON answers). `does[tool]` is called with the handler and the message in place of the plain answer, `listens` for a GET; what
    was called stands in `done`, the heads of all requests in `heads`. A handler that waits for `enough` goes on at the latest when the server is closed."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, *tools):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.does, self.done, self.heads, self.listens, self.refuses_lists, self.has_sessions = {}, [], [], None, None, True
        self.tools = [{"name": name, "description": f"Does {name}.", "inputSchema": {"type": "object"}} for name in tools]
        self.sessions, self.enough = itertools.count(1), threading.Event()
        self.watched, self.goodbyes = 0, threading.Semaphore(0)  # connections that handlers watched, and of those the ones that their client closed
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/mcp"

    def calls(self, name):
        return [one["params"] for one in self.done if one["params"]["name"] == name]

    def close(self):
        self.enough.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        pass  # of connections that were cut


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def say(self, body, status=200, content_type="application/json", headers=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in [("Content-Type", content_type), ("Content-Length", str(len(body))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def result(self, message, result, **how):
        self.say({"jsonrpc": "2.0", "id": message["id"], "result": result}, **how)

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def event(self, value, id=None):
        words = value if isinstance(value, str) else json.dumps(value)
        self.wfile.write(((f"id: {id}\n" if id else "") + f"data: {words}\n\n").encode())
        self.wfile.flush()

    def vanish(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def watch(self):
        """Until the client has closed the connection."""
        self.close_connection = True
        self.server.watched += 1
        with contextlib.suppress(OSError):
            while self.connection.recv(4096):
                pass
        self.server.goodbyes.release()

    def do_GET(self):  # noqa: N802
        self.server.heads.append(self.headers)
        if self.server.listens:
            return self.server.listens(self)
        return self.say(b"", 405)

    def do_DELETE(self):  # noqa: N802
        self.say(b"")

    def do_POST(self):  # noqa: N802
        server = self.server
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.heads.append(self.headers)
        method = message.get("method")
        if "id" not in message or method is None:
            return self.say(b"", 202)
        if method == "initialize":
            hello = {"protocolVersion": LEGACY, "capabilities": {"tools": {}}, "serverInfo": {"name": "odd", "version": "1"}}
            return self.result(message, hello, headers=[("Mcp-Session-Id", f"odd-{next(server.sessions)}")] if server.has_sessions else ())
        if method == "tools/list":
            if server.refuses_lists:
                return self.say({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32000, "message": server.refuses_lists}})
            return self.result(message, {"tools": server.tools, "resultType": "complete"})
        if method == "tools/call":
            server.done.append(message)
            return server.does.get(message["params"]["name"], lambda one, said: one.result(said, text("done")))(self, message)
        return server.does[method](self, message) if method in server.does else self.result(message, {})

    def log_message(self, *_):
        pass


class ByHand:
    """An MCP client: one connection a request, which may be left at any moment."""

    def __init__(self, k, upstream, who="bot", modern=False):
        self.k, self.upstream, self.who, self.modern = k, upstream, who, modern
        self.session, self.last = None, 0
        if not modern:
            hello = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "by-hand", "version": "1"}}
            answer = self.do("initialize", hello)
            self.session = answer.headers.get("mcp-session-id")

    def connect(self, method, params=None, id=None, accept=BOTH, verb="POST", more=(), body=None, meta=None):
        """Sends a request, and gives the connection."""
        self.last = id if id is not None else self.last + 1
        params = dict(params or {})
        if self.modern:
            params["_meta"] = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}, **(meta or {})}
        if body is None:
            body = json.dumps({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}).encode()
        headers = [("Host", f"localhost:{self.k.port}"), ("Authorization", f"Bearer {self.k.tokens[self.who]}"), ("Content-Type", "application/json"),
                   ("Accept", accept), ("Content-Length", str(len(body)))]
        if self.modern:
            headers += [("MCP-Protocol-Version", MODERN), ("Mcp-Method", method)]
            headers += [("Mcp-Name", params[name]) for name in ("name", "taskId") if name in params][:1]
        if self.session:
            headers.append(("Mcp-Session-Id", self.session))
        connection = socket.create_connection(("127.0.0.1", self.k.port), timeout=30)
        head = f"{verb} /mcp/{self.upstream} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in [*headers, *more])
        connection.sendall(head.encode() + b"\r\n" + body)
        return connection

    @staticmethod
    def answer(connection):
        with connection:
            response = http.client.HTTPResponse(connection)
            response.begin()
            return Said(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())

    def do(self, method, params=None, **how):
        return self.answer(self.connect(method, params, **how))

    def begin(self, tool, arguments=None, params=None, **how):
        return self.connect("tools/call", {"name": tool, "arguments": arguments or {}, **(params or {})}, **how)

    def call(self, tool, arguments=None, **how):
        return self.answer(self.begin(tool, arguments, **how))


class Said:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def messages(self):
        words = self.body.decode()
        if words.lstrip().startswith("{"):
            return [json.loads(words)]
        return [json.loads(line[5:]) for line in words.splitlines() if line.startswith("data:") and line[5:].strip()]

    @property
    def message(self):
        """The response."""
        return [one for one in self.messages if "result" in one or "error" in one][-1]

    @property
    def whole(self):
        return json.dumps(self.headers).encode() + self.body

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:600]!r}>"
