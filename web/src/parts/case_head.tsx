// What is asked, by whom, on whose behalf, and how it stands: the top of an action's page.

import { heldOf, isFinal, partyId, partyName, type Action } from "../api/types";
import { cameFrom } from "../spot";
import { stateMeanings } from "../words";
import { Due } from "./due";
import { Attention } from "./attention";
import { UnderEmergency } from "./emergencies";
import { Icon } from "./icon";
import { Ago, Expiry, Heading, Quorum, StateTag, Voter, Who, Wish } from "./pieces";
import { plainText, visible } from "./runs";
import { Text } from "./text";
import { Told, ToldWords } from "./told";

// Back to the list that this page was opened from, where one was on it.
export function Crumb() {
  const { list, steps } = cameFrom();
  const activity = list.startsWith("/activity");
  const back = (event: MouseEvent): void => {
    if (!list || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    history.go(-steps);
  };
  return (
    <p class="crumb">
      <a href={list || "/"} onClick={back}><Icon name="back" size={14} /> {activity ? "Activity" : "Inbox"}</a>
    </p>
  );
}

const runWaits = "The run waits here: this step begins only when everybody who is asked agrees. Steps before it may have run.";

export function CaseHead({ action }: { action: Action }) {
  const claimed = action.claims?.on_behalf_of;
  const held = heldOf(action);
  const title = plainText(visible(held ? `go on with ${held}` : `${action.operation} ${action.resource?.name ?? action.tool}`));
  return (
    <header class="case-head">
      <div class="case-status">
        <StateTag state={action.state} />
        {action.expires_at && !isFinal(action.state) && (
          <Expiry at={action.expires_at} from={action.created_at} exact />
        )}
        <Due look={action.after_review} />
        <Told action={action} />
      </div>
      <Heading title={title}>
        {partyName(action.requester) ? <><Who party={action.requester} /> {isFinal(action.state) ? "asked" : "asks"} to </> : <>A request to </>}
        <Wish action={action} />
      </Heading>
      <p class="case-by">
        through <span class="mono"><Text>{action.tool}</Text></span>
        {typeof claimed === "string" && (
          <> · on behalf of <strong><Text>{claimed}</Text></strong> <span class="claimed" title="The agent says so. Keyturn does not know it.">claimed</span></>
        )}
        {partyId(action.owner) && <> · owner <Who party={action.owner} /></>}
        {" "}· asked <Ago at={action.created_at} exact />
      </p>
      {action.reason && !action.display?.some((section) => section.title.startsWith("Reason")) && (
        <blockquote class="reason">
          <Text lines>{action.reason}</Text>
          <footer>reason <span class="claimed" title="The agent says so. Keyturn does not know it.">claimed</span> by the agent</footer>
        </blockquote>
      )}
      <div class="narrow-only"><Quorum needed={action.needed} words /></div>
      <p class="case-meaning"><Denial action={action} />{action.run && action.state === "pending" ? runWaits : stateMeanings[action.state]}</p>
      <ToldWords action={action} />
      <UnderEmergency action={action} />
      <Attention action={action} />
      {action.amends && (
        <p class="case-by">Amends <a href={`/a/${encodeURIComponent(action.amends)}`}>an earlier request</a>, which was cancelled.</p>
      )}
      {action.amended_by && (
        <p class="case-by">Replaced by <a href={`/a/${encodeURIComponent(action.amended_by)}`}>an amended request</a>.</p>
      )}
    </header>
  );
}

// Who or what said no.
function Denial({ action }: { action: Action }) {
  if (action.state !== "denied") return null;
  const vote = (action.votes ?? []).find((given) => given.decision === "deny");
  if (vote) {
    return (
      <><strong>Denied by <Voter vote={vote} /></strong>{vote.note && <>: “<Text>{vote.note}</Text>”</>}. </>
    );
  }
  const reasons = action.verdict?.reasons ?? [];
  return <><strong>Denied by policy</strong>{reasons.length > 0 && <>: <Text>{reasons.join("; ")}</Text></>}. </>;
}
