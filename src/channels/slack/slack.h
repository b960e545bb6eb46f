// Slack: cards that people decide on, and what comes back of it.
//
// - deliver: what is to be shown where, and puts it there
// - comments: what is said of it, in the thread below; pace: how fast; threads: whose thread it is
// - words: messages besides the card
// - front: what comes in: clicks, dialogs, /keyturn, events
// - visitors: who somebody is, each time anew
// - home: the Home tab
// - socket: the way in that Keyturn opens (Socket Mode)
// - signature: the way in that Slack opens
// - client: the Web API
// - diagnose: keyturn channels test slack
#pragma once

#include <memory>

#include "channels/channel.h"
#include "channels/ports.h"
#include "channels/slack/config.h"

namespace keyturn::channels::slack {

std::unique_ptr<Channel> make_slack(const Ports& ports, Settings settings);

}  // namespace keyturn::channels::slack
