// Every method that is served, by name: {token: "bot" | "app" | "config", scopes: any of them is enough, run(world, arguments)}.
import { APPS } from "./apps.mjs";
import { CHAT } from "./chat.mjs";
import { CONVERSATIONS } from "./conversations.mjs";
import { USERS } from "./users.mjs";
import { VIEWS } from "./views.mjs";

export const METHODS = { ...APPS, ...CHAT, ...CONVERSATIONS, ...USERS, ...VIEWS };
