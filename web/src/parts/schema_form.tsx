// Fields for the inputs of a runbook, as their JSON Schema says.

import { useId } from "preact/hooks";
import type { Schema } from "../api/runs";
import { aboutOf, choicesOf, choiceWords, draftOf, fieldsOf, hintOf, itemOf, kindOf, under, type Draft } from "../schema_form";
import { Icon } from "./icon";
import { Text } from "./text";

export interface FormState {
  problems: Map<string, string>; // by pointer
}

// All properties of an object.
export function SchemaFields({ schema, draft, pointer = "", depth = 0, state, onDraft }: {
  schema: Schema; draft: Draft; pointer?: string; depth?: number; state: FormState; onDraft: (draft: Draft) => void;
}) {
  const members = "members" in draft ? draft.members : {};
  return (
    <>
      {fieldsOf(schema).map(({ name, schema: one, required }) => (
        <SchemaField key={name} name={name} schema={one} required={required} pointer={under(pointer, name)} depth={depth + 1} state={state}
          draft={members[name] ?? { text: "" }} onDraft={(next) => onDraft({ members: { ...members, [name]: next } })} />
      ))}
    </>
  );
}

interface FieldProps {
  name: string; // "" of an item
  schema: Schema;
  required: boolean;
  pointer: string;
  depth: number;
  draft: Draft;
  state: FormState;
  onDraft: (draft: Draft) => void;
}

function SchemaField(props: FieldProps) {
  const { schema, depth, draft } = props;
  const kind = kindOf(schema, depth);
  if (kind === "list" && "items" in draft) return <ListField {...props} items={draft.items} />;
  if (kind === "object" && "members" in draft) return <ObjectField {...props} />;
  return <ValueField {...props} text={"text" in draft ? draft.text : ""} />;
}

// What is wrong with it, where it stands.
function Wrong({ id, problem }: { id: string; problem: string | undefined }) {
  return problem ? <span class="small bad" id={id}><Icon name="warn" size={14} /> <Text>{problem}</Text></span> : null;
}

function Name({ name, required, pointer }: { name: string; required: boolean; pointer: string }) {
  if (!name) return <span class="hidden">item {Number(pointer.slice(pointer.lastIndexOf("/") + 1)) + 1}</span>;
  return <span><code class="field-name"><Text>{name}</Text></code>{!required && <span class="muted"> (optional)</span>}</span>;
}

function ValueField({ name, schema, required, pointer, depth, state, onDraft, text }: FieldProps & { text: string }) {
  const id = useId();
  const kind = kindOf(schema, depth);
  const about = aboutOf(schema);
  const hint = hintOf(schema);
  const problem = state.problems.get(pointer);
  const described = [about && `${id}-about`, hint && `${id}-hint`, problem && `${id}-wrong`].filter(Boolean).join(" ") || undefined;
  const shared = { id, "data-pointer": pointer, "aria-describedby": described, "aria-invalid": problem ? true : undefined } as const;
  const typed = (event: { currentTarget: { value: string } }): void => onDraft({ text: event.currentTarget.value });
  const choices = kind === "flag" ? ["true", "false"] : choicesOf(schema);
  return (
    <div class="schema-field">
      <label class="field-label" for={id}><Name name={name} required={required} pointer={pointer} /></label>
      {about && <span class="small" id={`${id}-about`}><Text lines>{about}</Text></span>}
      {kind === "flag" || kind === "choice" ? (
        <select {...shared} value={text} onChange={typed}>
          {(!required || text === "") && <option value="">{required ? "Choose…" : schema.default === undefined ? "left out" : "as by default"}</option>}
          {choices.map((choice) => <option key={choice} value={choice}>{kind === "flag" ? (choice === "true" ? "yes" : "no") : choiceWords(choice)}</option>)}
        </select>
      ) : kind === "number" ? (
        <input type="text" inputMode={schema.type === "integer" ? "numeric" : "decimal"} autocomplete="off" {...shared} value={text} onInput={typed} />
      ) : kind === "line" ? (
        <input type="text" autocomplete="off" spellcheck={false} {...shared} value={text} onInput={typed} />
      ) : (
        <textarea class={kind === "json" ? "mono" : undefined} rows={kind === "json" ? 3 : 4} spellcheck={false} {...shared} value={text} onInput={typed} />
      )}
      {hint && <span class="small muted" id={`${id}-hint`}><Text>{hint}</Text></span>}
      <Wrong id={`${id}-wrong`} problem={problem} />
    </div>
  );
}

function ListField({ name, schema, required, pointer, depth, state, onDraft, items }: FieldProps & { items: Draft[] }) {
  const id = useId();
  const item = itemOf(schema);
  const about = aboutOf(schema);
  const hint = hintOf(schema);
  const problem = state.problems.get(pointer);
  const most = Number(schema.maxItems ?? 1000);
  return (
    <fieldset class="schema-list" data-pointer={pointer} tabIndex={-1} aria-describedby={problem ? `${id}-wrong` : undefined}>
      <legend class="field-label"><Name name={name} required={required} pointer={pointer} /></legend>
      {about && <p class="small"><Text lines>{about}</Text></p>}
      {items.length === 0 && <p class="small muted">No items yet.</p>}
      {items.map((one, i) => (
        <div class="schema-item" key={i}>
          <SchemaField name="" schema={item} required pointer={under(pointer, i)} depth={depth + 1} state={state} draft={one}
            onDraft={(next) => onDraft({ items: items.map((old, at) => (at === i ? next : old)) })} />
          <button type="button" class="tool" aria-label={`Take item ${i + 1} of ${name || "the list"} away`} title="Take away"
            onClick={() => onDraft({ items: items.filter((_, at) => at !== i) })}><Icon name="cross" size={16} /></button>
        </div>
      ))}
      <p class="schema-foot">
        <button type="button" class="button button-small" disabled={items.length >= most} onClick={(event) => {
          onDraft({ items: [...items, draftOf(item, undefined, depth + 1)] });
          const list = event.currentTarget.closest("fieldset");
          requestAnimationFrame(() => list?.querySelector<HTMLElement>(":scope > .schema-item:last-of-type :is(input, select, textarea)")?.focus());
        }}>Add{items.length === 0 ? " an item" : " another"}<span class="hidden"> to {name || "the list"}</span></button>
        {hint && <span class="small muted"><Text>{hint}</Text></span>}
      </p>
      <Wrong id={`${id}-wrong`} problem={problem} />
    </fieldset>
  );
}

function ObjectField(props: FieldProps) {
  const { name, schema, required, pointer, depth, draft, state, onDraft } = props;
  const id = useId();
  const about = aboutOf(schema);
  const problem = state.problems.get(pointer);
  return (
    <fieldset class="schema-list" data-pointer={pointer} tabIndex={-1} aria-describedby={problem ? `${id}-wrong` : undefined}>
      <legend class="field-label"><Name name={name} required={required} pointer={pointer} /></legend>
      {about && <p class="small"><Text lines>{about}</Text></p>}
      <SchemaFields schema={schema} draft={draft} pointer={pointer} depth={depth} state={state} onDraft={onDraft} />
      <Wrong id={`${id}-wrong`} problem={problem} />
    </fieldset>
  );
}
