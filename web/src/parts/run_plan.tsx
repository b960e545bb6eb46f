// What a run would do, step by step, with what policy says of each now.

import type { ForeseenStep, RunPlan } from "../api/runs";
import { asksWords } from "../run_graph";
import { effectWords, plural } from "../words";
import { Icon, type IconName } from "./icon";
import { JsonBlock, Note } from "./pieces";
import { Text } from "./text";

type Look = [words: string, look: string, icon: IconName];

function lookOf(step: ForeseenStep): Look {
  if (step.refused) return ["would be refused", "denied", "cross"];
  if (step.skipped) return ["skipped: its condition is false", "cancelled", "next"];
  if (step.kind === "approve") return ["people are asked here", "pending", "person"];
  const effect = step.verdict?.effect;
  if (effect === "allow") return ["policy allows it", "succeeded", "check"];
  if (effect === "require") return ["people are asked", "pending", "person"];
  if (effect === "deny") return ["policy denies it", "denied", "cross"];
  if (effect) return [`policy ${effectWords[effect] ?? effect}`, "deferred", "pause"];
  if (step.waits_for) return ["decided when it comes to it", "deferred", "clock"];
  return [step.kind === "action" ? "decided when it comes to it" : "no decision of its own", "none", "more"];
}

export function PlanView({ plan }: { plan: RunPlan }) {
  const { steps } = plan;
  const refused = steps.filter((step) => step.refused || step.verdict?.effect === "deny").length;
  const asked = steps.filter((step) => step.kind === "approve" || step.verdict?.effect === "require").length;
  const later = steps.filter((step) => step.waits_for).length;
  return (
    <section class="plan" aria-label="The plan">
      <p role="status">
        {plural(steps.length, "step")}.{asked > 0 && ` People are asked at ${plural(asked, "step")}${plan.review === "plan" ? ", and about the whole plan before it starts" : ""}.`}
        {later > 0 && ` ${plural(later, "step rests", "steps rest")} on what other steps give: that part cannot be shown yet.`}
      </p>
      {refused > 0 && <Note kind="bad"><strong>{plural(refused, "step")} would not be done.</strong> The run would fail there.</Note>}
      <ol class="plan-steps">{steps.map((step) => <PlanStep key={`${step.path}${step.undoes ? "~" : ""}`} step={step} whole={plan.review === "plan"} />)}</ol>
    </section>
  );
}

function PlanStep({ step, whole }: { step: ForeseenStep; whole: boolean }) {
  const [words, look, icon] = lookOf(step);
  const asks = asksWords(step.kind === "approve" ? step.asks : step.verdict?.plan);
  const depth = Math.min(4, step.path.split(".").length - 1);
  const args = step.args && typeof step.args === "object" && !Array.isArray(step.args) ? Object.entries(step.args) : [];
  return (
    <li class={`plan-step plan-depth-${depth}${step.undoes ? " plan-undo" : ""}`}>
      <div class="plan-head">
        <span><strong><Text>{step.name || step.path}</Text></strong> {step.tool && <span class="mono small"><Text>{step.tool}</Text></span>}
          {step.undoes && <span class="tag">only to undo</span>}{step.tries > 1 && <span class="tag">up to {step.tries} tries</span>}</span>
        <span class={`state state-${look}`}><Icon name={icon} size={14} />{words}</span>
      </div>
      {step.name !== step.path && <p class="small muted mono wrap"><Text>{step.path}</Text></p>}
      {args.length > 0 && (
        <dl class="plan-args">
          {args.map(([name, value]) => (
            <div key={name}><dt><Text>{name}</Text></dt><dd class="mono"><Text lines>{typeof value === "string" ? value : JSON.stringify(value, null, 1)}</Text></dd></div>
          ))}
        </dl>
      )}
      {step.description !== undefined && step.description !== null && (
        <details class="small"><summary>What exactly would run<span class="hidden"> at {step.path}</span></summary><JsonBlock value={step.description} label="What would run" /></details>
      )}
      {step.waits_for && <p class="small">Rests on <code class="wrap"><Text>{step.waits_for}</Text></code></p>}
      {step.when && <p class="small">Only when <code class="wrap"><Text>{step.when}</Text></code></p>}
      {asks && <p class="small">Asks <strong><Text>{asks}</Text></strong>{whole && step.covered && step.kind !== "approve" && ", who are asked about the whole plan; approved with it, this step asks nobody again"}.</p>}
      {step.refused && <p class="small bad"><Text lines>{step.refused}</Text></p>}
      {(step.verdict?.reasons ?? []).map((reason, i) => <p key={i} class="small muted"><Text lines>{reason}</Text></p>)}
    </li>
  );
}
