#include "collectors/log/files.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string_view>
#include <utility>

#include "collectors/log/refusal.h"

namespace sidewatch::log {
namespace {

// What rotation leaves, which no pattern of a log means.
bool is_compressed(std::string_view path) {
  constexpr std::string_view endings[] = {".gz", ".xz", ".bz2", ".zst"};
  return std::any_of(std::begin(endings), std::end(endings), [&](auto ending) { return path.ends_with(ending); });
}

bool is_pattern(std::string_view path) { return path.find_first_of("*?[") != std::string_view::npos; }

std::vector<std::string> names_like(const std::string& path) {
  if (!is_pattern(path)) return {path};
  glob_t found{};
  std::vector<std::string> names;
  if (::glob(path.c_str(), GLOB_NOSORT, nullptr, &found) == 0) names.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  std::erase_if(names, is_compressed);
  std::sort(names.begin(), names.end());
  return names;
}

std::int64_t nanoseconds(const timespec& moment) { return std::int64_t{moment.tv_sec} * 1'000'000'000 + moment.tv_nsec; }

void complain(const Error& error, PassOutcome& outcome) {
  ++outcome.partial_errors;
  if (outcome.first_partial_error.empty()) outcome.first_partial_error = error.text();
}

}  // namespace

void Files::read(Time now, const LineSink& sink, PassOutcome& outcome) {
  ++pass_;
  for (const auto& candidate : find(outcome)) follow(candidate, outcome);
  note_nameless(now);
  ReadBudget budget{options_.max_bytes, std::chrono::steady_clock::now() + options_.max_time};
  const auto nameless = in_order(true);
  read_all(nameless, sink, budget, outcome);
  // The lines of a renamed file come before those of its successor.
  const bool all_read = std::all_of(nameless.begin(), nameless.end(), [](const auto* file) { return file->tail.at_end(); });
  if (all_read) read_all(in_order(false), sink, budget, outcome);
  close_old(now, sink);
  counts_.open = followed_.size();
  counts_.backlog_bytes = 0;
  for (const auto& [id, file] : followed_) counts_.backlog_bytes += file.tail.backlog();
}

// The newest files that the paths name, each once. A name without a file is no error: it may come.
std::vector<Files::Candidate> Files::find(PassOutcome& outcome) {
  std::vector<Candidate> found;
  std::set<FileId> known;
  for (const auto& path : options_.paths) {
    for (auto& name : names_like(path)) {
      struct stat status {};
      if (::stat(name.c_str(), &status) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) complain(why_unreadable(name, errno), outcome);
        continue;
      }
      if (is_pattern(path) && S_ISDIR(status.st_mode)) continue;
      if (const auto why = why_not_ordinary(name, status.st_mode)) {
        complain(*why, outcome);
        continue;
      }
      const FileId id{status.st_dev, status.st_ino};
      if (found.size() == max_found || !known.insert(id).second) continue;
      found.push_back({std::move(name), id, nanoseconds(status.st_mtim), static_cast<std::uint64_t>(status.st_size)});
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.changed > b.changed; });
  counts_.left_out = found.size() - std::min(found.size(), options_.max_files);
  for (std::size_t i = options_.max_files; i < found.size(); ++i) {
    if (pass_ == 1 && options_.from == From::end) remember(found[i].id, {found[i].size, ""});
  }
  if (counts_.left_out > 0) found.resize(options_.max_files);
  return found;
}

void Files::follow(const Candidate& candidate, PassOutcome& outcome) {
  const auto known = followed_.find(candidate.id);
  if (known != followed_.end()) {
    known->second.path = candidate.path;
    known->second.changed = candidate.changed;
    known->second.listed_in = pass_;
    return;
  }
  auto tail = Tail::open(candidate.path);
  if (!tail) {
    complain(tail.error(), outcome);
    if (pass_ == 1 && options_.from == From::end) remember(candidate.id, {candidate.size, ""});
    return;
  }
  if (tail->id() != candidate.id) return;  // it has just been replaced: in the next pass
  place(*tail, candidate);
  followed_.emplace(candidate.id, Followed{std::move(*tail), candidate.path, candidate.changed, pass_, std::nullopt, false});
}

void Files::place(Tail& tail, const Candidate& candidate) {
  const auto remembered = remembered_.find(candidate.id);
  if (remembered != remembered_.end()) {
    const bool same = tail.go_to(remembered->second);
    remembered_.erase(remembered);
    if (same) return;
  }
  if (pass_ == 1) {
    if (options_.from == From::end) tail.go_to_end();
    return;
  }
  for (const auto& [id, other] : followed_) {
    if (tail.continue_copy(other.tail)) return;
  }
}

void Files::remember(const FileId& id, Tail::Place place) {
  if (remembered_.size() >= max_remembered) remembered_.erase(remembered_.begin());
  remembered_.insert_or_assign(id, std::move(place));
}

void Files::note_nameless(Time now) {
  for (auto& [id, file] : followed_) {
    if (file.listed_in == pass_) {
      file.nameless_since.reset();
    } else if (!file.nameless_since) {
      file.nameless_since = now;
      ++counts_.rotated;
    }
  }
}

// From the one that was changed longest ago.
std::vector<Files::Followed*> Files::in_order(bool nameless) {
  std::vector<Followed*> files;
  for (auto& [id, file] : followed_) {
    if (file.nameless_since.has_value() == nameless) files.push_back(&file);
  }
  std::stable_sort(files.begin(), files.end(), [](const auto* a, const auto* b) { return a->changed < b->changed; });
  return files;
}

// First each file its share, then what others left over, so that one with much to read does not keep others waiting.
void Files::read_all(const std::vector<Followed*>& files, const LineSink& sink, ReadBudget& budget, PassOutcome& outcome) {
  std::size_t left = files.size();
  for (auto* file : files) {
    const auto now = std::chrono::steady_clock::now();
    const auto parts = static_cast<std::int64_t>(left);
    ReadBudget share{budget.bytes / left, now + (budget.until - now) / parts};
    const auto given = share.bytes;
    --left;
    if (const auto done = file->tail.read(sink, share, counts_.tails); !done) {
      complain({done.error().what, file->path}, outcome);
      file->failed = true;
    }
    budget.bytes -= given - share.bytes;
  }
  for (auto* file : files) {
    if (file->tail.at_end() || file->failed || budget.is_spent()) continue;
    (void)file->tail.read(sink, budget, counts_.tails);
  }
}

bool Files::is_over(const Followed& file, Time now) const {
  if (!file.nameless_since || !file.tail.at_end()) return false;
  const bool crowded = followed_.size() > 2 * options_.max_files;
  return crowded || now - *file.nameless_since >= linger;
}

void Files::close_old(Time now, const LineSink& sink) {
  for (auto at = followed_.begin(); at != followed_.end();) {
    auto& [id, file] = *at;
    if (!file.failed && !is_over(file, now)) {
      ++at;
      continue;
    }
    if (!file.failed) file.tail.finish(sink, counts_.tails);
    remember(id, file.tail.place());
    at = followed_.erase(at);
  }
}

}  // namespace sidewatch::log
