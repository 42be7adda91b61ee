#include "collectors/container/cgroup_files.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sidewatch::container {
namespace {

void add_error(PassContext& pass, const Error& error) {
  if (pass.outcome.partial_errors++ == 0) pass.outcome.first_partial_error = error.text();
}

// Some files of the pressure and pids families exist where the kernel does not serve them.
bool is_absent(const FileText& text) {
  return text.status() == FileStatus::gone || text.error_number == EOPNOTSUPP;
}

bool exists(const ProcDir& directory, const char* name, ReadBuffer& buffer) {
  return directory.read(name, buffer).status() != FileStatus::gone;
}

// A cgroup may lack a limit's file because its controller is not enabled for it; then the limits above hold. Or because
// it is being removed; then nothing is known.
bool is_gone(const Levels& levels, ReadBuffer& buffer) { return !exists(levels.own(), "cgroup.procs", buffer); }

}  // namespace

// The root is told by the files that only it has (release_agent on v1) or lacks (cgroup.events on v2).
Levels::Levels(const Hierarchy& hierarchy, ProcFile::Keep keep) : unified_(hierarchy.unified), keep_(keep) {
  directories_.emplace_back(hierarchy.top);
  std::string_view rest = hierarchy.path;
  while (!rest.empty() && directories_.size() < max_levels) {
    rest.remove_prefix(1);
    const auto end = std::min(rest.find('/'), rest.size());
    ProcDir next(directories_.back(), rest.substr(0, end));
    directories_.push_back(std::move(next));
    rest.remove_prefix(end);
  }
  if (!rest.empty()) directories_.emplace_back(directories_.back(), "too deep");  // does not exist
  if (status() != FileStatus::ok) return;
  ReadBuffer buffer;
  root_ = unified_ ? !exists(own(), "cgroup.events", buffer) : exists(own(), "release_agent", buffer);
}

void report(PassContext& pass, const ProcFile& file, const FileText& text) {
  if (!text && !is_absent(text)) add_error(pass, file.error(text));
}

void report(PassContext& pass, const ProcDir& directory, const ProcFile& file, const char* what) {
  add_error(pass, {what, directory.path() + "/" + file.name()});
}

std::optional<std::uint64_t> NumberFile::read(PassContext& pass) {
  const FileText text = file_.read(pass.buffer);
  report(pass, file_, text);
  if (!text) return std::nullopt;
  const auto number = parse_count(text.text);
  if (!number) report(pass, directory_, file_, "no number");
  return number;
}

LimitChain::LimitChain(const Levels& levels, const char* file) : levels_(levels), level_(levels.all().size() - 1) {
  for (std::size_t i = 0; i < levels.all().size(); ++i) files_.push_back(levels.file(i, file));
}

Limit LimitChain::read(PassContext& pass) {
  Limit effective = no_limit;
  bool found = levels_.is_root();
  bool own_found = found;
  level_ = files_.size() - 1;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const FileText text = files_[i].read(pass.buffer);
    if (is_absent(text)) continue;
    report(pass, files_[i], text);
    const Limit limit = text ? parse_limit(text.text) : Limit();
    if (text && limit.state == LimitState::unknown) report(pass, levels_.all()[i], files_[i], "no limit");
    found = true;
    own_found = own_found || i + 1 == files_.size();
    const Limit before = effective;
    effective = tighter(effective, limit);
    if (limit.state == LimitState::limited && (effective != before || limit == before)) level_ = i;
  }
  if (!found || (!own_found && is_gone(levels_, pass.buffer))) return {};
  return effective;
}

QuotaChain::QuotaChain(const Levels& levels) : levels_(levels), level_(levels.all().size() - 1) {
  for (std::size_t i = 0; i < levels.all().size(); ++i) {
    quotas_.push_back(levels.file(i, levels.unified() ? "cpu.max" : "cpu.cfs_quota_us"));
    if (!levels.unified()) periods_.push_back(levels.file(i, "cpu.cfs_period_us"));
  }
}

Quota QuotaChain::read(PassContext& pass) {
  Quota effective{LimitState::unlimited, 0, 0};
  Quota own{LimitState::unlimited, 0, 0};
  level_ = quotas_.size() - 1;
  bool found = levels_.is_root();
  bool own_found = found;
  for (std::size_t i = 0; i < quotas_.size(); ++i) {
    bool there = false;
    const Quota quota = read_level(i, pass, there);
    if (!there) continue;
    found = true;
    own_found = own_found || i + 1 == quotas_.size();
    effective = tighter(effective, quota);
    const bool both = quota.state == LimitState::limited && effective.state == LimitState::limited;
    if (both && effective.cores() >= quota.cores()) level_ = i;
    own = quota;
  }
  if (!found || (!own_found && is_gone(levels_, pass.buffer))) return {};
  return effective.state == LimitState::unlimited ? own : effective;
}

Quota QuotaChain::read_level(std::size_t level, PassContext& pass, bool& there) {
  const FileText text = quotas_[level].read(pass.buffer);
  there = !is_absent(text);
  report(pass, quotas_[level], text);
  if (!text) return {};
  Quota quota;
  if (levels_.unified()) {
    quota = parse_cpu_max(text.text);
  } else {
    const FileText period = periods_[level].read(period_buffer_);
    report(pass, periods_[level], period);
    if (period) quota = parse_cfs_quota(text.text, period.text);
  }
  if (quota.state == LimitState::unknown) report(pass, levels_.all()[level], quotas_[level], "no CPU quota");
  return quota;
}

}  // namespace sidewatch::container
