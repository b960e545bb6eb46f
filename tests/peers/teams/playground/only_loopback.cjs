// The playground listens on every address; with this before it (node --require) on 127.0.0.1 only.
const net = require("node:net");

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function onlyLoopback(port, ...more) {
  const options = typeof port === "object" && port !== null ? port : { port };
  return listen.call(this, { ...options, host: "127.0.0.1" }, ...more.filter((one) => typeof one === "function"));
};
