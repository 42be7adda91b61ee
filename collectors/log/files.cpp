#include "collectors/log/files.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <iterator>
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

using Closed = std::vector<std::pair<std::string, int>>;  // directories that may not be listed, and the error's number

Closed*& closed_directories() {
  thread_local Closed* closed = nullptr;  // glob's callback is told nothing of who asks
  return closed;
}

int note_closed(const char* directory, int error_number) {
  if (error_number != ENOENT && error_number != ENOTDIR) closed_directories()->emplace_back(directory, error_number);
  return 0;  // go on with the others
}

std::vector<std::string> names_like(const std::string& path, Closed& closed) {
  if (!is_pattern(path)) return {path};
  glob_t found{};
  std::vector<std::string> names;
  closed_directories() = &closed;
  if (::glob(path.c_str(), GLOB_NOSORT, note_closed, &found) == 0) names.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  std::erase_if(names, is_compressed);
  std::sort(names.begin(), names.end());
  return names;
}

std::int64_t nanoseconds(const timespec& moment) { return std::int64_t{moment.tv_sec} * 1'000'000'000 + moment.tv_nsec; }

// The same words each time, so that it is said once.
Error too_many(const std::string& path, std::size_t max_found) {
  return {"more than " + std::to_string(max_found) +
              " files fit: those behind, by their names, are not read, however new they are. Give a path that fits "
              "fewer, or delete old ones",
          path};
}

std::string in_words(std::uint64_t bytes) {
  constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
  return bytes < mebibyte ? std::to_string(bytes) + " bytes" : std::to_string(bytes / mebibyte) + " MiB";
}

PassNews too_much(const std::string& path, std::uint64_t bytes) {
  return {true, "of " + path + ", " + in_words(bytes) +
                    " that were written while the agent did not run are left out: they are more than max_catch_up"};
}

// By the clock that says when a file was made.
std::int64_t clock_of_files() {
  timespec moment{};
  ::clock_gettime(CLOCK_REALTIME, &moment);
  return nanoseconds(moment);
}

void complain(const Error& error, PassOutcome& outcome) {
  ++outcome.partial_errors;
  if (outcome.first_partial_error.empty()) outcome.first_partial_error = error.text();
}

}  // namespace

void Files::read(Time now, const LineSink& sink, PassOutcome& outcome) {
  ++pass_;
  refused_.clear();
  looked_ns_ = clock_of_files();
  for (const auto& candidate : find(outcome)) follow(candidate, outcome);
  if (earlier_) look_for_renamed();
  if (pass_ == 1) unreached_ = refused_;
  else std::erase_if(unreached_, [&](const auto& path) { return !refused_.contains(path); });
  note_nameless(now);
  look_for_copies();
  if (earlier_) leave_out_too_much(outcome);
  end_resumption();
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

// Each file once. A name without a file is no error: it may come.
void Files::look_for_names(PassOutcome& outcome, std::vector<Candidate>& found) {
  std::map<FileId, std::size_t> known;  // where it is in `found`
  for (const auto& path : options_.paths) {
    Closed closed;
    auto names = names_like(path, closed);
    const auto left_out_before = counts_.left_out;
    for (const auto& [directory, error_number] : closed) {
      complain(why_not_listed(directory, error_number), outcome);
      refused_.insert(directory);
    }
    for (auto& name : names) {
      struct stat status {};
      if (::stat(name.c_str(), &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) continue;
        complain(why_unreadable(name, errno), outcome);
        refused_.insert(name);
        continue;
      }
      if (is_pattern(path) && S_ISDIR(status.st_mode)) continue;
      if (const auto why = why_not_ordinary(name, status.st_mode)) {
        complain(*why, outcome);
        continue;
      }
      const FileId id{status.st_dev, status.st_ino};
      if (const auto same = known.find(id); same != known.end()) {
        found[same->second].other_paths.push_back(std::move(name));
        continue;
      }
      if (found.size() == options_.max_found) {
        ++counts_.left_out;
        continue;
      }
      known.emplace(id, found.size());
      found.push_back({std::move(name), id, nanoseconds(status.st_mtim), static_cast<std::uint64_t>(status.st_size)});
    }
    if (counts_.left_out > left_out_before) complain(too_many(path, options_.max_found), outcome);
  }
}

void Files::go_on_from(Places places) { earlier_.emplace(std::move(places), options_.paths); }

Places Files::places() const {
  Places places{looked_ns_, options_.paths, {}};
  for (const auto& [id, file] : followed_) {
    const auto state = file.is_read() ? KeptPlace::State::followed : KeptPlace::State::waiting;
    places.files.push_back({id, file.path, state, file.tail.place()});
  }
  std::vector<std::map<FileId, Remembered>::const_iterator> closed;
  for (auto at = remembered_.begin(); at != remembered_.end(); ++at) closed.push_back(at);
  std::sort(closed.begin(), closed.end(), [](auto a, auto b) { return a->second.number < b->second.number; });
  for (std::size_t i = closed.size() - std::min(closed.size(), max_kept_closed); i < closed.size(); ++i) {
    places.files.push_back({closed[i]->first, "", KeptPlace::State::closed, closed[i]->second.place});
  }
  return places;
}

// What lost its name while the agent did not run is read to its end, as if that had just happened.
void Files::look_for_renamed() {
  for (const auto& [id, path] : earlier_->look_for_missing(options_.max_found)) {
    struct stat status {};
    if (followed_.contains(id) || ::stat(path.c_str(), &status) != 0) continue;
    PassOutcome nobody_asks;
    follow({path, id, nanoseconds(status.st_mtim), static_cast<std::uint64_t>(status.st_size)}, nobody_asks);
    const auto file = followed_.find(id);
    if (file == followed_.end()) continue;
    if (earlier_->was_taken_up(id)) file->second.listed_in = 0;
    else followed_.erase(file);  // another one, which has only its number
  }
}

// The newest files first.
void Files::leave_out_too_much(PassOutcome& outcome) {
  std::vector<Followed*> files = in_order(false);
  const auto nameless = in_order(true);
  files.insert(files.begin(), nameless.begin(), nameless.end());
  std::uint64_t left = options_.max_catch_up;
  for (auto at = files.rbegin(); at != files.rend(); ++at) {
    auto& tail = (*at)->tail;
    const auto skipped = tail.leave_out_all_but(left);
    left -= std::min(left, tail.backlog());
    counts_.skipped_bytes += skipped;
    if (skipped > 0) outcome.news.push_back(too_much((*at)->path, skipped));
  }
}

// What did not come back so far may still do so.
void Files::end_resumption() {
  if (!earlier_) return;
  for (auto& kept : earlier_->not_taken_up()) {
    if (!followed_.contains(kept.id)) remember(kept.id, std::move(kept.place));
  }
  earlier_.reset();
}

// The newest files that the paths name.
std::vector<Files::Candidate> Files::find(PassOutcome& outcome) {
  std::vector<Candidate> found;
  counts_.left_out = 0;
  look_for_names(outcome, found);
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.changed > b.changed; });
  counts_.left_out += found.size() - std::min(found.size(), options_.max_files);
  for (std::size_t i = options_.max_files; i < found.size(); ++i) {
    if (was_unreached(found[i].path)) remember_unseen(found[i]);
  }
  if (found.size() > options_.max_files) found.resize(options_.max_files);
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
  auto path = candidate.path;
  auto tail = Tail::open(path);
  for (const auto& other : candidate.other_paths) {  // the first may be a link that is not followed
    if (tail) break;
    if (auto next = Tail::open(other)) {
      path = other;
      tail = std::move(next);
    }
  }
  if (!tail) {
    complain(tail.error(), outcome);
    if (was_unreached(candidate.path)) remember_unseen(candidate);
    return;
  }
  if (tail->id() != candidate.id) return;  // it has just been replaced: in the next pass
  Followed file{std::move(*tail), path, candidate.changed, pass_, std::nullopt};
  file.undecided = !place(file.tail, candidate);
  followed_.emplace(candidate.id, std::move(file));
}

// False when it may be a copy: that shows once all names of this pass are known.
bool Files::place(Tail& tail, const Candidate& candidate) {
  const auto verdict = earlier_ ? earlier_->take_up(tail, candidate.path, candidate.changed) : Resumption::Verdict::unknown;
  if (verdict != Resumption::Verdict::unknown) return verdict == Resumption::Verdict::goes_on;
  const auto remembered = remembered_.find(candidate.id);
  if (remembered != remembered_.end()) {
    const bool same = tail.go_to(remembered->second.place);
    remembered_.erase(remembered);
    if (same) return true;
  }
  const bool was_there = was_unreached(candidate.path);
  if (was_there && options_.from == From::end) tail.go_to_end();
  return was_there;
}

// Whether this is the first pass that could see what is there: what it finds may be old.
bool Files::was_unreached(const std::string& path) const {
  if (pass_ == 1) return true;
  return std::any_of(unreached_.begin(), unreached_.end(),
                     [&](const auto& closed) { return path == closed || path.starts_with(closed + '/'); });
}

void Files::remember_unseen(const Candidate& candidate) {
  if (options_.from == From::beginning || remembered_.contains(candidate.id)) return;
  remember(candidate.id, {candidate.size, birth_of(AT_FDCWD, candidate.path.c_str(), 0)});
}

void Files::look_for_copies() {
  for (auto& followed : followed_) {
    auto& file = followed.second;
    if (file.undecided && !file.tail.is_empty()) {
      file.undecided = false;
      const auto original = std::find_if(followed_.begin(), followed_.end(),
                                         [&](const auto& other) { return is_copy(file, other.second); });
      if (original != followed_.end()) {
        file.copy_of = original->first;
        file.original_emptied = original->second.tail.times_emptied();
        file.tail.wait_behind(original->second.tail);
      } else if (earlier_) {
        (void)earlier_->take_up_copy(file.tail, file.path);
      }
    }
    if (file.copy_of) wait_or_go_on(file);
  }
}

// What was renamed is no original: "app.log" is then the new file, also when it begins as "app.log.1" does.
bool Files::is_copy(const Followed& file, const Followed& original) const {
  if (&file == &original || !original.is_read() || original.nameless_since) return false;
  if (original.path.starts_with(file.path)) return false;
  return file.tail.is_copy_of(original.tail, file.path.starts_with(original.path));
}

// While the original goes on, it is read and not the copy. Should the two come to differ, it was none.
void Files::wait_or_go_on(Followed& file) {
  const auto original = followed_.find(*file.copy_of);
  const bool same_as_it_was =
      original != followed_.end() && original->second.tail.times_emptied() == file.original_emptied;
  if (same_as_it_was) file.tail.wait_behind(original->second.tail);
  if (same_as_it_was && !original->second.tail.is_rewritten()) {
    if (file.tail.is_copy_of(original->second.tail, true)) return;
    file.tail.wait_no_more();
  } else {
    file.tail.resume();
  }
  file.copy_of.reset();
}

void Files::remember(const FileId& id, Tail::Place place) {
  if (remembered_.size() >= max_remembered) {
    remembered_.erase(std::min_element(remembered_.begin(), remembered_.end(), [](const auto& a, const auto& b) {
      return a.second.number < b.second.number;
    }));
  }
  remembered_.insert_or_assign(id, Remembered{std::move(place), next_number_++});
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
    if (file.is_read() && file.nameless_since.has_value() == nameless) files.push_back(&file);
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
