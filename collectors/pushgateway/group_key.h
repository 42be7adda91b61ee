// What the path of a push says about its group: /metrics/job/JOB{/LABEL/VALUE}, as Prometheus's Pushgateway has it.
//
// A name that ends with @base64 says that its value is base64 with the alphabet of URLs (RFC 4648 section 5), padded or
// not: so values may have slashes, or be empty (`=`).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "metrics/labels.h"

namespace sidewatch::pushgateway {

// `segments`: what stands behind /metrics, each decoded. The job is the label `job`, whatever else the path says of it.
Result<Labels> read_group_key(const std::vector<std::string>& segments);

}  // namespace sidewatch::pushgateway
