// A configuration as read from its files: strict YAML, includes merged, ready to be declared into.
//
// The top-level key `include:` is the document's own: a list of globs relative to the including file. Included mappings
// merge key by key behind what is there, lists append, and a value that two files set is a problem that names both.
// A file that cannot be read or parsed is a problem at its place; keys are then not reported as missing, because they
// may stand in what could not be read.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/outside_texts.h"
#include "config/section.h"

namespace sidewatch::config {

// Limits of what is read at all; over them is a Problem, not a crash.
struct DocumentLimits {
  std::size_t max_file_bytes = std::size_t{1} << 20;
  std::size_t max_files = 64;
  std::size_t max_depth = 64;
  std::size_t max_nodes = 100'000;  // visited, aliases counted at each use
};

// What ${NAME} stands for: injected so that tests do not depend on the environment. An empty function means that this
// document is in the format of another program (a rule file of Prometheus): it knows no ${...} at all, and a key without
// a value is as good as no key.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

class Document {
 public:
  // Reads `path` and what it includes. Problems are added to `problems`, by `read` too, so it must outlive the
  // document; the document then holds what could be read.
  static Document load(const std::string& path, const Environment& environment, Problems& problems,
                       const DocumentLimits& limits = {});
  // As if `text` were the content of a file named `name`, in the current directory.
  static Document parse(std::string name, std::string text, const Environment& environment, Problems& problems,
                        const DocumentLimits& limits = {});

  // Declares the whole document into `out` and reports the keys that nobody declared.
  template <class T>
  void read(T& out) {
    visit([&](Section& top) { declare(top, out); });
  }
  // The same for a top level that is declared by a function.
  void visit(const std::function<void(Section&)>& declare_all);

  // What is in force, all files merged and without secrets, as YAML. Known once it has been read.
  std::string masked_yaml() const;

  // What ${...} stood for wherever it was read: it grows as the document is read.
  std::shared_ptr<const OutsideTexts> outside_texts() const;

  const std::vector<std::string>& files() const { return files_; }  // in order of reading

 private:
  friend class DocumentReader;
  struct Content;
  std::shared_ptr<Content> content_;
  std::vector<std::string> files_;
};

}  // namespace sidewatch::config
