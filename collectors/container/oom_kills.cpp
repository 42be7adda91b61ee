#include "collectors/container/oom_kills.h"

#include <array>
#include <string_view>

#include "collectors/container/metrics.h"

namespace sidewatch::container {
namespace {

constexpr std::array<std::string_view, 1> kOomKill{"oom_kill"};

constexpr const char* kV2File = "memory.events";
constexpr const char* kV1File = "memory.oom_control";

}  // namespace

OomKills::OomKills(Catalog& catalog, const Labels& labels)
    : series_(catalog.series(kDerivedMetrics[oom_kills], labels)) {}

void OomKills::watch(const Levels* levels) {
  levels_ = levels;
  own_.reset();
  above_.reset();
  file_above_.reset();
  const bool counts_all_below = levels != nullptr && levels->unified();  // v1 counts in the cgroup itself only
  if (counts_all_below && levels->all().size() > 1) file_above_ = levels->file(levels->all().size() - 2, kV2File);
}

// The root of the machine has no such file, so nothing is counted there.
void OomKills::look_above(PassContext& pass) {
  above_ = file_above_ ? number(read_keyed(pass, *file_above_, kOomKill)[0]) : std::nullopt;
}

void OomKills::lose(PassContext& pass) {
  if (levels_ == nullptr) return;
  const auto above_before = above_;
  look_above(pass);
  const ProcDir& cgroup = levels_->own();
  const bool is_there = cgroup.read("cgroup.procs", pass.buffer).status() != FileStatus::gone;
  const char* file = levels_->unified() ? kV2File : kV1File;
  const auto own = is_there ? number(read_keyed(cgroup, file, kOomKill, pass.buffer)[0]) : std::nullopt;
  if (own) {
    count(own_, own);
  } else if (own_) {
    count(above_before, above_);
  }
  watch(nullptr);
}

void OomKills::add(PassContext& pass, MaybeNumber own) {
  count(own_, own);
  if (own) own_ = own;
  if (own && !sum_) sum_ = 0;
  if (sum_) pass.batch.add(series_, *sum_);
}

void OomKills::count(MaybeNumber before, MaybeNumber now) {
  if (before && now && *now > *before) sum_ = sum_.value_or(0) + (*now - *before);
}

}  // namespace sidewatch::container
