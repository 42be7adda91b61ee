// A configuration as read from its files: strict YAML, includes merged, ready to be declared into.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/section.h"

namespace sidewatch::config {

// Limits of what is read at all; over them is a Problem, not a crash.
struct DocumentLimits {
  std::size_t max_file_bytes = std::size_t{1} << 20;
  std::size_t max_files = 64;
  std::size_t max_depth = 64;
  std::size_t max_nodes = 100'000;  // visited, aliases counted at each use
};

// Expansion of ${NAME}: injected so that tests do not depend on the environment.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

class Document {
 public:
  // Reads `path` and what it includes. Problems are added to `problems`; the document then holds what could be read.
  static Document load(const std::string& path, const Environment& environment, Problems& problems,
                       const DocumentLimits& limits = {});
  // As if `text` were the content of a file named `name`, in the current directory.
  static Document parse(std::string name, std::string text, const Environment& environment, Problems& problems,
                        const DocumentLimits& limits = {});

  // Declares the whole document into `out` and reports the keys that nobody declared.
  template <class T>
  void read(T& out) {
    Section top = root();
    declare(top, out);
    top.finish();
  }

  const std::vector<std::string>& files() const { return files_; }  // in order of reading

 private:
  Section root();
  std::shared_ptr<Section::Impl> root_;
  std::vector<std::string> files_;
};

}  // namespace sidewatch::config
