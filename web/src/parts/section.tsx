// One section of the case, as the server's renderer made it.

import { Fragment } from "preact";
import { useRef } from "preact/hooks";
import type { Section } from "../api/types";
import { printing } from "../paper";
import { useStore } from "../store";
import { count, plural } from "../words";
import { Icon } from "./icon";
import type { Reveal } from "./reveal";
import { plainText, visible, type Chunk, type Piece } from "./runs";
import { Runs, Text } from "./text";

// `tracked`: there is a decision that waits for all of it to be seen.
export function CaseSection({ section, index, reveal, tracked }: {
  section: Section; index: number; reveal: Reveal; tracked: boolean;
}) {
  const ref = useRef<HTMLElement>(null);
  const pages = reveal.pages[index] ?? [];
  const at = Math.min(reveal.page[index] ?? 0, Math.max(0, pages.length - 1));
  const turn = (page: number): void => {
    reveal.turn(index, page);
    ref.current?.scrollIntoView({ block: "start" });
  };
  const title = plainText(visible(section.title));
  const done = reveal.sectionDone(index);
  const paper = useStore(printing);
  return (
    <section class="card case-section" ref={ref} aria-label={title}>
      <header class="card-head">
        <h2><Text>{section.title}</Text></h2>
        <span class="card-aside">
          {section.bytes !== undefined && <span>{plural(section.bytes, "byte")}</span>}
          {tracked && (
            <span class={done ? "seen seen-done" : "seen"}>
              {done ? <><Icon name="check" size={14} /> seen</> : "not all seen"}
            </span>
          )}
        </span>
      </header>
      {(section.warnings ?? []).map((warning) => (
        <p class="section-warning" key={warning}><Icon name="warn" size={16} /><Text>{warning}</Text></p>
      ))}
      <div class={`content content-${section.kind}${index === 0 ? " content-main" : ""}`}>
        {(paper ? pages.flat() : pages[at] ?? []).map((chunk, c) => (
          <Fragment key={`${paper ? "paper" : at}.${c}`}>
            {section.kind === "fields" ? <FieldChunk chunk={chunk} /> : <LineChunk chunk={chunk} kind={section.kind} />}
            {!paper && <span class="marker" ref={reveal.marker} data-chunk={`${index}.${at}.${c}`} />}
          </Fragment>
        ))}
      </div>
      {pages.length > 1 && (
        <nav class="pager" aria-label={`Pages of ${title}`}>
          <button type="button" class="button button-small" disabled={at === 0} onClick={() => turn(at - 1)}>
            <Icon name="back" size={14} /> Previous
          </button>
          <span class="digits">page {count(at + 1)} of {count(pages.length)}</span>
          <button type="button" class="button button-small" disabled={at === pages.length - 1}
            onClick={() => turn(at + 1)}>
            Next <Icon name="next" size={14} />
          </button>
        </nav>
      )}
    </section>
  );
}

function lineClass(piece: Piece, kind: Section["kind"]): string {
  if (kind !== "diff") return "line";
  const first = plainText(piece.runs)[0];
  return first === "+" ? "line line-added" : first === "-" ? "line line-removed" : "line";
}

function LineChunk({ chunk, kind }: { chunk: Chunk; kind: Section["kind"] }) {
  return (
    <>
      {chunk.map((piece, i) => (
        <div class={lineClass(piece, kind)} key={i}>
          {kind !== "text" && (
            <span class="line-number" aria-hidden="true">{piece.number ?? "↪"}</span>
          )}
          <bdi class="line-text"><Runs runs={piece.runs} />{piece.runs.length ? "" : "\u00a0"}</bdi>
        </div>
      ))}
    </>
  );
}

// The pieces of each field together. A field that began in the chunk before goes on without its name.
function fieldsOf(chunk: Chunk): Chunk[] {
  const fields: Chunk[] = [];
  for (const piece of chunk) {
    if (piece.label || fields.length === 0) fields.push([piece]);
    else fields.at(-1)!.push(piece);
  }
  return fields;
}

const shortNameChars = 40;
const shortValueChars = 16;
// Two such fit beside each other, where there is room.
const isShort = ([piece, ...more]: Chunk): boolean =>
  !!piece?.label && more.length === 0 && piece.number === null &&
  plainText(piece.label).length <= shortNameChars && plainText(piece.runs).length <= shortValueChars;

function FieldChunk({ chunk }: { chunk: Chunk }) {
  return (
    <dl class="fields">
      {fieldsOf(chunk).map((pieces, i) => {
        const { label } = pieces[0]!;
        return (
          <div class={!label ? "field field-more" : isShort(pieces) ? "field field-short" : "field"} key={i}>
            <dt>{label ? <bdi><Runs runs={label} name /></bdi> : <span class="hidden">goes on</span>}</dt>
            <dd>
              {pieces.length === 1 && pieces[0]!.number === null
                ? <bdi class="lines"><Runs runs={pieces[0]!.runs} /></bdi>
                : <LineChunk chunk={pieces} kind="code" />}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
