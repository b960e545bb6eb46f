// Changes that a stream tells, gathered for a moment: a burst of hundreds is one new list, drawn once.

import type { Action } from "./api/types";

const gatherMs = 150;

export class Batch {
  private changes = new Map<string, Action>();
  private total: number | undefined;
  private timer: number | undefined;
  constructor(private take: (changes: Map<string, Action>, total: number | undefined) => void) {}

  add(action: Action): void {
    const before = this.changes.get(action.id);
    if (before && before.version > action.version) return;
    this.changes.set(action.id, action);
    this.soon();
  }
  setTotal(total: number): void {
    this.total = total;
    this.soon();
  }
  stop(): void {
    window.clearTimeout(this.timer);
    this.timer = undefined;
    this.changes = new Map();
    this.total = undefined;
  }

  private soon(): void {
    this.timer ??= window.setTimeout(() => {
      const { changes, total } = this;
      this.stop();
      this.take(changes, total);
    }, gatherMs);
  }
}
