import { Fragment } from "preact";
import type { Mark, Run } from "../api/types";
import { visible } from "./runs";

const titles: Record<Mark, string> = {
  control: "A control character. It is shown, not obeyed.",
  invisible: "An invisible character, made visible here.",
  bidi: "A character that changes the direction in which text is drawn. It is shown, not obeyed.",
  lookalike: "A look-alike: this letter belongs to another alphabet than its neighbours.",
  whitespace: "Blank space that could hide something, counted here.",
  secret: "A secret: its value is never shown, only its name, length class and fingerprint.",
};

export const runTitle = (mark: Mark): string =>
  titles[mark] ?? "A character that deserves a second look.";

const markClasses: Record<Mark, string> = {
  control: "mark mark-control",
  invisible: "mark mark-invisible",
  bidi: "mark mark-bidi",
  lookalike: "mark mark-lookalike",
  whitespace: "mark mark-whitespace",
  secret: "mark mark-secret",
};

// A long name of parts may break between them: sql.statements[0].relations.
const breaking = (text: string) =>
  text.split(/(?<=[.\]_/])/).map((part, i) => <Fragment key={i}>{i > 0 && <wbr />}{part}</Fragment>);

export function Runs({ runs, name = false }: { runs: Run[]; name?: boolean }) {
  return (
    <>
      {runs.map((run, i) =>
        run.mark ? (
          <mark key={i} class={markClasses[run.mark] ?? "mark"} title={runTitle(run.mark)}>{run.t}</mark>
        ) : (
          name ? breaking(run.t) : run.t
        ))}
    </>
  );
}

// Any text that another person, agent or machine wrote. `lines`: keep its line breaks.
export function Text({ children, lines = false }: { children: string; lines?: boolean }) {
  return <bdi class={lines ? "lines" : undefined}><Runs runs={visible(children, lines)} /></bdi>;
}
