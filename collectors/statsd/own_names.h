// OwnNames under the name by which they were known when only StatsD asked.
#pragma once

#include "collectors/own_names.h"

namespace sidewatch::statsd {

using sidewatch::OwnNames;

}  // namespace sidewatch::statsd
