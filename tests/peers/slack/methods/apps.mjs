// apps.connections.open, apps.manifest.validate.
import { Refused } from "../refuse.mjs";
import { checkManifest } from "../cards/manifest.mjs";

function connectionsOpen({ sockets, workspace: { app } }) {
  if (!app.socket_mode) throw new Refused("access_denied");
  return { url: sockets.ticket() };
}

function validate(world, { manifest }) {
  if (typeof manifest !== "string") throw new Refused("invalid_arguments");
  let told;
  try {
    told = JSON.parse(manifest);
  } catch {
    throw new Refused("invalid_manifest", { errors: [{ message: "Manifest is not valid JSON", pointer: "/" }] });
  }
  const errors = checkManifest(told);
  if (errors.length) throw new Refused("invalid_manifest", { errors });
  return {};
}

export const APPS = {
  "apps.connections.open": { token: "app", scopes: ["connections:write"], run: connectionsOpen },
  "apps.manifest.validate": { token: "config", run: validate },
};
