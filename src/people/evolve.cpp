// The fold: identity events into a Directory, and the index of who is one human.
#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "people/directory.h"
#include "people/names.h"

namespace keyturn::people {
namespace {

std::set<std::string> texts_of(const doc::Value* value) {
  std::set<std::string> out;
  if (value == nullptr || !value->is_array()) return out;
  for (const doc::Value& v : value->as_array()) {
    if (v.is_string()) out.insert(v.as_string());
  }
  return out;
}

void set_text(const doc::Value& from, std::string_view key, std::string& to) {
  const doc::Value* v = from.find(key);
  if (v != nullptr && v->is_string()) to = v->as_string();
}

void set_flag(const doc::Value& from, std::string_view key, bool& to) {
  const doc::Value* v = from.find(key);
  if (v != nullptr && v->is_bool()) to = v->as_bool();
}

}  // namespace

// Never the same for two contents: what is kept of a directory is known by it alone.
std::uint64_t next_version() {
  static std::atomic<std::uint64_t> last{1};
  return ++last;
}

// Changes a Directory and keeps its indices right.
class Folder {
 public:
  explicit Folder(Directory& directory) : d_(directory) {}

  void person_added(const doc::Value& v) {
    Person p;
    p.id = v.text("id");
    if (p.id.empty()) return;
    p.name = v.text("name");
    p.email = v.text("email");
    p.aliases = texts_of(v.find("aliases"));
    p.addresses = texts_of(v.find("addresses"));
    p.own_groups = texts_of(v.find("groups"));
    p.admin = v.flag("admin");
    p.auditor = v.flag("auditor");
    p.simulated = v.flag("simulated");
    p.service_of = v.text("service_of");
    p.active = counts(p);
    const bool replaces = d_.persons_.contains(p.id);
    if (replaces) drop(p.id);
    Person& stored = d_.persons_[p.id] = std::move(p);
    regroup(stored);
    look(stored);
    // Whoever names an id that appears only now is linked to it from now on.
    if (replaces || !stored.service_of.empty() || has_waiting_service(stored.id)) {
      reindex();
    } else {
      index(stored);
    }
  }

  void person_changed(const doc::Value& v) {
    Person* p = find(v.text("id"));
    if (p == nullptr) return;
    const std::string email = p->email, name = p->name;
    const std::string service_of = p->service_of;
    const std::set<std::string> addresses = p->addresses;
    set_text(v, "name", p->name);
    set_text(v, "email", p->email);
    set_text(v, "service_of", p->service_of);
    set_flag(v, "admin", p->admin);
    set_flag(v, "auditor", p->auditor);
    if (v.find("addresses") != nullptr) p->addresses = texts_of(v.find("addresses"));
    if (p->service_of != service_of) regroup(*p);
    if (p->email != email || p->name != name) look(*p);
    if (p->email != email || p->service_of != service_of || p->addresses != addresses) reindex();
  }

  void forget(const doc::Value& v) {
    Person* p = find(v.text("id"));
    if (p == nullptr) return;
    p->name.clear();
    p->email.clear();
    p->addresses.clear();
    p->same_as.merge(texts_of(v.find("same_as")));
    look(*p);
    reindex();
  }

  void set_active(const doc::Value& v, bool active, Time at) {
    Person* p = find(v.text("id"));
    if (p == nullptr) return;
    if (!active) p->shut_out_at = at;
    p->deactivated = !active;
    recount(*p);
  }

  void alias_added(const doc::Value& v) {
    Person* p = find(v.text("person"));
    const std::string alias(v.text("alias"));
    if (p == nullptr || alias.empty()) return;
    p->aliases.insert(alias);
    index(*p);
  }

  void group_changed(const doc::Value& v) {
    const std::string name(v.text("name"));
    if (name.empty()) return;
    d_.groups_.try_emplace(name);
    for (const std::string& id : texts_of(v.find("added"))) {
      Person* p = find(id);
      if (p == nullptr) continue;
      p->own_groups.insert(name);
      regroup(*p);
    }
    for (const std::string& id : texts_of(v.find("removed"))) {
      Person* p = find(id);
      if (p == nullptr) continue;
      p->own_groups.erase(name);
      regroup(*p);
    }
  }

  void account_linked(const doc::Value& v, bool linked) {
    Person* p = find(v.text("person"));
    const std::string account(v.text("account"));
    if (p == nullptr || account.empty()) return;
    if (!linked) {
      if (p->accounts.erase(account) == 0) return;
      d_.account_.erase(account);
      moved();  // what comes from that account counts for nobody now
      return;
    }
    const std::string& first = d_.first_.try_emplace(account, p->id).first->second;
    if (first != p->id && !d_.same_human(first, p->id)) return;  // it is theirs for good
    if (d_.account_.try_emplace(account, p->id).first->second != p->id) return;
    if (p->accounts.insert(account).second) moved();  // whoever has it keeps it
  }

  void vouched(const doc::Value& v) {
    Person* p = find(v.text("person"));
    const std::string source(v.text("source"));
    if (p == nullptr || source.empty()) return;
    GroupSnapshot snapshot;
    snapshot.known = !v.flag("unknown");
    snapshot.groups = texts_of(v.find("groups"));
    snapshot.of = v.text("of");
    if (v.find("until") != nullptr) {  // unreadable: over already
      snapshot.until = from_rfc3339(v.text("until")).value_or(Time{});
      d_.snapshots_end_.emplace(*snapshot.until, p->id);
    }
    p->vouched[source] = std::move(snapshot);
    regroup(*p);
  }

  void delegated(const doc::Value& v) {
    Delegation out;
    out.id = v.text("id");
    out.from = v.text("from");
    out.to = v.text("to");
    out.groups = texts_of(v.find("groups"));
    out.start = from_rfc3339(v.text("start")).value_or(Time{});
    out.until = from_rfc3339(v.text("until")).value_or(Time{});
    if (!out.id.empty()) d_.delegations_[out.id] = std::move(out);
  }

  void delegation_ended(const doc::Value& v, Time at) {
    const auto it = d_.delegations_.find(v.text("id"));
    if (it == d_.delegations_.end()) return;
    it->second.until = std::min(it->second.until, at);
    if (it->second.until <= d_.now_) d_.delegations_.erase(it);
  }

  void away(const doc::Value& v) {
    Person* p = find(v.text("id"));
    if (p == nullptr) return;
    p->away_until.reset();
    if (v.find("until") != nullptr) {
      const auto until = from_rfc3339(v.text("until"));
      if (until) p->away_until = *until;
    }
  }

  void moved() { d_.version_ = next_version(); }

  void pass_time(Time now) {
    const Time before = std::exchange(d_.now_, std::max(d_.now_, now));
    for (const auto& [id, delegation] : d_.delegations_) {
      if (delegation.start > before && delegation.start <= d_.now_) moved();
    }
    const std::size_t over = std::erase_if(
        d_.delegations_, [&](const auto& entry) { return entry.second.until <= d_.now_; });
    if (over > 0) moved();
    while (!d_.snapshots_end_.empty() && d_.snapshots_end_.begin()->first <= d_.now_) {
      Person* p = find(d_.snapshots_end_.begin()->second);
      d_.snapshots_end_.erase(d_.snapshots_end_.begin());
      moved();
      if (p != nullptr) regroup(*p);
    }
  }

  void agent_owner(const doc::Value& v, Time at) {
    const std::string name(v.text("name"));
    if (name.empty()) return;
    Agent& agent = d_.agents_[name];
    agent.name = name;
    agent.owners.push_back({std::string(v.text("owner")), at});
  }

  void set_suspended(const doc::Value& v, bool suspended) {
    const auto it = d_.agents_.find(v.text("name"));
    if (it != d_.agents_.end()) it->second.suspended = suspended;
  }

  // Whether they count now; and so, whether they may be on call.
  void recount(Person& p) {
    p.active = counts(p);
    regroup(p);
  }

  // Person::groups and the members of each group, from what is in force now.
  void regroup(Person& p) {
    std::set<std::string> effective = p.own_groups;
    for (const auto& [source, snapshot] : p.vouched) {
      if (in_force(snapshot) && snapshot.of.empty())
        effective.insert(snapshot.groups.begin(), snapshot.groups.end());
    }
    for (const std::string& group : d_.on_call_groups_) effective.erase(group);
    effective.merge(on_call(p, effective));
    for (const std::string& group : p.groups) {
      if (!effective.contains(group)) d_.groups_[group].erase(p.id);
    }
    for (const std::string& group : effective) d_.groups_[group].insert(p.id);
    p.groups = std::move(effective);
  }

 private:
  bool in_force(const GroupSnapshot& snapshot) const {
    return snapshot.known && (!snapshot.until || d_.now_ < *snapshot.until);
  }

  // The groups of schedules that somebody of these other groups is in.
  std::set<std::string> on_call(const Person& p, const std::set<std::string>& others) const {
    std::set<std::string> out;
    if (!p.active || !p.service_of.empty()) return out;
    for (const auto& [source, schedule] : d_.schedules_) {
      const auto said = p.vouched.find(source);
      if (said == p.vouched.end() || !in_force(said->second)) continue;
      const GroupSnapshot& snapshot = said->second;
      if (snapshot.of == schedule.of && snapshot.groups.contains(schedule.group) &&
          others.contains(schedule.of))
        out.insert(schedule.group);
    }
    return out;
  }

  bool counts(const Person& p) const {
    return !p.deactivated && (!p.simulated || d_.simulated_admitted_);
  }

  Person* find(std::string_view id) {
    const auto it = d_.persons_.find(id);
    return it == d_.persons_.end() ? nullptr : &it->second;
  }

  bool has_waiting_service(const std::string& id) const {
    for (const auto& [other, p] : d_.persons_) {
      if (p.service_of == id) return true;
    }
    return false;
  }

  void drop(const std::string& id) {
    for (auto& [name, members] : d_.groups_) members.erase(id);
    std::erase_if(d_.account_, [&](const auto& held) { return held.second == id; });
  }

  // What the person's id, address and name look like now.
  void look(const Person& p) {
    std::set<std::string>& known = d_.shapes_of_[p.id];
    for (const std::string& shape : known) {
      const auto it = d_.shapes_.find(shape);
      it->second.erase(p.id);
      if (it->second.empty()) d_.shapes_.erase(it);
    }
    known.clear();
    for (const std::string* text : {&p.id, &p.email, &p.name}) {
      if (text->empty()) continue;
      const std::string& shape = *known.insert(skeleton(*text)).first;
      d_.shapes_[shape].insert(p.id);
    }
  }

  static std::set<std::string> identifiers(const Person& p) {
    std::set<std::string> out{fold_identifier(p.id)};
    if (!p.email.empty()) out.insert(fold_identifier(p.email));
    for (const std::string& alias : p.aliases) out.insert(fold_identifier(alias));
    for (const std::string& address : p.addresses) out.insert(fold_identifier(address));
    out.erase("");
    return out;
  }

  // Adds what is new of `p`; where an identifier is held by another, the two are one human.
  void index(const Person& p) {
    std::string& human = d_.human_[p.id];
    if (human.empty()) human = p.id;
    for (const std::string& identifier : identifiers(p)) {
      const auto [it, fresh] = d_.holder_.try_emplace(identifier, p.id);
      if (!fresh && it->second != p.id) unite(it->second, p.id);
    }
    if (!p.service_of.empty() && d_.persons_.contains(p.service_of)) unite(p.service_of, p.id);
    for (const std::string& other : p.same_as) {
      if (d_.persons_.contains(other)) unite(other, p.id);
    }
  }

  void unite(const std::string& a, const std::string& b) {
    std::string& human_a = d_.human_[a];
    if (human_a.empty()) human_a = a;
    const std::string keep = human_a;
    const std::string give_up = d_.human_[b];
    if (keep == give_up) return;
    for (auto& [id, human] : d_.human_) {
      if (human == give_up) human = keep;
    }
  }

  void reindex() {
    d_.holder_.clear();
    d_.human_.clear();
    for (const auto& [id, p] : d_.persons_) index(p);
  }

  Directory& d_;
};

void Directory::pass_time(Time now) {
  Folder(*this).pass_time(now);
}

void Directory::admit_simulated(bool admitted) {
  simulated_admitted_ = admitted;
  Folder fold(*this);
  fold.moved();
  for (auto& [id, person] : persons_) {
    if (person.simulated) fold.recount(person);
  }
}

void Directory::admit_schedules(Schedules schedules) {
  if (schedules == schedules_) return;
  schedules_ = std::move(schedules);
  on_call_groups_.clear();
  for (const auto& [source, schedule] : schedules_) on_call_groups_.insert(schedule.group);
  Folder fold(*this);
  fold.moved();
  for (auto& [id, person] : persons_) fold.regroup(person);
}

bool is_identity_event(std::string_view type) {
  return type.starts_with("identity.");
}

namespace {

// Not tokens, sessions and passkeys: they change nothing of who counts.
bool is_of_the_directory(std::string_view stream) {
  return stream.starts_with("person/") || stream.starts_with("agent/") ||
         stream.starts_with("group/");
}

}  // namespace

void evolve(Directory& directory, const Event& event) {
  const std::string_view type = event.type;
  if (!is_identity_event(type) || !is_of_the_directory(event.stream)) return;
  Folder fold(directory);
  fold.moved();
  const auto part = [&](std::string_view key) {
    const doc::Value* v = event.body.find(key);
    doc::Value out = v == nullptr ? doc::Value() : *v;
    if (key == "person" && event.private_part && out.is_object()) {  // else it was erased
      for (const doc::Member& member : event.private_part->as_object())
        out.set(member.key, member.value);
    }
    return out;
  };
  if (type == "identity.person_added") return fold.person_added(part("person"));
  if (type == "identity.person_changed") return fold.person_changed(part("person"));
  if (type == "identity.person_forgotten") return fold.forget(part("person"));
  if (type == "identity.person_deactivated")
    return fold.set_active(part("person"), false, event.time);
  if (type == "identity.person_activated") return fold.set_active(part("person"), true, event.time);
  if (type == "identity.alias_added") return fold.alias_added(part("alias"));
  if (type == "identity.group_changed") return fold.group_changed(part("group"));
  if (type == "identity.account_linked") return fold.account_linked(part("account"), true);
  if (type == "identity.account_unlinked") return fold.account_linked(part("account"), false);
  if (type == "identity.groups_vouched") return fold.vouched(part("vouched"));
  if (type == "identity.delegated") return fold.delegated(part("delegation"));
  if (type == "identity.delegation_ended")
    return fold.delegation_ended(part("delegation"), event.time);
  if (type == "identity.away_set") return fold.away(part("away"));
  if (type == "identity.agent_added") return fold.agent_owner(part("agent"), event.time);
  if (type == "identity.agent_owner_changed") return fold.agent_owner(part("agent"), event.time);
  if (type == "identity.agent_suspended") return fold.set_suspended(part("agent"), true);
  if (type == "identity.agent_resumed") return fold.set_suspended(part("agent"), false);
}

}  // namespace keyturn::people
