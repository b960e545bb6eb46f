// An action in a list: what is asked, by whom, who is still needed, how long there is.

import { Component } from "preact";
import type { Action, Me } from "../api/types";
import { heldOf, isFinal, partyId, reasonOf, type Json } from "../api/types";
import { gist } from "../list";
import { Due } from "./due";
import { Ago, Expiry, Quorum, StateTag, Who, Wish } from "./pieces";
import { Text } from "./text";
import { Told } from "./told";

interface RowProps {
  action: Action;
  me: Me;
  showState: boolean;
  at: number; // its place in the list, from 1
  total: number; // -1: unknown
  top: number; // where in the list, in pixels
}

export class ActionRow extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const now = this.props;
    return now.action !== next.action || now.me !== next.me || now.at !== next.at || now.total !== next.total ||
      now.top !== next.top;
  }

  override render({ action, me, showState, at, total, top }: RowProps) {
    const held = heldOf(action);
    const line = gist(held ? (action.args as { message?: Json }).message : action.args);
    const reason = reasonOf(action);
    return (
      <div class="row" role="listitem" aria-posinset={at} aria-setsize={total} data-id={action.id} style={{ top: `${top}px` }}>
        <a class="row-link" data-row href={`/a/${encodeURIComponent(action.id)}`}>
          <span class="row-main">
            <span class="row-title">
              <Wish action={action} />
            </span>
            {action.erased?.request && <span class="tag">ERASED</span>}
            {line && <span class={held ? "row-gist" : "row-gist mono"}><Text>{line}</Text></span>}
            {reason && <span class="row-reason">“<Text>{reason}</Text>”</span>}
            <By action={action} />
          </span>
          <Side action={action} me={me} showState={showState} />
          <span class="row-time">
            {action.expires_at && !isFinal(action.state) && (
              <Expiry at={action.expires_at} from={action.created_at} />
            )}
            <span class="muted">asked <Ago at={action.created_at} exact /></span>
          </span>
        </a>
      </div>
    );
  }
}

function By({ action }: { action: Action }) {
  const claimed = action.claims?.on_behalf_of;
  return (
    <span class="row-by">
      {partyId(action.requester) && <Who party={action.requester} />}
      {typeof claimed === "string" && <> for <Text>{claimed}</Text> <span class="claimed">claimed</span></>}
      {" "}through <span class="mono"><Text>{action.tool}</Text></span>
    </span>
  );
}

function Side({ action, me, showState }: { action: Action; me: Me; showState: boolean }) {
  const pending = action.state === "pending";
  const mine = (action.votes ?? []).find((vote) => vote.reviewer === me.id);
  return (
    <span class="row-side">
      {(showState || !pending) && <StateTag state={action.state} />}
      <Due look={action.after_review} />
      {pending && <Quorum needed={action.needed} />}
      <Told action={action} />
      {mine && pending && (
        <span class="small muted">you {mine.decision === "approve" ? "approved" : "denied"}</span>
      )}
      {showState && action.waits_for_you && <span class="small accent">waits for you</span>}
    </span>
  );
}
