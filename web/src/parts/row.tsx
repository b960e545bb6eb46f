// An action in a list: what is asked, by whom, who is still needed, how long there is.

import type { Action, Me } from "../api/types";
import { partyId, isFinal } from "../api/types";
import { whyNot } from "./decision";
import { Ago, Expiry, Quorum, ResourceName, StateTag, Who } from "./pieces";
import { Text } from "./text";
import { towards } from "../words";

export function ActionRow({ action, me, showState = false }: {
  action: Action; me: Me; showState?: boolean;
}) {
  const claimed = action.claims?.on_behalf_of;
  const mine = (action.votes ?? []).find((vote) => vote.reviewer === me.id);
  const score = action.risk?.score;
  return (
    <li class="row">
      <a class="row-link" data-row href={`/a/${encodeURIComponent(action.id)}`}>
        <span class="row-main">
          <span class="row-title">
            <span class="operation"><Text>{action.operation}</Text></span> {towards(action.operation)}{" "}
            <ResourceName resource={action.resource} />
          </span>
          {action.reason && <span class="row-reason">“<Text>{action.reason}</Text>”</span>}
          <span class="row-by">
            {partyId(action.requester) && <Who party={action.requester} />}
            {typeof claimed === "string" && <> for <Text>{claimed}</Text> <span class="claimed">claimed</span></>}
            {" "}through <span class="mono"><Text>{action.tool}</Text></span>
          </span>
        </span>
        <span class="row-side">
          {showState || action.state !== "pending" ? <StateTag state={action.state} /> : null}
          {action.state === "pending" && <Quorum needed={action.needed} />}
          {mine && action.state === "pending" && (
            <span class="small muted">you {mine.decision === "approve" ? "approved" : "denied"}</span>
          )}
          {!mine && action.state === "pending" && showState && !whyNot(action, me) && (
            <span class="small accent">waits for you</span>
          )}
        </span>
        <span class="row-time">
          {score !== undefined && <span class="risk">risk <span class="digits">{score}</span></span>}
          {action.expires_at && !isFinal(action.state) && (
            <Expiry at={action.expires_at} from={action.created_at} />
          )}
          <span class="muted">asked <Ago at={action.created_at} /></span>
        </span>
      </a>
    </li>
  );
}
