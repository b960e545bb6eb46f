// node server.mjs [CERT KEY]: npm ws on a free port of 127.0.0.1, which it prints. What a path does:
//   /echo       says back what it hears, and closes after "bye"; /many: three messages at once, then closes
//   /ping       pings, and says "pong" when it is answered; /pinged: says "pinged" when it is pinged; each then closes
//   /binary     a binary message; /large: 100,000 characters; /bad: a frame that is none; /cut: no closing handshake
//   /silent     hears nothing, not even pings; /401: declines
import { createServer as plain } from "node:http";
import { createServer as secure } from "node:https";
import { readFileSync } from "node:fs";
import { WebSocketServer } from "ws";

const [cert, key] = process.argv.slice(2);
const server = cert ? secure({ cert: readFileSync(cert), key: readFileSync(key) }) : plain();
const sockets = new WebSocketServer({ noServer: true });

const PATHS = {
  "/echo": (ws) => ws.on("message", (data) => { ws.send(data.toString()); if (data.toString() === "bye") ws.close(1000); }),
  "/many": (ws) => { for (const one of ["1", "2", "3"]) ws.send(one); ws.close(1001); },
  "/ping": (ws) => { ws.on("pong", () => { ws.send("pong"); ws.close(); }); ws.ping("x"); },
  "/pinged": (ws) => ws.on("ping", () => { ws.send("pinged"); ws.close(); }),
  "/binary": (ws) => ws.send(Buffer.from([1, 2, 3])),
  "/large": (ws) => { ws.send("x".repeat(100_000)); ws.close(); },
  "/bad": (ws, socket) => socket.write(Buffer.alloc(20, 0xff)),
  "/cut": (ws, socket) => socket.resetAndDestroy(),
  "/silent": (ws, socket) => socket.pause(),
};

server.on("upgrade", (request, socket, head) => {
  const what = PATHS[new URL(request.url, "http://x").pathname];
  if (!what) { socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"); return; }
  sockets.handleUpgrade(request, socket, head, (ws) => what(ws, socket.resetAndDestroy ? socket : socket._parent ?? socket));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
