// The `syslog` receiver: one line per message to a system log, on this machine or another.
//
// To /dev/log goes what the C library's syslog() would send, which is what journald and rsyslog read there. Over the
// network goes RFC 5424: one datagram over UDP (RFC 5426, at most 2048 bytes), or counted octets over TCP (RFC 6587).
// Neither is acknowledged: delivered means that the kernel, or over TCP the other side's, has taken it. The line holds
// the title and the fields; control characters become blanks, so that nothing that is told can make a line of its own.
#pragma once

#include <optional>

#include "alerting/receivers/table.h"

namespace sidewatch {

std::optional<ReceiverPlan> configure_syslog(config::Section& entry, const ReceiverContext& context, EntryUse use);

}  // namespace sidewatch
