// Where everything of a graph is drawn: sequences downwards, branches side by side, a group in a frame, what undoes a step and
// what is done when it failed beside it. Pixels; pure, so that the same graph is always the same picture.

import type { GraphNode } from "./api/runs";
import { undoOf } from "./run_graph";

export interface Box {
  key: string; // the node's id; undoOf(id) of what undoes it
  node: GraphNode;
  role: "step" | "title" | "undo"; // title: of a frame, which holds the steps of that node
  x: number;
  y: number;
  w: number;
  h: number;
  stacked: boolean; // done once for each of a list
}

export interface Frame {
  key: string;
  x: number;
  y: number;
  w: number;
  h: number;
  stacked: boolean;
}

export interface Line {
  d: string; // of an SVG path
  kind: "flow" | "failure" | "undo";
  to: string; // the key of what it leads to; "": the end, or where branches meet
  arrow: boolean;
}

export interface Label {
  text: string;
  x: number;
  y: number;
  w: number;
}

export interface Picture {
  width: number;
  height: number;
  boxes: Box[]; // in reading order
  frames: Frame[]; // outer ones first
  lines: Line[];
  labels: Label[];
  start: { x: number; y: number };
  end: { x: number; y: number };
}

export const sizes = {
  step: { w: 216, h: 68 }, undo: { w: 168, h: 56 }, title: 30, gap: 24, beside: 28, between: 20, pad: 14, bus: 18, label: 22, stack: 5, dot: 7, margin: 12,
} as const;

// A part of the picture, drawn around a vertical axis that the flow enters above and leaves below.
interface Block {
  left: number; // of the axis
  right: number;
  height: number;
  first: string; // the key of what is entered
  enter: number; // how far left of the axis that begins
  draw: (axis: number, top: number, out: Picture) => void;
}

const line = (out: Picture, kind: Line["kind"], to: string, arrow: boolean, ...points: [number, number][]): void => {
  out.lines.push({ kind, to, arrow, d: points.map(([x, y], i) => `${i ? "L" : "M"}${x} ${y}`).join("") });
};

function sequence(nodes: GraphNode[]): Block {
  const blocks = nodes.map(block);
  return {
    left: Math.max(0, ...blocks.map((one) => one.left)),
    right: Math.max(0, ...blocks.map((one) => one.right)),
    height: blocks.reduce((sum, one) => sum + one.height, 0) + Math.max(0, blocks.length - 1) * sizes.gap,
    first: blocks[0]?.first ?? "",
    enter: blocks[0]?.enter ?? 0,
    draw: (axis, top, out) => {
      let y = top;
      blocks.forEach((one, i) => {
        if (i > 0) {
          line(out, "flow", one.first, true, [axis, y], [axis, y + sizes.gap]);
          y += sizes.gap;
        }
        one.draw(axis, y, out);
        y += one.height;
      });
    },
  };
}

function block(node: GraphNode): Block {
  const core = node.branches?.length ? branches(node) : node.kind === "group" ? framed(node, sequence(node.steps ?? [])) : step(node);
  return node.compensate || node.on_failure?.length ? withSides(node, core) : core;
}

function step(node: GraphNode): Block {
  const { w, h } = sizes.step;
  return {
    left: w / 2, right: w / 2, height: h, first: node.id, enter: w / 2,
    draw: (axis, top, out) => out.boxes.push({ key: node.id, node, role: "step", x: axis - w / 2, y: top, w, h, stacked: !!node.foreach }),
  };
}

function framed(node: GraphNode, inner: Block): Block {
  const { pad, title, step: { w } } = sizes;
  const left = Math.max(inner.left, w / 2) + pad;
  const right = Math.max(inner.right, w / 2) + pad;
  return {
    left, right, height: title + pad + inner.height + pad, first: node.id, enter: left,
    draw: (axis, top, out) => {
      out.frames.push({ key: node.id, x: axis - left, y: top, w: left + right, h: title + pad + inner.height + pad, stacked: !!node.foreach });
      out.boxes.push({ key: node.id, node, role: "title", x: axis - left, y: top, w: left + right, h: title, stacked: !!node.foreach });
      inner.draw(axis, top + title + pad, out);
    },
  };
}

function branches(node: GraphNode): Block {
  const columns = (node.branches ?? []).map(({ name, steps }) => ({ name, inner: sequence(steps) }));
  const { bus, label, between, step: { w } } = sizes;
  const widths = columns.map(({ inner }) => Math.max(inner.left + inner.right, w));
  const whole = widths.reduce((sum, one) => sum + one, 0) + (columns.length - 1) * between;
  const tallest = Math.max(0, ...columns.map(({ inner }) => inner.height));
  return framed(node, {
    left: whole / 2, right: whole / 2, height: bus + label + tallest + bus, first: node.id, enter: whole / 2,
    draw: (axis, top, out) => {
      let x = axis - whole / 2;
      const axes = columns.map(({ inner }, i) => {
        const spare = widths[i]! - inner.left - inner.right;
        const at = x + spare / 2 + inner.left;
        x += widths[i]! + between;
        return at;
      });
      const [first = axis, last = axis] = [axes[0], axes.at(-1)];
      const bottom = top + bus + label + tallest;
      columns.forEach(({ name, inner }, i) => {
        const at = axes[i]!;
        out.labels.push({ text: name, x: at + 8, y: top + bus / 2, w: Math.max(inner.right, w / 2) - 8 });
        line(out, "flow", inner.first, true, [at, top], [at, top + bus + label]);
        inner.draw(at, top + bus + label, out);
        line(out, "flow", "", false, [at, top + bus + label + inner.height], [at, bottom + bus]);
      });
      line(out, "flow", "", false, [Math.min(first, axis), top], [Math.max(last, axis), top]);
      line(out, "flow", "", false, [Math.min(first, axis), bottom + bus], [Math.max(last, axis), bottom + bus]);
    },
  });
}

// What undoes it at its right, and below that what is done when it failed.
function withSides(node: GraphNode, core: Block): Block {
  const { undo, beside, label, gap, step: { h } } = sizes;
  const handler = node.on_failure?.length ? sequence(node.on_failure) : null;
  const handled = handler ? { w: Math.max(handler.left + handler.right, undo.w), h: handler.height } : null;
  const undoTop = Math.max(0, (Math.min(core.height, h) - undo.h) / 2);
  const handlerTop = (node.compensate ? undoTop + undo.h + gap / 2 : 0) + label;
  return {
    left: core.left,
    right: core.right + beside + Math.max(node.compensate ? undo.w : 0, handled?.w ?? 0),
    height: Math.max(core.height, node.compensate ? undoTop + undo.h : 0, handled ? handlerTop + handled.h : 0),
    first: core.first,
    enter: core.enter,
    draw: (axis, top, out) => {
      const edge = axis + core.right;
      const x = edge + beside;
      core.draw(axis, top, out);
      if (node.compensate) {
        const key = undoOf(node.id);
        out.boxes.push({ key, node, role: "undo", x, y: top + undoTop, w: undo.w, h: undo.h, stacked: !!node.foreach });
        line(out, "undo", key, true, [edge, top + undoTop + undo.h / 2], [x, top + undoTop + undo.h / 2]);
      }
      if (handler) {
        const at = x + (handled!.w - handler.left - handler.right) / 2 + handler.left;
        const turn = edge + beside / 2;
        const from = top + Math.min(core.height - 8, h - 8);
        out.labels.push({ text: "when it failed", x, y: top + handlerTop - label, w: handled!.w });
        line(out, "failure", handler.first, true, [edge, from], [turn, from], [turn, top + handlerTop + h / 2], [at - handler.enter, top + handlerTop + h / 2]);
        handler.draw(at, top + handlerTop, out);
      }
      const below = top + core.height;
      const end = top + Math.max(core.height, node.compensate ? undoTop + undo.h : 0, handled ? handlerTop + handled.h : 0);
      if (end > below) line(out, "flow", "", false, [axis, below], [axis, end]);
    },
  };
}

export function layOut(graph: GraphNode[]): Picture {
  const { margin, dot, gap, stack } = sizes;
  const all = sequence(graph);
  const axis = margin + Math.max(all.left, dot);
  const out: Picture = {
    width: axis + Math.max(all.right, dot) + margin + stack, height: 0, boxes: [], frames: [], lines: [], labels: [],
    start: { x: axis, y: margin + dot }, end: { x: axis, y: 0 },
  };
  let y = margin + 2 * dot;
  if (graph.length) {
    line(out, "flow", all.first, true, [axis, y], [axis, y + gap]);
    y += gap;
    all.draw(axis, y, out);
    y += all.height;
  }
  line(out, "flow", "", true, [axis, y], [axis, y + gap]);
  y += gap;
  out.end = { x: axis, y: y + dot };
  out.height = y + 2 * dot + margin;
  return out;
}

export type Direction = "up" | "down" | "left" | "right";

// Where an arrow key leads: the nearest box that way; one straight ahead before one aside.
export function neighbour(boxes: Box[], from: string, direction: Direction): string {
  const here = boxes.find((box) => box.key === from);
  if (!here) return boxes[0]?.key ?? "";
  const middle = (box: Box): [number, number] => [box.x + box.w / 2, box.y + box.h / 2];
  const [x, y] = middle(here);
  const vertical = direction === "up" || direction === "down";
  const sign = direction === "down" || direction === "right" ? 1 : -1;
  let best = from;
  let least = Infinity;
  for (const box of boxes) {
    if (box === here) continue;
    const [bx, by] = middle(box);
    const ahead = sign * (vertical ? by - y : bx - x);
    const aside = Math.abs(vertical ? bx - x : by - y);
    if (ahead <= (vertical ? 4 : here.w / 4)) continue;
    const cost = ahead + (vertical ? 2 : 6) * aside;
    if (cost < least) [least, best] = [cost, box.key];
  }
  return best;
}
