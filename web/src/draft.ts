// The draft of a change of configuration: kept while one goes from page to page, checked as one types, and never lost
// without a question.

import { asProblem, type Problem } from "./api/client";
import { api, type Documents } from "./api/routes";
import type { Checked, Diagnostic, PolicyInForce } from "./api/types";
import { checkedRuns } from "./parts/runs";
import { Store } from "./store";

export type File = "policy.yaml" | "tools.yaml";
export const files: File[] = ["policy.yaml", "tools.yaml"];

export interface Draft {
  who: string; // whose it is
  inForce: PolicyInForce | null;
  begun: string; // the digests of what was in force when it was begun
  policy: string | null; // null: as it is in force
  tools: string | null;
  problem: Problem | null;
}

export type Check =
  | { kind: "none" }
  | { kind: "busy"; diagnostics: Diagnostic[] } // those of the check before
  | { kind: "done"; ok: boolean; diagnostics: Diagnostic[]; changes: NonNullable<Checked["changes"]>; coverage?: Checked["coverage"] }
  | { kind: "failed"; problem: Problem; diagnostics: Diagnostic[] };

const nothing: Draft = { who: "", inForce: null, begun: "", policy: null, tools: null, problem: null };
export const draft = new Store<Draft>(nothing);
export const check = new Store<Check>({ kind: "none" });

const pauseMs = 350; // of typing, before it is checked

export const isDirty = (now: Draft): boolean => now.policy !== null || now.tools !== null;
export const standsOn = (inForce: PolicyInForce): string => `${inForce.digest} ${inForce.tools.digest}`;

export function textOf(now: Draft, file: File): string {
  if (file === "policy.yaml") return now.policy ?? now.inForce?.text ?? "";
  return now.tools ?? now.inForce?.tools.text ?? "";
}

export const originalOf = (now: Draft, file: File): string =>
  (file === "policy.yaml" ? now.inForce?.text : now.inForce?.tools.text) ?? "";

// What differs from what is in force.
export function documentsOf(now: Draft): Documents {
  return {
    ...(now.policy === null ? {} : { policy: now.policy }), ...(now.tools === null ? {} : { tools: now.tools }),
  };
}

// Reads what is in force; a draft of the same person stays, and what came into force meanwhile ends its differences.
export async function loadPolicy(who: string): Promise<void> {
  if (draft.get().who !== who) {
    draft.set({ ...nothing, who });
    check.set({ kind: "none" });
  }
  try {
    const inForce = await api.policy();
    const old = draft.get();
    if (old.who !== who) return;
    const kept = (text: string | null, now: string): string | null => (text === now ? null : text);
    const next = {
      ...old, inForce, policy: kept(old.policy, inForce.text), tools: kept(old.tools, inForce.tools.text), problem: null,
    };
    draft.set({ ...next, begun: isDirty(next) ? old.begun : standsOn(inForce) });
    checkSoon(0);
  } catch (error) {
    draft.set({ ...draft.get(), problem: asProblem(error) });
  }
}

export function write(file: File, text: string): void {
  const now = draft.get();
  const value = text === originalOf(now, file) ? null : text;
  const next = file === "policy.yaml" ? { ...now, policy: value } : { ...now, tools: value };
  draft.set(isDirty(now) || !now.inForce ? next : { ...next, begun: standsOn(now.inForce) });
  checkSoon();
}

// Back to what is in force: one document, or both.
export function discard(file?: File): void {
  const now = draft.get();
  draft.set({ ...now, policy: file === "tools.yaml" ? now.policy : null, tools: file === "policy.yaml" ? now.tools : null });
  checkSoon(0);
}

let timer: number | undefined;
let round = 0;

export function checkSoon(after = pauseMs): void {
  const was = check.get();
  window.clearTimeout(timer);
  round += 1;
  check.set({ kind: "busy", diagnostics: was.kind === "none" ? [] : was.diagnostics });
  timer = window.setTimeout(() => void checkNow(round), after);
}

async function checkNow(mine: number): Promise<void> {
  const now = draft.get();
  if (!now.inForce) return;
  try {
    const said = await api.check({ policy: textOf(now, "policy.yaml"), ...documentsOf(now) });
    if (mine !== round) return;
    const hidden = files.flatMap((file) => unseen(file, textOf(now, file)));
    check.set({ kind: "done", ok: said.ok, diagnostics: [...said.diagnostics, ...hidden], changes: said.changes ?? [], ...(said.coverage && { coverage: said.coverage }) });
  } catch (error) {
    if (mine !== round) return;
    const was = check.get();
    check.set({ kind: "failed", problem: asProblem(error), diagnostics: was.kind === "none" ? [] : was.diagnostics });
  }
}

const deceives = new Set(["control", "invisible", "bidi"]);

// An editor obeys what the case will show as marks: so it is said here, too.
export function unseen(file: string, text: string): Diagnostic[] {
  if (!/[^\n -~]/.test(text)) return [];
  return text.split("\n").flatMap((line, i) => {
    const runs = checkedRuns([{ t: line }], true);
    const at = runs.findIndex((run) => run.mark && deceives.has(run.mark));
    if (at < 0) return [];
    const column = runs.slice(0, at).reduce((sum, run) => sum + run.t.length, 1);
    return [{ file, line: i + 1, column, message: `a character that cannot be seen: ${runs[at]!.t}`, warning: true }];
  });
}

export function startDraft(): void {
  window.addEventListener("beforeunload", (event) => {
    if (isDirty(draft.get())) event.preventDefault();
  });
}
