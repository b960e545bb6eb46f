#include "channels/webhook/settings.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/task_impl.h"
#include "channels/fields.h"
#include "channels/webhook/check.h"
#include "channels/webhook/pager.h"
#include "channels/webhook/standard.h"

namespace keyturn::channels::webhook {
namespace {

constexpr std::size_t kWebhooksMax = 20;
constexpr std::array kTemplates{Template::kStandard, Template::kPagerDuty, Template::kOpsgenie};

struct Form {
  std::string_view url;     // the default; "": it has to be said
  std::string_view secret;  // what that is
  std::string_view urgency_key;
  std::string_view urgency;  // the default
  std::vector<std::string_view> urgencies;
};

Form form_of(Template word) {
  switch (word) {
    case Template::kStandard:
      return {"", "what its signatures are made with, \"whsec_\" and base64", "", "", {}};
    case Template::kPagerDuty:
      return {"https://events.pagerduty.com/v2/enqueue",
              "the integration's routing key",
              "severity",
              "critical",
              {"critical", "error", "warning", "info"}};
    case Template::kOpsgenie:
      return {"https://api.opsgenie.com",
              "an API key that may create alerts",
              "priority",
              "P2",
              {"P1", "P2", "P3", "P4", "P5"}};
  }
  return {};
}

Template read_template(doc::ObjectReader& in) {
  const std::string word = in.string("template").value_or("standard");
  for (const Template one : kTemplates) {
    if (to_text(one) == word) return one;
  }
  in.problem("out_of_range", "a template is standard, pagerduty or opsgenie", "template");
  return Template::kStandard;
}

std::string read_urgency(doc::ObjectReader& in, const Form& form) {
  if (form.urgency_key.empty()) return {};
  const std::string word = in.string(form.urgency_key).value_or(std::string(form.urgency));
  if (std::ranges::find(form.urgencies, word) != form.urgencies.end()) return word;
  std::string known;
  for (const std::string_view one : form.urgencies)
    known += (known.empty() ? "" : ", ") + std::string(one);
  in.problem("out_of_range", std::string(form.urgency_key) + " is one of " + known,
             form.urgency_key);
  return std::string(form.urgency);
}

Settings read_one(const doc::Value& value, const std::string& pointer, doc::Problems& problems) {
  doc::ObjectReader in(value, pointer, problems);
  Settings out;
  out.name = in.require_string("name");
  if (!out.name.empty() && !is_name(out.name))
    in.problem("invalid_name", "a name is of a-z, 0-9 and -, at most 40", "name");
  out.form = read_template(in);
  const Form form = form_of(out.form);
  out.url = read_url(in, "url", std::string(form.url));
  if (out.form == Template::kOpsgenie && out.url.ends_with('/')) out.url.pop_back();
  out.secret = require_secret(in, "secret", form.secret);
  out.ca_file = in.string("ca").value_or("");
  out.always = in.boolean("always").value_or(false);
  out.urgency = read_urgency(in, form);
  in.finish();
  return out;
}

std::unique_ptr<Channel> make(const Settings& settings, const Ports& ports) {
  if (settings.form == Template::kStandard) return std::make_unique<Standard>(settings, ports);
  return std::make_unique<Pager>(settings, ports);
}

}  // namespace

std::string_view to_text(Template word) {
  switch (word) {
    case Template::kStandard:
      return "standard";
    case Template::kPagerDuty:
      return "pagerduty";
    case Template::kOpsgenie:
      return "opsgenie";
  }
  return "?";
}

std::vector<Settings> read_settings(const doc::Value& value, const std::string& pointer,
                                    doc::Problems& problems) {
  std::vector<Settings> out;
  const auto problem = [&](const char* code, const char* message) {
    problems.push_back({code, message, pointer, value.position()});
  };
  if (!value.is_array()) {
    problem("wrong_type", "webhooks is a list: [{name, url, secret}, …]");
    return out;
  }
  if (value.as_array().size() > kWebhooksMax)
    problem("out_of_range", "there are at most 20 webhooks");
  for (std::size_t i = 0; i < value.as_array().size(); ++i)
    out.push_back(read_one(value.as_array()[i], pointer + "/" + std::to_string(i), problems));
  return out;
}

std::vector<Configured> read_webhooks(const doc::Value& value, const std::string& pointer,
                                      doc::Problems& problems) {
  std::vector<Configured> out;
  for (const Settings& one : read_settings(value, pointer, problems)) {
    out.push_back(
        {.name = one.name,
         .kind = one.form == Template::kStandard ? "webhook" : "pager",
         .make = [one](const Ports& ports) { return make(one, ports); },
         .test = [one](CheckPorts ports) { return check(one, std::move(ports)); },
         .secrets = {{"secret", one.secret, one.form == Template::kStandard ? "whsec_" : ""}}});
  }
  return out;
}

}  // namespace keyturn::channels::webhook
