// A plain editor for a document: a textarea, with the numbers of its lines and marks where something is wrong.

import { useImperativeHandle, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { RefObject } from "preact";
import type { Diagnostic } from "../api/types";
import { indented, markOf, newLine, offsetOf, type Edit } from "../typing";

export interface EditorHandle {
  goTo(line: number, column: number): void;
}

// As the keyboard would have typed it, so that undo takes it back.
function apply(area: HTMLTextAreaElement, edit: Edit): void {
  area.setSelectionRange(edit.from, edit.to);
  const typed = edit.text ? document.execCommand("insertText", false, edit.text) : document.execCommand("delete");
  if (!typed) {
    area.setRangeText(edit.text, edit.from, edit.to);
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
  area.setSelectionRange(edit.start, edit.end);
}

export function Editor({ label, text, diagnostics, readOnly, onText, handle }: {
  label: string; text: string; diagnostics: Diagnostic[]; readOnly: boolean;
  onText: (text: string) => void; handle: RefObject<EditorHandle | null>;
}) {
  const area = useRef<HTMLTextAreaElement>(null);
  const behind = useRef<HTMLDivElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const tabLeaves = useRef(false);
  const lines = useMemo(() => text.split("\n"), [text]);

  const follow = (): void => {
    const { scrollTop, scrollLeft } = area.current!;
    behind.current!.style.transform = `translate(${-scrollLeft}px, ${-scrollTop}px)`;
    gutter.current!.style.transform = `translateY(${-scrollTop}px)`;
  };
  useLayoutEffect(follow, [text]);
  useImperativeHandle(handle, () => ({
    goTo: (line, column) => {
      const it = area.current!;
      const at = offsetOf(it.value, line, column);
      it.focus();
      it.setSelectionRange(at, at);
      const height = parseFloat(getComputedStyle(it).lineHeight);
      it.scrollTop = Math.max(0, (line - 1) * height - it.clientHeight / 3);
      it.scrollLeft = 0;
      it.scrollIntoView({ block: "nearest" });
    },
  }), []);

  const onKey = (event: KeyboardEvent): void => {
    const it = area.current!;
    if (event.key === "Escape") {
      event.stopPropagation(); // the page would take the focus away
      tabLeaves.current = true;
      return;
    }
    if (event.key === "Shift") return;
    const leaves = tabLeaves.current;
    tabLeaves.current = false;
    if (readOnly || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    let edit: Edit | null;
    if (event.key === "Tab") {
      if (leaves) return;
      edit = indented(it.value, it.selectionStart, it.selectionEnd, event.shiftKey);
    } else if (event.key === "Enter" && !event.shiftKey) {
      edit = newLine(it.value, it.selectionStart, it.selectionEnd);
    } else {
      return;
    }
    event.preventDefault();
    if (edit) apply(it, edit);
  };

  const marks = diagnostics.filter((one) => one.line > 0 && one.line <= lines.length);
  const worst = new Map<number, boolean>(); // line -> only warnings
  for (const one of marks) worst.set(one.line, one.warning && (worst.get(one.line) ?? true));
  return (
    <div class="editor">
      <div class="editor-gutter" aria-hidden="true">
        <div ref={gutter}>
          <pre>{lines.map((_, i) => i + 1).join("\n")}</pre>
          {[...worst].map(([line, warning]) => (
            <span key={line} class={warning ? "editor-flag editor-flag-warning" : "editor-flag"} data-line={line}
              style={{ top: `calc(${line - 1} * var(--editor-line))` }}>{warning ? "△" : "●"}</span>
          ))}
        </div>
      </div>
      <div class="editor-field">
        <div class="editor-behind" aria-hidden="true">
          <div ref={behind}>
            {marks.map((one, i) => {
              const { before, marked } = markOf(lines[one.line - 1]!, one.column);
              return (
                <pre key={i} class="editor-mark" style={{ top: `calc(${one.line - 1} * var(--editor-line))` }}>
                  {before}<span class={one.warning ? "squiggle squiggle-warning" : "squiggle"}>{marked || " "}</span>
                </pre>
              );
            })}
          </div>
        </div>
        <textarea ref={area} aria-label={label} aria-describedby="editor-help" aria-invalid={marks.some((one) => !one.warning)}
          value={text} readOnly={readOnly} wrap="off" spellcheck={false} autocomplete="off" autocapitalize="off"
          onKeyDown={onKey} onBlur={() => { tabLeaves.current = false; }} onScroll={follow}
          onInput={(event) => onText(event.currentTarget.value)} />
      </div>
    </div>
  );
}
