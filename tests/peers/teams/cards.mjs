// Is this an Adaptive Card that Teams shows? Microsoft's own parser says so, and we what it lets pass in silence.
import { createRequire } from "node:module";

const AC = createRequire(import.meta.url)("adaptivecards/dist/adaptivecards.js"); // its ES modules are for bundlers only
export const CARD_TYPE = "application/vnd.microsoft.card.adaptive";
const VERSION_MAX = [1, 5], REFRESHED_USERS_MAX = 60, ACTIONS_MAX = 6, DEPTH_MAX = 40;
const CHILDREN = { body: "element", items: "element", actions: "action", columns: "column", rows: "row", cells: "cell", images: "element", inlines: "element", card: "card",
  selectAction: "action", inlineAction: "action" };
const KINDS = { card: ["AdaptiveCard"], column: ["Column"], row: ["TableRow"], cell: ["TableCell"],
  action: ["Action.Execute", "Action.Submit", "Action.OpenUrl", "Action.ShowCard", "Action.ToggleVisibility"],
  element: ["TextBlock", "RichTextBlock", "TextRun", "Image", "Media", "Container", "ColumnSet", "FactSet", "ImageSet", "ActionSet", "Table", "Input.Text", "Input.Number",
    "Input.Date", "Input.Time", "Input.Toggle", "Input.ChoiceSet"] };
const MADE = { AdaptiveCard: AC.AdaptiveCard, Column: AC.Column, TableRow: AC.TableRow, TableCell: AC.TableCell };
const EVERYWHERE = new Set(["type", "$schema", "msteams", "fallback", "requires", "lang", "rtl", "metadata", "refresh", "associatedInputs", "firstRowAsHeader", ...Object.keys(CHILDREN)]);

const HOST = new AC.HostConfig({ actions: { maxActions: ACTIONS_MAX } });

const known = new Map();
function properties(type) {
  if (!known.has(type)) {
    const Type = MADE[type] ?? (AC.GlobalRegistry.defaultElements.findByName(type) ?? AC.GlobalRegistry.defaultActions.findByName(type))?.objectType;
    const schema = new Type().getSchema();
    known.set(type, new Set([...Array(schema.getCount()).keys()].map((i) => schema.getItemAt(i).name)));
  }
  return known.get(type);
}

// Every part of a card with what it is meant to be: [kind, part, path, parent].
export function* parts(card, kind = "card", path = "card", depth = 0) {
  yield [kind, card, path];
  if (depth > DEPTH_MAX || card === null || typeof card !== "object") return;
  for (const [name, child] of Object.entries(CHILDREN)) {
    if (card[name] === undefined || (name === "columns" && card.type === "Table")) continue;
    const list = Array.isArray(card[name]) ? card[name] : [card[name]];
    for (const [i, one] of list.entries()) {
      if (child === "element" && card.type === "RichTextBlock" && typeof one === "string") continue;
      yield* parts(one, child, Array.isArray(card[name]) ? `${path}.${name}[${i}]` : `${path}.${name}`, depth + 1);
    }
  }
  if (card.refresh?.action) yield* parts(card.refresh.action, "action", `${path}.refresh.action`, depth + 1);
}

function* ofPart(kind, part, path, ids) {
  if (part === null || typeof part !== "object") return yield `${path}: no object`;
  const type = part.type ?? (kind === "column" ? "Column" : kind === "row" ? "TableRow" : kind === "cell" ? "TableCell" : undefined);
  if (!KINDS[kind].includes(type)) return yield `${path}: no ${kind} of type ${JSON.stringify(type)}`;
  const here = properties(type);
  for (const name of Object.keys(part)) {
    if (!here.has(name) && !EVERYWHERE.has(name)) yield `${path}: ${type} has no property ${JSON.stringify(name)}`;
  }
  if (kind === "element" && typeof part.id === "string" && ids.has(part.id)) yield `${path}: another element has the id ${JSON.stringify(part.id)}`;
  if (kind === "element" && typeof part.id === "string") ids.add(part.id);
  if (type === "TextBlock" && typeof part.text !== "string") yield `${path}: no text`;
  if (kind === "action" && !part.title && !/refresh|selectAction/.test(path)) yield `${path}: no title`;
  if (type === "Action.Execute" && part.data !== undefined && (part.data === null || typeof part.data !== "object")) yield `${path}: data that inputs cannot be merged into`;
  if (type.startsWith("Input.") && !part.id) yield `${path}: an input without an id`;
}

function* ofCard(card) {
  const version = /^(\d+)\.(\d+)$/.exec(card.version ?? "")?.slice(1).map(Number);
  if (!version || version[0] !== 1 || version[1] > VERSION_MAX[1]) yield `card: version ${JSON.stringify(card.version)}; Teams shows 1.0 to ${VERSION_MAX.join(".")}`;
  const executes = [...parts(card)].some(([, part]) => part?.type === "Action.Execute");
  if (executes && version && version[1] < 4) yield "card: Action.Execute needs version 1.4 or 1.5";
  if (card.refresh && card.refresh.action?.type !== "Action.Execute") yield "card.refresh: no Action.Execute";
  const users = card.refresh?.userIds;
  if (users !== undefined && !(Array.isArray(users) && users.every((id) => typeof id === "string"))) yield "card.refresh.userIds: no list of ids";
  if (users?.length > REFRESHED_USERS_MAX) yield `card.refresh.userIds: ${users.length}, at most ${REFRESHED_USERS_MAX}`;
}

function* ofParser(card) {
  const context = new AC.SerializationContext(AC.Versions.v1_5), made = new AC.AdaptiveCard();
  made.hostConfig = HOST;
  made.parse(card, context);
  for (let i = 0; i < context.eventCount; i += 1) yield `adaptivecards: ${context.getEventAt(i).message}`;
  for (const event of made.validateProperties().validationEvents) yield `adaptivecards: ${event.message}`;
}

// All that is wrong with a card; [] where Teams shows it.
export function violations(card) {
  if (card === null || typeof card !== "object" || Array.isArray(card)) return ["card: no object"];
  const ids = new Set(), found = [...ofCard(card)];
  for (const [kind, part, path] of parts(card)) found.push(...ofPart(kind, part, path, ids));
  return [...new Set([...found, ...ofParser(card)])];
}
