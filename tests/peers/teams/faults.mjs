// What fails, how often. {"on": OPERATION or "*", "times": N, "in": conversation, and one of
//   "status": S with "retry_after": seconds, "body", "code"; "hang": true; "reset": true; "delay_ms": D; and "after": true: it was done, only its answer is lost}.
import { Answer, failure } from "./web.mjs";

const FAULTS_MAX = 100;
const CODES = { 400: "BadArgument", 401: "Unauthorized", 403: "ForbiddenOperationException", 404: "ConversationNotFound", 412: "PreconditionFailed", 413: "MessageSizeTooBig",
  429: "Throttled", 500: "ServiceError", 502: "ServiceError", 503: "ServiceUnavailable", 504: "GatewayTimeout" };

export class Faults {
  list = [];

  add(fault) {
    if (this.list.length >= FAULTS_MAX) throw failure(400, "BadArgument", `at most ${FAULTS_MAX} faults`);
    this.list.push({ times: 1, ...fault });
  }

  take(operation, conversation, after) {
    const at = this.list.findIndex((one) => (one.on === operation || one.on === "*") && Boolean(one.after) === after && (!one.in || conversation?.startsWith(one.in)));
    if (at < 0) return null;
    const fault = this.list[at];
    fault.times -= 1;
    if (fault.times <= 0) this.list.splice(at, 1);
    return fault;
  }

  // Throws an Answer, never comes back (hang), or lets the call go on. The connection is let go of where the loopback goes down.
  async meet(operation, conversation, after, response) {
    const fault = this.take(operation, conversation, after);
    if (!fault) return;
    if (fault.delay_ms) await new Promise((done) => setTimeout(done, fault.delay_ms));
    if (fault.reset) response.socket.resetAndDestroy();
    if (fault.hang || fault.reset) throw new Answer(0);
    if (fault.status) {
      const body = fault.body ?? { error: { code: fault.code ?? CODES[fault.status] ?? "ServiceError", message: "as a test asked for" } };
      throw new Answer(fault.status, body, fault.retry_after === undefined ? {} : { "Retry-After": String(fault.retry_after) });
    }
  }
}
