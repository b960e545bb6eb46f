// Socket Mode (docs.slack.dev/apis/events-api/using-socket-mode): hello, envelopes, acknowledgements, disconnects, several connections.
import crypto from "node:crypto";
import { WebSocketServer } from "ws";
import { now } from "./clock.mjs";

const TICKETS_MAX = 200,
  CONNECTIONS_MAX = 10,
  PAYLOAD_MAX = 1_000_000;
const answerable = (type, payload) => type === "slash_commands" || (type === "interactive" && ["view_submission", "block_suggestion"].includes(payload.type));

export class Sockets {
  constructor(world) {
    this.world = world;
    this.server = new WebSocketServer({ noServer: true, maxPayload: PAYLOAD_MAX });
    this.open = new Set();
    this.tickets = new Map();
    this.waiting = new Map(); // envelope_id: who waits for its acknowledgement
    this.refusing = false;
    this.next = 0;
    this.counts = { opened: 0, refused: 0, sent: 0, acks: 0, unknown_acks: 0, redelivered: 0 };
  }

  ticket() {
    const key = crypto.randomUUID();
    this.tickets.set(key, now());
    if (this.tickets.size > TICKETS_MAX) this.tickets.delete(this.tickets.keys().next().value);
    return `ws://127.0.0.1:${this.world.port}/link/?ticket=${key}&app_id=${this.world.workspace.app.id}`;
  }

  upgrade(request, socket, head) {
    const ticket = new URL(request.url, "http://slack.test").searchParams.get("ticket");
    if (this.refusing || !this.tickets.delete(ticket)) {
      this.counts.refused += 1;
      socket.end(`HTTP/1.1 ${this.refusing ? "503 Service Unavailable" : "403 Forbidden"}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    this.server.handleUpgrade(request, socket, head, (connection) => this.#begin(connection));
  }

  #tell(connection, message) {
    if (connection.readyState === 1) connection.send(JSON.stringify(message));
  }

  #begin(connection) {
    this.counts.opened += 1;
    if (this.open.size >= CONNECTIONS_MAX) {
      this.#tell(connection, { type: "disconnect", reason: "too_many_websockets", debug_info: { host: "applink-loopback" } });
      connection.close();
      return;
    }
    this.open.add(connection);
    connection.answered = true;
    connection.on("pong", () => {
      connection.answered = true;
    });
    connection.on("message", (data) => this.#acknowledged(data.toString()));
    connection.on("error", () => connection.terminate());
    const beat = setInterval(() => {
      connection.ping(`Ping from applink-loopback`);
      connection.answered = false;
    }, this.world.workspace.settings.ping_ms);
    connection.on("close", () => {
      clearInterval(beat);
      this.open.delete(connection);
      for (const one of [...this.waiting.values()]) if (one.connection === connection) one.lost();
    });
    this.#tell(connection, {
      type: "hello",
      num_connections: this.open.size,
      debug_info: { host: "applink-loopback", build_number: 1, approximate_connection_time: 18060 },
      connection_info: { app_id: this.world.workspace.app.id },
    });
  }

  #acknowledged(text) {
    let told;
    try {
      told = JSON.parse(text);
    } catch {
      this.counts.unknown_acks += 1;
      return;
    }
    const one = this.waiting.get(told?.envelope_id);
    if (!one) {
      this.counts.unknown_acks += 1;
      return;
    }
    this.counts.acks += 1;
    one.done(told.payload);
  }

  #ready() {
    return [...this.open].filter((one) => one.readyState === 1 && !one.leaving);
  }

  /** On one connection, and on the next where it closes or stays silent; none: the failure "no_connection". */
  async send(type, payload, more = {}) {
    const began = performance.now(),
      tried = new Set(),
      deadline = this.world.workspace.settings.ack_ms;
    const envelope = { envelope_id: crypto.randomUUID(), payload, type, accepts_response_payload: answerable(type, payload), ...more };
    for (;;) {
      const ready = this.#ready(),
        fresh = ready.filter((one) => !tried.has(one));
      if (!fresh.length) return { ok: false, failure: ready.length || tried.size ? "timeout" : "no_connection", ms: Math.round(performance.now() - began) };
      const connection = fresh[this.next++ % fresh.length];
      if (tried.size) this.counts.redelivered += 1;
      tried.add(connection);
      const answer = await new Promise((done) => {
        const late = setTimeout(() => done(null), deadline);
        this.waiting.set(envelope.envelope_id, {
          connection,
          done: (said) => {
            clearTimeout(late);
            done({ said });
          },
          lost: () => {
            clearTimeout(late);
            done(null);
          },
        });
        this.counts.sent += 1;
        this.#tell(connection, envelope);
      });
      this.waiting.delete(envelope.envelope_id);
      if (answer) return { ok: true, status: 200, body: (envelope.accepts_response_payload ? answer.said : null) ?? "", ms: Math.round(performance.now() - began) };
    }
  }

  /** warning: it closes in a while; refresh_requested: now; link_disabled: Socket Mode is turned off. */
  disconnect(reason, close = reason !== "warning") {
    if (reason === "link_disabled") this.world.workspace.app.socket_mode = false;
    for (const connection of [...this.open]) {
      this.#tell(connection, { type: "disconnect", reason, debug_info: { host: "applink-loopback" } });
      connection.leaving = true;
      if (close) connection.close();
    }
  }

  /** Any text, to all. How many there are. */
  raw(text) {
    for (const connection of this.open) connection.send(text);
    return this.open.size;
  }

  drop() {
    for (const connection of [...this.open]) connection.terminate();
  }
}
