// All parts of the loopback, and the port where Slack is: it can go down and come up again.
import http from "node:http";
import { Api } from "./api.mjs";
import { Delivery } from "./delivery.mjs";
import { Faults } from "./faults.mjs";
import { Happenings } from "./happenings.mjs";
import { People } from "./people.mjs";
import { Responses } from "./responses.mjs";
import { Screens } from "./screens.mjs";
import { Sockets } from "./sockets.mjs";
import { Workspace } from "./workspace.mjs";

export class World {
  constructor() {
    this.faults = new Faults();
    this.sockets = new Sockets(this);
    this.reset();
  }

  /** A new workspace, with nobody in it. */
  reset() {
    this.workspace = new Workspace();
    this.screens = new Screens(this.workspace);
    this.responses = new Responses(this);
    this.delivery = new Delivery(this);
    this.api = new Api(this);
    this.people = new People(this);
    const happenings = (this.happenings = new Happenings(this));
    this.workspace.listeners.push((channel, event) => happenings.follow(channel, event));
    this.faults.clear();
    this.sockets.drop();
  }

  #serve(request, response) {
    const { pathname } = new URL(request.url, "http://slack.test");
    const served = pathname.startsWith("/api/")
      ? this.api.serve(pathname.slice(5), request, response)
      : pathname.startsWith("/actions/")
        ? this.responses.serve(pathname, request, response)
        : Promise.resolve(response.writeHead(404).end());
    served.catch((error) => {
      console.error(error);
      response.destroy();
    });
  }

  up(port = this.port) {
    if (this.server) return { port: this.port };
    this.server = http.createServer((request, response) => this.#serve(request, response));
    this.server.on("upgrade", (request, socket, head) => this.sockets.upgrade(request, socket, head));
    return new Promise((done, failed) => {
      this.server.once("error", failed);
      this.server.listen(port, "127.0.0.1", () => {
        this.port = this.server.address().port;
        done({ port: this.port });
      });
    });
  }

  /** Refuses connections, and ends those that there are. */
  async down() {
    const server = this.server;
    this.server = null;
    if (!server) return {};
    const closed = new Promise((done) => {
      server.close(done);
    });
    this.sockets.drop();
    server.closeAllConnections();
    await closed;
    return {};
  }
}
