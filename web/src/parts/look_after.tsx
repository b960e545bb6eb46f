import { useEffect, useState } from "preact/hooks";
import { emergencies } from "../api/emergencies";
import type { Action, Me } from "../api/types";
import { pulse } from "../session";
import { useStore } from "../store";
import { Heights } from "../windowed";
import { ActionRows } from "./rows";

const heights = new Heights();

// In the inbox. No stream tells of these: they are read again with everything else that none does.
export function LookAfter({ me }: { me: Me }) {
  const [items, setItems] = useState<Action[]>([]);
  const beat = useStore(pulse);
  useEffect(() => void emergencies.toLook().then((page) => setItems(page.items), () => {}), [beat]);
  if (!items.length) return null;
  return (
    <>
      <h2 class="rows-title">To look at afterwards</h2>
      <ActionRows items={items} total={items.length} me={me} label="To look at afterwards" heights={heights} />
    </>
  );
}
