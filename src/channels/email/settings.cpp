#include "channels/email/settings.h"

#include <charconv>
#include <optional>

#include "base/task_impl.h"
#include "channels/email/check.h"
#include "channels/email/email.h"
#include "channels/fields.h"
#include "net/mail.h"
#include "net/url.h"

namespace keyturn::channels::email {
namespace {

// The host in smtps://HOST[:PORT]; nothing when it is no such address.
std::optional<std::string_view> host_of(std::string_view url) {
  const std::size_t start = url.starts_with("smtps://")  ? 8
                            : url.starts_with("smtp://") ? 7
                                                         : std::string_view::npos;
  if (start == std::string_view::npos) return std::nullopt;
  std::string_view host = url.substr(start);
  const std::size_t colon = host.find(':', host.starts_with('[') ? host.find(']') : 0);
  if (colon != std::string_view::npos) {
    const std::string_view text = host.substr(colon + 1);
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535)
      return std::nullopt;
    host = host.substr(0, colon);
  }
  const bool is_host =
      !host.empty() &&
      host.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") ==
          std::string_view::npos &&
      (!host.contains(':') || (host.starts_with('[') && host.ends_with(']')));
  return is_host ? std::optional(host) : std::nullopt;
}

void read_server(doc::ObjectReader& in, Settings& out) {
  out.smtp = in.require_string("smtp");
  const std::optional<std::string_view> host = host_of(out.smtp);
  if (!out.smtp.empty() && !host)
    in.problem("bad_url", "smtp is smtps://HOST:465, or smtp://HOST:587 with STARTTLS", "smtp");
  const std::string starttls = in.string("starttls").value_or("required");
  out.plain = starttls == "off";
  if (starttls != "required" && starttls != "off")
    in.problem("out_of_range", "starttls is required or off", "starttls");
  if (out.plain && out.smtp.starts_with("smtps://"))
    in.problem("out_of_range", "smtps:// is TLS from the start: leave starttls out", "starttls");
  if (out.plain && host && !net::is_this_machine(*host))
    in.problem("out_of_range", "a mail server on another machine needs TLS", "starttls");
  out.ca_file = in.string("ca").value_or("");
}

}  // namespace

Settings read_settings(const doc::Value& value, const std::string& pointer,
                       doc::Problems& problems) {
  doc::ObjectReader in(value, pointer, problems);
  Settings out;
  read_server(in, out);
  out.from = in.require_string("from");
  if (!out.from.empty() && !net::is_mail_address(out.from))
    in.problem("bad_address", "from is one address, such as keyturn@mail.example", "from");
  out.user = in.string("user").value_or("");
  if (!out.user.empty())
    out.password = require_secret(in, "password", "of that user");
  else if (in.any("password") != nullptr)
    in.problem("missing_field", "a password needs the user that it is of", "user");
  out.always = in.boolean("always").value_or(false);
  in.finish();
  return out;
}

std::vector<Configured> read_email(const doc::Value& value, const std::string& pointer,
                                   doc::Problems& problems) {
  const Settings settings = read_settings(value, pointer, problems);
  std::vector<NeededSecret> secrets;
  if (!settings.user.empty()) secrets.push_back({"password", settings.password, ""});
  return {{.name = "email",
           .kind = "email",
           .make =
               [settings](const Ports& ports) {
                 return std::make_unique<Email>(settings, ports, pooled(ports.loop));
               },
           .test = [settings](CheckPorts ports) { return check(settings, std::move(ports)); },
           .secrets = std::move(secrets)}};
}

}  // namespace keyturn::channels::email
