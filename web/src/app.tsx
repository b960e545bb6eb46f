// The frame around every page: who is signed in, where one can go, what must not be overlooked.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Me } from "./api/types";
import { arrival, followInbox, inbox } from "./inbox";
import { moveRow, useKeys } from "./keys";
import * as pages from "./pages";
import { ActionPage } from "./pages/action";
import { InboxPage } from "./pages/inbox";
import { Boundary } from "./parts/boundary";
import { EmergencyBanners } from "./parts/emergencies";
import { Icon, Keyhole, type IconName } from "./parts/icon";
import { Empty, Heading, Loading, ProblemNote } from "./parts/pieces";
import { Text } from "./parts/text";
import { isAway } from "./notice_words";
import { readNotices } from "./notices";
import { knock, lost, lostWords, readAt } from "./reach";
import { decoded, go, place } from "./router";
import { loadSession, refreshSession, session, signOut } from "./session";
import { lookForRunbooks, runbooks } from "./runbooks";
import { lookForStanding, stands } from "./standing";
import { useStore } from "./store";
import { nextTheme, theme } from "./theme";
import { ago, shortTime, useNow } from "./words";

export function App() {
  const { path, search } = useStore(place);
  const now = useStore(session);
  const enrolling = path === "/enrol";
  useEffect(() => {
    if (now.kind === "out" && !enrolling && path !== "/login") {
      go(path === "/" ? "/login" : `/login?to=${encodeURIComponent(path + search)}`, true);
    }
    if (now.kind === "in" && path === "/login") go("/", true);
  }, [now, path]);

  if (enrolling) return <Bare><pages.enrol.Page /></Bare>;
  switch (now.kind) {
    case "loading":
      return <Bare><main id="main" class="gate"><Loading what="Keyturn" /></main></Bare>;
    case "out":
      return <Bare><pages.login.Page /></Bare>;
    case "unreachable":
      return (
        <Bare>
          <main id="main" class="gate">
            <div class="gate-card">
              <Heading title="Keyturn could not be reached" />
              <ProblemNote problem={now.problem} retry={() => void loadSession()} />
            </div>
          </main>
        </Bare>
      );
    case "in":
      return <SignedIn me={now.me} />;
  }
}

function Bare({ children }: { children: preact.ComponentChildren }) {
  return (
    <>
      <header class="top top-bare">
        <span class="brand"><Keyhole turned size={26} /> Keyturn</span>
        <div class="top-tools"><ThemeButton /></div>
      </header>
      {children}
    </>
  );
}

const refreshMs = 60_000;

function SignedIn({ me }: { me: Me }) {
  const { path } = useStore(place);
  const [help, setHelp] = useState(false);
  const waiting = useStore(inbox).total;
  useEffect(() => followInbox(me), [me.id]);
  useEffect(() => {
    const timer = window.setInterval(() => void refreshSession(), refreshMs);
    return () => window.clearInterval(timer);
  }, []);
  useKeys({
    "?": () => setHelp(true),
    "/": () => go("/activity?focus=1"),
    j: () => moveRow(1),
    k: () => moveRow(-1),
    i: () => go("/"),
    l: () => go("/ledger"),
    p: () => go("/policy"),
    e: () => go("/emergencies"),
    r: () => go("/runbooks"),
    s: () => go("/standing"),
    u: () => go("/account"),
  }, "frame");
  useEffect(() => {
    const bare = document.title.replace(/^\(\d+\) /, "");
    document.title = waiting && !isAway(me.away_until) ? `(${waiting}) ${bare}` : bare;
  }, [waiting, path, me.away_until]);
  useEffect(readNotices, [me.id]);
  useEffect(() => {
    void lookForStanding();
    void lookForRunbooks();
  }, [me.id]);

  return (
    <>
      <a class="skip" href="#main" onClick={(event) => {
        event.preventDefault();
        document.querySelector<HTMLElement>("main h1")?.focus();
      }}>Skip to the content</a>
      <header class="top">
        <a class="brand" href="/"><Keyhole turned size={26} /> Keyturn</a>
        <Nav me={me} waiting={waiting} path={path} />
        <div class="top-tools">
          <a class="me" href="/account" title="Your account" aria-current={path === "/account" ? "page" : undefined}
            onPointerEnter={() => pages.prefetch("/account")} onFocus={() => pages.prefetch("/account")}>
            <Icon name="person" /><span class="me-name"><Text>{me.name || me.id}</Text></span>
          </a>
          <button type="button" class="tool" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)"
            onClick={() => setHelp(true)}><Icon name="help" /></button>
          <ThemeButton />
          <button type="button" class="tool" aria-label="Sign out" title="Sign out"
            onClick={() => void signOut().catch(() => loadSession())}><Icon name="out" /></button>
        </div>
      </header>
      <Banners me={me} />
      <Boundary key={path}><Page path={path} me={me} /></Boundary>
      <Announcer />
      {help && <pages.HelpDialog onClose={() => setHelp(false)} />}
    </>
  );
}

function Page({ path, me }: { path: string; me: Me }) {
  const action = /^\/a\/([^/]+)$/.exec(path);
  if (action) return <ActionPage key={path} id={decoded(action[1]!)} me={me} />;
  const standing = /^\/standing(?:\/([^/]+))?$/.exec(path);
  if (standing) return <pages.standing.Page me={me} id={standing[1] === undefined ? null : decoded(standing[1])} />;
  const run = /^\/(runbooks|runs)\/([^/]+)$/.exec(path);
  if (run) return run[1] === "runs" ? <pages.run.Page key={path} id={decoded(run[2]!)} /> : <pages.runbook.Page key={path} name={decoded(run[2]!)} />;
  switch (path) {
    case "/":
      return <InboxPage me={me} />;
    case "/activity":
      return <pages.activity.Page me={me} />;
    case "/policy":
      return <pages.policy.Page me={me} />;
    case "/ledger":
      return <pages.ledger.Page />;
    case "/emergencies":
      return <pages.emergencies.Page me={me} />;
    case "/runbooks":
      return <pages.runbooks.Page />;
    case "/insights":
      return <pages.insights.Page />;
    case "/admin":
      return <pages.admin.Page me={me} />;
    case "/account":
      return <pages.account.Page me={me} />;
    case "/demo":
      if (me.demo) return <pages.demo.Page />;
      break;
    case "/login":
      return null;
  }
  return (
    <main id="main" class="page">
      <div class="page-head"><Heading title="No such page" /></div>
      <Empty title="Nothing is here"><p><a href="/">To the inbox</a></p></Empty>
    </main>
  );
}

type NavLink = [to: string, word: string, icon: IconName];

const firstLinks = 4; // the others are behind "More" where there is little room

function Nav({ me, waiting, path }: { me: Me; waiting: number; path: string }) {
  const [open, setOpen] = useState(false);
  const more = useRef<HTMLButtonElement>(null);
  useEffect(() => setOpen(false), [path]);
  const links: NavLink[] = [
    ["/", "Inbox", "inbox"], ["/activity", "Activity", "activity"], ["/policy", "Policy", "policy"],
    ["/ledger", "Ledger", "ledger"], ["/emergencies", "Emergencies", "warn"], ["/insights", "Insights", "chart"],
  ];
  if (useStore(stands)) links.splice(5, 0, ["/standing", "Standing", "stands"]);
  if (useStore(runbooks)) links.splice(4, 0, ["/runbooks", "Runbooks", "run"]);
  if (me.admin || me.auditor) links.push(["/admin", "Administration", "gear"]);
  if (me.demo) links.push(["/demo", "Demo", "demo"]);
  const rest = links.slice(firstLinks);
  const one = ([to, word, icon]: NavLink) => (
    <a key={to} href={to} aria-current={path === to ? "page" : undefined}
      onPointerEnter={() => pages.prefetch(to)} onFocus={() => pages.prefetch(to)}>
      <Icon name={icon} />
      <span>{word}</span>
      {to === "/" && waiting > 0 && <span class="badge"><span class="digits">{badge(waiting)}</span><span class="hidden"> waiting</span></span>}
    </a>
  );
  return (
    <nav class="nav" aria-label="Pages" onKeyDown={(event) => {
      if (event.key !== "Escape" || !open) return;
      setOpen(false);
      more.current?.focus();
    }}>
      {links.slice(0, firstLinks).map(one)}
      <button type="button" ref={more} class={rest.some(([to]) => to === path) ? "nav-more current" : "nav-more"} aria-expanded={open}
        onClick={() => setOpen(!open)}><Icon name="more" /><span>More</span></button>
      <div class={open ? "nav-rest open" : "nav-rest"}>{rest.map(one)}</div>
    </nav>
  );
}

const badge = (n: number): string => (n > 999 ? "999+" : String(n));

const themeIcons = { auto: "auto", light: "sun", dark: "moon" } as const;
const themeWords = { auto: "as the system", light: "light", dark: "dark" } as const;

function ThemeButton() {
  const now = useStore(theme);
  return (
    <button type="button" class="tool" onClick={nextTheme} title={`Colours: ${themeWords[now]}`}
      aria-label={`Colours: ${themeWords[now]}. Change`}>
      <Icon name={themeIcons[now]} />
    </button>
  );
}

// What is on the page is not the newest: since when, and what follows from it. The age ticks outside of what is read out.
function LostBanner() {
  const now = useStore(lost);
  const read = useStore(readAt);
  const clock = useNow(5_000);
  if (!now) return null;
  const asOf = new Date(Math.min(now.since, read ?? now.since)).toISOString();
  return (
    <div class="banner banner-bad banner-lost">
      <Icon name="warn" size={16} />
      <p role="alert"><strong>{lostWords[now.kind]}</strong> Nothing can be decided until the connection is back; then this page reads again by itself.</p>
      <p>What you see is as of <time dateTime={asOf}>{shortTime(asOf, clock)}</time>, {ago(asOf, clock)}.</p>
      <button type="button" class="button button-small" onClick={() => void knock()}>Try now</button>
    </div>
  );
}

function Banners({ me }: { me: Me }) {
  return (
    <section class="banners" aria-label="Notices">
      <EmergencyBanners me={me} />
      <LostBanner />
      {me.read_only && (
        <p class="banner banner-bad" role="alert">
          <Icon name="warn" size={16} />
          <span><strong>ALARM: read-only.</strong> {me.read_only}. Nothing is recorded or released.</span>
        </p>
      )}
      {me.mode === "observe" && (
        <p class="banner banner-warn">
          <Icon name="warn" size={16} />
          <span><strong>Observing only.</strong> Everything configured runs; policy's verdicts are recorded, not enforced.</span>
        </p>
      )}
      {me.files_differ && (
        <p class="banner banner-warn">
          <Icon name="warn" size={16} />
          <span><strong>The files differ.</strong> The policy or tools on the server's disk are not what is sealed, and not in force. Propose the change, or put them back.</span>
        </p>
      )}
      {!me.sealed && (
        <p class="banner">
          <Icon name="lock" size={16} />
          <span><strong>Not sealed.</strong> Whoever has the server's machine can change policy, people and tools alone.</span>
        </p>
      )}
    </section>
  );
}

// New arrivals, said once to a screen reader.
function Announcer() {
  return <p class="hidden" role="status" aria-live="polite">{useStore(arrival)}</p>;
}
