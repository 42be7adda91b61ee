#include "collectors/pushgateway/pushgateway.h"

#include <chrono>
#include <utility>

#include "base/kept_file.h"
#include "collectors/pushgateway/group_key.h"
#include "collectors/pushgateway/metric_families.h"
#include "collectors/pushgateway/saved_groups.h"

namespace sidewatch {
namespace pushgateway {
namespace {

using namespace std::chrono_literals;

constexpr Metric push_time_metric{push_time_name, MetricType::gauge, "seconds",
                                  "When the group was last pushed; 0: never."};
constexpr Metric failure_time_metric{failure_time_name, MetricType::gauge, "seconds",
                                     "When a push to the group was last refused for what its metrics say; 0: never."};
constexpr Metric groups_metric{"sidewatch_pushgateway_groups", MetricType::gauge, "", "Groups that stand."};
constexpr Metric series_metric{"sidewatch_pushgateway_series", MetricType::gauge, "", "Series of all groups."};

constexpr const char* file_name = "/pushgateway.json";
constexpr std::string_view default_help = "Pushed by a batch job.";
constexpr Duration between_saves = 5s;
constexpr std::string_view reserved = "reserved";  // the Pushgateway knows no such refusal

PageOptions page_options(const PushRequest& request, std::size_t max_series) {
  PageOptions options;
  options.format = format_by_content_type(request.content_type);
  options.max_samples = max_series;
  options.refuse_timestamps = false;  // they are of a group already, which shall say so
  options.series = {256, 64, 256, 4096};
  return options;
}

double seconds(std::int64_t ms) { return static_cast<double>(ms) / 1000.0; }

void obtain(GroupHandles::OfOne& handles, SeriesBudget& budget, Catalog& catalog, const Labels& key, const Group& group) {
  std::vector<SeriesHandle> before = std::exchange(handles.parts, {});  // held until they are there again
  handles.settled = true;
  const auto add = [&](const Metric& metric, const Labels& labels) {
    auto given = budget.series(catalog, metric, labels);
    handles.settled = handles.settled && given.settled;
    handles.parts.push_back(std::move(given.series));
  };
  add(push_time_metric, key);
  add(failure_time_metric, key);
  for (const auto& [name, family] : group.families) {
    const std::string_view help = family.help.empty() ? default_help : std::string_view(family.help);
    for (const auto& sample : family.samples) {
      add({sample.name, sample.type, family.unit, help}, sample.labels);
    }
  }
}

void write_group(const Group& group, const std::vector<SeriesHandle>& parts, Batch& batch) {
  auto part = parts.begin();
  batch.add(*part++, seconds(group.pushed_ms));
  batch.add(*part++, seconds(group.failed_ms));
  for (const auto& [name, family] : group.families) {
    for (const auto& sample : family.samples) batch.add(*part++, sample.value);
  }
}

class PushgatewayCollector final : public Collector {
 public:
  PushgatewayCollector(std::shared_ptr<PushgatewayTarget> target, std::size_t max_series, Catalog& catalog)
      : target_(std::move(target)), catalog_(catalog), handles_(max_series), groups_(catalog.series(groups_metric, {})),
        series_(catalog.series(series_metric, {})) {}
  ~PushgatewayCollector() override { target_->end(); }
  PushgatewayCollector(const PushgatewayCollector&) = delete;

  Result<PassOutcome> collect(Batch& batch, Time now) override {
    PassOutcome outcome;
    target_->write(catalog_, handles_, batch, now, outcome.first_partial_error);
    outcome.partial_errors = (outcome.first_partial_error.empty() ? 0 : 1) + handles_.left_out;
    if (handles_.left_out > 0 && outcome.first_partial_error.empty()) {
      outcome.first_partial_error = SeriesBudget::what_is_wrong("collectors.pushgateway.max_series");
    }
    const auto [groups, series] = target_->sizes();
    batch.add(groups_, static_cast<double>(groups));
    batch.add(series_, static_cast<double>(series));
    return outcome;
  }

 private:
  const std::shared_ptr<PushgatewayTarget> target_;
  Catalog& catalog_;
  GroupHandles handles_;
  const SeriesHandle groups_;
  const SeriesHandle series_;
};

}  // namespace

void PushgatewayTarget::keep_in(const std::string& state_dir) {
  const std::lock_guard lock(mutex_);
  if (!state_dir.empty()) path_ = state_dir + file_name;
}

PushAnswer PushgatewayTarget::take(const PushRequest& request) {
  const auto key = read_group_key(request.segments);
  if (!key) return answer_to({400, key.error().text(), "path"});
  if (!begun_) {  // later nothing here waits for the disk
    const std::lock_guard waiting(file_mutex_);
    const std::lock_guard lock(mutex_);
    begin(request.now, request.wall);
  }
  if (request.method != "DELETE") return push(request, *key);
  const std::lock_guard lock(mutex_);
  if (ended_) return ended();
  unsaved_ = groups_.remove(*key) || unsaved_;
  PushAnswer answer;
  answer.status = 202;  // as the Pushgateway says it, also of a group that there is not
  return answer;
}

PushAnswer PushgatewayTarget::push(const PushRequest& request, const Labels& key) {
  const auto replace = request.method == "PUT" ? Groups::Replace::all : Groups::Replace::same_names;
  const auto options = page_options(request, max_series_);
  const auto page = is_metric_families(request.content_type) ? read_metric_families(request.body, options)
                                                             : read_page(request.body, options);
  if (!page) return answer_to({400, page.error().text(), "page"});  // of no group yet, as in the Pushgateway
  auto refusal = find_objection(*page);
  const std::lock_guard lock(mutex_);
  if (ended_) return ended();
  unsaved_ = true;
  if (refusal) {
    groups_.fail(key, request.now, request.wall, refusal->reason != reserved);
  } else {
    refusal = groups_.push(key, *page, replace, request.now, request.wall);
  }
  if (refusal) return answer_to(*refusal);
  PushAnswer answer;
  answer.samples = page->samples.size();
  return answer;
}

// What is pushed has the time of its pass. What the agent measures itself is not for batch jobs; but the process_* of their client libraries are theirs.
std::optional<PushRefusal> PushgatewayTarget::find_objection(const ReadPage& page) const {
  for (const auto& sample : page.samples) {
    if (sample.timestamp_ms) {
      return PushRefusal{400, sample.name + " has a timestamp; what is pushed must have none", "timestamp"};
    }
    const bool is_ours = sample.name == push_time_name || sample.name == failure_time_name;  // left out later
    if (is_ours || sample.name.starts_with("process_") || !own_names_.contain(sample.name)) continue;
    return PushRefusal{400, "the name " + sample.name + " belongs to what the agent itself measures; choose another",
                       reserved};
  }
  return std::nullopt;
}

PushAnswer PushgatewayTarget::ended() {
  return answer_to({503, "the agent is ending or reading its configuration; try again in a moment", "busy"});
}

PushAnswer PushgatewayTarget::answer_to(const PushRefusal& refusal) {
  auto answer = PushAnswer::text(refusal.status, refusal.why);
  answer.refused.emplace_back(refusal.reason, 1);
  return answer;
}

void PushgatewayTarget::write(Catalog& catalog, GroupHandles& handles, Batch& batch, Time now, std::string& trouble) {
  {
    const std::lock_guard waiting(file_mutex_);
    const std::lock_guard lock(mutex_);
    begin(now, to_wall(now, Duration(0)));
  }
  if (is_time_to_save(now)) save();
  const std::lock_guard lock(mutex_);
  groups_.forget_old(now);
  ++handles.pass;
  handles.left_out = 0;
  const bool may_have_room = handles.budget.begin_pass(catalog);
  for (const auto& [key, group] : groups_.all()) {
    auto [place, is_new] = handles.by_version.try_emplace(group.version);
    auto& of_one = place->second;
    if (is_new || (!of_one.settled && may_have_room)) obtain(of_one, handles.budget, catalog, key, group);
    of_one.pass = handles.pass;
    for (const auto& part : of_one.parts) handles.left_out += part ? 0 : 1;
    write_group(group, of_one.parts, batch);
  }
  std::erase_if(handles.by_version, [&](const auto& each) { return each.second.pass != handles.pass; });
  if (!trouble_.empty()) trouble = trouble_;
  if (!loss_.empty()) trouble = std::exchange(loss_, {});
}

std::pair<std::size_t, std::size_t> PushgatewayTarget::sizes() {
  const std::lock_guard lock(mutex_);
  return {groups_.all().size(), groups_.series()};
}

// Once: takes over what an earlier life saved. Both mutexes are held, for nothing can be said before.
void PushgatewayTarget::begin(Time now, WallTime wall) {
  if (begun_) return;
  begun_ = true;
  if (path_.empty()) return;
  const auto text = read_kept_file(path_, max_saved_bytes(groups_.limits()));
  Result<void> taken;
  if (text && *text) taken = restore_groups(**text, groups_, now, wall);
  if (!text) taken = text.error();
  if (!taken) loss_ = "what was pushed before the last restart is lost: " + taken.error().text();
}

bool PushgatewayTarget::is_time_to_save(Time now) {
  const std::lock_guard lock(mutex_);
  if (!unsaved_ || (saved_at_ && now - *saved_at_ < between_saves)) return false;
  saved_at_ = now;
  return true;
}

void PushgatewayTarget::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  save();
}

void PushgatewayTarget::save() {
  const std::lock_guard waiting(file_mutex_);
  std::string text;
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    if (path_.empty() || !std::exchange(unsaved_, false)) return;
    text = save_groups(groups_);
    path = path_;
  }
  const Result<void> written = text.size() > max_saved_bytes(groups_.limits())
                                   ? Error{"it is more than could be read again", path}
                                   : write_kept_file(path, text);
  const std::lock_guard lock(mutex_);
  unsaved_ = unsaved_ || !written;
  trouble_ = written ? "" : "what was pushed would not survive a restart: " + written.error().text();
}

}  // namespace pushgateway

void configure_pushgateway(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::optional<pushgateway::PushgatewayConfig> config;
  collectors.section("pushgateway", config,
                     "what batch jobs push as to a Prometheus Pushgateway: /metrics/job/JOB of this agent's HTTP port");
  if (!config) return;
  const auto& limits = config->limits;
  const auto target = std::make_shared<pushgateway::PushgatewayTarget>(limits);
  CollectorPlan plan;
  plan.name = "pushgateway";
  plan.interval = config->interval;
  plan.watches = "what batch jobs push to /metrics/job/JOB";
  plan.receives = target;
  plan.fingerprint = std::to_string(limits.ttl.count()) + ' ' + std::to_string(limits.max_groups) + ' ' +
                     std::to_string(limits.max_series);
  plan.make = [target, max_series = limits.max_series + 2 * limits.max_groups](const CollectorContext& context) {
    return std::make_unique<pushgateway::PushgatewayCollector>(target, max_series, context.catalog);
  };
  plans.push_back(std::move(plan));
}

std::vector<MetricGroup> pushgateway_metric_groups() {
  using namespace pushgateway;
  return {{"pushgateway", "About what batch jobs push, by the labels of their group. What they push has its own names.",
           {push_time_metric, failure_time_metric, groups_metric, series_metric}}};
}

}  // namespace sidewatch
