// What is open now and concerns me: said on every page, for as long as it lasts.

import { useEffect, useState } from "preact/hooks";
import { emergencies, type Emergency, type Kind } from "../api/emergencies";
import type { Action, Me } from "../api/types";
import { refreshSession } from "../session";
import { shortTime } from "../words";
import { type Act, useAct } from "./act";
import { Icon } from "./icon";
import { Text } from "./text";

export const kindWords: Record<Kind, string> = { incident: "Incident", breakglass: "Broken glass" };
export const agentsOf = ({ agents }: Emergency): string => (agents.length ? agents.join(", ") : "all agents");

// No time that ticks: a screen reader would hear each tick.
function Banner({ one, me }: { one: Emergency; me: Me }) {
  const [opens, setOpens] = useState(false);
  useEffect(() => void emergencies.list(one.kind).then((list) => setOpens(!!list.may_open), () => {}), []);
  const { busy, problem, act } = useAct();
  return (
    <div class="banner banner-emergency" role="alert">
      <Icon name="warn" size={18} />
      <span>
        <a href="/emergencies"><strong>{kindWords[one.kind]}</strong></a> by <Text>{one.opener}</Text> for{" "}
        <strong><Text>{agentsOf(one)}</Text></strong>, until {shortTime(one.until, Date.now())}
        {one.reason && <>: “<Text>{one.reason}</Text>”</>}
        {problem && <> · <Text>{problem.message}</Text></>}
      </span>
      {mayClose(one, me, opens) && <CloseButton one={one} busy={busy} act={act} />}
    </div>
  );
}

// `opens`: whether policy lets me open one.
export const mayClose = (one: Emergency, me: Me, opens = false): boolean =>
  one.in_force && (opens || !!me.admin || one.opener === me.id);

export function CloseButton({ one, busy, act }: { one: Emergency; busy: boolean; act: Act }) {
  return (
    <button type="button" class="button button-small" disabled={busy}
      onClick={() => void act(() => emergencies.close(one).finally(refreshSession))}>
      Close<span class="hidden"> {kindWords[one.kind]} {one.id}</span>
    </button>
  );
}

export const EmergencyBanners = ({ me }: { me: Me }) =>
  <>{me.emergencies?.map((one) => <Banner key={one.id} one={one} me={me} />)}</>;

// In the head of a case: what it came out otherwise for.
export function UnderEmergency({ action: { emergency } }: { action: Action }) {
  if (!emergency) return null;
  return (
    <p class="under-emergency">
      <Icon name="warn" size={16} />
      <span>
        Decided under {[["broken glass", emergency.break_glass], ["incident", emergency.incident]]
          .filter(([, id]) => id)
          .map(([word, id], i) => <span key={id}>{i > 0 && " and "}{word} <a href="/emergencies"><code>{id}</code></a></span>)}
      </span>
    </p>
  );
}
