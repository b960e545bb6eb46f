// Clients that call one tool at several places in turn, and say in one line of JSON how long that took.
//   node load.mjs '{"clients": "sdk", "targets": [{name, url, headers, pid}], "at_once": 32, "latency_s": 20, "rate_s": 20, "round_s": 1, "sync_file": FILE}'
// `clients`: whose, sdk or light (./NAME_client.mjs). `pid`: the proxy's, whose processor time is looked at; absent for none.
import { fdatasyncSync, openSync, readFileSync, writeSync } from "node:fs";

const WARM_UP = 8; // calls of each client before any counts
const TICK_MS = 10; // of /proc/PID/stat on Linux
const given = JSON.parse(process.argv[2]);
const { call, connected } = await import(`./${given.clients}_client.mjs`);
const page = Buffer.alloc(4096, "x");
const file = openSync(given.sync_file, "a", 0o600);

let number = 0;
const once = client => call(client, `call ${++number}`);

async function took(what) {
  const began = performance.now();
  await what();
  return performance.now() - began;
}

function synced() {
  writeSync(file, page);
  fdatasyncSync(file);
}

function shuffled(list) {
  const out = [...list];
  for (let n = out.length - 1; n > 0; n--) {
    const other = Math.floor(Math.random() * (n + 1));
    [out[n], out[other]] = [out[other], out[n]];
  }
  return out;
}

const until = seconds => (end => () => performance.now() < end)(performance.now() + seconds * 1000);

/** Milliseconds of single calls; each round has one at each place and one fdatasync, in any order: what one leaves behind meets all the others alike. */
async function latencies(targets) {
  const kinds = [{ name: "fdatasync", does: synced }, ...targets.map(({ name, clients }) => ({ name, does: () => once(clients[0]) }))];
  const out = Object.fromEntries(kinds.map(({ name }) => [name, []]));
  for (const more = until(given.latency_s); more();) {
    for (const { name, does } of shuffled(kinds)) out[name].push(await took(does));
  }
  return out;
}

function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Calls a second with so many at once, a session each; and the proxy's processor time of one call. */
async function rates(targets) {
  const out = Object.fromEntries(targets.map(({ name }) => [name, { calls: 0, ms: 0, cpu: 0 }]));
  for (const more = until(given.rate_s); more();) {
    for (const { name, clients, pid } of shuffled(targets)) {
      const sum = out[name], before = pid ? cpuMs(pid) : 0, on = until(given.round_s);
      sum.ms += await took(() => Promise.all(clients.map(async client => {
        for (; on(); sum.calls++) await once(client);
      })));
      sum.cpu += pid ? cpuMs(pid) - before : 0;
    }
  }
  return Object.fromEntries(Object.entries(out).map(([name, { calls, ms, cpu }]) => [name, { rate: calls / ms * 1000, cpu_ms: cpu / calls, calls }]));
}

const targets = [];
for (const target of given.targets) {
  const clients = await Promise.all(Array.from({ length: given.at_once }, () => connected(target)));
  for (let n = 0; n < WARM_UP; n++) await Promise.all(clients.map(once));
  targets.push({ ...target, clients });
}
process.stdout.write(JSON.stringify({ latencies: await latencies(targets), rates: await rates(targets) }) + "\n", () => process.exit(0));
