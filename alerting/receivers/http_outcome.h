// What the answer to a message sent over HTTP means for it: taken, later, or never. The same for all such receivers.
//
//     2xx                        delivered, whatever the body says
//     408 425 5xx, no answer     later
//     429, 503 with Retry-After  later, and the receiver as a whole waits
//     3xx 401 403 404 407 410    as it is configured the receiver takes nothing: later and slowly (it may be mended),
//                                or to the fallback at once
//     every other 4xx            never: to the dead letters
#pragma once

#include <optional>
#include <string_view>

#include "alerting/receiver.h"
#include "base/http_client.h"
#include "base/time.h"

namespace sidewatch {

// `wall` is now; needed when Retry-After is a date.
Attempt judge(const HttpResult& result, WallTime wall);

// `usual`, but not delivered where a web page came for an answer: a login page, a parked domain, a proxy. For services
// that answer programs with JSON or with nothing; `service` is its name, for people, and `key` what leads to it.
Attempt unless_web_page(const OutgoingResponse& response, Attempt usual, std::string_view service,
                        std::string_view key);

// How long the answer asks to wait: Retry-After in seconds or as a date (RFC 9110), or the JSON fields retry_after
// (Discord: seconds, with a fraction) and parameters.retry_after (Telegram); of both the longer. Nothing when it makes no
// sense.
std::optional<Duration> retry_after(const OutgoingResponse& response, WallTime wall);

}  // namespace sidewatch
