// users.*, team.info, auth.test.
import { Refused, required } from "../refuse.mjs";

function shown(user, caller) {
  if (caller.scopes.includes("users:read.email")) return user;
  const { email, ...profile } = user.profile;
  return { ...user, profile };
}

function info({ workspace }, given, caller) {
  required(given, "user");
  const user = workspace.users.get(given.user);
  if (!user) throw new Refused("user_not_found");
  return { user: shown(user, caller) };
}

/** Slack finds nobody who is deactivated by address. */
function lookupByEmail({ workspace }, given, caller) {
  required(given, "email");
  const wanted = String(given.email).toLowerCase();
  const user = [...workspace.users.values()].find((one) => !one.deleted && !one.is_bot && one.profile.email?.toLowerCase() === wanted);
  if (!user) throw new Refused("users_not_found");
  return { user: shown(user, caller) };
}

function teamInfo({ workspace: { team } }, { team: named }) {
  if (named && named !== team.id) throw new Refused("team_not_found");
  const { id, name, domain, email_domain, url } = team;
  return { team: { id, name, url, domain, email_domain, icon: { image_default: true } } };
}

function authTest({ workspace: { team, app } }) {
  return { url: team.url, team: team.name, user: app.name, team_id: team.id, user_id: app.bot_user, bot_id: app.bot_id, is_enterprise_install: false };
}

export const USERS = {
  "users.info": { scopes: ["users:read"], run: info },
  "users.lookupByEmail": { scopes: ["users:read.email"], run: lookupByEmail },
  "team.info": { scopes: ["team:read"], run: teamInfo },
  "auth.test": { run: authTest },
};
