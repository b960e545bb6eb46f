// What a User comes to: a person, their account, their name and addresses, whether they are active.
#include <algorithm>

#include "base/ascii.h"
#include "base/id.h"
#include "provisioning/impl.h"

namespace keyturn::provisioning {
namespace {

constexpr std::size_t kNameBytesMax = 256;  // of a person
constexpr std::size_t kIdBytesMax = 64;     // of one that is made here
constexpr int kIdsTried = 50;

// The address that is the person's own: the primary one, else of work, else the first, else a
// userName that is one.
std::string email_of(const doc::Value& user) {
  const doc::Value* emails = user.find("emails");
  std::string best;
  int rank = 0;
  if (emails != nullptr && emails->is_array()) {
    for (const doc::Value& one : emails->as_array()) {
      const int now = one.flag("primary") ? 3 : scim::same_name(one.text("type"), "work") ? 2 : 1;
      if (now <= rank || one.text("value").empty()) continue;
      rank = now;
      best = one.text("value");
    }
  }
  if (best.empty() && user.text("userName").contains('@')) best = user.text("userName");
  return best;
}

std::string name_of(const doc::Value& user) {
  const doc::Value* parts = user.find("name");
  std::string out(user.text("displayName"));
  if (out.empty() && parts != nullptr) {
    out = parts->text("formatted");
    if (out.empty()) {
      out = parts->text("givenName");
      out += (out.empty() || parts->text("familyName").empty() ? "" : " ");
      out += parts->text("familyName");
    }
  }
  return out.empty() ? std::string(user.text("userName")) : out;
}

std::set<std::string> addresses_of(const doc::Value& user, const std::string& id,
                                   const std::string& email) {
  std::set<std::string> out{std::string(user.text("userName"))};
  if (const doc::Value* emails = user.find("emails"); emails != nullptr && emails->is_array()) {
    for (const doc::Value& one : emails->as_array()) out.emplace(one.text("value"));
  }
  out.erase("");
  out.erase(id);
  out.erase(email);
  return out;
}

// The local part of the userName in letters that an id may have: "J.Doe@corp.example" is "j.doe".
std::string id_of(std::string_view user_name) {
  std::string out = scim::lower(user_name.substr(0, user_name.find('@')));
  for (char& c : out) {
    const bool holds = is_lower(c) || is_digit(c) || std::string_view("._+-").contains(c);
    if (!holds) c = '-';
  }
  out.erase(0, out.find_first_not_of("._+-"));
  out.resize(std::min(out.size(), kIdBytesMax));
  return out.empty() ? "person" : out;
}

// 8-4-4-4-12 hexadecimal digits.
bool is_object_id(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool is_hex = is_digit(c) || (c >= 'a' && c <= 'f');
    if (is_dash ? c != '-' : !is_hex) return false;
  }
  return true;
}

// What a sign-in knows the same user by: `sub` of Okta and any other OpenID provider, of Entra the
// object id.
Result<std::string> subject_of(const trust::Provider& provider, std::string_view external_id) {
  if (provider.kind != trust::ProviderKind::kEntra) return std::string(external_id);
  std::string object = scim::lower(external_id);
  if (is_object_id(object)) return object;
  return refuse("invalidValue",
                "externalId must be the user's object id: map externalId to objectId in Entra's "
                "attribute mapping (its default is mailNickname, which is no account)");
}

bool is_active(const doc::Value& user) {
  const doc::Value* active = user.find("active");
  return active == nullptr || !active->is_bool() || active->as_bool();
}

}  // namespace

Refusal in_scim_words(Refusal refusal) {
  for (const char* code :
       {"identifier_taken", "person_exists", "confusing_name", "account_taken"}) {
    if (refusal.code == code) refusal.code = "uniqueness";
  }
  for (const char* code : {"invalid_name", "invalid_id", "invalid_subject", "unknown_person"}) {
    if (refusal.code == code) refusal.code = "invalidValue";
  }
  return refusal;
}

Result<std::string> Provisioning::Impl::account_of(const std::string& section,
                                                   const doc::Value& user) const {
  const trust::ScimSection* config = configured(section);
  const auto provider =
      config == nullptr ? document().providers.end() : document().providers.find(config->provider);
  if (provider == document().providers.end())
    return refuse("not_configured", "scim." + section + " is not in identity.yaml any more");
  if (user.text("externalId").empty())
    return refuse("invalidValue",
                  "a User needs an externalId: the provider's own id of the account, which a "
                  "sign-in by " +
                      config->provider + " is known by");
  Result<std::string> subject = subject_of(provider->second, user.text("externalId"));
  if (!subject) return subject;
  Result<std::string> account = ports.account(provider->second, *subject);
  if (!account) return std::unexpected(in_scim_words(account.error()));
  return account;
}

Result<void> Provisioning::Impl::check_unique(const std::string& name, const doc::Value& user,
                                              std::string_view id) const {
  const Section& section = state.section(name);
  const auto taken = [&](const auto& map, const std::string& key) {
    const auto found = map.find(key);
    return found != map.end() && found->second != id;
  };
  if (taken(section.user_of_name, scim::lower(user.text("userName"))))
    return refuse("uniqueness", "another User has that userName");
  if (taken(section.user_of_external, std::string(user.text("externalId"))))
    return refuse("uniqueness", "another User has that externalId");
  return {};
}

// Somebody new, or why not. A person who is here already is never taken for them: only an account
// says who somebody is.
Result<people::Person> Provisioning::Impl::new_person(const std::string& section,
                                                      const doc::Value& user) const {
  people::Person person;
  person.name = name_of(user);
  if (person.name.size() > kNameBytesMax)
    return refuse("invalidValue", "a name has at most " + std::to_string(kNameBytesMax) + " bytes");
  person.email = email_of(user);
  const std::string base = id_of(user.text("userName"));
  const std::string provider = configured(section)->provider + ":";
  Result<void> ok;
  for (int number = 1; number <= kIdsTried; ++number) {
    person.id = number == 1 ? base : base + "-" + std::to_string(number);
    person.addresses = addresses_of(user, person.id, person.email);
    ok = people::can_add_person(directory(), person);
    if (ok) return person;
    const people::Person* holder = directory().person(person.id);
    if (holder == nullptr && ok.error().code != "confusing_name") break;
    const bool is_other_human =
        holder == nullptr || std::ranges::any_of(holder->accounts, [&](const std::string& account) {
          return account.starts_with(provider);
        });
    if (!is_other_human)
      return refuse("uniqueness",
                    "there is a person " + holder->id +
                        " here already, who has no account at this provider. If that is the same "
                        "human, let them link it on their account page and send this again; if "
                        "not, give this User another userName");
  }
  Refusal refusal = in_scim_words(ok.error());
  refusal.message +=
      ". If that is the same human, let them link their account at this provider on their account "
      "page and send this again";
  return std::unexpected(std::move(refusal));
}

Result<void> Provisioning::Impl::add_changes(Plan& plan, const std::string& section,
                                             const people::Person& person,
                                             const doc::Value& user) const {
  people::Person next = person;
  next.name = name_of(user);
  next.email = email_of(user);
  next.addresses = addresses_of(user, person.id, next.email);
  if (next.name.size() > kNameBytesMax)
    return refuse("invalidValue", "a name has at most " + std::to_string(kNameBytesMax) + " bytes");
  if (next != person) {
    if (Result<void> ok = people::can_change_person(directory(), next); !ok)
      return std::unexpected(in_scim_words(ok.error()));
    plan.events.push_back(people::person_changed(next));
  }
  if (is_active(user) == !person.deactivated) return {};
  if (!is_active(user)) {
    plan.events.push_back(people::person_deactivated(person.id, source_of(section)));
    return {};
  }
  if (state.deactivated_why(person.id) != source_of(section))
    return refuse("not_allowed", person.id +
                                     " was deactivated here, not by this section; whoever did that "
                                     "can activate them again");
  plan.events.push_back(people::person_activated(person.id));
  return {};
}

Result<Plan> Provisioning::Impl::plan_new_user(const std::string& section, doc::Value user) {
  if (Result<void> ok = scim::check_complete(scim::user_schema(), user); !ok)
    return std::unexpected(ok.error());
  Result<std::string> account = account_of(section, user);
  if (!account) return std::unexpected(account.error());
  if (Result<void> ok = check_unique(section, user, ""); !ok) return std::unexpected(ok.error());
  if (user.find("active") == nullptr) user.set("active", true);
  Plan plan;
  if (const people::Person* person = directory().by_account(*account)) {
    if (const auto others = state.sections_of(person->id); !others.empty())
      return refuse("uniqueness", "scim." + *others.begin() + " writes that person already");
    if (person->simulated || !person->service_of.empty())
      return refuse("uniqueness", person->id + " is no person's own account here");
    plan.id = person->id;
    if (Result<void> ok = add_changes(plan, section, *person, user); !ok)
      return std::unexpected(ok.error());
  } else {
    if (const people::Person* first = directory().first_of(*account); first != nullptr)
      return refuse("uniqueness", "this account was " + first->id +
                                      "'s here, who has unlinked it and can link it again");
    Result<people::Person> made = new_person(section, user);
    if (!made) return std::unexpected(made.error());
    plan.id = made->id;
    plan.events.push_back(people::person_added(*made));
    plan.events.push_back(people::account_linked(made->id, *account, source_of(section)));
    if (!is_active(user))
      plan.events.push_back(people::person_deactivated(made->id, source_of(section)));
  }
  plan.events.push_back(user_written(section, plan.id, user, {}));
  plan.streams.insert("person/" + plan.id);
  return plan;
}

// Whoever is to be shut out is, whatever else of the message cannot be.
Result<Plan> Provisioning::Impl::plan_user(const std::string& section, const std::string& id,
                                           doc::Value user) const {
  const bool shuts_out = user.find("active") != nullptr && !is_active(user);
  Result<Plan> whole = plan_whole_user(section, id, std::move(user));
  const User* before = state.section(section).user(id);
  const people::Person* person = directory().person(id);
  if (whole || !shuts_out || before == nullptr || person == nullptr || person->deactivated)
    return whole;
  Plan plan;
  plan.id = id;
  plan.streams.insert("person/" + id);
  plan.events.push_back(people::person_deactivated(id, source_of(section)));
  doc::Value out = before->resource;
  out.set("active", false);
  plan.events.push_back(user_written(section, id, out, before->groups));
  return plan;
}

Result<Plan> Provisioning::Impl::plan_whole_user(const std::string& section, const std::string& id,
                                                 doc::Value user) const {
  const User* before = state.section(section).user(id);
  const people::Person* person = directory().person(id);
  if (before == nullptr || person == nullptr)
    return refuse("not_found", "there is no User " + id + " of this section");
  // What a PUT leaves out of these stays: Okta sends no externalId, and silence activates nobody.
  for (const char* name : {"externalId", "active"}) {
    const doc::Value* has = before->resource.find(name);
    if (user.find(name) == nullptr && has != nullptr) user.set(name, *has);
  }
  if (Result<void> ok = scim::check_complete(scim::user_schema(), user); !ok)
    return std::unexpected(ok.error());
  Result<std::string> account = account_of(section, user);
  if (!account) return std::unexpected(account.error());
  if (Result<void> ok = check_unique(section, user, id); !ok) return std::unexpected(ok.error());
  Plan plan;
  plan.id = id;
  plan.streams.insert("person/" + id);
  if (!person->accounts.contains(*account)) {
    if (Result<void> ok = people::can_link_account(directory(), id, *account); !ok)
      return std::unexpected(in_scim_words(ok.error()));
    const Result<std::string> old = account_of(section, before->resource);
    if (old && person->accounts.contains(*old))
      plan.events.push_back(people::account_unlinked(id, *old, source_of(section)));
    plan.events.push_back(people::account_linked(id, *account, source_of(section)));
  }
  if (Result<void> ok = add_changes(plan, section, *person, user); !ok)
    return std::unexpected(ok.error());
  if (!plan.events.empty() || user != before->resource)
    plan.events.push_back(user_written(section, id, user, before->groups));
  return plan;
}

Result<Plan> Provisioning::Impl::plan_user_removal(const std::string& section,
                                                   const std::string& id) const {
  const people::Person* person = directory().person(id);
  if (state.section(section).user(id) == nullptr || person == nullptr)
    return refuse("not_found", "there is no User " + id + " of this section");
  Plan plan;
  plan.id = id;
  plan.streams.insert("person/" + id);
  add_vouched(plan, section, id, {});
  if (!person->deactivated)
    plan.events.push_back(people::person_deactivated(id, source_of(section)));
  plan.events.push_back(user_removed(section, id));
  return plan;
}

}  // namespace keyturn::provisioning
