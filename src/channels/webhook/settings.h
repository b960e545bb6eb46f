// `channels: webhooks:` of keyturn.yaml.
#pragma once

#include <string>
#include <vector>

#include "channels/config.h"
#include "doc/read.h"
#include "secrets/reference.h"

namespace keyturn::channels::webhook {

enum class Template { kStandard, kPagerDuty, kOpsgenie };
std::string_view to_text(Template word);  // "standard" "pagerduty" "opsgenie"

struct Settings {
  std::string name;  // a-z, 0-9 and -, at most 40
  Template form = Template::kStandard;
  // standard: where messages go. pagerduty: of the Events API. opsgenie: of the API, without a path
  std::string url;
  // standard: "whsec_" and base64. pagerduty: the routing key. opsgenie: the API key
  secrets::SecretReference secret;
  std::string ca_file;
  bool always = false;  // also for plans that do not say `notify`; a pager before any escalation
  std::string urgency;  // pagerduty: severity; opsgenie: priority
};

// The array of webhooks; every mistake with its place.
std::vector<Settings> read_settings(const doc::Value& value, const std::string& pointer,
                                    doc::Problems& problems);
// The same, ready to run.
std::vector<Configured> read_webhooks(const doc::Value& value, const std::string& pointer,
                                      doc::Problems& problems);

}  // namespace keyturn::channels::webhook
