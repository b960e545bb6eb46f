// A change of who counts is proposed: others agree to it, as to a change of policy.

import { useState } from "preact/hooks";
import { admin, type KnownPerson } from "../api/admin";
import { go } from "../router";
import { useAct } from "./act";
import { Choices } from "./choices";
import { Dialog } from "./dialog";
import { Note, ProblemNote } from "./pieces";
import { Text } from "./text";

const namesIn = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

// `person`: null is a new one. `groups`: those that there are.
export function PersonDialog({ person, groups, onClose }: { person: KnownPerson | null; groups: string[]; onClose: () => void }) {
  const [id, setId] = useState("");
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [chosen, setChosen] = useState(person?.groups ?? []);
  const [more, setMore] = useState("");
  const [reason, setReason] = useState("");
  const { busy, problem, act } = useAct();
  const wanted = [...new Set([...chosen, ...namesIn(more)])].sort();
  const changed = !person || wanted.join(" ") !== [...person.groups].sort().join(" ");
  const send = (event: Event): void => {
    event.preventDefault();
    void act(async () => {
      const asked = await admin.propose(person ? { id: person.id, name: person.name, email: person.email, groups: wanted } : { id: id.trim(), name: name.trim(), email: email.trim(), groups: wanted }, reason.trim());
      go(`/a/${encodeURIComponent(asked.id)}`);
    });
  };
  return (
    <Dialog title={person ? `Change the groups of ${person.id}` : "Propose a person"} onClose={onClose} wide>
      <form onSubmit={send}>
        <Note>Who is in which group decides who may approve. So it is proposed, and at least two unrelated administrators other than you agree to it.</Note>
        {problem && <ProblemNote problem={problem} />}
        {person
          ? <p><strong><Text>{person.name || person.id}</Text></strong> <span class="muted"><Text>{person.email}</Text></span></p>
          : (
            <>
              <label class="field-label">Id, for good<input type="text" required maxLength={64} autocomplete="off" spellcheck={false} value={id} onInput={(event) => setId(event.currentTarget.value)} /></label>
              <label class="field-label">Name<input type="text" maxLength={200} autocomplete="off" value={name} onInput={(event) => setName(event.currentTarget.value)} /></label>
              <label class="field-label">E-mail<input type="email" maxLength={254} autocomplete="off" value={email} onInput={(event) => setEmail(event.currentTarget.value)} /></label>
            </>
          )}
        <Choices legend="In these groups" names={[...new Set([...groups, ...(person?.groups ?? [])])].sort()} chosen={chosen} onChange={setChosen} />
        <label class="field-label">In new groups, too<input type="text" autocomplete="off" spellcheck={false} placeholder="names, with spaces between" value={more} onInput={(event) => setMore(event.currentTarget.value)} /></label>
        <label class="field-label">Why<textarea rows={2} required maxLength={4000} value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></label>
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={onClose}>Keep it as it is</button>
          <button type="submit" class="button button-accent" disabled={busy || !changed || !reason.trim() || (!person && !id.trim())}>{busy ? "Proposing…" : "Propose it"}</button>
        </div>
      </form>
    </Dialog>
  );
}
