// The body of a webhook: Alertmanager's webhook format, version 4, so that what receives Alertmanager's receives ours.
//
// One message carries one alert, or those of a group. All fields of the format are there: version, groupKey, truncatedAlerts, status
// (firing or resolved), receiver, groupLabels, commonLabels, commonAnnotations, externalURL, and alerts[] with status,
// labels, annotations, startsAt, endsAt ("0001-01-01T00:00:00Z" while it fires), generatorURL and fingerprint (16 hex
// digits, the same over all levels and incidents of the alert). Among the labels are alertname and severity.
//
// Beside those of the format the message has `host`: what the agent calls its machine.
//
// Each alert says more than Alertmanager's does:
//     value            number now; in a resolved message the one at recovery; null when there is none
//     valueString      the same as text, also "NaN" and "+Inf"
//     peak             the worst value of the incident, or null
//     level            ok, warning or critical: the level now
//     worstLevel       of the incident
//     reason           fired, escalated, deescalated, repeated, resolved, fired_and_resolved or rule_removed
//     durationSeconds  of the incident so far
//     threshold        {comparison, bound} of the incident's worst level; absent where the rule has none
//     unit             of value, peak and bound; "" where it is not known
//     valueForPeople   the value with its unit: "1.5 GiB"
//     recent           the last values up to now at even distances, oldest first; null: none then
//     sparkline        the same as a line of block characters
//     suppressed       messages of this alert that its cooldown held back since the last one
//     incident         the same for all messages from fire to resolve
#pragma once

#include <string>

#include "alerting/delivery.h"
#include "alerting/message_text.h"

namespace sidewatch {

std::string webhook_payload(const Delivery& delivery, const MessageOrigin& origin);

}  // namespace sidewatch
