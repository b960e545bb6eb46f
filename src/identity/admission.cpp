// Who a verified account is here: somebody it is linked to, a new person, or nobody.
#include <algorithm>

#include "base/ascii.h"
#include "base/task_impl.h"
#include "identity/accounts.h"
#include "identity/sign_on.h"

namespace keyturn::identity {
namespace {

// "Zoe.Ray@acme.example" -> "zoe.ray": an id that tells no address.
std::string id_from(std::string_view username) {
  std::string out;
  for (char c : username.substr(0, username.find('@'))) {
    c = to_lower(c);
    const bool letter = is_lower(c) || is_digit(c);
    if (letter || (!out.empty() && std::string_view("._-").contains(c))) out += c;
  }
  out.resize(std::min<std::size_t>(out.size(), 64));
  return out;
}

std::string source_of(const trust::Provider& provider) {
  return "oidc:" + provider.name;
}

constexpr const char* kHowToLink =
    "; whoever that is signs in with a passkey and links the account on the page Account";

}  // namespace

void SignOn::add_groups(const trust::Provider& from, const Subject& subject,
                        const people::Person* person, Admission& to) const {
  const std::string source = source_of(from);
  const bool had = person != nullptr && person->vouched.contains(source);
  if (from.groups.empty() && !had) return;
  if (!subject.groups)
    to.events.push_back(people::groups_unknown(to.person, source, subject.why));
  else
    to.events.push_back(people::groups_vouched(to.person, source, *subject.groups,
                                               gate_.clock().now() + from.groups.max_age));
}

Result<SignOn::Admission> SignOn::admit(const trust::Provider& from, const Subject& subject) const {
  Result<std::string> account = account_of(key_, from, subject.id);
  if (!account) return std::unexpected(account.error());
  const people::Person* person = gate_.world().directory.by_account(*account);
  if (person == nullptr && from.create_people) return make_person(from, subject, *account);
  if (person == nullptr)
    return refuse("account_not_linked",
                  "this account at " + from.name + " is nobody's here" + std::string(kHowToLink));
  if (!person->active) return refuse("inactive", "this person is not active");
  Admission out{person->id, {}};
  add_groups(from, subject, person, out);
  return out;
}

// Somebody new. What may name a person who is here already is no proof of being them, and a second
// person for the same human could approve what the first asked for: so neither happens.
Result<SignOn::Admission> SignOn::make_person(const trust::Provider& from, const Subject& subject,
                                              std::string account) const {
  const people::Directory& directory = gate_.world().directory;
  if (directory.first_of(account) != nullptr)
    return refuse("account_not_linked", "this account at " + from.name +
                                            " was somebody's here, and makes nobody else" +
                                            kHowToLink);
  for (const std::string& identifier : subject.identifiers) {
    if (const people::Person* known = directory.resolve(identifier); known != nullptr)
      return refuse("account_not_linked", "this account at " + from.name +
                                              " has a name or address of somebody who is here "
                                              "already" +
                                              kHowToLink);
  }
  people::Person person;
  person.id = id_from(!subject.username.empty() ? subject.username
                      : !subject.identifiers.empty()
                          ? subject.identifiers.front()
                          : std::string_view(account).substr(from.name.size() + 1, 12));
  person.name = subject.name.empty() ? person.id : subject.name;
  person.email = subject.email;
  for (const std::string& identifier :
       subject.identifiers) {  // so that claims about them are known
    if (identifier != person.email && identifier != person.id) person.addresses.insert(identifier);
  }
  if (Result<void> ok = people::can_add_person(directory, person); !ok) {
    Refusal why = ok.error();
    why.code = "account_not_linked";
    why.message = "this account at " + from.name + " cannot make a new person: " + why.message;
    return std::unexpected(why);
  }
  Admission out{person.id, {}};
  out.events.push_back(people::person_added(person));
  out.events.push_back(people::account_linked(person.id, account, source_of(from)));
  add_groups(from, subject, nullptr, out);
  return out;
}

doc::Value SignOn::accounts_of(const std::string& id) const {
  doc::Array out;
  const people::Person* person = gate_.world().directory.person(id);
  if (person == nullptr) return out;
  for (const std::string& account : person->accounts)
    out.push_back(
        doc::object({{"account", account}, {"provider", account.substr(0, account.find(':'))}}));
  return out;
}

Task<Result<std::string>> SignOn::unlink(Principal by, std::string id, std::string account) {
  const people::Directory& directory = gate_.world().directory;
  const people::Person* person = directory.person(id);
  const people::Person* asker =
      by.kind == PrincipalKind::kPerson ? directory.person(by.id) : nullptr;
  const bool own = asker != nullptr && by.id == id;
  const bool may = by.kind == PrincipalKind::kHost || own || (asker != nullptr && asker->admin);
  if (!may || person == nullptr || !person->accounts.contains(account))
    co_return refuse("not_found", "there is no such account, or not for you");
  if (own && person->accounts.size() < 2 && !identity_.has_credential(id))
    co_return refuse("last_way_in",
                     "without this account you could not sign in: enrol a passkey first");
  std::vector<EventDraft> events{people::account_unlinked(id, account, by.id)};
  const std::string name = account.substr(0, account.find(':'));
  const auto vouched = person->vouched.find("oidc:" + name);
  if (vouched != person->vouched.end())
    events.push_back(people::groups_vouched(id, "oidc:" + name, {}, gate_.clock().now()));
  for (EventDraft& end : identity_.ends_of(id, "oidc:" + name)) events.push_back(std::move(end));
  const std::string stream = "person/" + id;
  std::vector<store::Expect> expects{{stream, gate_.seen(stream)}};
  Result<std::vector<Event>> recorded =
      co_await gate_.record(std::move(events), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return account;
}

}  // namespace keyturn::identity
