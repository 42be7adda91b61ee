#include "collectors/scrape/config.h"

#include <map>
#include <set>
#include <utility>

#include "collectors/scrape/scrape.h"
#include "metrics/text.h"

namespace sidewatch {
namespace scrape {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_urls = 256;

void append_percent_encoded(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
}

std::string with_params(const std::string& url, const std::map<std::string, std::string>& params) {
  std::string full = url.substr(0, url.find('#'));
  for (const auto& [name, value] : params) {
    full += full.find('?') == std::string::npos ? '?' : '&';
    append_percent_encoded(full, name);
    full += '=';
    append_percent_encoded(full, value);
  }
  return full;
}

// host:port, as Prometheus has it; of a socket its path.
std::string instance_of(const UrlParts& parts, const OutgoingAccess& access) {
  if (!access.unix_socket.empty()) return access.unix_socket;
  const bool bare = parts.host.find(':') == std::string::npos;
  return (bare ? parts.host : "[" + parts.host + "]") + ":" + std::to_string(parts.port);
}

Labels labels_of(const ScrapeConfig& config, const UrlParts& parts) {
  std::vector<Label> labels = {{"job", config.job.value}, {"instance", instance_of(parts, config.access)}};
  for (const auto& [name, value] : config.labels) labels.push_back({name, value});
  return Labels(std::move(labels));
}

void check_labels(config::Section& section, const ScrapeConfig& config) {
  for (const auto& [name, value] : config.labels) {
    if (!is_legal_label_name(name)) section.problem("labels", "'" + name + "' is not the name of a label");
    if (name == "job") section.problem("labels", "the label 'job' is what stands behind job:");
  }
}

void read_urls(config::Section& section, ScrapeConfig& config) {
  if (config.url.value.empty() == config.urls.empty()) {
    section.problem(section.mark(), "give either url, the page that is asked for, or urls, several of one job");
    return;
  }
  if (config.urls.size() > most_urls) section.problem("urls", "more than " + std::to_string(most_urls) + " of them");
  std::vector<config::Located<std::string>> urls = config.urls;
  if (urls.empty()) urls.push_back(config.url);
  if (urls.size() > 1 && !config.access.unix_socket.empty()) {
    section.problem("unix_socket", "one socket cannot lead to several urls");
  }
  for (auto& url : urls) {
    if (auto parts = check_url(section, url, config.access)) config.pages.emplace_back(url, std::move(*parts));
  }
}

std::size_t count_of(std::int64_t limit) { return static_cast<std::size_t>(limit); }

TargetConfig target_of(const ScrapeConfig& config, const std::string& url, const UrlParts& parts) {
  TargetConfig target;
  target.url = with_params(url, config.params);
  target.timeout = config.timeout;
  target.access = config.access;
  target.max_page_bytes = config.body_size_limit.count;
  target.intake.target_labels = labels_of(config, parts);
  target.intake.honor_labels = config.honor_labels;
  target.intake.relabelling = config.metric_relabel_configs;
  target.intake.max_series = count_of(config.max_series);
  target.intake.limits = {count_of(config.sample_limit), count_of(config.label_limit),
                          count_of(config.label_name_length_limit), count_of(config.label_value_length_limit)};
  return target;
}

std::string fingerprint_of(const TargetConfig& target) {
  std::string text = target.url + '\n' + std::to_string(target.timeout.value_or(Duration(0)).count()) + '\n' + fingerprint_of(target.access) +
                     '\n' + std::to_string(target.max_page_bytes) + '\n' + target.intake.target_labels.to_string() + '\n' +
                     fingerprint_of(target.intake.relabelling) + (target.intake.honor_labels ? "honor" : "") + '\n' +
                     std::to_string(target.intake.max_series);
  const PageLimits& limits = target.intake.limits;
  for (const auto limit : {limits.samples, limits.labels, limits.label_name_bytes, limits.label_value_bytes}) {
    text += '\n' + std::to_string(limit);
  }
  return text;
}

CollectorPlan plan_of(const ScrapeConfig& config, const std::string& url, const UrlParts& parts, bool alone) {
  TargetConfig target = target_of(config, url, parts);
  CollectorPlan plan;
  plan.name = "scrape:" + config.job.value;
  if (!alone) plan.name += ":" + std::string(target.intake.target_labels.get("instance"));
  plan.interval = config.interval;
  if (config.timeout) plan.timeout = {*config.timeout, config.timeout_mark};
  plan.watches = "the metrics at " + url_without_secrets(url) +
                 (config.access.unix_socket.empty() ? "" : " through " + config.access.unix_socket);
  plan.fingerprint = fingerprint_of(target);
  plan.make = [target = std::make_shared<const TargetConfig>(std::move(target))](const CollectorContext& context) {
    return make_scrape_collector(target, context);
  };
  return plan;
}

}  // namespace

void declare(config::Section& section, ScrapeConfig& config) {
  section.required("job", config.job, "what you call it: the label job of all its series, such as checkout");
  section.optional("url", config.url, "the page that is asked for, such as http://127.0.0.1:8080/metrics");
  section.optional("urls", config.urls, "or several of one job; the label instance (host:port) tells them apart");
  section.optional("interval", config.interval, "how often it is asked for; agent.interval when absent",
                   config::between(500ms, 1h));
  section.optional("timeout", config.timeout,
                   "how long an answer may take, no longer than interval; 5s or the interval when absent",
                   config::between(50ms, 2min));
  config.timeout_mark = section.mark("timeout");
  section.optional("params", config.params, "parameters of the URL, such as {module: http_2xx}");
  section.optional("labels", config.labels, "more labels of its series, such as {team: shop}; also instance");
  declare_access(section, config.access, {"accept", "accept-encoding", "x-prometheus-scrape-timeout-seconds"});
  section.optional("honor_labels", config.honor_labels,
                   "where the page gives a label that the target has (job, instance, labels), let the page's stand; "
                   "otherwise it becomes exported_job");
  section.list("metric_relabel_configs", config.metric_relabel_configs,
               "rules for the labels of its series, __name__ among them, as Prometheus has them");
  section.optional("sample_limit", config.sample_limit,
                   "a page with more samples (behind the relabelling) is not taken; 0: the most that there may be",
                   config::between(0, 1'000'000));
  section.optional("label_limit", config.label_limit,
                   "a page with a series that has more labels, the name included, is not taken; 0: no limit",
                   config::between(0, 1000));
  section.optional("label_name_length_limit", config.label_name_length_limit,
                   "a page with a longer label name (in bytes) is not taken; 0: no limit", config::between(0, 65536));
  section.optional("label_value_length_limit", config.label_value_length_limit,
                   "a page with a longer label value (in bytes) is not taken; 0: no limit", config::between(0, 65536));
  section.optional("body_size_limit", config.body_size_limit, "a larger page (unpacked) is not taken",
                   config::between(config::Bytes{1024}, config::Bytes{std::uint64_t{256} << 20}));
  section.optional("max_series", config.max_series,
                   "series of one page, those that ended and are still remembered (history.retention) among them; further "
                   "ones share one series of their metric, with the label overflow",
                   config::between(1, 1'000'000));
  if (section.describing()) return;
  if (section.has("job") && config.job.value.empty()) section.problem("job", "a scrape needs a name for its job");
  if (config.interval && config.timeout && *config.timeout > *config.interval) {
    section.problem("timeout", "this timeout is longer than interval: the next scrape would be due before this one is given up");
  }
  check_labels(section, config);
  read_urls(section, config);
}

}  // namespace scrape

void configure_scrape(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  using namespace scrape;
  std::vector<ScrapeConfig> jobs;
  collectors.list("scrape", jobs,
                  "pages of samples (Prometheus text or OpenMetrics) of the application or of exporters; one entry for "
                  "each job");
  std::map<std::string, std::size_t> pages_of_job;
  for (const auto& job : jobs) pages_of_job[job.job.value] += job.pages.size();
  std::set<Labels> known;
  for (const auto& job : jobs) {
    for (const auto& [url, parts] : job.pages) {
      if (!known.insert(labels_of(job, parts)).second) {
        collectors.problem(url.mark, "there is already a page of job '" + job.job.value +
                                         "' at this host and port: give it another job, or labels: {instance: ...}");
        continue;
      }
      plans.push_back(plan_of(job, url.value, parts, pages_of_job[job.job.value] == 1));
    }
  }
}

std::vector<MetricGroup> scrape_metric_groups() { return scrape::metric_groups(); }

}  // namespace sidewatch
