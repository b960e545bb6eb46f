#include "channels/email/check.h"

#include "base/task_impl.h"
#include "net/mail.h"

namespace keyturn::channels::email {

Task<Checks> check(Settings settings, CheckPorts ports) {
  Checks out;
  net::MailServer server;
  server.url = settings.smtp;
  server.plain = settings.plain;
  server.user = settings.user;
  server.ca_file = settings.ca_file;
  if (!settings.user.empty()) {
    Result<Secret> password = co_await ports.secret(settings.password);
    out.push_back({"the password", password.has_value(),
                   password ? "it is there" : password.error().message});
    if (!password) co_return out;
    server.password = std::move(*password);
  }
  const Result<void> reached = net::try_mail_server(server);
  out.push_back({"the mail server", reached.has_value(),
                 reached ? (settings.user.empty() ? "it answers" : "it takes user and password")
                         : reached.error().message});
  co_return out;
}

}  // namespace keyturn::channels::email
