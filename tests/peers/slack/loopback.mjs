// A Slack of our own on loopback: one workspace, one app. Held against the official SDKs by ../slack_test.py.
//
// node loopback.mjs [PORT [CONTROL_PORT]] prints {"port", "control"} when it listens; it ends with its standard input or SIGTERM.
//   http://127.0.0.1:PORT/api/METHOD      the Web API: give the app this address instead of https://slack.com/api/
//   http://127.0.0.1:PORT/actions/…       response_urls, in place of https://hooks.slack.com/
//   ws://127.0.0.1:PORT/link/?ticket=…    Socket Mode, as apps.connections.open says
//   http://127.0.0.1:CONTROL/control/WORD what tests say; POST JSON. tests/support/slack.py has a method for each.
//
// Begin: POST app {"request_url": "http://127.0.0.1:8080/slack/events"} or {"mode": "socket"}; GET app tells bot_token, app_token, signing_secret, team and bot ids.
//        POST user {"id": "U1", "email", "real_name", "is_restricted", "is_stranger", "team_id", …}; POST channel {"id": "C1", "name", "members": ["U1"]}; reset.
// See:   messages {"channel"} (each with `versions`, `edits`, and `shown`: the text that is read, links, mentions, buttons), ephemerals {"user"}, home {"user"},
//        modals {"user"}, calls {"after", "method"} (of the Web API), deliveries {"kind"} (to the app), sockets, counts, check_blocks, check_view, check_manifest.
// Act:   click {"user", "channel", "ts", "action_id"} ("stale": true: the button of the version before; "home": true; without channel: in the modal on top),
//        submit {"user", "values"}, close {"user"}, command {"user", "command", "text", "channel"}, write {"user", "channel", "text", "thread_ts"}, edit, erase,
//        open_home {"user"}, revoke, verify_url. Each answers {ok, status, body, ms, …}: what the app said.
// Forge: "forge" in an act: {"secret", "age": seconds, "unsigned", "tamper": text, "merge": {payload}, "headers", "replays": n};
//        raw {"url", "headers", "body", "sign": {"secret", "age"}}; sign {"kind", "payload", "forge"}: the request, for the test to send.
// Break: fault {"method", "times", "status": 429, "retry_after": 2 | "error": "ratelimited" | "hang" | "reset", "body": text, "after": true: done, answer lost},
//        delay {"method", "ms"}, clear_faults, down, up, disconnect {"reason": "warning" | "refresh_requested" | "link_disabled"}, drop_sockets, refuse_sockets,
//        raw_socket {"text"}; settings {"post_gap_ms": 1000}: one message a second and channel.
// Time:  settings {"trigger_ms": 3000, "ack_ms": 3000, "retry_ms": [0, 60000, 300000]}; clock {"advance": seconds} moves the clock of trigger ids, response_urls
//        and post_gap_ms. What is signed keeps the machine's clock.
import http from "node:http";
import { control } from "./control.mjs";
import { World } from "./world.mjs";

const world = new World();
await world.up(Number(process.argv[2] ?? 0));
const desk = http.createServer((request, response) => control(world, request, response));
desk.listen(Number(process.argv[3] ?? 0), "127.0.0.1", () => console.log(JSON.stringify({ port: world.port, control: desk.address().port })));
process.stdin.on("end", () => process.exit(0)).resume();
