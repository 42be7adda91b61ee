// Any bytes as a file of mappings (statsd_exporter's format), and behind a NUL byte as the name of a metric that they are
// for.
//
// Beside not crashing it must hold that a file is either taken or has problems with places, that what a mapping makes is
// bounded, and that how timings become series can be used.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/statsd/mapping.h"
#include "config/document.h"

namespace sidewatch::statsd {
namespace {

constexpr std::size_t max_filled_bytes = 64 * 1024;  // of a name or label that is filled in

void require(bool holds) {
  if (!holds) std::abort();
}

Mapper load(std::string_view text, config::Problems& problems) {
  const std::string path = "/tmp/sidewatch-mapping-fuzz-" + std::to_string(getpid()) + ".yaml";
  std::ofstream(path, std::ios::binary) << text;
  Mapper mapper;
  auto document = config::Document::parse("config.yaml", "statsd: {}\n", {}, problems);
  document.visit([&](config::Section& top) {
    top.within("statsd", "", [&](config::Section& section) { mapper.load(path, section, section.mark()); });
  });
  unlink(path.c_str());
  return mapper;
}

void check_observer(const Observer& observer) {
  require(observer.type != Observer::Type::unsaid && !observer.quantiles.empty() && !observer.buckets.empty());
  for (const auto* numbers : {&observer.quantiles, &observer.buckets}) {
    require(std::is_sorted(numbers->begin(), numbers->end()));
    require(std::all_of(numbers->begin(), numbers->end(), [](double number) { return std::isfinite(number); }));
  }
  require(observer.quantiles.front() >= 0 && observer.quantiles.back() <= 1);
}

void check_name(const Mapper& mapper, std::string_view name) {
  for (const auto kind : {Kind::counter, Kind::gauge, Kind::timer}) {
    const auto found = mapper.find(name, kind);
    if (!found) continue;
    require(found->mapping != nullptr && found->name.size() <= max_filled_bytes);
    require(found->labels.size() == found->mapping->labels.size());
    for (const auto& label : found->labels) require(label.value.size() <= max_filled_bytes);
    check_observer(mapper.observer_of(found->mapping));
    const auto ttl = mapper.ttl_of(found->mapping);
    require(!ttl || *ttl >= Duration(0));  // 0: never
  }
}

}  // namespace
}  // namespace sidewatch::statsd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sidewatch;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(text.find('\0'), text.size());
  config::Problems problems;
  const auto mapper = statsd::load(text.substr(0, end), problems);
  for (const auto& problem : problems.sorted()) statsd::require(!problem.text.empty());
  if (!problems.empty()) return 0;
  statsd::check_observer(mapper.observer_of(nullptr));
  statsd::check_name(mapper, text.substr(std::min(end + 1, text.size())));
  for (const auto* name : {"shop.de.orders.web", "a.b", "debug", ""}) statsd::check_name(mapper, name);
  return 0;
}
