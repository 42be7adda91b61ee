// What the key `scrape` of the configuration says: pages of samples that are asked for over HTTP.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/outgoing_access.h"
#include "collectors/scrape/page_intake.h"
#include "collectors/scrape/relabel.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace scrape {

struct ScrapeConfig {
  config::Located<std::string> job;
  config::Located<std::string> url;
  std::vector<config::Located<std::string>> urls;
  std::optional<Duration> interval;
  std::optional<Duration> timeout;
  config::Mark timeout_mark;
  std::map<std::string, std::string> params;
  std::map<std::string, std::string> labels;
  OutgoingAccess access;
  bool honor_labels = false;
  std::vector<RelabelRule> metric_relabel_configs;
  std::int64_t sample_limit = 50'000;
  std::int64_t label_limit = 0;
  std::int64_t label_name_length_limit = 0;
  std::int64_t label_value_length_limit = 0;
  config::Bytes body_size_limit{std::uint64_t{16} << 20};
  std::int64_t max_series = 10'000;

  std::vector<std::pair<config::Located<std::string>, UrlParts>> pages;  // of url or urls, understood
};
void declare(config::Section& section, ScrapeConfig& config);

// One page that is asked for.
struct TargetConfig {
  std::string url;  // with the params
  std::optional<Duration> timeout;  // absent: as timeout_within has it
  OutgoingAccess access;
  IntakeOptions intake;
  std::size_t max_page_bytes = 0;
};

}  // namespace scrape

// Declares `scrape` and plans one collector for each page.
void configure_scrape(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> scrape_metric_groups();

}  // namespace sidewatch
