// The `webhook` receiver: one POST per message, in Alertmanager's format (webhook_payload.h).
//
// Every request carries `Idempotency-Key`, the message's id, the same over retries and restarts. With `signing_secret`
// it also carries the headers of Standard Webhooks (standardwebhooks.com): webhook-id (the same id), webhook-timestamp
// (seconds, of this attempt) and webhook-signature, "v1," and the base64 of HMAC-SHA256 over "id.timestamp.body"; with
// `previous_signing_secret` too, two of them, so that a secret can be changed on both sides one after the other. A
// secret that begins with "whsec_" is base64 behind that, any other is taken as it is.
//
// A secret that cannot be read (its file is away) delays the message: it is never sent unsigned or without its
// credentials. What a request may cost is bounded by HttpClient.
#pragma once

#include <optional>

#include "alerting/receivers/table.h"

namespace sidewatch {

std::optional<ReceiverPlan> configure_webhook(config::Section& entry, const ReceiverContext& context, EntryUse use);

}  // namespace sidewatch
