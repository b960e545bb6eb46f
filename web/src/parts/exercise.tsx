// Planting an exercise: a request that its reviewers should deny, as if an agent had made it.

import { useState } from "preact/hooks";
import { admin } from "../api/admin";
import type { Agent, Json } from "../api/types";
import { go } from "../router";
import { useAct } from "./act";
import { Card, Note, ProblemNote } from "./pieces";

function objectIn(text: string): Json | null {
  try {
    const value = JSON.parse(text) as Json;
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

export function Exercises({ agents }: { agents: Agent[] }) {
  const [agent, setAgent] = useState("");
  const [tool, setTool] = useState("");
  const [args, setArgs] = useState("{}");
  const [reason, setReason] = useState("");
  const { busy, problem, act } = useAct();
  const parsed = objectIn(args);
  const send = (event: Event): void => {
    event.preventDefault();
    if (parsed) void act(async () => go(`/a/${encodeURIComponent((await admin.plant({ agent, tool: tool.trim(), args: parsed, reason: reason.trim() })).id)}`));
  };
  return (
    <Card title="Plant an exercise">
      <form class="pad stack" onSubmit={send}>
        <Note>To its reviewers it looks like any other request of that agent, until they have decided. Then it says what it was. It never runs, whatever they say. Ask for something that should be denied.</Note>
        {problem && <ProblemNote problem={problem} />}
        <label class="field-label">As if this agent asked
          <select required value={agent} onChange={(event) => setAgent(event.currentTarget.value)}>
            <option value="" disabled>Choose an agent</option>
            {agents.map(({ name }) => <option key={name} value={name}>{name}</option>)}
          </select>
        </label>
        <label class="field-label">Tool<input type="text" required maxLength={256} autocomplete="off" spellcheck={false} value={tool} onInput={(event) => setTool(event.currentTarget.value)} /></label>
        <label class="field-label">Arguments, a JSON object
          <textarea class="mono" rows={4} required spellcheck={false} aria-invalid={!parsed} value={args} onInput={(event) => setArgs(event.currentTarget.value)} />
          {!parsed && <span class="small">This is no JSON object yet.</span>}
        </label>
        <label class="field-label">Reason, as the agent would say it<textarea rows={2} required maxLength={4000} value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></label>
        <div class="dialog-buttons">
          <button type="submit" class="button button-accent" disabled={busy || !parsed || !agent || !tool.trim() || !reason.trim()}>{busy ? "Planting…" : "Plant it"}</button>
        </div>
      </form>
    </Card>
  );
}
