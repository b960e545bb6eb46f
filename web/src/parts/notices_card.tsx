import { useEffect } from "preact/hooks";
import type { Me } from "../api/types";
import { isAway } from "../notice_words";
import { notices, readNotices, turnOff, turnOn, type Notices } from "../notices";
import { useStore } from "../store";
import { Icon } from "./icon";
import { Card } from "./pieces";

const words: Record<Notices, string> = {
  impossible: "This browser shows no notifications of pages.",
  ask: "This browser can tell you when a request waits for you, while Keyturn is open in one of its tabs and you look elsewhere.",
  refused: "This browser refuses notifications of Keyturn. Allow them in its settings for this site, then load this page again.",
  off: "Notifications are off in this browser.",
  on: "Notifications are on in this browser, while Keyturn is open in one of its tabs and you look elsewhere.",
};

export function NoticesCard({ me }: { me: Me }) {
  const now = useStore(notices);
  useEffect(readNotices, [me.id]);
  return (
    <Card title="Notifications">
      <div class="pad stack">
        <p role="status">{words[now]}</p>
        {now !== "impossible" && now !== "refused" && (
          <p class="small muted">They say which agent asks, the tool and the resource: no arguments and no reasons.
            {isAway(me.away_until) ? <strong> You are out of office: none is shown until you are back.</strong> : " While you are out of office none is shown."}</p>
        )}
        {(now === "ask" || now === "off") && (
          <button type="button" class="button" onClick={() => void turnOn()}><Icon name="bell" size={18} /> Turn notifications on</button>
        )}
        {now === "on" && <button type="button" class="button" onClick={turnOff}>Turn notifications off</button>}
      </div>
    </Card>
  );
}
