// The `email` receiver: one mail per message over SMTP (base/smtp_client.h), as text and HTML (mail_message.h).
//
//     taken by the server        delivered; it is the server's from now on
//     4xx, no answer             later; 421: the receiver as a whole waits
//     login, no STARTTLS, TLS    as it is configured it takes nothing: later and slowly, or to the fallback at once
//     5xx                        never: to the dead letters
//
// Where a server takes a mail for some recipients and asks to come back for others, those who have it are remembered
// and a retry goes to the others alone. After a restart it may go to all: with the same Message-ID, by which programs
// know it. A recipient who is refused for good while others take the mail is told to the log.
#pragma once

#include <optional>

#include "alerting/receivers/table.h"

namespace sidewatch {

std::optional<ReceiverPlan> configure_email(config::Section& entry, const ReceiverContext& context, EntryUse use);

}  // namespace sidewatch
