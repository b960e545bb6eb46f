import type { ActionOutcome, Json } from "../api/types";
import { printing } from "../paper";
import { useStore } from "../store";
import { plural, span } from "../words";
import { Card, JsonBlock, Note } from "./pieces";
import { Text } from "./text";

const rowsShownMax = 50;

export function OutcomeCard({ outcome }: { outcome: ActionOutcome }) {
  const facts: string[] = [];
  if (outcome.exit_code !== undefined) facts.push(`exit code ${outcome.exit_code}`);
  if (outcome.row_count !== undefined) facts.push(plural(outcome.row_count, "row"));
  if (outcome.duration_ms !== undefined) facts.push(outcome.duration_ms < 10_000 ? `${outcome.duration_ms} ms` : span(outcome.duration_ms / 1000));
  if (outcome.truncated) facts.push("output cut at the tool's limit");
  return (
    <Card title="Outcome" aside={<span class="card-aside">{facts.join(" · ")}</span>}>
      {outcome.outcome === "unknown" && (
        <Note kind="warn">It was started and no outcome is known. Look at the target before asking again.</Note>
      )}
      {outcome.error && <Note kind="bad"><Text lines>{outcome.error}</Text></Note>}
      {outcome.stdout && <Output title="Standard output" text={outcome.stdout} />}
      {outcome.stderr && <Output title="Standard error" text={outcome.stderr} />}
      {outcome.rows && outcome.rows.length > 0 && <Rows rows={outcome.rows} columns={outcome.columns} />}
      {outcome.result !== undefined && outcome.result !== null && <JsonBlock value={outcome.result} label="Result" />}
      {facts.length === 0 && !outcome.stdout && !outcome.stderr && !outcome.error && (
        <p class="muted pad">Nothing was printed.</p>
      )}
    </Card>
  );
}

function Output({ title, text }: { title: string; text: string }) {
  return (
    <>
      <h3 class="sub">{title}</h3>
      <pre class="code" tabIndex={0} role="region" aria-label={title}><Text lines>{text}</Text></pre>
    </>
  );
}

const cell = (value: unknown): string =>
  value === null || value === undefined ? "NULL" : typeof value === "string" ? value : JSON.stringify(value);

function Rows({ rows, columns }: { rows: Json[]; columns: string[] | undefined }) {
  const paper = useStore(printing);
  const first = rows[0];
  const named = first !== null && typeof first === "object" && !Array.isArray(first);
  const head = columns ?? (named ? Object.keys(first) : undefined);
  const cells = (row: Json): unknown[] =>
    Array.isArray(row) ? row
      : row !== null && typeof row === "object" && head ? head.map((name) => row[name]) : [row];
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Rows">
      <table>
        {head && <thead><tr>{head.map((name) => <th key={name} scope="col"><Text>{name}</Text></th>)}</tr></thead>}
        <tbody>
          {(paper ? rows : rows.slice(0, rowsShownMax)).map((row, i) => (
            <tr key={i}>{cells(row).map((value, j) => <td key={j}><Text lines>{cell(value)}</Text></td>)}</tr>
          ))}
        </tbody>
      </table>
      {!paper && rows.length > rowsShownMax && (
        <p class="muted small pad">The first {rowsShownMax} of {plural(rows.length, "row")}.</p>
      )}
    </div>
  );
}
