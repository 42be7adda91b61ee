// Log files as a source of metrics: each pass reads the lines that are new.
#pragma once

#include <memory>

#include "collectors/collector.h"
#include "collectors/log/config.h"

namespace sidewatch::log {

std::unique_ptr<Collector> make_log_collector(const LogConfig& config, Catalog& catalog);

}  // namespace sidewatch::log
