// The official SDKs in a process of their own, told what to do by lines of JSON: {n, do, …} in, {n, …} out.
//   web {method, arguments, token?, retries?}   a WebClient's call: {ok, …} or {error, data, status, retryAfter}
//   http {}, socket {}                          a Bolt App with an HTTP receiver ({port}) or in Socket Mode
//   client {name}, stop {}                      a SocketModeClient that records what comes; its acknowledgements wait for `ack`
//   seen {}                                     what the Bolt App or the client was given
//   verify {body, headers, secret}              Bolt's own signature check
import readline from "node:readline";
import bolt from "@slack/bolt";
import socketMode from "@slack/socket-mode";
import webApi from "@slack/web-api";

const [slackApiUrl, botToken, appToken, signingSecret] = process.argv.slice(2);
const quiet = { getLevel: () => "error", setLevel() {}, setName() {}, debug() {}, info() {}, warn() {}, error() {} };
const options = { slackApiUrl, retryConfig: { retries: 0 }, logger: quiet };
const seen = [],
  apps = [],
  clients = new Map();

const button = (action_id, text, more = {}) => ({ type: "button", action_id, text: { type: "plain_text", text }, ...more });
const modal = {
  type: "modal",
  callback_id: "reason",
  title: { type: "plain_text", text: "Why?" },
  submit: { type: "plain_text", text: "Send" },
  notify_on_close: true,
  private_metadata: "case 7",
  blocks: [
    { type: "input", block_id: "why", label: { type: "plain_text", text: "Reason" }, element: { type: "plain_text_input", action_id: "text", max_length: 100 } },
  ],
};

function listen(app) {
  app.use(async ({ body, next }) => {
    seen.push(body);
    await next();
  });
  app.action("approve", async ({ ack, body, client, respond }) => {
    await ack();
    await client.chat.update({
      channel: body.channel.id,
      ts: body.message.ts,
      text: "approved",
      blocks: [{ type: "section", text: { type: "mrkdwn", text: `approved by <@${body.user.id}>` } }],
    });
    await respond({ text: "thank you", response_type: "ephemeral", replace_original: false });
  });
  app.action("other", async ({ ack }) => {
    await ack();
  });
  app.action("why", async ({ ack, body, client }) => {
    await ack();
    await client.views.open({ trigger_id: body.trigger_id, view: modal });
  });
  app.view("reason", async ({ ack, view }) => {
    const said = view.state.values.why.text.value;
    if (said === "no") await ack({ response_action: "errors", errors: { why: "say more" } });
    else if (said === "next") await ack({ response_action: "update", view: { ...modal, callback_id: "reason", title: { type: "plain_text", text: "And then?" } } });
    else if (said === "push") await ack({ response_action: "push", view: { ...modal, title: { type: "plain_text", text: "On top" } } });
    else if (said === "wrong") await ack({ response_action: "errors", errors: { elsewhere: "say more" } });
    else if (said === "all") await ack({ response_action: "clear" });
    else await ack();
  });
  app.view({ callback_id: "reason", type: "view_closed" }, async ({ ack }) => {
    await ack();
  });
  app.command("/keyturn", async ({ ack, command }) => {
    await ack(command.text === "all" ? { response_type: "in_channel", text: "for all" } : `you said ${command.text}`);
  });
  app.event("app_home_opened", async ({ event, client }) => {
    await client.views.publish({
      user_id: event.user,
      view: {
        type: "home",
        blocks: [
          { type: "header", text: { type: "plain_text", text: "Home" } },
          { type: "actions", elements: [button("why", "Why?")] },
        ],
      },
    });
  });
  app.message("hello", async ({ message, say }) => {
    await say({ text: "hello yourself", thread_ts: message.thread_ts ?? message.ts });
  });
  app.event("link_shared", async ({ event, client }) => {
    await client.chat.unfurl({
      unfurl_id: event.unfurl_id,
      source: event.source,
      unfurls: { [event.links[0].url]: { blocks: [{ type: "section", text: { type: "plain_text", text: "a case" } }] } },
    });
  });
  app.event("app_mention", async () => {});
  app.event("tokens_revoked", async () => {});
  app.error(async (error) => {
    seen.push({ type: "error", message: String(error), code: error.code });
  });
  apps.push(app);
}

const DO = {
  async web({ method, arguments: given, token = botToken, retries = 0 }) {
    const client = new webApi.WebClient(token, { ...options, retryConfig: { retries, minTimeout: 0, maxTimeout: 1 }, rejectRateLimitedCalls: retries === 0 });
    try {
      return { ok: true, ...(await client.apiCall(method, given)) };
    } catch (error) {
      return { ok: false, code: error.code, error: error.data?.error ?? error.message, data: error.data, status: error.statusCode, retryAfter: error.retryAfter };
    }
  },
  async http() {
    const app = new bolt.App({ token: botToken, signingSecret, clientOptions: options, logger: quiet, deferInitialization: true });
    await app.init();
    listen(app);
    return { port: (await app.start(0)).address().port };
  },
  async socket() {
    const app = new bolt.App({ token: botToken, appToken, socketMode: true, clientOptions: options, logger: quiet, deferInitialization: true });
    await app.init();
    listen(app);
    await app.start();
    return {};
  },
  async client({ name, acks = true, payload }) {
    const client = new socketMode.SocketModeClient({ appToken, clientOptions: options, logger: quiet, clientPingTimeout: 1000, autoReconnectEnabled: acks });
    client.on("slack_event", async ({ ack, body, type, envelope_id, retry_num, retry_reason, accepts_response_payload }) => {
      seen.push({ client: name, type, envelope_id, body, retry_num, retry_reason, accepts_response_payload });
      if (acks) await ack(payload);
    });
    for (const state of ["connected", "reconnecting", "disconnected"]) client.on(state, () => seen.push({ client: name, state }));
    clients.set(name, client);
    await client.start();
    return {};
  },
  async stop() {
    await Promise.all([...apps.splice(0).map((app) => app.stop()), ...[...clients.values()].map((client) => client.disconnect())]);
    clients.clear();
    return {};
  },
  async seen() {
    return { seen };
  },
  async verify({ body, headers, secret = signingSecret }) {
    try {
      bolt.verifySlackRequest({
        signingSecret: secret,
        body,
        headers: { "x-slack-signature": headers["x-slack-signature"], "x-slack-request-timestamp": Number(headers["x-slack-request-timestamp"]) },
      });
      return { ok: true };
    } catch (error) {
      return { ok: false, error: error.message };
    }
  },
};

process.on("unhandledRejection", (error) => seen.push({ type: "error", message: String(error) }));
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { n, do: what, ...given } = JSON.parse(line);
  DO[what](given)
    .then(
      (said) => said,
      (error) => ({ thrown: error.stack }),
    )
    .then((said) => console.log(JSON.stringify({ n, ...said })));
}
process.exit(0);
