// POST /control/NAME {…}: what tests may do and see. Answers JSON; an error says what is wrong.
import { FORGERIES } from "./tokens.mjs";
import { cardOf } from "./world.mjs";
import { violations } from "./cards.mjs";
import { activity, merged } from "./activities.mjs";

export function control({ world, issuer, faults, deliverer, person, service, calls }) {
  const settings = { service_path: world, size_max: world, token_seconds: issuer };
  const person_ = Object.fromEntries(["say", "change", "execute", "refresh", "install", "roster"].map((name) => [name, (asked) => person[name](asked)]));
  return {
    ...person_,
    // Where the bot is and who: {url, app_id, secret, tenant, name, multi_tenant}, each kept where it is not given.
    bot: (asked) => Object.assign(world.bot, asked),
    urls: () => ({ service_url: world.service_url, metadata: `${world.url}/v1/.well-known/openidconfiguration`, tenant_metadata: `${world.url}/${world.bot.tenant}/v2.0/.well-known/openid-configuration`,
      token: `${world.url}/${world.bot.tenant}/oauth2/v2.0/token`, login: world.url }),
    user: (asked) => {
      const known = asked.aad && world.users.get(asked.aad);
      return known ? Object.assign(known, asked) : world.addUser(asked);
    },
    team: (asked) => world.addTeam(asked),
    personal: ({ user }) => ({ conversation: world.personal(world.user(user)).id }),
    messages: ({ conversation: id, user }) => {
      const { conversation, thread } = world.conversation(id ?? world.personal(world.user(user)).id);
      return { messages: conversation.messages.filter((one) => !thread || one.thread === thread).map((one) => world.shown(one, conversation)), typing: conversation.typing };
    },
    // The card as this person has it before them.
    card: ({ user, conversation: id, message }) => {
      const who = world.user(user), { conversation } = id ? world.conversation(id) : { conversation: world.personal(who) };
      const found = person.message({ message }, conversation);
      return { message: found.id, card: world.card(found, who) };
    },
    everything: () => ({ conversations: [...world.conversations.values()].map(({ messages, ...one }) => ({ ...one, messages: messages.length, cards: messages.filter((m) => !m.deleted && cardOf(m.versions.at(-1).activity)).length })) }),
    check: ({ card }) => ({ violations: violations(card) }),
    // Any activity from a user: {user, conversation?, activity, forge}; null in activity takes a member away.
    send: (asked) => {
      const { user, conversation, thread } = person.place(asked);
      return deliverer.send(merged(activity(world, user, conversation, thread, {}), asked.activity ?? {}), asked.forge);
    },
    raw: (asked) => deliverer.raw(asked),
    again: ({ n }) => deliverer.again(n), // the same bytes once more
    sent: () => ({ sent: deliverer.sent }),
    forgeries: () => ({ forgeries: Object.keys(FORGERIES) }),
    fault: (asked) => (faults.add(asked), { faults: faults.list }),
    calm: () => ((faults.list = []), {}),
    rotate: async ({ whose = "framework", drop = false }) => ({ kid: await world.keys.rotate(whose, drop) }),
    revoke: () => ((issuer.generation += 1), {}), // tokens of the token endpoint that were given so far
    set: (asked) => {
      for (const [name, value] of Object.entries(asked)) settings[name][name] = value;
      return { service_url: world.service_url };
    },
    down: async () => (await service.down(), {}),
    up: async () => ({ port: await service.up() }),
    calls: ({ since = 0 }) => ({ calls: calls.filter((one) => one.n > since) }),
  };
}
