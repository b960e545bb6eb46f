// What a channel gave up, as it is listed: by action, the newest first.

import type { DeadLetter } from "./api/admin";

export interface OfAction {
  action: string;
  letters: DeadLetter[];
}

export function byAction(dead: DeadLetter[]): OfAction[] {
  const found = new Map<string, DeadLetter[]>();
  for (const letter of dead) {
    const of = found.get(letter.action);
    if (of) of.push(letter);
    else found.set(letter.action, [letter]);
  }
  return [...found].map(([action, letters]) => ({ action, letters }));
}
