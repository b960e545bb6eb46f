import { useMemo } from "preact/hooks";
import { changedLines, lineDiff } from "../diff";
import { plural } from "../words";
import { visible } from "./runs";
import { Runs } from "./text";

const signs = { "+": "line-added", "-": "line-removed", " ": "", "…": "line-gap" } as const;
const words = { "+": "added ", "-": "removed ", " ": "", "…": "" } as const;

// What a text changes against another, with each line's sign and number.
export function DiffView({ before, after, title }: { before: string; after: string; title: string }) {
  const lines = useMemo(() => lineDiff(before, after), [before, after]);
  const { added, removed } = changedLines(lines);
  return (
    <section class="diff" aria-label={`Changes of ${title}`}>
      <h3 class="diff-title"><code>{title}</code> <span class="muted small">
        {lines.length === 0 ? "unchanged" : `${plural(added, "line")} added, ${plural(removed, "line")} removed`}</span></h3>
      {lines.length > 0 && (
        <div class="content-diff" tabIndex={0} role="region" aria-label={`Changed lines of ${title}`}>
          {lines.map((line, i) => {
            const text = line.text.replace(/\n$/, "");
            return (
              <div class={`line ${signs[line.sign]}`} key={i}>
                <span class="line-number" aria-hidden="true">{line.sign === "…" ? "⋯" : line.number}</span>
                <span class="line-sign"><span class="hidden">{words[line.sign]}</span><span aria-hidden="true">{line.sign === "…" ? "" : line.sign}</span></span>
                <bdi class="line-text">
                  <Runs runs={visible(text, true)} />{text === "" ? "\u00a0" : ""}
                  {line.sign !== "…" && !line.text.endsWith("\n") && <span class="muted small"> (no end of line)</span>}
                </bdi>
              </div>
            );
          })}
        </div>
      )}
    </section>
  );
}
