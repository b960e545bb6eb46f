// A mail server on loopback: npm smtp-server, what it takes read by mailparser. One argument, as JSON:
//   port, secure (TLS from the start), plain (no STARTTLS), key, cert (PEM files), user, password,
//   faults: {STEP: {ADDRESS or "*": [CODE, …]}}: how often a step (auth, from, to, data) is answered so before it is taken.
// Lines out: {"listening": PORT}, {"mail": {…}} of each message it took, {"refused": STEP, "code", "address"}.
import fs from "node:fs";
import readline from "node:readline";
import { simpleParser } from "mailparser";
import { SMTPServer } from "smtp-server";

const options = JSON.parse(process.argv[2]);
let faults = options.faults ?? {};
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

function fault(step, address) {
  const of = faults[step] ?? {};
  const codes = of[address] ?? of["*"];
  const code = codes?.shift();
  if (!code) return null;
  say({ refused: step, code, address });
  return Object.assign(new Error(`<${address}> not now`), { responseCode: code });
}

const server = new SMTPServer({
  secure: options.secure ?? false,
  ...(options.key ? { key: fs.readFileSync(options.key), cert: fs.readFileSync(options.cert) } : {}),
  disabledCommands: options.plain ? ["STARTTLS"] : [],
  authOptional: !options.user,
  disableReverseLookup: true,
  onAuth(auth, session, done) {
    const refused = fault("auth", auth.username);
    if (refused) return done(refused);
    if (!session.secure && !options.plain) return done(new Error("a password without TLS"));
    if (auth.username !== options.user || auth.password !== options.password) return done(new Error("wrong user or password"));
    done(null, { user: auth.username });
  },
  onMailFrom: (address, session, done) => done(fault("from", address.address)),
  onRcptTo: (address, session, done) => done(fault("to", address.address)),
  onData(stream, session, done) {
    const pieces = [];
    stream.on("data", (piece) => pieces.push(piece));
    stream.on("end", async () => {
      const { mailFrom, rcptTo } = session.envelope;
      const refused = fault("data", rcptTo[0].address);
      if (refused) return done(refused);
      const raw = Buffer.concat(pieces);
      const mail = await simpleParser(raw);
      say({
        mail: {
          from: mailFrom.address,
          to: rcptTo.map((one) => one.address),
          secure: session.secure,
          user: session.user ?? null,
          headers: mail.headerLines.map((one) => [one.key, one.line]),
          header_from: mail.from?.text,
          header_to: mail.to?.text,
          subject: mail.subject,
          date: mail.date,
          message_id: mail.messageId,
          in_reply_to: mail.inReplyTo ?? null,
          text: mail.text,
          html: mail.html,
          attachments: mail.attachments.length,
          raw: raw.toString("latin1"),
        },
      });
      done();
    });
  },
});
server.on("error", (error) => say({ error: error.message }));
server.listen(options.port, "127.0.0.1", () => say({ listening: server.server.address().port }));

// Lines in: {"faults"}: from now on.
for await (const line of readline.createInterface({ input: process.stdin })) {
  faults = JSON.parse(line).faults;
  say({ faults: true });
}
server.close();
process.exit(0);
