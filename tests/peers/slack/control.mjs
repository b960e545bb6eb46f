// What tests say to the loopback: POST /control/WORD {…} or GET /control/WORD?…, JSON both ways. A mistake is 400 {"error"}.
import { advance } from "./clock.mjs";
import { checkBlocks, checkView, weight } from "./cards/blocks.mjs";
import { checkManifest } from "./cards/manifest.mjs";
import { post } from "./delivery.mjs";
import { shown } from "./render.mjs";
import { body } from "./requests.mjs";

const known = (object, given, what) => {
  for (const key of Object.keys(given)) if (!Object.hasOwn(object, key)) throw new Error(`${what} has no ${key}; it has ${Object.keys(object).join(", ")}`);
  Object.assign(object, given);
};

function messages({ workspace }, { channel: named, user, thread_ts }) {
  const channel = workspace.place(named, user);
  const all = [...channel.messages.values()].filter((one) => thread_ts === undefined || one.thread_ts === thread_ts || one.ts === thread_ts);
  return all.map((one) => ({ ...one, channel: channel.id, edits: one.versions.length - 1, shown: shown(one) }));
}

const read = (view) => view && { ...view, shown: shown(view) };
const plainChannel = (channel) => ({ ...channel, members: [...channel.members], messages: channel.messages.size });

export function routes(world) {
  const { workspace, people, happenings, faults, sockets, screens, delivery, api } = world;
  return {
    app: (given) => {
      const { request_url, ...rest } = given;
      known(workspace.app, rest, "the app");
      if (request_url) Object.assign(workspace.app, { interactivity_url: request_url, events_url: request_url, commands_url: request_url });
      return workspace.app;
    },
    settings: (given) => {
      known(workspace.settings, given, "settings");
      return workspace.settings;
    },
    team: (given) => {
      known(workspace.team, given, "the team");
      return workspace.team;
    },
    clock: ({ advance: by = 0 }) => {
      advance(Number(by));
      return {};
    },
    user: (given) => workspace.addUser(given),
    change_user: ({ user, ...given }) => {
      const found = workspace.users.get(user);
      if (!found) throw new Error(`there is no user ${user}`);
      const { profile, ...rest } = given;
      Object.assign(found, rest);
      Object.assign(found.profile, profile);
      return found;
    },
    channel: (given) => plainChannel(workspace.addChannel(given)),
    change_channel: ({ channel, join = [], leave = [], ...given }) => {
      const found = workspace.channels.get(channel);
      if (!found) throw new Error(`there is no channel ${channel}`);
      join.forEach((one) => found.members.add(one));
      leave.forEach((one) => found.members.delete(one));
      Object.assign(found, given);
      return plainChannel(found);
    },
    state: () => ({
      team: workspace.team,
      app: workspace.app,
      settings: workspace.settings,
      users: [...workspace.users.values()],
      channels: [...workspace.channels.values()].map(plainChannel),
    }),
    messages: (given) => ({ messages: messages(world, given) }),
    ephemerals: ({ user }) => ({
      messages: workspace.ephemerals.all.filter((one) => user === undefined || one.user === user).map((one) => ({ ...one, shown: shown(one) })),
    }),
    home: ({ user }) => ({ view: read(screens.home(user)) }),
    modals: ({ user }) => ({ views: screens.stack(user).map((key) => read(workspace.views.get(key))) }),
    click: (given) => people.click(given),
    submit: (given) => people.submit(given),
    close: (given) => people.close(given),
    command: (given) => people.command(given),
    write: (given) => happenings.write(given),
    edit: (given) => happenings.edit(given),
    erase: (given) => happenings.erase(given),
    open_home: (given) => happenings.openHome(given),
    revoke: (given) => happenings.revoke(given),
    verify_url: () => delivery.verify(),
    event: ({ event, forge }) => delivery.event(event, forge),
    // Any request: {url, headers, body}. Signed where `sign` is there: {secret, timestamp, age}.
    raw: async ({ url, headers = {}, body: text = "", sign, kind = "interactive" }) => {
      const made = sign ? delivery.request(kind, {}, { ...sign, body: text, headers }) : { headers, body: text };
      return post(url, made.headers, made.body, workspace.settings.ack_ms);
    },
    // The request that Slack would make of a payload, to be sent by the test: {kind, payload, forge}.
    sign: ({ kind = "interactive", payload, forge }) => delivery.request(kind, payload, forge),
    fault: (given) => {
      faults.add(given);
      return {};
    },
    delay: ({ method = "*", ms }) => {
      faults.delay(method, ms);
      return {};
    },
    clear_faults: () => {
      faults.clear();
      sockets.refusing = false;
      api.release();
      return {};
    },
    down: () => world.down(),
    up: () => world.up(),
    sockets: () => ({ open: sockets.open.size, ...sockets.counts }),
    disconnect: ({ reason = "refresh_requested", close }) => {
      sockets.disconnect(reason, close);
      return {};
    },
    drop_sockets: () => {
      sockets.drop();
      return {};
    },
    // A frame of the test's own making, to every connection.
    raw_socket: ({ text }) => ({ told: sockets.raw(text) }),
    refuse_sockets: ({ refuse = true }) => {
      sockets.refusing = refuse;
      return {};
    },
    calls: ({ after = 0, method }) => ({
      calls: api.calls.all.filter((one) => one.n > Number(after) && (method === undefined || one.method === method)),
      missed: api.calls.missed,
    }),
    counts: () => ({ counts: api.counts }),
    deliveries: ({ kind }) => ({ deliveries: delivery.sent.all.filter((one) => kind === undefined || one.kind === kind) }),
    check_blocks: ({ blocks }) => ({ errors: checkBlocks(blocks), weight: Array.isArray(blocks) ? weight(blocks) : 0 }),
    check_view: ({ view }) => ({ errors: checkView(view) }),
    check_manifest: ({ manifest }) => ({ errors: checkManifest(manifest) }),
    reset: () => {
      world.reset();
      return {};
    },
  };
}

export async function control(world, request, response) {
  const url = new URL(request.url, "http://slack.test"),
    word = url.pathname.replace(/^\/control\//, "");
  const answer = (status, value) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  try {
    const all = routes(world);
    if (!Object.hasOwn(all, word)) throw new Error(`no such word: ${word}; there are ${Object.keys(all).join(", ")}`);
    const sent = await body(request, 10_000_000);
    answer(200, await all[word](sent ? JSON.parse(sent) : Object.fromEntries(url.searchParams)));
  } catch (error) {
    answer(400, { error: error.message });
  }
}
