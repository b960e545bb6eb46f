// How deciding goes: volume, time, load, by tool, group and day. Groups, never people: this page is no means to watch anybody.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { insights, verdicts, type GroupLoad, type Insights, type Verdicts } from "../api/insights";
import { Bars, Heat, Lines, StackedBars, type BarRow, type Column, type Series } from "../parts/plots";
import { Card, Empty, Heading, Loading, ProblemNote } from "../parts/pieces";
import { Text } from "../parts/text";
import { daysBetween, everyDay, largest, lastDays, linear, timeAxis } from "../plot";
import { returned, useReadAt } from "../reach";
import { go, place } from "../router";
import { useStore } from "../store";
import { count, plural, span } from "../words";
import "../style/insights.css";

const ranges = [7, 30, 90];
const toolsMax = 12;

const verdictSeries: Series[] = [
  { name: "allowed by policy", mark: "v-allowed" }, { name: "approved by people", mark: "v-approved" }, { name: "denied by policy", mark: "v-denied" },
  { name: "refused by people", mark: "v-refused" }, { name: "expired", mark: "v-expired" }, { name: "cancelled", mark: "v-cancelled" },
];

const none: Verdicts = { allowed: 0, approved: 0, denied: 0, refused: 0, expired: 0, cancelled: 0 };
const sumOf = (one: Verdicts): number => verdicts.reduce((sum, verdict) => sum + one[verdict], 0);
const valuesOf = (one: Verdicts): number[] => verdicts.map((verdict) => one[verdict]);
const groupName = (group: string | null): string => group ?? "groups of fewer than three people, together";
const dayWords = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", timeZone: "UTC" });
const dayName = (day: string): string => dayWords.format(Date.parse(`${day}T12:00:00Z`));
const seconds = (value: number | null): string => (value === null ? "none" : value < 1 ? "less than 1 s" : span(value));
const known = (values: (number | null)[]): number[] => values.filter((value) => value !== null);
const percent = (part: number, whole: number): string => (whole ? `${Math.round((100 * part) / whole)} %` : "none");

export function InsightsPage() {
  const { search } = useStore(place);
  const asked = Number(new URLSearchParams(search).get("days"));
  const days = ranges.includes(asked) ? asked : 30;
  const [found, setFound] = useState<{ days: number; data: Insights } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [round, setRound] = useState(0);
  const back = useStore(returned);
  useEffect(() => {
    let latest = true;
    const { from, to } = lastDays(days, Date.now());
    insights(from, to).then(
      (data) => { if (latest) { setFound({ days, data }); setProblem(null); } },
      (error: unknown) => { if (latest) setProblem(asProblem(error)); });
    return () => { latest = false; };
  }, [days, back, round]);
  useReadAt(found);
  return (
    <main id="main" class="page">
      <div class="page-head">
        <Heading title="Insights" />
        <fieldset class="segmented">
          <legend class="hidden">How far back</legend>
          {ranges.map((one) => (
            <label key={one}>
              <input type="radio" name="days" checked={days === one} onChange={() => go(`/insights?days=${one}`, true)} />
              <span>{one} days</span>
            </label>
          ))}
        </fieldset>
      </div>
      <p class="lede">How deciding goes: what is asked, how long it takes, who carries it. By group, never by person; days and hours are UTC.</p>
      {problem && <ProblemNote problem={problem} retry={() => setRound(round + 1)} />}
      {!found && !problem && <Loading what="the figures" />}
      {found && (found.data.total === 0
        ? <Empty title="Nothing was asked in this time"><p>Choose a longer time, or <a href="/activity">look at what happened before</a>.</p></Empty>
        : <Figures key={found.days} data={found.data} busy={found.days !== days} />)}
    </main>
  );
}

function Figures({ data, busy }: { data: Insights; busy: boolean }) {
  const all = data.by_day.reduce((sum, day) => ({
    ...sum, ...Object.fromEntries(verdicts.map((verdict) => [verdict, sum[verdict] + day[verdict]])),
  }), none);
  const asked = all.approved + all.refused + all.expired;
  const { canaries } = data;
  return (
    <div class="insights" aria-busy={busy}>
      <dl class="figures">
        <Figure name="Actions" value={count(data.total)} />
        <Figure name="Decided by people" value={count(all.approved + all.refused)} />
        <Figure name="Half are decided within" value={seconds(data.time_to_decision.p50_s)} />
        <Figure name="Nine of ten within" value={seconds(data.time_to_decision.p90_s)} />
        <Figure name="Ran out of time" value={percent(all.expired, asked)} warn={all.expired > 0} />
        {canaries.caught + canaries.missed > 0 && <Figure name="Canaries missed" value={`${count(canaries.missed)} of ${count(canaries.caught + canaries.missed)}`} warn={canaries.missed > 0} />}
      </dl>
      <Part title="Volume"><VolumeByDay data={data} /><VolumeByTool data={data} /></Part>
      <Part title="Time to decision"><TimeByDay data={data} /><TimeByGroup data={data} /></Part>
      <Part title="Load"><LoadByGroup groups={data.groups} /><ByHour data={data} /></Part>
      <Part title="Attention"><Attention groups={data.groups} /><Canaries data={data} /></Part>
      <Repeats data={data} />
    </div>
  );
}

function Figure({ name, value, warn = false }: { name: string; value: string; warn?: boolean }) {
  return <div><dt>{name}</dt><dd class={warn ? "digits warn" : "digits"}>{value}</dd></div>;
}

const Part = ({ title, children }: { title: string; children: ComponentChildren }) =>
  <Card title={title}><div class="plots">{children}</div></Card>;

const daysOf = (data: Insights): string[] => {
  const last = new Date(Math.max(Date.parse(data.from), Date.parse(data.to) - 1)).toISOString().slice(0, 10);
  return daysBetween(data.from.slice(0, 10), last);
};

function VolumeByDay({ data }: { data: Insights }) {
  const days = everyDay(daysOf(data), data.by_day, (day) => ({ day, ...none }));
  const columns: Column[] = days.map((day) => ({ label: dayName(day.day), values: valuesOf(day), words: valuesOf(day).map(count) }));
  return (
    <StackedBars title="Actions a day" about="One bar a day, from the bottom what policy allowed, then what people approved; above it what did not happen."
      series={verdictSeries} columns={columns} axis={linear(Math.max(...days.map(sumOf)), 5, count)} first="Day" />
  );
}

function VolumeByTool({ data }: { data: Insights }) {
  const tools = largest(data.by_tool, sumOf, toolsMax, (rest) => rest.reduce(
    (sum, one) => ({ ...sum, ...Object.fromEntries(verdicts.map((verdict) => [verdict, sum[verdict] + one[verdict]])) }),
    { tool: null, ...none } as { tool: string | null } & Verdicts));
  const rows: BarRow[] = tools.map((tool) => {
    let at = 0;
    return { name: tool.tool ?? "all other tools", words: valuesOf(tool).map(count), parts: valuesOf(tool).map((value, i) => ({ from: at, to: (at += value), mark: verdictSeries[i]!.mark })) };
  });
  return (
    <Bars title="By tool" about="The tools that were asked for most, and what became of it." series={verdictSeries} rows={rows}
      axis={linear(Math.max(0, ...tools.map(sumOf)), 5, count)} first="Tool" />
  );
}

const times: Series[] = [{ name: "half within", mark: "m-first" }, { name: "nine of ten within", mark: "m-second" }];

function TimeByDay({ data }: { data: Insights }) {
  const days = everyDay<{ day: string; count: number; p50_s: number | null; p90_s: number | null }>(
    daysOf(data), data.time_to_decision.by_day, (day) => ({ day, count: 0, p50_s: null, p90_s: null }));
  const columns: Column[] = days.map((day) => ({
    label: dayName(day.day), values: [day.p50_s, day.p90_s], words: day.count ? [seconds(day.p50_s), seconds(day.p90_s)] : ["none", "none"],
  }));
  const values = known(data.time_to_decision.by_day.flatMap((day) => [day.p50_s, day.p90_s]));
  if (!values.length) return <p class="pad muted">People decided nothing in this time.</p>;
  return (
    <Lines title="From the question to the decision" about="A line for half of the decisions of a day and one for nine of ten; the axis is logarithmic, from seconds to days."
      series={[times[0]!, { ...times[1]!, mark: "m-late" }]} columns={columns} axis={timeAxis(values)} first="Day" />
  );
}

function TimeByGroup({ data }: { data: Insights }) {
  const groups = data.time_to_decision.by_group.filter((group) => group.p50_s !== null && group.p90_s !== null);
  if (!groups.length) return null;
  const axis = timeAxis(known(groups.flatMap((group) => [group.p50_s, group.p90_s])));
  const least = axis.ticks[0]!.at;
  return (
    <Bars title="By group" about="How long each group takes; the axis is logarithmic." series={times} first="Group" axis={axis}
      rows={groups.map((group) => ({
        name: groupName(group.group), words: [seconds(group.p50_s), seconds(group.p90_s)],
        parts: [{ from: least, to: group.p50_s!, mark: "m-first" }, { from: group.p50_s!, to: group.p90_s!, mark: "m-second" }],
      }))} />
  );
}

const loads: Series[] = [{ name: "asked, a member", mark: "m-second" }, { name: "answered, a member", mark: "m-first" }];
const each = (group: GroupLoad, n: number): number => (group.members ? n / group.members : 0);
const tenth = (n: number): string => count(Math.round(n * 10) / 10);

function LoadByGroup({ groups }: { groups: GroupLoad[] }) {
  if (!groups.length) return <p class="pad muted">No group was asked in this time.</p>;
  return (
    <Bars title="Requests a member" about="How often each group was asked and answered, divided by its people: a long pale bar is a group that is asked more than it can answer."
      series={loads} first="Group" axis={linear(Math.max(...groups.map((group) => each(group, Math.max(group.asked, group.answered)))), 5, count)}
      rows={groups.map((group) => {
        const answered = each(group, group.answered);
        return {
          name: `${groupName(group.group)} (${plural(group.members, "person", "people")})`, words: [tenth(each(group, group.asked)), tenth(answered)],
          parts: [{ from: answered, to: Math.max(answered, each(group, group.asked)), mark: "m-second" }, { from: 0, to: answered, mark: "m-first" }],
        };
      })} />
  );
}

function ByHour({ data }: { data: Insights }) {
  const hours = Array.from({ length: 24 }, (_, hour) => data.by_hour.find((one) => one.hour === hour) ?? { hour, asked: 0, answered: 0 });
  return (
    <Heat title="By hour of the day" about="The fuller a field, the more was asked or answered in that hour (UTC)." first="Hour"
      series={[{ name: "asked", mark: "m-second" }, { name: "answered", mark: "m-first" }]}
      columns={hours.map((one) => ({ label: `${String(one.hour).padStart(2, "0")}:00`, values: [one.asked, one.answered], words: [count(one.asked), count(one.answered)] }))} />
  );
}

function Attention({ groups }: { groups: GroupLoad[] }) {
  const answering = groups.filter((group) => group.answered > 0);
  if (!answering.length) return <p class="pad muted">Nobody answered anything in this time.</p>;
  const looks = answering.filter((group) => group.look_p50_s !== null);
  const axis = timeAxis(looks.map((group) => group.look_p50_s!));
  return (
    <>
      <Bars title="How much is approved" about="Of what a group answered. A group that approves everything may have stopped looking."
        series={[{ name: "approved", mark: "m-first" }]} first="Group" axis={linear(100, 5, (n) => `${n} %`)}
        rows={answering.map((group) => {
          const rate = (100 * group.approved) / group.answered;
          return { name: groupName(group.group), words: [percent(group.approved, group.answered)], parts: [{ from: 0, to: rate, mark: "m-first" }] };
        })} />
      {looks.length > 0 && (
        <Bars title="How long a case is looked at" about="Before a vote: half of the votes of a group were given after less than this. The axis is logarithmic."
          series={[{ name: "half within", mark: "m-first" }]} first="Group" axis={axis}
          rows={looks.map((group) => ({ name: groupName(group.group), words: [seconds(group.look_p50_s)], parts: [{ from: axis.ticks[0]!.at, to: group.look_p50_s!, mark: "m-first" }] }))} />
      )}
    </>
  );
}

const canarySeries: Series[] = [{ name: "caught", mark: "v-approved" }, { name: "missed", mark: "v-refused" }];

function Canaries({ data: { canaries } }: { data: Insights }) {
  if (canaries.caught + canaries.missed + canaries.expired === 0) return null;
  return (
    <Bars title="Canaries" about={`Harmless requests that must be denied, to see whether somebody looks. ${plural(canaries.caught, "was", "were")} caught, ${count(canaries.missed)} missed, ${count(canaries.expired)} expired.`}
      series={canarySeries} first="Group" axis={linear(Math.max(0, ...canaries.by_group.map((one) => one.caught + one.missed)), 5, count)}
      rows={canaries.by_group.map((one) => ({
        name: groupName(one.group), words: [count(one.caught), count(one.missed)],
        parts: [{ from: 0, to: one.caught, mark: "v-approved" }, { from: one.caught, to: one.caught + one.missed, mark: "v-refused" }],
      }))} />
  );
}

function Repeats({ data }: { data: Insights }) {
  if (!data.repeats.length) return null;
  return (
    <Card title="Asked again after a no" aside={<span class="card-aside">{plural(data.repeats.length, "agent and tool", "agents and tools")}</span>}>
      <ul class="things">
        {data.repeats.map((one) => (
          <li key={`${one.agent} ${one.tool}`}>
            <p><strong><Text>{one.agent}</Text></strong> asked {plural(one.times, "time")} for <span class="mono"><Text>{one.tool}</Text></span></p>
            <a href={`/a/${encodeURIComponent(one.last)}`}>The last of them<span class="hidden">, by <Text>{one.agent}</Text></span></a>
          </li>
        ))}
      </ul>
    </Card>
  );
}
