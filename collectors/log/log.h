// Log files as a source of metrics: each pass reads the lines that are new, also over a restart of the agent.
#pragma once

#include <memory>

#include "collectors/bequest.h"
#include "collectors/collector.h"
#include "collectors/log/config.h"

namespace sidewatch::log {

// `bequests`: whose state directory keeps where the files were read to; may be null.
std::unique_ptr<Collector> make_log_collector(const LogConfig& config, Catalog& catalog, const Bequests* bequests = nullptr);

}  // namespace sidewatch::log
