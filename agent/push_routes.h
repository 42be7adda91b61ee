// The paths of the agent's HTTP port to which programs push: a fixed table of them, each with the kind of collector that
// takes what comes there.
//
// A path is there whether its collector is configured or not: a program that pushes to an agent that does not want it is
// told which key is missing (404). What comes packed with gzip is unpacked here, bounded (413 beyond, 400 when it is
// damaged); whatever else it comes in is refused (415), unless the path's row takes it as it is. Every answer is counted.
// Who may push, and how large a body may be as it is sent, was judged before (agent/http/request_reader.h).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "agent/http/message.h"
#include "agent/published.h"
#include "base/time.h"
#include "collectors/push_target.h"
#include "metrics/instruments.h"

namespace sidewatch {

struct PushPath {
  std::string_view kind;      // the collector's name, and its key under `collectors`
  std::string_view method;
  std::string_view path;      // as HttpRoute has it; what {rest...} matches becomes PushRequest::segments
  std::string_view what;      // for people, behind "to take": "JSON samples"
  std::string_view encoding;  // a Content-Encoding that its target unpacks itself; empty: none
  // How its protocol words a refusal, by the request's Content-Type; null: as a text.
  PushAnswer (*refuse)(int status, const std::string& sentence, std::string_view content_type) = nullptr;
};

std::span<const PushPath> push_paths();

// How many requests came, with how many samples, and what was refused, by reason.
std::span<const Metric> push_metrics();

struct PushContext {
  const Published<PushTargets>& targets;
  Instruments& instruments;
  const Clock& clock;
  std::size_t max_bytes;  // of a body when it is unpacked (http.max_push_bytes)
};

void add_push_routes(std::vector<HttpRoute>& routes, const PushContext& context,
                     std::span<const PushPath> paths = push_paths());

}  // namespace sidewatch
