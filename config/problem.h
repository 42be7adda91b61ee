// Everything that is wrong with a configuration, with its place, to be shown together.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sidewatch::config {

// A place in a configuration file. Line and column are 1-based; columns count characters, not bytes. Line 0 means the
// file as a whole.
struct Mark {
  std::string file;
  int line = 0;
  int column = 0;
};

struct Problem {
  Mark mark;
  std::string text;  // "unknown key 'intervall', did you mean 'interval'?"
};

class Problems {
 public:
  // Kept up to a thousand; beyond that they are only counted.
  void add(Mark mark, std::string text);
  bool empty() const { return problems_.empty(); }
  std::size_t size() const { return problems_.size() + dropped_; }
  bool full() const { return dropped_ > 0; }

  // Files are shown in the order in which they are announced here, then in the order of their first problem.
  void reading(const std::string& file);

  // Ordered by file, line and column; the same problem at the same place only once.
  std::vector<Problem> sorted() const;

  // One `file:line:column: text` per line, at most 20 and then how many more.
  std::string text() const;

 private:
  std::vector<Problem> problems_;
  std::vector<std::string> files_;
  std::size_t dropped_ = 0;
};

}  // namespace sidewatch::config
