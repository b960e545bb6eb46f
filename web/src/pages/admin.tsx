// Administration: people, groups, agents, tokens, sessions, channels. Auditors look, administrators act; each act says first what it does.

import { useState } from "preact/hooks";
import { admin, type AnySession, type AnyToken, type KnownGroup, type KnownPerson } from "../api/admin";
import type { Agent, Me } from "../api/types";
import { bareAccount, chatOf } from "../chats";
import { ChannelsTab } from "../parts/channels";
import { Confirm } from "../parts/confirm";
import { Exercises } from "../parts/exercise";
import { Listing, useListed } from "../parts/listing";
import { OnCallTab } from "../parts/oncall";
import { PersonDialog } from "../parts/person_dialog";
import { Ago, Empty, Heading, Note, ProblemNote } from "../parts/pieces";
import { Text } from "../parts/text";
import { UpstreamsTab } from "../parts/upstreams";
import { go, place } from "../router";
import { refreshSession } from "../session";
import { useStore } from "../store";
import { nameOf, plural, shortTime, useNow } from "../words";
import "../style/admin.css";

const tabs = ["people", "groups", "oncall", "agents", "upstreams", "tokens", "sessions", "channels", "exercises"] as const;
type Tab = (typeof tabs)[number];
const tabWords: Record<Tab, string> = {
  people: "People", groups: "Groups", oncall: "On call", agents: "Agents", upstreams: "MCP servers", tokens: "Tokens", sessions: "Sessions", channels: "Channels", exercises: "Exercises",
};

interface TabProps {
  me: Me;
  search: string;
  onSearch: (words: string) => void;
}

export function AdminPage({ me }: { me: Me }) {
  const { search } = useStore(place);
  const params = new URLSearchParams(search);
  const tab = tabs.find((one) => one === params.get("tab")) ?? "people";
  const to = (where: Tab, words: string): void =>
    go(`/admin?${new URLSearchParams({ tab: where, ...(words ? { q: words } : {}) })}`, true);
  const props: TabProps = { me, search: params.get("q") ?? "", onSearch: (words) => to(tab, words) };
  if (!me.admin && !me.auditor) {
    return (
      <main id="main" class="page">
        <div class="page-head"><Heading title="Administration" /></div>
        <Empty title="Not for you"><p>Administrators and auditors see this page. Ask one of them. <a href="/account">What you may do</a> is on your account page.</p></Empty>
      </main>
    );
  }
  return (
    <main id="main" class="page page-narrow">
      <div class="page-head"><Heading title="Administration" /></div>
      <fieldset class="segmented segmented-wrap">
        <legend class="hidden">What</legend>
        {tabs.map((one) => (
          <label key={one}>
            <input type="radio" name="tab" checked={tab === one} onChange={() => to(one, "")} />
            <span>{tabWords[one]}</span>
          </label>
        ))}
      </fieldset>
      {!me.admin && <Note>You are an auditor: you see all of it, and plant exercises; the rest you leave as it is.</Note>}
      {tab === "people" && <PeopleTab {...props} />}
      {tab === "groups" && <GroupsTab {...props} />}
      {tab === "oncall" && <OnCallTab search={props.search} onSearch={props.onSearch} />}
      {tab === "agents" && <AgentsTab {...props} />}
      {tab === "upstreams" && <UpstreamsTab {...props} />}
      {tab === "tokens" && <TokensTab {...props} />}
      {tab === "sessions" && <SessionsTab {...props} />}
      {tab === "channels" && <ChannelsTab {...props} />}
      {tab === "exercises" && <ExercisesTab />}
    </main>
  );
}

const named = (name: string, id: string) =>
  <><strong><Text>{name || id}</Text></strong>{name && name !== id && <span class="who-id"> (<Text>{id}</Text>)</span>}</>;

function PeopleTab({ me, search, onSearch }: TabProps) {
  const listed = useListed(admin.people);
  const [changing, setChanging] = useState<KnownPerson | null | "new">(null);
  const [leaving, setLeaving] = useState<KnownPerson | null>(null);
  const [unlinking, setUnlinking] = useState<{ person: KnownPerson; account: string } | null>(null);
  const groups = [...new Set((listed.items ?? []).flatMap((person) => person.groups))].sort();
  return (
    <>
      <Listing title="People" one="person" many="people" listed={listed} search={search} onSearch={onSearch}
        about="Who is known here. Shutting somebody out takes effect at once; who is in which group is proposed and agreed to."
        textOf={(person) => [person.id, person.name, person.email, ...person.groups, ...(person.chat_accounts ?? []), person.active ? "" : "deactivated"].join(" ")}
        foot={me.admin && <div class="pad card-foot"><button type="button" class="button" onClick={() => setChanging("new")}>Propose a person…</button></div>}>
        {(person) => (
          <li key={person.id}>
            <div>
              <p>{named(person.name, person.id)}
                {!person.active && <span class="tag tag-bad">deactivated</span>}
                {person.admin && <span class="tag">administrator</span>}
                {person.auditor && <span class="tag">auditor</span>}
                {person.simulated && <span class="tag tag-simulated">simulated</span>}
                {person.service_of && <span class="tag">service account of <Text>{person.service_of}</Text></span>}</p>
              <p class="small muted">
                {person.email && <><Text>{person.email}</Text> · </>}
                {person.groups.length ? <>in <Text>{person.groups.join(", ")}</Text></> : "in no group"}
              </p>
              {(person.chat_accounts ?? []).map((account) => (
                <p key={account} class="small muted">
                  in {nameOf(chatOf(account))} as <code><Text>{bareAccount(account)}</Text></code>
                  {me.admin && <> · <button type="button" class="link-button" onClick={() => setUnlinking({ person, account })}>Unlink…<span class="hidden"> {nameOf(chatOf(account))} of {person.id}</span></button></>}
                </p>
              ))}
            </div>
            {me.admin && (
              <p class="buttons">
                <button type="button" class="button button-small" onClick={() => setChanging(person)}>Change groups…<span class="hidden"> of {person.id}</span></button>
                {person.id !== me.id && (
                  <button type="button" class="button button-small" onClick={() => setLeaving(person)}>
                    {person.active ? "Deactivate…" : "Activate…"}<span class="hidden"> {person.id}</span>
                  </button>
                )}
              </p>
            )}
          </li>
        )}
      </Listing>
      {changing && <PersonDialog person={changing === "new" ? null : changing} groups={groups} onClose={() => setChanging(null)} />}
      {leaving && (
        <Activity person={leaving} onPropose={() => { setChanging(leaving); setLeaving(null); }}
          onClose={(done) => { setLeaving(null); if (done) void listed.load(); }} />
      )}
      {unlinking && (
        <Confirm title={`Unlink ${nameOf(chatOf(unlinking.account))} of ${unlinking.person.id}?`} act="Unlink it" onAct={() => admin.unlink(unlinking.person.id, chatOf(unlinking.account))}
          onClose={(done) => { setUnlinking(null); if (done) void listed.load(); }}>
          <p>From now on no click and no word of <code><Text>{bareAccount(unlinking.account)}</Text></code> there counts as {named(unlinking.person.name, unlinking.person.id)}. What was decided from there stands. They can link it again themselves.</p>
        </Confirm>
      )}
    </>
  );
}

function Activity({ person, onPropose, onClose }: { person: KnownPerson; onPropose: () => void; onClose: (done: boolean) => void }) {
  const instead = (code: string) => code === "sealed" && (
    <p><button type="button" class="button" onClick={onPropose}>Propose a change instead…</button></p>
  );
  if (!person.active) {
    return (
      <Confirm title={`Let ${person.id} in again?`} act="Activate" keep="Leave it" instead={instead} onAct={() => admin.activate(person.id)} onClose={onClose}>
        <p>{named(person.name, person.id)} can sign in again and counts in {plural(person.groups.length, "group")}. What they said before does not come back.</p>
      </Confirm>
    );
  }
  return (
    <Confirm title={`Shut ${person.id} out?`} act="Deactivate" keep="Leave it" why="Why (it stands in the record)" instead={instead}
      onAct={(reason) => admin.deactivate(person.id, reason)} onClose={onClose}>
      <p>At once {named(person.name, person.id)} is signed out everywhere, their tokens end, and their votes on what is still open count no more.</p>
    </Confirm>
  );
}

function GroupsTab({ search, onSearch }: TabProps) {
  const listed = useListed(admin.groups);
  return (
    <Listing title="Groups" one="group" listed={listed} search={search} onSearch={onSearch}
      about="Who is asked. A membership is from here, or a provider vouches for it; one from here is changed by a proposal, at the person."
      textOf={(group: KnownGroup) => [group.name, ...group.members.flatMap((member) => [member.id, member.name])].join(" ")}>
      {(group) => (
        <li key={group.name} class="group">
          <div>
            <p><strong><Text>{group.name}</Text></strong>
              {group.asked_by_policy && <span class="tag">policy asks it</span>}
              {group.asked_by_policy && group.members.length === 0 && <span class="tag tag-bad">nobody is in it</span>}</p>
            <ul class="members small">
              {group.members.map((member) => (
                <li key={member.id}>
                  <a href={`/admin?tab=people&q=${encodeURIComponent(member.id)}`}><Text>{member.name || member.id}</Text></a>
                  {member.active === false && <span class="tag tag-bad">deactivated</span>}
                  <span class="muted"> {member.sources.map((source) => (source === "here" ? "from here" : source)).join(", ") || "vouched for by nobody now"}</span>
                </li>
              ))}
            </ul>
          </div>
          <span class="small muted">{plural(group.members.length, "person", "people")}</span>
        </li>
      )}
    </Listing>
  );
}

function AgentsTab({ me, search, onSearch }: TabProps) {
  const listed = useListed(admin.agents);
  const [changing, setChanging] = useState<Agent | null>(null);
  return (
    <>
      <Listing title="Agents" one="agent" listed={listed} search={search} onSearch={onSearch}
        about="Programs that ask. Suspending one is the switch for emergencies: nothing of it is decided, released or accepted."
        textOf={(agent) => [agent.name, agent.owner.id, agent.owner.name ?? "", agent.suspended ? "suspended" : ""].join(" ")}>
        {(agent) => (
          <li key={agent.name}>
            <div>
              <p><strong><Text>{agent.name}</Text></strong>{agent.suspended && <span class="tag tag-bad">suspended</span>}</p>
              <p class="small muted">owner <Text>{agent.owner.name || agent.owner.id}</Text> · <a href={`/activity?actor=${encodeURIComponent(agent.name)}`}>what it asked<span class="hidden"> ({agent.name})</span></a></p>
            </div>
            {(me.admin || agent.owner.id === me.id) && (
              <button type="button" class="button button-small" onClick={() => setChanging(agent)}>
                {agent.suspended ? "Resume…" : "Suspend…"}<span class="hidden"> {agent.name}</span>
              </button>
            )}
          </li>
        )}
      </Listing>
      {changing && (
        <Confirm title={changing.suspended ? `Let ${changing.name} go on?` : `Suspend ${changing.name}?`} act={changing.suspended ? "Resume" : "Suspend"} keep="Leave it"
          onAct={() => (changing.suspended ? admin.resume : admin.suspend)(changing.name)}
          onClose={(done) => { setChanging(null); if (done) void listed.load(); }}>
          <p>{changing.suspended
            ? "It may ask again, and what of it waits for people goes on."
            : "From now on it is refused, and nothing that it asked is released, even when people agreed. What runs already is not stopped."}</p>
        </Confirm>
      )}
    </>
  );
}

function Until({ at }: { at: string | null }) {
  const now = useNow(60_000);
  if (!at) return <>does not expire</>;
  return Date.parse(at) > now ? <>until {shortTime(at, now)}</> : <span class="bad">expired {shortTime(at, now)}</span>;
}

function TokensTab({ me, search, onSearch }: TabProps) {
  const listed = useListed(admin.tokens);
  const [leaving, setLeaving] = useState<AnyToken | null>(null);
  return (
    <>
      <Listing title="Tokens" one="token" listed={listed} search={search} onSearch={onSearch}
        about="Of agents and people, as far as they are good now. Nobody can show their text. Last use is since the server's start."
        textOf={(token) => [token.id, token.kind, token.holder, token.name].join(" ")}>
        {(token) => (
          <li key={token.id}>
            <div>
              <p><strong><Text>{token.holder}</Text></strong> <span class="tag">{token.kind}</span> <Text>{token.name}</Text></p>
              <p class="small muted">made <Ago at={token.created_at} /> · <Until at={token.expires_at} /> · {token.last_used_at ? <>used <Ago at={token.last_used_at} /></> : "not used since the start"} · <code>{token.id}</code></p>
            </div>
            {me.admin && <button type="button" class="button button-small" onClick={() => setLeaving(token)}>Revoke…<span class="hidden"> {token.name || token.id} of {token.holder}</span></button>}
          </li>
        )}
      </Listing>
      {leaving && (
        <Confirm title="Revoke this token?" act="Revoke it" onAct={() => admin.revoke(leaving.id)} onClose={(done) => { setLeaving(null); if (done) void listed.load(); }}>
          <p>Whatever uses <strong><Text>{leaving.name || leaving.id}</Text></strong> of <strong><Text>{leaving.holder}</Text></strong> is refused from now on. This cannot be undone.</p>
        </Confirm>
      )}
    </>
  );
}

function SessionsTab({ me, search, onSearch }: TabProps) {
  const listed = useListed(admin.sessions);
  const [leaving, setLeaving] = useState<AnySession | null>(null);
  return (
    <>
      <Listing title="Sessions" one="session" listed={listed} search={search} onSearch={onSearch} about="Who is signed in, in browsers."
        textOf={(one) => [one.id, one.person, one.how, one.agent ?? ""].join(" ")}>
        {(one) => (
          <li key={one.id}>
            <div>
              <p><strong><Text>{one.person}</Text></strong>{one.current && <span class="tag">this session</span>}</p>
              <p class="small muted">by <Text>{one.how}</Text>{one.agent && <> · <Text>{one.agent}</Text></>} · since <Ago at={one.created_at} /> · seen <Ago at={one.last_seen_at} /> · <Until at={one.expires_at} /></p>
            </div>
            {(me.admin || one.person === me.id) && <button type="button" class="button button-small" onClick={() => setLeaving(one)}>End…<span class="hidden"> the session of {one.person}</span></button>}
          </li>
        )}
      </Listing>
      {leaving && (
        <Confirm title="End this session?" act="End it" onAct={() => admin.end(leaving.id)}
          onClose={(done) => { setLeaving(null); if (done) void (leaving.current ? refreshSession() : listed.load()); }}>
          <p>{leaving.current ? "It is the one you use now: you have to sign in again." : <><strong><Text>{leaving.person}</Text></strong> has to sign in again there. What they decided stands.</>}</p>
        </Confirm>
      )}
    </>
  );
}

function ExercisesTab() {
  const { items, problem } = useListed(admin.agents);
  if (problem) return <ProblemNote problem={problem} />;
  return items && <Exercises agents={items} />;
}
