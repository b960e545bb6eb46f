// People press buttons, send modals and type commands. Each act answers what the app said to it, and throws where the person could not have done it.
import { ts } from "./clock.mjs";
import { action, state } from "./inputs.mjs";
import { elements } from "./normalise.mjs";
import { checked } from "./methods/views.mjs";
import { Refused } from "./refuse.mjs";

const called = (channel) => (channel.is_im ? "directmessage" : channel.is_private ? "privategroup" : channel.name);

export class People {
  constructor(world) {
    this.world = world;
  }

  #common(user) {
    const {
      workspace: { team, app },
    } = this.world;
    return {
      team: { id: team.id, domain: team.domain },
      user: { id: user.id, username: user.name, name: user.name, team_id: user.team_id },
      api_app_id: app.id,
      token: app.verification_token,
      enterprise: null,
      is_enterprise_install: false,
    };
  }

  /** The card that is clicked: {blocks, around}. A stale one is the version before the present one, or of that number. */
  #card(user, { channel: named, ts: at, view: view_id, home, stale }) {
    const { workspace, screens, responses } = this.world;
    if (named === undefined) {
      const view = home ? screens.home(user.id) : view_id ? workspace.views.get(view_id) : screens.top(user.id);
      if (!view) throw new Error(`${user.id} has no ${home ? "home view" : "modal"} open`);
      return { blocks: view.blocks, around: (values) => ({ container: { type: "view", view_id: view.id }, view: screens.seenView(view, values) }) };
    }
    const channel = this.world.workspace.place(named, user.id),
      whispered = workspace.ephemerals.all.find((one) => one.ts === at && one.user === user.id);
    const message = channel.messages.get(at) ?? whispered;
    if (!message) throw new Error(`${channel.id} has no message ${at} (any more)`);
    if (!channel.members.has(user.id)) throw new Error(`${user.id} does not see ${channel.id}`);
    const version = whispered ? null : stale === true ? message.versions.at(-2) : Number.isInteger(stale) ? message.versions.at(stale) : null;
    if (stale !== undefined && stale !== false && !version) throw new Error(`message ${at} has no older version`);
    const shown = version ? { ...workspace.seen(message), text: version.text, blocks: version.blocks } : workspace.seen(message);
    const container = {
      type: "message",
      message_ts: message.ts,
      channel_id: channel.id,
      is_ephemeral: Boolean(whispered),
      ...(message.thread_ts ? { thread_ts: message.thread_ts } : {}),
    };
    return {
      blocks: shown.blocks ?? [],
      around: (values) => ({
        container,
        channel: { id: channel.id, name: called(channel) },
        ...(whispered ? {} : { message: structuredClone(shown) }),
        state: { values },
        response_url: responses.issue({ channel, user: user.id, message }),
      }),
    };
  }

  /** {user, channel, ts, action_id}, or in a modal {user, view}, or {user, home: true}; stale, value (of a menu), inputs of the card, forge. */
  async click({ user: key, action_id, block_id, value, inputs, forge, ...where }) {
    const user = this.world.workspace.person(key),
      { blocks, around } = this.#card(user, where);
    const found = elements(blocks).find((one) => one.element.action_id === action_id && (block_id === undefined || one.block_id === block_id));
    if (!found)
      throw new Error(
        `there is no element ${action_id} there; there are ${
          elements(blocks)
            .map((one) => one.element.action_id)
            .join(", ") || "none"
        }`,
      );
    const { values } = state(blocks, inputs);
    const payload = {
      type: "block_actions",
      ...this.#common(user),
      trigger_id: this.world.screens.triggers.issue(user.id),
      ...around(values),
      actions: [action(found.block_id, found.element, value, ts())],
    };
    const answer = await this.world.delivery.send("interactive", payload, forge);
    return { ...answer, trigger_id: payload.trigger_id, response_url: payload.response_url };
  }

  /** {user, values: {action_id or block_id: value}, view, forge}. `shown` says what the person sees then. */
  async submit({ user: key, values = {}, view: view_id, forge }) {
    const user = this.world.workspace.person(key),
      { screens, workspace } = this.world;
    const view = view_id ? workspace.views.get(view_id) : screens.top(user.id);
    if (!view || view.type !== "modal") throw new Error(`${key} has no modal open`);
    if (!view.submit) throw new Error("the modal has no submit button");
    const filled = state(view.blocks, values);
    if (Object.keys(filled.errors).length) return { ok: false, sent: false, shown: "errors", errors: filled.errors };
    const payload = {
      type: "view_submission",
      ...this.#common(user),
      trigger_id: screens.triggers.issue(user.id),
      view: screens.seenView(view, filled.values),
      response_urls: [],
    };
    const answer = await this.world.delivery.send("interactive", payload, forge);
    return {
      ...answer,
      sent: true,
      trigger_id: payload.trigger_id,
      ...(answer.ok && !forge ? this.#submitted(user, view, answer.body) : { shown: "trouble", errors: {} }),
    };
  }

  #submitted(user, view, said) {
    const { screens } = this.world,
      told = said !== null && typeof said === "object" ? said : {};
    if (typeof said === "string" && said.trim() !== "") return { shown: "trouble", problem: "the answer is neither empty nor application/json" };
    const still = this.world.workspace.views.has(view.id);
    try {
      switch (told.response_action) {
        case undefined:
          if (still) screens.closeModals(user.id, false);
          return { shown: "closed" };
        case "clear":
          screens.closeModals(user.id, true);
          return { shown: "closed" };
        case "update":
          screens.changeView(view, checked(told.view, "modal"));
          return { shown: "view", view: screens.seenView(view) };
        case "push":
          return { shown: "view", view: screens.seenView(screens.openModal(user.id, checked(told.view, "modal"), true)) };
        case "errors": {
          const inputs = new Set(view.blocks.filter((one) => one.type === "input").map((one) => one.block_id));
          const entries = Object.entries(told.errors ?? {});
          if (!entries.length || entries.some(([at, text]) => !inputs.has(at) || typeof text !== "string"))
            throw new Refused("invalid_errors: they name no input block of the modal");
          view.errors = told.errors;
          return { shown: "errors", errors: told.errors };
        }
        default:
          throw new Refused(`unknown response_action ${told.response_action}`);
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { shown: "trouble", problem: error.message, messages: error.more.response_metadata?.messages };
    }
  }

  /** Closes the modal on top, or all with the cross of a modal that clears. */
  async close({ user: key, all = false, forge }) {
    const user = this.world.workspace.person(key),
      { screens } = this.world,
      view = screens.top(user.id);
    if (!view) throw new Error(`${key} has no modal open`);
    const is_cleared = all || view.clear_on_close,
      shown = screens.seenView(view);
    screens.closeModals(user.id, is_cleared);
    if (!view.notify_on_close) return { ok: true, sent: false };
    return { ...(await this.world.delivery.send("interactive", { type: "view_closed", ...this.#common(user), view: shown, is_cleared }, forge)), sent: true };
  }

  /** {user, command: "/keyturn", text, channel}. The answer is shown to the person, or to all of the conversation. */
  async command({ user: key, command, text = "", channel: named = "dm", forge }) {
    const user = this.world.workspace.person(key),
      channel = this.world.workspace.place(named, key),
      {
        workspace: { app, team },
        screens,
        responses,
      } = this.world;
    const payload = {
      token: app.verification_token,
      team_id: team.id,
      team_domain: team.domain,
      channel_id: channel.id,
      channel_name: called(channel),
      user_id: user.id,
      user_name: user.name,
      command,
      text,
      api_app_id: app.id,
      is_enterprise_install: "false",
      response_url: responses.issue({ channel, user: user.id }),
      trigger_id: screens.triggers.issue(user.id),
    };
    const answer = await this.world.delivery.send("slash_commands", payload, forge);
    const more = { trigger_id: payload.trigger_id, response_url: payload.response_url };
    if (!answer.ok || forge) return { ...answer, ...more, shown: null, failed: answer.failure?.includes("timeout") ? "operation_timeout" : "dispatch_failed" };
    try {
      return { ...answer, ...more, shown: responses.show(answer.body, { channel, user: user.id }) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { ...answer, ...more, shown: null, failed: error.message, messages: error.more.response_metadata?.messages };
    }
  }
}
