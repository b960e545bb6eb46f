// A bot of Microsoft's SDK (botframework-connector, MSAL), as it is but for where Bot Framework and Entra ID are.
//   node bot.mjs METADATA LOGIN APP SECRET TENANT     prints its port
// What it believes it does: a message "walk AAD" calls the connector every way the SDK can, and answers with what came of it; "ask" is answered
// with a card; an adaptiveCard/action answers with a card.
// What it does not believe gets 401 and the SDK's reason.
import http from "node:http";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { AuthenticationConstants, BotFrameworkAuthenticationFactory, MsalServiceClientCredentialsFactory } = require("botframework-connector");
const { ConfidentialClientApplication } = require("@azure/msal-node");
const [metadata, login, app, secret, tenant] = process.argv.slice(2);
const MICROSOFT = "https://login.microsoftonline.com";

// MSAL talks to https://login.microsoftonline.com only: its way out is this one.
async function exchange(url, options, method) {
  const answer = await fetch(url.replace(MICROSOFT, login), { method, headers: options?.headers, body: options?.body });
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: JSON.parse((await answer.text()).replaceAll(`${login}/`, `${MICROSOFT}/`)) };
}
const networkClient = { sendGetRequestAsync: (url, options) => exchange(url, options, "GET"), sendPostRequestAsync: (url, options) => exchange(url, options, "POST") };
const msal = new ConfidentialClientApplication({ auth: { clientId: app, clientSecret: secret, authority: `${MICROSOFT}/${tenant}` }, system: { networkClient } });

const believed = BotFrameworkAuthenticationFactory.create("", true, `${MICROSOFT}/${tenant}`, AuthenticationConstants.ToChannelFromBotOAuthScope, AuthenticationConstants.ToBotFromChannelTokenIssuer,
  AuthenticationConstants.OAuthUrl, metadata, metadata, "", new MsalServiceClientCredentialsFactory(app, msal), { requiredEndorsements: [], validTokenIssuers: [] }, undefined, { noRetryPolicy: true });

const card = (text, actions = []) => ({ type: "AdaptiveCard", version: "1.5", body: [{ type: "TextBlock", text, wrap: true }], actions });
const attached = (content) => ({ type: "message", attachments: [{ contentType: "application/vnd.microsoft.card.adaptive", content }] });
const button = { type: "Action.Execute", title: "Approve", verb: "approve", data: { case: "7" } };
const asking = card("Drop the table?", [button]);
asking.body.push({ type: "Input.Text", id: "reason", label: "Why", isRequired: true, errorMessage: "say why" });

async function walk({ conversations }, activity, aad) {
  const here = activity.conversation.id, did = {};
  did.chat = (await conversations.createConversation({ bot: activity.recipient, members: [{ id: aad }], isGroup: false, tenantId: tenant, channelData: { tenant: { id: tenant } } })).id;
  did.typing = (await conversations.sendToConversation(did.chat, { type: "typing" })).id;
  did.sent = (await conversations.sendToConversation(did.chat, attached(card("first", [button])))).id;
  did.updated = (await conversations.updateActivity(did.chat, did.sent, attached(card("second", [button])))).id;
  did.replied = (await conversations.replyToActivity(here, activity.id, { type: "message", text: "a reply" })).id;
  did.gone = (await conversations.sendToConversation(did.chat, { type: "message", text: "soon gone" })).id;
  await conversations.deleteActivity(did.chat, did.gone);
  did.members = (await conversations.getConversationMembers(here)).map((one) => one.id);
  did.paged = (await conversations.getConversationPagedMembers(here, { pageSize: 50 })).members.map((one) => one.id);
  did.member = (await conversations.getConversationMember(here, aad)).email;
  const channel = activity.channelData.channel?.id;
  if (channel) {
    const opened = await conversations.createConversation({ isGroup: true, bot: activity.recipient, channelData: { channel: { id: channel } }, activity: attached(card("in the channel", [button])) });
    Object.assign(did, { thread: opened.id, first: opened.activityId });
  }
  const refused = {};
  for (const [name, what] of Object.entries({ "no such chat": () => conversations.sendToConversation("a:none", { type: "message", text: "x" }),
    "too long": () => conversations.sendToConversation(did.chat, { type: "message", text: "x".repeat(40000) }),
    "bad card": () => conversations.sendToConversation(did.chat, attached({ ...card("x"), version: "1.9" })),
    "another's message": () => conversations.updateActivity(here, activity.id, { type: "message", text: "x" }) })) {
    refused[name] = await what().then(() => "done", (error) => [error.statusCode, error.details?.error?.code ?? error.response?.parsedBody?.error?.code ?? error.code]);
  }
  return { ...did, refused };
}

const server = http.createServer(async (request, response) => {
  let text = "";
  for await (const piece of request) text += piece;
  const answer = (status, body) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  try {
    if (request.method !== "POST") return answer(405, {});
    const activity = JSON.parse(text);
    let trusted;
    try {
      trusted = await believed.authenticateRequest(activity, request.headers.authorization ?? "");
    } catch (error) {
      return answer(401, { why: error.message });
    }
    if (activity.type === "invoke") return answer(200, { statusCode: 200, type: "application/vnd.microsoft.card.adaptive", value: card(`${activity.from.name}: ${JSON.stringify(activity.value.action.data)}`) });
    const [word, aad] = (activity.text ?? "").replace(/<at>.*<\/at>/, "").trim().split(" ");
    const connector = await trusted.connectorFactory.create(activity.serviceUrl, AuthenticationConstants.ToChannelFromBotOAuthScope);
    if (word === "walk") return answer(200, await walk(connector, activity, aad));
    if (word === "ask") await connector.conversations.replyToActivity(activity.conversation.id, activity.id, attached(asking));
    answer(200, {});
  } catch (error) {
    answer(500, { why: error.stack, details: error.details, status: error.statusCode });
  }
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
