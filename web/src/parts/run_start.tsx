// Starting a runbook: its inputs as a form, what it would do, and why it is started.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { parseExact } from "../api/client";
import { runs, type Runbook, type RunPlan } from "../api/runs";
import type { Json } from "../api/types";
import { lost } from "../reach";
import { go } from "../router";
import { draftOf, fieldAt, fieldsOf, jsonOf, pointersOf, problemsOf, type Draft } from "../schema_form";
import { objectProblem } from "../args";
import { useStore } from "../store";
import { useAct } from "./act";
import { Card, ProblemNote } from "./pieces";
import { PlanView } from "./run_plan";
import { runPath } from "./run_words";
import { SchemaFields } from "./schema_form";

// Not randomUUID(): that is only there in secure contexts.
const anyKey = (): string => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export function StartCard({ runbook }: { runbook: Runbook }) {
  const schemaText = JSON.stringify(runbook.inputs);
  const schema = useMemo(() => runbook.inputs, [schemaText]);
  const [draft, setDraft] = useState<Draft>(() => draftOf(schema));
  const [raw, setRaw] = useState<string | null>(null); // the inputs as JSON, when they are written so
  const [reason, setReason] = useState("");
  const [looked, setLooked] = useState(false); // one tried to send: from then on what is wrong is said
  const [plan, setPlan] = useState<{ plan: RunPlan; of: string } | null>(null);
  const [key, setKey] = useState(anyKey);
  const { busy, problem, act } = useAct();
  const [failedAt, setFailedAt] = useState(""); // what the server's problem is about, as it was sent
  const form = useRef<HTMLFormElement>(null);
  const out = useStore(lost) !== null;

  const fields = fieldsOf(schema);
  const inputs = raw ?? jsonOf(schema, draft) ?? "{}";
  const wrong = raw === null ? problemsOf(schema, draft) : new Map<string, string>();
  const wrongText = raw === null ? "" : objectProblem(raw);
  const said = problem && failedAt === inputs && raw === null ? fieldAt(problem.pointer, pointersOf(schema, draft)) : null;
  const shown = new Map(looked ? wrong : []);
  if (said !== null && problem) shown.set(said, problem.detail || problem.title);
  const unready = wrong.size > 0 || wrongText !== "";

  // To the first that is wrong.
  const [search, setSearch] = useState(0);
  useEffect(() => {
    if (search === 0) return;
    const bad = form.current?.querySelector<HTMLElement>("[aria-invalid=true]") ?? form.current?.querySelector<HTMLElement>("fieldset[aria-describedby$=-wrong]");
    bad?.focus();
  }, [search]);
  useEffect(() => { if (said !== null) setSearch((n) => n + 1); }, [said, problem]);

  const attempt = (work: (inputs: string) => Promise<void>): void => {
    setLooked(true);
    if (unready) {
      setSearch((n) => n + 1);
      return;
    }
    setFailedAt(inputs);
    void act(() => work(inputs));
  };
  const show = (): void => attempt(async (text) => setPlan({ plan: await runs.plan(runbook.name, text), of: text }));
  const start = (event: Event): void => {
    event.preventDefault();
    if (!reason.trim() || busy) return;
    attempt(async (text) => {
      const action = await runs.start(runbook.tool, text, reason.trim(), key);
      go(runPath(action.id));
    });
  };
  // Whatever is sent next after a change is another run.
  useEffect(() => setKey(anyKey()), [inputs, reason]);

  return (
    <Card title="Start it" id="start">
      <form ref={form} class="pad start-form" noValidate onSubmit={start}>
        {fields.length === 0 && raw === null && <p class="muted">It takes no inputs.</p>}
        {/* Keys: without, the reason's field would become that of the inputs, with its bounds. */}
        {raw === null ? (
          <SchemaFields schema={schema} draft={draft} state={{ problems: shown }} onDraft={setDraft} />
        ) : (
          <label key="inputs" class="field-label">Inputs, as JSON
            <textarea class="mono" rows={6} spellcheck={false} value={raw} aria-invalid={!!wrongText} onInput={(event) => setRaw(event.currentTarget.value)} />
            {wrongText && <span class="small bad">{wrongText}</span>}
          </label>
        )}
        {fields.length > 0 && (
          <p><button type="button" class="link-button" disabled={wrongText !== ""} onClick={() => {
            if (raw === null) {
              setRaw(inputs);
              return;
            }
            const text = form.current?.querySelector<HTMLTextAreaElement>("textarea.mono")?.value ?? raw; // as it stands, drawn or not
            if (objectProblem(text)) return;
            setDraft(draftOf(schema, parseExact(text) as Json));
            setRaw(null);
          }}>{raw === null ? "Write the inputs as JSON" : "Back to fields"}</button></p>
        )}
        <p class="buttons"><button type="button" class="button" disabled={busy || out} onClick={show}>Show the plan</button>
          <span class="small muted start-hint">Nothing is run or recorded: every step, its arguments, and what policy says of it now.</span></p>
        {plan && (plan.of === inputs ? <PlanView plan={plan.plan} /> : <p class="small muted">The inputs have changed since the plan was made. Show it again.</p>)}
        <label key="reason" class="field-label">Why is it started? (it stands in the record)
          <textarea rows={2} maxLength={4000} required value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
        </label>
        {problem && said === null && failedAt === inputs && <ProblemNote problem={problem} />}
        <p class="buttons"><button type="submit" class="button button-accent" disabled={busy || out || !reason.trim()}>{busy ? "One moment…" : "Start the run"}</button></p>
      </form>
    </Card>
  );
}
