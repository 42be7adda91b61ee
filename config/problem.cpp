#include "config/problem.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace sidewatch::config {
namespace {

constexpr std::size_t max_shown = 20;
constexpr std::size_t max_kept = 1000;

}  // namespace

void Problems::add(Mark mark, std::string text) {
  if (problems_.size() < max_kept) {
    problems_.push_back({std::move(mark), std::move(text)});
  } else {
    ++dropped_;
  }
}

void Problems::reading(const std::string& file) { files_.push_back(file); }

std::vector<Problem> Problems::sorted() const {
  std::map<std::string, std::size_t> file_order;
  for (const auto& file : files_) file_order.emplace(file, file_order.size());
  for (const auto& problem : problems_) file_order.emplace(problem.mark.file, file_order.size());
  auto sorted = problems_;
  const auto key = [&](const Problem& problem) {
    return std::tuple(file_order.at(problem.mark.file), problem.mark.line, problem.mark.column,
                      std::string_view(problem.text));
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Problem& a, const Problem& b) { return key(a) < key(b); });
  sorted.erase(std::unique(sorted.begin(), sorted.end(),
                           [&](const Problem& a, const Problem& b) { return key(a) == key(b); }),
               sorted.end());
  return sorted;
}

std::string Problems::text() const {
  std::string text;
  const auto problems = sorted();
  for (std::size_t i = 0; i < problems.size() && i < max_shown; ++i) {
    const auto& [mark, what] = problems[i];
    text += mark.file;
    if (mark.line > 0) text += ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
    text += ": " + what + "\n";
  }
  const std::size_t unshown = problems.size() - std::min(problems.size(), max_shown) + dropped_;
  if (unshown > 0) text += "... and " + std::to_string(unshown) + " more\n";
  return text;
}

}  // namespace sidewatch::config
