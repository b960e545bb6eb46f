// Sample data for the fixture: chat accounts, and one that is being linked.
const at = (minutes) => new Date(Date.now() + minutes * 60_000).toISOString();
const attempt = (more = {}) => ({ id: "lnk_1", channel: "slack", code: "7Q3K-9MWP", expires_at: at(9.7), account: null, agreed: false, ...more });
const said = { code: null, account: { account: "slack:T0123/U0456", name: "Alice \u202eMoreau @channel <https://example.com|ok>" } };
const begun = [];

export function chatsAnswer(mood) {
  const moods = { chatsaid: [attempt(said)], chatagreed: [attempt({ ...said, agreed: true })] };
  return { items: [{ channel: "teams", account: "teams:6f0c2a1e-55d1-4f0e-9a44-0c7a5a4b9f10/7b1e0a52-3b86-4b4e-8c5d-1f2e3d4c5b6a" }], under_way: moods[mood] ?? begun, channels: mood === "empty" ? [] : ["slack", "teams"], next: null, ...(mood === "empty" ? { items: [] } : {}) };
}

export function chatsAct(method, path, body) {
  if (method === "DELETE" || path.endsWith("/confirm")) begun.length = 0;
  else begun.splice(0, 1, attempt({ channel: body.channel }));
  return { status: method === "POST" ? 201 : 200, body: path.endsWith("/confirm") ? chatsAnswer("") : begun[0] ?? {} };
}
