// Asks what listens on this machine's loopback for /metrics. All at once, so that it takes as long as the slowest, and
// that is bounded. Refuses to ask more than max_probes ports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace sidewatch::discovery {

struct ProbeTarget {
  std::string address;  // 127.0.0.1 or [::1]
  std::uint16_t port = 0;
};

constexpr std::size_t max_probes = 32;
constexpr Duration probe_timeout = std::chrono::milliseconds(700);

// The ports among `targets` that answer with samples in Prometheus's text format, sorted.
using Prober = std::function<std::vector<std::uint16_t>(const std::vector<ProbeTarget>& targets)>;
std::vector<std::uint16_t> probe(const std::vector<ProbeTarget>& targets);

// Whether a text looks like samples: its first line that is no comment is a metric's name and a number.
bool looks_like_metrics(std::string_view text);

}  // namespace sidewatch::discovery
