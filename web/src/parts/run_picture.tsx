// A runbook or a run as a picture. The lines are SVG; every step is a button in its place, so that its words are text like all
// others, and a screen reader finds them in reading order. Arrow keys go from step to step.

import { useEffect, useMemo, useRef } from "preact/hooks";
import type { GraphNode, RunState } from "../api/runs";
import { asksWords, standingWords, stepWords, type Standing } from "../run_graph";
import { layOut, neighbour, sizes, type Box, type Direction, type Picture } from "../run_layout";
import { Icon, type IconName } from "./icon";
import { stepIcon } from "./run_words";
import { plainText, visible } from "./runs";
import { Text } from "./text";
import "../style/runs.css";

const arrows: Record<string, Direction> = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };
const kindIcons: Record<GraphNode["kind"], IconName> = { action: "run", approve: "person", pass: "check", group: "more", branches: "stands" };

const plain = (text: string): string => plainText(visible(text));

export function RunPicture({ graph, about, standings, state, selected, onSelect }: {
  graph: GraphNode[];
  about: string; // what it is, for whoever does not see it
  standings?: Map<string, Standing>; // without: of no run
  state?: RunState;
  selected: string | null;
  onSelect: (key: string) => void;
}) {
  const shape = JSON.stringify(graph);
  const picture = useMemo(() => layOut(JSON.parse(shape) as GraphNode[]), [shape]);
  const { boxes } = picture;
  const box = useRef<HTMLDivElement>(null);
  const at = boxes.some((one) => one.key === selected) ? selected : boxes[0]?.key;
  const onKey = (event: KeyboardEvent): void => {
    const from = (event.target as HTMLElement).closest<HTMLElement>("[data-node]")?.dataset.node;
    if (from === undefined || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const direction = arrows[event.key];
    const to = direction ? neighbour(boxes, from, direction) : event.key === "Home" ? boxes[0]?.key : event.key === "End" ? boxes.at(-1)?.key : undefined;
    if (to === undefined) return;
    event.preventDefault();
    const next = box.current?.querySelector<HTMLElement>(`[data-node="${CSS.escape(to)}"]`);
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const placed = useRef<Picture | null>(null);
  // Where it begins is in view at first; what was chosen elsewhere is brought into view sideways.
  useEffect(() => {
    const scroller = box.current?.parentElement;
    const one = boxes.find(({ key }) => key === selected);
    if (!scroller) return;
    if (placed.current !== picture) scroller.scrollLeft = picture.start.x - scroller.clientWidth / 2;
    placed.current = picture;
    if (!one) return;
    if (one.x < scroller.scrollLeft || one.x + one.w > scroller.scrollLeft + scroller.clientWidth) scroller.scrollLeft = one.x - (scroller.clientWidth - one.w) / 2;
  }, [selected, picture]);
  if (boxes.length === 0) return <p class="pad muted">It has no steps.</p>;
  return (
    <div class="picture-scroll" role="group" aria-label={about}>
      <div class={standings ? "picture" : "picture picture-plain"} ref={box} onKeyDown={onKey} style={{ width: `${picture.width}px`, height: `${picture.height}px` }}>
        <Lines picture={picture} standings={standings} state={state} />
        {picture.labels.map((label, i) => (
          <span key={i} class="picture-label" style={{ left: `${label.x}px`, top: `${label.y}px`, maxWidth: `${label.w}px` }}><Text>{label.text}</Text></span>
        ))}
        {boxes.map((one) => (
          <Node key={one.key} box={one} standing={standings?.get(one.key)} running={!!standings} selected={one.key === selected} tabbed={one.key === at} onSelect={onSelect} />
        ))}
      </div>
    </div>
  );
}

function Lines({ picture, standings, state }: { picture: Picture; standings: Map<string, Standing> | undefined; state: RunState | undefined }) {
  const begun = (key: string): boolean => (standings?.get(key)?.state ?? "waiting") !== "waiting";
  return (
    <svg width={picture.width} height={picture.height} viewBox={`0 0 ${picture.width} ${picture.height}`} aria-hidden="true" focusable="false">
      <defs>
        <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="arrow" d="M0 .5 7.5 4 0 7.5z" /></marker>
      </defs>
      {picture.frames.map(({ key, x, y, w, h, stacked }) => (
        <g key={key}>
          {stacked && <rect class="frame frame-behind" x={x + sizes.stack} y={y + sizes.stack} width={w} height={h} rx="10" />}
          <rect class="frame" x={x} y={y} width={w} height={h} rx="10" />
        </g>
      ))}
      {picture.lines.map((line, i) => (
        <path key={i} class={`edge edge-${line.kind}${line.to && begun(line.to) ? " edge-begun" : ""}`} d={line.d} marker-end={line.arrow ? "url(#arrow)" : undefined} />
      ))}
      {picture.boxes.filter((box) => box.stacked && box.role !== "title").map(({ key, x, y, w, h }) => (
        <g key={key}>
          <rect class="behind-step" x={x + 2 * sizes.stack} y={y + 2 * sizes.stack} width={w - sizes.stack} height={h - sizes.stack} rx="8" />
          <rect class="behind-step" x={x + sizes.stack} y={y + sizes.stack} width={w} height={h} rx="8" />
        </g>
      ))}
      <circle class="terminal" cx={picture.start.x} cy={picture.start.y} r={sizes.dot} />
      <circle class={`terminal terminal-end terminal-${state ?? "none"}`} cx={picture.end.x} cy={picture.end.y} r={sizes.dot} />
      <circle class={`terminal-inner terminal-${state ?? "none"}`} cx={picture.end.x} cy={picture.end.y} r={sizes.dot - 3} />
    </svg>
  );
}

// Of whom it waits, as short as it fits.
const waitsFor = (standing: Standing | undefined): string => {
  const needed = standing?.steps.find((step) => step.state === "pending")?.needed?.filter((need) => need.have < need.count) ?? [];
  return asksWords({ quorum: Object.fromEntries(needed.map((need) => [need.group, need.count - need.have])) });
};

// What was opened is shown below the picture where there is no room beside it.
const showRail = (): void => {
  requestAnimationFrame(() => {
    const rail = document.querySelector(".run-rail");
    if (rail && rail.getBoundingClientRect().top > window.innerHeight - 120) rail.scrollIntoView({ block: "start" });
  });
};

// Back to the step whose panel was closed.
export const focusNode = (key: string): void => document.querySelector<HTMLElement>(`[data-node="${CSS.escape(key)}"]`)?.focus();

function Node({ box, standing, running, selected, tabbed, onSelect }: {
  box: Box; standing: Standing | undefined; running: boolean; selected: boolean; tabbed: boolean; onSelect: (key: string) => void;
}) {
  const { node, role } = box;
  const state = standing?.state ?? "waiting";
  const waits = running && state === "pending" ? waitsFor(standing) : "";
  const name = role === "undo" ? node.compensate ?? "" : node.name || node.id;
  const what = role === "undo" ? "" : node.kind === "approve" ? "people agree" : node.kind === "pass" ? "a mark" : node.tool ?? "";
  const stands = waits ? `waits for ${waits}` : standingWords(standing);
  const begun = running && state !== "waiting";
  return (
    <button type="button" data-node={box.key} class={`node node-${role}${running ? ` node-${state}` : ""}${selected ? " node-selected" : ""}`}
      aria-pressed={selected} tabIndex={tabbed ? 0 : -1} onClick={() => { onSelect(box.key); showRail(); }}
      style={{ left: `${box.x}px`, top: `${box.y}px`, width: `${box.w}px`, height: `${box.h}px` }}>
      <span class="node-icon"><Icon name={running ? stepIcon(state) : role === "undo" ? "back" : kindIcons[node.kind] ?? "run"} size={role === "step" ? 18 : 15} /></span>
      <span class="node-words">
        <span class="node-name" title={plain(name)}><Text>{name}</Text></span>
        {role === "step" && <span class="node-sub"><Text>{begun ? stands : what || stepWords.waiting}</Text></span>}
        {role === "undo" && <span class="node-sub">undo{begun && `: ${stands}`}<span class="hidden"> of {plain(node.name || node.id)}</span></span>}
        {running && !begun && <span class="hidden">, {stepWords.waiting}</span>}
      </span>
      {role === "title" && begun && <span class="node-sub">{stands}</span>}
      {(node.foreach || node.when) && role !== "undo" && (
        <span class="node-marks">
          {node.when && <Mark word="if" means="has a condition" />}
          {node.foreach && <Mark word={`×${running && standing && standing.steps.length > 0 ? standing.steps.length : "n"}`} means="for each of a list" />}
        </span>
      )}
    </button>
  );
}

const Mark = ({ word, means }: { word: string; means: string }) =>
  <span title={means}><span aria-hidden="true">{word}</span><span class="hidden">, {means}</span></span>;
