// The sinks there are. Internal to exports/.
#pragma once

#include "exports/sink.h"

namespace keyturn::exports {

std::unique_ptr<Sink> make_file_sink(const FileTarget& target, Format format);
std::unique_ptr<Sink> make_syslog_sink(const SyslogTarget& target, Format format,
                                       Stopping stopping);
std::unique_ptr<Sink> make_webhook_sink(const WebhookTarget& target, Format format,
                                        Stopping stopping);

}  // namespace keyturn::exports
