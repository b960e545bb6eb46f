// Mail to everybody whom an action waits for: once, and again when people are reminded or it is
// escalated. It leads to the page; nothing comes back.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/task.h"
#include "channels/channel.h"
#include "channels/email/settings.h"
#include "channels/ports.h"
#include "net/mail.h"

namespace keyturn::channels::email {

// Hands one mail to the server, as net::send_mail() does; awaited.
using Post = std::function<Task<Result<void>>(net::MailServer, net::Mail)>;
// On a thread of its own.
Post pooled(net::Loop& loop);

// What a refusal of net::send_mail() means for the errand.
Undelivered undelivered(const Refusal& refusal);

class Email final : public Channel {
 public:
  Email(Settings settings, const Ports& ports, Post post)
      : settings_(std::move(settings)), ports_(ports), post_(std::move(post)) {}

  std::string_view name() const override { return "email"; }
  std::string_view kind() const override { return "email"; }
  Task<Result<void>> start() override;
  void stop() override { *stopped_ = true; }
  std::optional<Refusal> trouble() const override { return trouble_; }
  std::vector<Errand> due(const Matter& matter, const KeptPlaces& kept) override;
  Task<Carried> carry(Matter matter, Errand errand, doc::Value memo) override;

 private:
  // With the password, fetched once and again after it was refused.
  Task<Result<net::MailServer>> server();
  const Settings settings_;
  const Ports ports_;
  const Post post_;
  Secret password_;
  std::optional<Refusal> trouble_;
  std::shared_ptr<std::atomic<bool>> stopped_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace keyturn::channels::email
