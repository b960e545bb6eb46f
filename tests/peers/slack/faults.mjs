// What goes wrong on purpose: answers of the Web API that fail, hang, are lost or come late.
export class Faults {
  constructor() {
    this.clear();
  }

  clear() {
    this.rules = [];
    this.delays = new Map();
  }

  /** {method | "*", times, and one of status (with retry_after), error, hang, reset; after: the method is done first}. */
  add({ method = "*", times = 1, status, retry_after, error, hang = false, reset = false, after = false, body }) {
    if (status === undefined && error === undefined && !hang && !reset) throw new Error("a fault needs one of status, error, hang, reset");
    this.rules.push({ method, left: times, status, retry_after, error, hang, reset, after, body });
    if (this.rules.length > 1000) this.rules.shift();
  }

  delay(method, ms) {
    if (ms > 0) this.delays.set(method, ms);
    else this.delays.delete(method);
  }

  delayOf(method) {
    return this.delays.get(method) ?? this.delays.get("*") ?? 0;
  }

  /** The fault that this call meets, used up by it; null without one. */
  take(method) {
    const found = this.rules.find((rule) => rule.left > 0 && (rule.method === "*" || rule.method === method)) ?? null;
    if (found) {
      found.left -= 1;
      if (found.left === 0) this.rules = this.rules.filter((rule) => rule !== found);
    }
    return found;
  }
}
