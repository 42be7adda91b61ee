// Any bytes as what services send in the StatsD format, with mappings and without, with tags in names and without.
//
// Beside not crashing it must hold that it makes no difference how lines come together in packets, that no value becomes
// one that is not finite, that every line is accounted for, and that no more series come of it than there may be.
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

#include "collectors/statsd/aggregate.h"
#include "collectors/statsd/name_tags.h"
#include "config/document.h"

namespace sidewatch::statsd {
namespace {

constexpr std::size_t max_series = 60;
constexpr std::size_t max_names = 8;

void require(bool holds) {
  if (!holds) std::abort();
}

Mapper load_mappings() {
  const std::string path = "/tmp/sidewatch-statsd-fuzz-" + std::to_string(getpid()) + ".yaml";
  std::ofstream(path) << R"_(
mappings:
- {match: "shop.*.orders.*", name: "orders_${2}", labels: {country: $1}}
- {match: "a.*", name: "a_$1", match_metric_type: counter, scale: 0.001, honor_labels: true, labels: {kind: "$1$9"}}
- {match: "(.*)took(.?)", match_type: regex, name: "took_$1", observer_type: histogram, labels: {rest: "$2"}}
- {match: "debug", match_type: regex, action: drop, name: dropped}
)_";
  config::Problems problems;
  Mapper mapper;
  auto document = config::Document::parse("config.yaml", "statsd: {}\n", {}, problems);
  document.visit([&](config::Section& top) {
    top.within("statsd", "", [&](config::Section& section) { mapper.load(path, section, section.mark()); });
  });
  unlink(path.c_str());
  require(problems.empty() && mapper.size() == 4);
  return mapper;
}

using Samples = std::map<std::string, double>;

Samples write(Aggregate& aggregate, const Catalog& catalog, Time now) {
  Batch batch;
  aggregate.write(batch, now);
  Samples found;
  for (const auto& sample : batch.samples()) {
    require(std::isfinite(sample.value));
    const auto info = catalog.info(sample.series);
    found[info->family->name + info->labels.to_string()] = sample.value;
  }
  return found;
}

std::uint64_t lines_in(std::string_view text) {
  std::uint64_t count = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    count += !line.empty() && line != "\r";
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return count;
}

void check(std::string_view text, const AggregateOptions& options, const Mapper& mapper) {
  const Catalog::Limits limits{.max_series = max_series, .max_series_per_metric = 20};
  Catalog at_once(limits, {});
  Catalog torn(limits, {});
  Aggregate whole(at_once, options, mapper);
  Aggregate pieces(torn, options, mapper);
  whole.take(text);
  for (auto rest = text; !rest.empty();) {
    const auto end = rest.find('\n');
    pieces.take(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  const auto& counts = whole.counts();
  require(counts.lines == lines_in(text));
  std::uint64_t accounted = counts.samples + counts.names_refused + counts.dropped;
  for (const auto errors : counts.errors) accounted += errors;
  require(accounted >= counts.lines);
  require(at_once.size() <= max_series + 10 * (max_names + 6));  // with the overflow series of each
  const Time now = time_at_ms(600'000);
  require(write(whole, at_once, now) == write(pieces, torn, now));
  write(whole, at_once, now + std::chrono::hours(1));
  require(whole.series() == 0);
}

void check_line(std::string_view text) {
  Line line;
  if (text.find('\n') != std::string_view::npos || parse_line(text, line)) return;
  require(line.name.data() == text.data() && line.name.size() + line.values.size() < text.size());
  require(line.rate > 0 && line.rate <= 1);
  const auto tagged = take_tags_off(line.name, {true, true, true});
  require(tagged.name.size() <= line.name.size());
}

}  // namespace
}  // namespace sidewatch::statsd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sidewatch::statsd;
  static const Mapper mapper = load_mappings();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  AggregateOptions options{.max_names = max_names, .max_keys = 16};
  check(text, options, Mapper());
  options.tag_styles = {true, true, true};
  options.events = {.enabled = true, .max = 3};
  check(text, options, mapper);
  check_line(text.substr(0, text.find('\n')));
  return 0;
}
