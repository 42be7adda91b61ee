// A program as a source of metrics: each pass runs it once.
#pragma once

#include <memory>

#include "collectors/collector.h"
#include "collectors/exec/config.h"

namespace sidewatch::exec {

std::unique_ptr<Collector> make_exec_collector(const ExecConfig& config, Catalog& catalog);

}  // namespace sidewatch::exec
