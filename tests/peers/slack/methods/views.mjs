// views.*: modals of a trigger, and home views.
import { Refused, invalid, required } from "../refuse.mjs";
import { checkView, VIEW_BYTES_MAX } from "../cards/blocks.mjs";

export function checked(view, type) {
  if (view === undefined || view === null || typeof view !== "object") throw invalid("invalid_arguments", ["missing required field: view"]);
  const errors = checkView(view);
  if (!errors.length && view.type !== type) errors.push(`unsupported type: ${view.type} [json-pointer:/view/type]`);
  if (errors.length) throw invalid("invalid_arguments", errors);
  if (JSON.stringify(view).length > VIEW_BYTES_MAX) throw new Refused("view_too_large");
  return view;
}

const open =
  (push) =>
  ({ screens }, { trigger_id, view }) => {
    required({ trigger_id }, "trigger_id");
    const modal = checked(view, "modal");
    const trigger = screens.triggers.use(trigger_id);
    return { view: screens.seenView(screens.openModal(trigger.user, modal, push)) };
  };

function update({ screens }, { view_id, external_id, view, hash }) {
  if (!view_id && !external_id) throw invalid("invalid_arguments", ["missing required field: view_id"]);
  const found = screens.findView(view_id, external_id);
  if (!found) throw new Refused("not_found");
  if (hash && hash !== found.hash) throw new Refused("hash_conflict");
  return { view: screens.seenView(screens.changeView(found, checked(view, found.type))) };
}

function publish({ workspace, screens }, given) {
  required(given, "user_id");
  const { user_id, view, hash } = given,
    user = workspace.users.get(user_id);
  const home = checked(view, "home");
  if (!workspace.app.home_enabled) throw new Refused("not_enabled");
  if (!user || user.deleted || user.is_bot) throw invalid("invalid_arguments", ["user_id is not valid [json-pointer:/user_id]"]);
  const before = screens.home(user_id);
  if (hash && before && hash !== before.hash) throw new Refused("hash_conflict");
  return { view: screens.seenView(screens.publish(user_id, home)) };
}

export const VIEWS = { "views.open": { run: open(false) }, "views.push": { run: open(true) }, "views.update": { run: update }, "views.publish": { run: publish } };
