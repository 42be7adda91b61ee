#include "config/problem.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace sidewatch::config {
namespace {

constexpr std::size_t max_shown = 20;

}  // namespace

void Problems::add(Mark mark, std::string text) { problems_.push_back({std::move(mark), std::move(text)}); }

std::vector<Problem> Problems::sorted() const {
  std::map<std::string, std::size_t> file_order;
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
  if (problems.size() > max_shown) text += "... and " + std::to_string(problems.size() - max_shown) + " more\n";
  return text;
}

}  // namespace sidewatch::config
