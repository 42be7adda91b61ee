// How `mute_times:` is written in the configuration, and what is wrong with it:
//
//     mute_times:
//       - name: nights
//         time_zone: Europe/Berlin
//         times: [{from: "22:00", to: "07:00"}, {days: [sat, sun]}]
//
// Refused besides what cannot be read: a name twice, a zone that this machine does not know, times that never come, and
// an entry of `times` that says nothing (it would mute always).
#pragma once

#include <vector>

#include "alerting/mute_times.h"
#include "config/section.h"

namespace sidewatch {

void configure_mute_times(config::Section& top, std::vector<MuteTime>& mutes);

}  // namespace sidewatch
