// The cards beside and below a case: what policy said, the evidence, what to do next.

import type { Action } from "../api/types";
import { inbox } from "../inbox";
import { useStore } from "../store";
import { count, effectWords, exactTime, nameOf, over } from "../words";
import { Icon } from "./icon";
import { Card, Copy, JsonBlock } from "./pieces";
import { Text } from "./text";

const hasContent = (value: unknown): boolean =>
  !!value && (typeof value !== "object" || Object.keys(value).length > 0);

// Without sections from the server's renderer what there is, is still shown (and Approve is not offered).
export function Undisplayed({ action }: { action: Action }) {
  const part = (title: string, value: unknown) => hasContent(value) && (
    <Card title={title}><JsonBlock value={value} label={title} /></Card>
  );
  return <>{part("Arguments", action.args)}{part("Claims", action.claims)}{part("Facts", action.facts)}</>;
}

// After a decision: what else waits.
export function NextUp({ after }: { after: string }) {
  const { list, total } = useStore(inbox);
  const next = list.find((action) => action.id !== after);
  if (!next) return null;
  return (
    <p class="next-up">
      <a class="button button-wide" href={`/a/${encodeURIComponent(next.id)}`}>
        Next request <span class="muted">({count(total)} waiting)</span> <Icon name="next" size={16} />
      </a>
    </p>
  );
}

export function PolicyCard({ action }: { action: Action }) {
  const verdict = action.verdict;
  if (!verdict) return null;
  const plan = verdict.plan;
  return (
    <Card title="Verdict">
      <div class="pad stack">
        <p>Policy <strong>{effectWords[verdict.effect] ?? verdict.effect}</strong>.</p>
        {(verdict.reasons ?? []).length > 0 && (
          <ul class="reasons">{verdict.reasons!.map((reason, i) => <li key={i}><Text lines>{reason}</Text></li>)}</ul>
        )}
        {(verdict.rules ?? []).length > 0 && (
          <p class="small">
            {verdict.rules!.length === 1 ? "Rule" : "Rules"}{" "}
            {verdict.rules!.map((rule) => <code class="rule" key={rule}><Text>{rule}</Text></code>)}
          </p>
        )}
        {plan && (
          <p class="small muted">
            {[
              plan.assurance && `a vote needs at least: ${plan.assurance}`,
              plan.channels?.length && `votes only ${plan.channels.map(over).join(" or ")}`,
              plan.notify?.length && `told by ${plan.notify.map(nameOf).join(", ")}`,
              plan.veto && plan.veto !== "any" && `veto: ${JSON.stringify(plan.veto)}`,
            ].filter(Boolean).join(" · ")}
          </p>
        )}
      </div>
    </Card>
  );
}

export function EvidenceCard({ action }: { action: Action }) {
  const index = action.ledger?.index;
  return (
    <Card title="Evidence">
      <dl class="evidence">
        <dt>Action</dt><dd><code><Text>{action.id}</Text></code></dd>
        {action.digest && (
          <>
            <dt>Digest of the case</dt>
            <dd><code class="wrap"><Text>{action.digest}</Text></code> <Copy text={action.digest} what="the digest" /></dd>
          </>
        )}
        {action.verdict?.policy && (
          <><dt>Policy</dt><dd><code class="wrap"><Text>{action.verdict.policy}</Text></code></dd></>
        )}
        <dt>Asked</dt><dd><time dateTime={action.created_at}>{exactTime(action.created_at)}</time></dd>
        <dt>Ledger</dt>
        <dd>{typeof index === "number"
          ? (
            <>
              <a class="screen-only" href={`/ledger?entry=${index}`}>entry {index}: verify it here</a>
              <span class="paper-only">entry {index} of <Text>{action.ledger?.origin ?? "this ledger"}</Text>. Its proof: {`${location.origin}/ledger?entry=${index}`}, or
                {" "}<code>keyturn verify</code> on a bundle of <code>keyturn evidence</code></span>
            </>
          )
          : "no index yet"}</dd>
      </dl>
    </Card>
  );
}
