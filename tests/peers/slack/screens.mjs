// What each person has on the screen beside the conversations: modals, the home view, what only they see. And the trigger ids that let the app open modals.
import { id, now, number, seconds, ts, word } from "./clock.mjs";
import { normalise } from "./normalise.mjs";
import { Refused } from "./refuse.mjs";

const TRIGGERS_MAX = 2000,
  SHARES_MAX = 500,
  VIEWS_MAX = 2000,
  STACK_MAX = 3;

function drop(map, most) {
  if (map.size > most) map.delete(map.keys().next().value);
}

class Triggers {
  constructor(workspace) {
    this.workspace = workspace;
    this.all = new Map();
  }

  issue(user) {
    const key = `${number()}.${1_700_000_000_000}.${word()}`;
    this.all.set(key, { user, at: now(), used: false });
    drop(this.all, TRIGGERS_MAX);
    return key;
  }

  /** Good for 3 seconds and for one view. */
  use(key) {
    const trigger = this.all.get(key);
    if (!trigger) throw new Refused("invalid_trigger_id");
    if (trigger.used) throw new Refused("exchanged_trigger_id");
    if (now() - trigger.at > this.workspace.settings.trigger_ms) throw new Refused("expired_trigger_id");
    trigger.used = true;
    return trigger;
  }
}

export class Screens {
  constructor(workspace) {
    this.workspace = workspace;
    this.triggers = new Triggers(workspace);
    this.shares = new Map(); // unfurl_id: {channel, ts}
  }

  share(unfurl_id, channel, message_ts) {
    this.shares.set(unfurl_id, { channel, ts: message_ts });
    drop(this.shares, SHARES_MAX);
  }

  whisper(user, channel, { text, blocks, attachments, thread_ts }) {
    return this.workspace.ephemerals.push({
      ts: ts(),
      user,
      channel: channel.id,
      text: text ?? "",
      blocks: blocks?.length ? normalise(blocks) : undefined,
      attachments,
      thread_ts,
    });
  }

  #fill(view, given) {
    const {
      title,
      submit = null,
      close = null,
      blocks,
      private_metadata = "",
      callback_id = "",
      external_id = "",
      clear_on_close = false,
      notify_on_close = false,
    } = given;
    const filled = (text) => (text && typeof text === "object" ? { emoji: true, ...text } : text);
    return Object.assign(view, {
      blocks: normalise(blocks),
      private_metadata,
      callback_id,
      external_id,
      title: filled(title) ?? { type: "plain_text", text: "View Title", emoji: true },
      clear_on_close,
      notify_on_close,
      close: filled(close),
      submit: filled(submit),
      hash: `${seconds()}.${word()}`,
      errors: {},
      version: (view.version ?? 0) + 1,
    });
  }

  #unique(external_id, view) {
    if (external_id && [...this.workspace.views.values()].some((one) => one !== view && one.external_id === external_id)) throw new Refused("duplicate_external_id");
  }

  #keep(view) {
    this.workspace.views.set(view.id, view);
    drop(this.workspace.views, VIEWS_MAX);
    return view;
  }

  stack(user) {
    if (!this.workspace.modals.has(user)) this.workspace.modals.set(user, []);
    return this.workspace.modals.get(user);
  }

  openModal(user, given, push) {
    const stack = this.stack(user);
    if (push && !stack.length) throw new Refused("not_found");
    if (push && stack.length >= STACK_MAX) throw new Refused("push_limit_reached");
    this.#unique(given.external_id);
    if (!push) while (stack.length) this.workspace.views.delete(stack.pop());
    const key = id("V"),
      previous = stack.at(-1) ?? null;
    stack.push(key);
    return this.#keep(this.#fill({ id: key, type: "modal", user, previous_view_id: previous, root_view_id: stack[0] }, given));
  }

  changeView(view, given) {
    this.#unique(given.external_id, view);
    return this.#fill(view, given);
  }

  /** Takes the modal on top away, or all. */
  closeModals(user, all) {
    const stack = this.stack(user);
    do {
      const key = stack.pop();
      if (key) this.workspace.views.delete(key);
    } while (all && stack.length);
  }

  top(user) {
    return this.workspace.views.get(this.stack(user).at(-1)) ?? null;
  }

  home(user) {
    return this.workspace.views.get(this.workspace.homes.get(user)) ?? null;
  }

  publish(user, given) {
    const before = this.home(user);
    if (before) return this.changeView(before, given);
    this.#unique(given.external_id);
    const key = id("V");
    this.workspace.homes.set(user, key);
    return this.#keep(this.#fill({ id: key, type: "home", user, previous_view_id: null, root_view_id: key }, given));
  }

  findView(view_id, external_id) {
    return view_id ? this.workspace.views.get(view_id) : [...this.workspace.views.values()].find((one) => one.external_id === external_id);
  }

  /** The view as the API and interactions show it. */
  seenView(view, values = {}) {
    const { user, errors, version, ...shown } = view,
      { team, app } = this.workspace;
    return structuredClone({ ...shown, team_id: team.id, app_id: app.id, app_installed_team_id: team.id, bot_id: app.bot_id, state: { values } });
  }
}
