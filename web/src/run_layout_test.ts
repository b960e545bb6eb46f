import { expect, test } from "vitest";
import type { GraphNode } from "./api/runs";
import { allNodes } from "./run_graph";
import { layOut, neighbour, type Box, type Picture } from "./run_layout";

const node = (id: string, more: Partial<GraphNode> = {}): GraphNode => ({ id, name: id, kind: "action", ...more });
const branches = (id: string, ...columns: GraphNode[][]): GraphNode =>
  node(id, { kind: "branches", branches: columns.map((steps, i) => ({ name: `b${i}`, steps })) });

const boxOf = (picture: Picture, key: string): Box => picture.boxes.find((box) => box.key === key)!;
const middle = ({ x, w }: Box): number => x + w / 2;

test("a sequence goes downwards on one axis, from the start to the end", () => {
  const picture = layOut([node("a"), node("b"), node("c")]);
  const [a, b, c] = ["a", "b", "c"].map((key) => boxOf(picture, key)) as [Box, Box, Box];
  expect(a.y + a.h).toBeLessThan(b.y);
  expect(b.y + b.h).toBeLessThan(c.y);
  expect([a, b, c].map(middle)).toEqual([picture.start.x, picture.start.x, picture.start.x]);
  expect(picture.start.y).toBeLessThan(a.y);
  expect(picture.end.y).toBeGreaterThan(c.y + c.h);
  expect(picture.lines.map((line) => line.to)).toEqual(["a", "b", "c", ""]);
});

test("branches stand side by side in a frame, and meet again", () => {
  const picture = layOut([branches("x", [node("a"), node("b")], [node("c")], [node("d")]), node("e")]);
  const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map((key) => boxOf(picture, key)) as [Box, Box, Box, Box, Box];
  expect(a.y).toBe(c.y);
  expect(c.y).toBe(d.y);
  expect(a.x + a.w).toBeLessThan(c.x);
  expect(c.x + c.w).toBeLessThan(d.x);
  expect(b.y).toBeGreaterThan(a.y);
  const [frame] = picture.frames;
  for (const box of [a, b, c, d]) {
    expect(box.x).toBeGreaterThan(frame!.x);
    expect(box.x + box.w).toBeLessThan(frame!.x + frame!.w);
    expect(box.y + box.h).toBeLessThan(frame!.y + frame!.h);
  }
  expect(e.y).toBeGreaterThan(frame!.y + frame!.h);
  expect(picture.labels.map(({ text }) => text)).toEqual(["b0", "b1", "b2"]);
  for (const to of ["a", "b", "c", "d", "e"]) expect(picture.lines.some((line) => line.to === to && line.arrow)).toBe(true);
});

test("what undoes a step, and what is done when it failed, stand beside it, and nothing runs through them", () => {
  const picture = layOut([node("a", { compensate: "un.a", on_failure: [node("f"), node("g")] }), node("b")]);
  const [a, undo, f, g, b] = ["a", "a~compensate", "f", "g", "b"].map((key) => boxOf(picture, key)) as [Box, Box, Box, Box, Box];
  expect(undo.role).toBe("undo");
  expect(undo.x).toBeGreaterThan(a.x + a.w);
  expect(f.x).toBeGreaterThan(a.x + a.w);
  expect(f.y).toBeGreaterThan(undo.y + undo.h);
  expect(g.y).toBeGreaterThan(f.y + f.h);
  expect(b.y).toBeGreaterThan(g.y + g.h);
  expect(picture.lines.filter((line) => line.kind === "undo").map((line) => line.to)).toEqual(["a~compensate"]);
  expect(picture.lines.filter((line) => line.kind === "failure").map((line) => line.to)).toEqual(["f"]);
});

// A graph with everything in it, made of a number.
function some(seed: number): GraphNode[] {
  let state = seed * 2_654_435_761 % 4_294_967_296;
  let n = 0;
  const random = (below: number): number => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return Math.floor((state / 4_294_967_296) * below);
  };
  const list = (depth: number): GraphNode[] => Array.from({ length: 1 + random(3) }, () => one(depth));
  const one = (depth: number): GraphNode => {
    const id = `s${n++}`;
    const more: Partial<GraphNode> = {
      ...(random(3) === 0 && { foreach: "inputs.x" }), ...(random(4) === 0 && { compensate: "undo" }), ...(depth < 2 && random(5) === 0 && { on_failure: list(depth + 1) }),
    };
    const kind = depth < 3 ? random(4) : 3;
    if (kind === 0) return node(id, { ...more, kind: "group", steps: list(depth + 1) });
    if (kind === 1) return node(id, { ...more, kind: "branches", branches: Array.from({ length: 1 + random(3) }, (_, i) => ({ name: `n${i}`, steps: list(depth + 1) })) });
    return node(id, more);
  };
  return list(0);
}

test.each(Array.from({ length: 60 }, (_, i) => i + 1))("whatever the graph, everything is drawn once, inside, and over nothing else (%i)", (seed) => {
  const graph = some(seed);
  const picture = layOut(graph);
  const keys = picture.boxes.map((box) => box.key);
  const wanted = allNodes(graph).flatMap((one) => (one.compensate ? [one.id, `${one.id}~compensate`] : [one.id]));
  expect([...keys].sort()).toEqual([...wanted].sort());
  for (const { x, y, w, h } of [...picture.boxes, ...picture.frames]) {
    expect(x).toBeGreaterThanOrEqual(0);
    expect(y).toBeGreaterThanOrEqual(0);
    expect(x + w).toBeLessThanOrEqual(picture.width);
    expect(y + h).toBeLessThanOrEqual(picture.height);
  }
  const over = (a: Box, b: Box): boolean => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
  picture.boxes.forEach((a, i) => picture.boxes.slice(i + 1).forEach((b) => {
    expect(over(a, b), `${a.key} over ${b.key}`).toBe(false);
  }));
  expect(layOut(graph)).toEqual(picture);
});

test("every step is reached by arrow keys from the first", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { boxes } = layOut(some(seed));
    const found = new Set([boxes[0]!.key]);
    for (const key of found) for (const way of ["up", "down", "left", "right"] as const) found.add(neighbour(boxes, key, way));
    expect([...found].sort()).toEqual(boxes.map((box) => box.key).sort());
  }
});

test("an arrow key leads to what is drawn that way", () => {
  const { boxes } = layOut([node("a", { compensate: "undo" }), branches("x", [node("b")], [node("c")]), node("d")]);
  expect(neighbour(boxes, "a", "right")).toBe("a~compensate");
  expect(neighbour(boxes, "a~compensate", "left")).toBe("a");
  expect(neighbour(boxes, "b", "right")).toBe("c");
  expect(neighbour(boxes, "c", "left")).toBe("b");
  expect(neighbour(boxes, "a", "down")).toBe("x");
  expect(neighbour(boxes, "d", "down")).toBe("d");
  expect(neighbour(boxes, "a", "up")).toBe("a");
});

test("a runbook without steps is a start and an end", () => {
  const picture = layOut([]);
  expect(picture.boxes).toEqual([]);
  expect(picture.end.y).toBeGreaterThan(picture.start.y);
});
