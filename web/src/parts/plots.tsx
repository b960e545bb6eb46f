// Plots, drawn as SVG. Each has its numbers three times: drawn; one place at a time, by pointer and by the arrow keys, which a screen
// reader says; and as a table.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Axis } from "../plot";
import { plainText, visible } from "./runs";
import { Text } from "./text";

export interface Series {
  name: string;
  mark: string; // the class that gives it its colour
}

export interface Column {
  label: string; // "Nov 20"
  values: (number | null)[]; // by series
  words: string[];
}

const leftPx = 52;
const rightPx = 8;
const topPx = 10;
const bottomPx = 26;

function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(640);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(240, Math.round(entry!.contentRect.width))));
    observer.observe(ref.current!);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

interface FrameProps {
  title: string;
  about: string; // how to read it, in a sentence
  series: Series[];
  columns: Column[];
  first: string; // what the columns are: "Day"
  children: ComponentChildren;
  x: (i: number) => number; // the middle of a column, 0 to 1
  onAt: (i: number | null) => void;
  at: number | null;
}

// Everything around the drawing.
function Frame({ title, about, series, columns, first, children, x, at, onAt }: FrameProps) {
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const last = columns.length - 1;
  const say = (column: Column): string =>
    `${column.label}: ${series.map((one, i) => `${one.name} ${column.words[i]}`).join(", ")}`;
  const onKey = (event: KeyboardEvent): void => {
    const now = at ?? last;
    const to = ({ ArrowLeft: now - 1, ArrowRight: now + 1, ArrowDown: now - 1, ArrowUp: now + 1, Home: 0, End: last } as Record<string, number>)[event.key];
    if (event.key === "Escape") onAt(null);
    if (to === undefined) return;
    event.preventDefault();
    onAt(Math.max(0, Math.min(last, to)));
  };
  const point = (event: PointerEvent): void => {
    const { left, width } = box.current!.getBoundingClientRect();
    const part = (event.clientX - left) / width;
    let near = 0;
    for (let i = 1; i <= last; i++) if (Math.abs(x(i) - part) < Math.abs(x(near) - part)) near = i;
    onAt(near);
  };
  const shown = at === null ? null : columns[at];
  return (
    <figure class="plot">
      <figcaption>
        <h3>{title}</h3>
        <p class="small muted" id={`${id}-about`}>{about}</p>
        <ul class="legend small">{series.map((one) => <li key={one.name}><span class={`swatch ${one.mark}`} /> {one.name}</li>)}</ul>
      </figcaption>
      <div class="plot-box" ref={box} tabIndex={0} role="slider" aria-label={title} aria-describedby={`${id}-about`} aria-orientation="horizontal"
        aria-valuemin={1} aria-valuemax={columns.length} aria-valuenow={(at ?? last) + 1} aria-valuetext={say(columns[at ?? last]!)}
        onKeyDown={onKey} onFocus={() => { if (at === null) onAt(last); }} onBlur={() => onAt(null)} onPointerMove={point} onPointerDown={point}
        onPointerLeave={() => { if (document.activeElement !== box.current) onAt(null); }}>
        {children}
        {shown && (
          <div class={x(at!) > 0.5 ? "tip tip-left" : "tip"} style={{ left: `${x(at!) * 100}%` }} aria-hidden="true">
            <strong><Text>{shown.label}</Text></strong>
            {series.map((one, i) => (
              <span key={one.name} class="tip-line"><span class={`swatch ${one.mark}`} /> {one.name} <b class="digits">{shown.words[i]}</b></span>
            ))}
          </div>
        )}
      </div>
      <details class="plot-table">
        <summary>The numbers as a table<span class="hidden">: {title}</span></summary>
        <div class="table-scroll" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
          <table>
            <thead><tr><th scope="col">{first}</th>{series.map((one) => <th key={one.name} scope="col">{one.name}</th>)}</tr></thead>
            <tbody>
              {columns.map((column) => (
                <tr key={column.label}><th scope="row"><Text>{column.label}</Text></th>{column.words.map((words, i) => <td key={i}>{words}</td>)}</tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

interface PlotProps {
  title: string;
  about: string;
  series: Series[];
  columns: Column[];
  axis: Axis;
  first: string;
  height?: number;
}

// The drawing's own title and description are for whoever looks into it with other tools than the slider around it.
function Sheet({ width, height, title, about, axis, columns, children, labels }: {
  width: number; height: number; title: string; about: string; axis: Axis; columns: Column[]; children: ComponentChildren; labels: (i: number) => number;
}) {
  const inner = width - leftPx - rightPx;
  const each = Math.max(1, Math.ceil(columns.length / Math.max(2, Math.floor(inner / 64))));
  const y = (value: number): number => topPx + (1 - axis.scale(value)) * (height - topPx - bottomPx);
  return (
    <svg viewBox={`0 0 ${width} ${height}`} width="100%" role="img">
      <title>{title}</title>
      <desc>{about}</desc>
      {axis.ticks.map((tick) => (
        <g key={tick.at}>
          <line class="grid" x1={leftPx} x2={width - rightPx} y1={y(tick.at)} y2={y(tick.at)} />
          <text class="tick" x={leftPx - 8} y={y(tick.at) + 4} text-anchor="end">{tick.word}</text>
        </g>
      ))}
      {columns.map((column, i) => (columns.length - 1 - i) % each === 0 && (
        <text key={column.label} class="tick" x={Math.min(width - 22, Math.max(leftPx + 14, labels(i)))} y={height - 7} text-anchor="middle">{column.label}</text>
      ))}
      {children}
    </svg>
  );
}

const place = (width: number, count: number) => {
  const step = (width - leftPx - rightPx) / Math.max(1, count);
  return { step, middle: (i: number): number => leftPx + (i + 0.5) * step };
};

export function StackedBars({ title, about, series, columns, axis, first, height = 240 }: PlotProps) {
  const [ref, width] = useWidth();
  const [at, setAt] = useState<number | null>(null);
  const { step, middle } = place(width, columns.length);
  const bar = Math.max(1, Math.min(40, step * 0.78));
  const high = height - topPx - bottomPx;
  return (
    <div ref={ref}>
      <Frame {...{ title, about, series, columns, first, at }} onAt={setAt} x={(i) => middle(i) / width}>
        <Sheet {...{ width, height, title, about, axis, columns }} labels={middle}>
          {columns.map((column, i) => {
            let below = 0;
            return (
              <g key={column.label} class={at === i ? "column column-at" : "column"}>
                <rect class="behind" x={middle(i) - step / 2} y={topPx} width={step} height={high} />
                {column.values.map((value, s) => {
                  if (!value) return null;
                  const from = axis.scale(below);
                  below += value;
                  const to = axis.scale(below);
                  return <rect key={s} class={`bar ${series[s]!.mark}`} x={middle(i) - bar / 2} width={bar} y={topPx + (1 - to) * high} height={(to - from) * high} />;
                })}
              </g>
            );
          })}
        </Sheet>
      </Frame>
    </div>
  );
}

// A line a series; where there is no value it is broken, and a value alone is a point.
export function Lines({ title, about, series, columns, axis, first, height = 240 }: PlotProps) {
  const [ref, width] = useWidth();
  const [at, setAt] = useState<number | null>(null);
  const { step, middle } = place(width, columns.length);
  const y = (value: number): number => topPx + (1 - axis.scale(value)) * (height - topPx - bottomPx);
  const pathOf = (s: number): string => columns.map((column, i) => {
    const value = column.values[s];
    if (value === null || value === undefined) return "";
    const begins = i === 0 || (columns[i - 1]!.values[s] ?? null) === null;
    return `${begins ? "M" : "L"}${middle(i).toFixed(1)} ${y(value).toFixed(1)}`;
  }).join("");
  return (
    <div ref={ref}>
      <Frame {...{ title, about, series, columns, first, at }} onAt={setAt} x={(i) => middle(i) / width}>
        <Sheet {...{ width, height, title, about, axis, columns }} labels={middle}>
          {at !== null && <rect class="behind behind-at" x={middle(at) - step / 2} y={topPx} width={step} height={height - topPx - bottomPx} />}
          {series.map((one, s) => (
            <g key={one.name}>
              <path class={`curve ${one.mark}`} d={pathOf(s)} />
              {columns.map((column, i) => column.values[s] !== null && column.values[s] !== undefined && (
                <circle key={column.label} class={`dot ${one.mark}`} cx={middle(i)} cy={y(column.values[s]!)} r={at === i ? 5 : columns.length > 45 ? 1.6 : 3} />
              ))}
            </g>
          ))}
        </Sheet>
      </Frame>
    </div>
  );
}

// A strip of hours: the fuller, the more.
export function Heat({ title, about, series, columns, first }: Omit<PlotProps, "axis" | "height">) {
  const [ref, width] = useWidth();
  const [at, setAt] = useState<number | null>(null);
  const side = 68;
  const step = (width - side - rightPx) / Math.max(1, columns.length);
  const middle = (i: number): number => side + (i + 0.5) * step;
  const rowPx = 30;
  const most = series.map((_one, s) => Math.max(1, ...columns.map((column) => column.values[s] ?? 0)));
  const height = series.length * rowPx + 24;
  return (
    <div ref={ref}>
      <Frame {...{ title, about, series, columns, first, at }} onAt={setAt} x={(i) => middle(i) / width}>
        <svg viewBox={`0 0 ${width} ${height}`} width="100%" role="img">
          <title>{title}</title>
          <desc>{about}</desc>
          {series.map((one, s) => (
            <g key={one.name}>
              <text class="tick" x={side - 8} y={s * rowPx + 19} text-anchor="end">{one.name}</text>
              {columns.map((column, i) => (
                <g key={column.label}>
                  <rect class="heat-empty" x={middle(i) - step / 2 + 0.5} y={s * rowPx + 1} width={Math.max(1, step - 1)} height={rowPx - 2} />
                  <rect class={`${at === i ? "heat heat-at" : "heat"} ${one.mark}`} x={middle(i) - step / 2 + 0.5} y={s * rowPx + 1} width={Math.max(1, step - 1)} height={rowPx - 2}
                    fill-opacity={((column.values[s] ?? 0) / most[s]!).toFixed(3)} />
                </g>
              ))}
            </g>
          ))}
          {columns.map((column, i) => i % (step < 18 ? 6 : 3) === 0 && (
            <text key={column.label} class="tick" x={middle(i)} y={height - 6} text-anchor="middle">{column.label}</text>
          ))}
        </svg>
      </Frame>
    </div>
  );
}

// Bars that lie, a row a name: from where to where, on one axis.
export interface BarRow {
  name: string;
  parts: { from: number; to: number; mark: string }[];
  words: string[]; // by series
}

const charPx = 7.6; // about what a letter takes
const wordsOf = (row: BarRow): string => (row.words.length > 2 ? "" : row.words.join(" · "));

// A name that fits; the table has all of it.
function cut(name: string, px: number): string {
  const most = Math.max(8, Math.floor(px / charPx) - 4);
  const chars = [...name];
  return chars.length > most ? `${chars.slice(0, most - 1).join("")}…` : name;
}

export function Bars({ title, about, series, rows, axis, first }: {
  title: string; about: string; series: Series[]; rows: BarRow[]; axis: Axis; first: string;
}) {
  const id = useId();
  const [ref, width] = useWidth();
  const rowPx = 46;
  const height = rows.length * rowPx + 26;
  const inner = width - 2 * rightPx - 12;
  const x = (value: number): number => rightPx + axis.scale(value) * inner;
  return (
    <figure class="plot" ref={ref as never}>
      <figcaption>
        <h3 id={`${id}-title`}>{title}</h3>
        <p class="small muted" id={`${id}-about`}>{about}</p>
        {series.length > 1 && <ul class="legend small">{series.map((one) => <li key={one.name}><span class={`swatch ${one.mark}`} /> {one.name}</li>)}</ul>}
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} width="100%" role="img" aria-labelledby={`${id}-title`} aria-describedby={`${id}-about`}>
        <title>{title}</title>
        <desc>{about}</desc>
        {axis.ticks.map((tick) => (
          <g key={tick.at}>
            <line class="grid" x1={x(tick.at)} x2={x(tick.at)} y1={4} y2={height - 24} />
            <text class="tick" x={x(tick.at)} y={height - 7} text-anchor={tick === axis.ticks[0] ? "start" : tick === axis.ticks.at(-1) ? "end" : "middle"}>{tick.word}</text>
          </g>
        ))}
        {rows.map((row, i) => (
          <g key={row.name}>
            <text class="bar-name" x={rightPx} y={i * rowPx + 17}>{cut(plainText(visible(row.name)), width - wordsOf(row).length * charPx)}</text>
            <text class="bar-words" x={width - rightPx} y={i * rowPx + 17} text-anchor="end">{wordsOf(row)}</text>
            {row.parts.map((part, p) => (
              <rect key={p} class={`bar ${part.mark}`} x={x(part.from)} y={i * rowPx + 23} width={Math.max(part.to > part.from ? 1.5 : 0, x(part.to) - x(part.from))} height={16}>
                <title>{`${plainText(visible(row.name))}: ${series[p]?.name ?? ""} ${row.words[p] ?? ""}`}</title>
              </rect>
            ))}
          </g>
        ))}
      </svg>
      <details class="plot-table">
        <summary>The numbers as a table<span class="hidden">: {title}</span></summary>
        <div class="table-scroll" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
          <table>
            <thead><tr><th scope="col">{first}</th>{series.map((one) => <th key={one.name} scope="col">{one.name}</th>)}</tr></thead>
            <tbody>{rows.map((row) => <tr key={row.name}><th scope="row"><Text>{row.name}</Text></th>{row.words.map((words, w) => <td key={w}>{words}</td>)}</tr>)}</tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}
