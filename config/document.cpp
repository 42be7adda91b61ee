// Reads the files of a document, depth first in the order of their `include:` patterns, and merges them.
#include "config/document.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "config/files.h"
#include "config/masked_yaml.h"
#include "config/merge.h"
#include "config/regular_file.h"
#include "config/section_impl.h"
#include "config/wording.h"
#include "config/yaml_reader.h"

namespace sidewatch::config {

struct Document::Content {
  std::shared_ptr<SectionContext> context;
  NodePtr root;
};

class DocumentReader {
 public:
  DocumentReader(const Environment& environment, Problems& problems, const DocumentLimits& limits) : limits_(limits) {
    context_->environment = environment;
    context_->problems = &problems;
    root_ = std::make_shared<Node>();
  }

  // The file that everything starts with.
  void read_first(const std::string& path) {
    std::string identity;
    auto text = read_regular_file(path, limits_.max_file_bytes, &identity);
    if (text) return read_text(path, *text, identity);
    context_->problems->add({path, 0, 0}, text.error().what);
    context_->incomplete = true;
  }

  void read_text(const std::string& name, const std::string& text, const std::string& identity) {
    const int file = static_cast<int>(context_->files.size());
    context_->files.push_back(name);
    context_->problems->reading(name);
    const auto missing_values = context_->environment ? MissingValues::refused : MissingValues::absent;
    const auto root = read_yaml(text, name, file, {limits_.max_depth, limits_.max_nodes, nodes_, missing_values},
                                *context_->problems);
    if (!root) {
      context_->incomplete = true;
      return;
    }
    nodes_ += root->weight;
    seen_.insert(identity);
    reading_.push_back({identity, name});
    add(root);
    reading_.pop_back();
  }

  Document finish() {
    auto content = std::make_shared<Document::Content>();
    content->context = context_;
    content->root = root_;
    if (root_->kind != Node::Kind::mapping) {
      auto nothing = std::make_shared<Node>();
      nothing->kind = Node::Kind::mapping;
      content->root = nothing;
    }
    Document document;
    document.content_ = std::move(content);
    document.files_ = context_->files;
    return document;
  }

 private:
  struct Reading {
    std::string identity;
    std::string name;
  };

  // Merges one file's root into the document, then what it includes.
  void add(const NodePtr& root) {
    auto rest = std::make_shared<Node>(*root);
    const auto include = std::find_if(rest->entries.begin(), rest->entries.end(),
                                      [](const Entry& entry) { return entry.key == "include"; });
    NodePtr patterns;
    if (include != rest->entries.end()) {
      patterns = include->value;
      rest->entries.erase(include);
    }
    root_ = root_->kind == Node::Kind::mapping ? merge(root_, rest, *context_) : rest;
    if (patterns) include_all(*patterns);
  }

  void include_all(const Node& patterns) {
    Section::Impl reader;
    reader.context = context_;
    const auto include = [&](const Node& node) {
      const auto pattern = reader.scalar(node, "a file name or a pattern like conf.d/*.yaml");
      if (pattern) include_one(*pattern);
    };
    if (patterns.kind == Node::Kind::sequence) {
      for (const auto& item : patterns.items) include(*item);
    } else {
      include(patterns);
    }
  }

  void include_one(const Scalar& pattern) {
    for (const auto& path : files_matching(pattern.text, reading_.back().name)) {
      if (context_->files.size() >= limits_.max_files) {
        context_->report(pattern.at, "too many files; a configuration may have " + std::to_string(limits_.max_files));
        context_->incomplete = true;
        return;
      }
      include_file(path, pattern.at);
    }
  }

  void include_file(const std::string& path, const Position& at) {
    std::string identity;
    const auto text = read_regular_file(path, limits_.max_file_bytes, &identity);
    if (!text) {
      context_->report(at, path + ": " + text.error().what);
      context_->incomplete = true;
      return;
    }
    const auto above = std::find_if(reading_.begin(), reading_.end(),
                                    [&](const Reading& reading) { return reading.identity == identity; });
    if (above != reading_.end()) {
      context_->report(at, "includes go in a circle: " + path + " is being read already");
      return;
    }
    if (seen_.contains(identity)) return;  // named by two patterns: read once
    read_text(path, *text, identity);
  }

  const DocumentLimits limits_;
  std::shared_ptr<SectionContext> context_ = std::make_shared<SectionContext>();
  NodePtr root_;  // broken until the first file has been read
  std::size_t nodes_ = 0;
  std::set<std::string> seen_;
  std::vector<Reading> reading_;
};

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
}

Document Document::load(const std::string& path, const Environment& environment, Problems& problems,
                        const DocumentLimits& limits) {
  DocumentReader reader(environment, problems, limits);
  reader.read_first(path);
  return reader.finish();
}

Document Document::parse(std::string name, std::string text, const Environment& environment, Problems& problems,
                         const DocumentLimits& limits) {
  DocumentReader reader(environment, problems, limits);
  if (text.size() > limits.max_file_bytes) {
    problems.add({std::move(name), 0, 0}, "is larger than the limit for a configuration file");
    return reader.finish();
  }
  reader.read_text(name, text, "");
  return reader.finish();
}

std::string Document::masked_yaml() const { return config::masked_yaml(*content_->root, content_->context->secrets); }

std::shared_ptr<const OutsideTexts> Document::outside_texts() const { return content_->context->outside; }

void Document::visit(const std::function<void(Section&)>& declare_all) {
  auto impl = std::make_shared<Section::Impl>();
  impl->context = content_->context;
  impl->node = content_->root;
  impl->known.emplace_back("include");
  Section top(std::move(impl));
  declare_all(top);
  top.finish();
}

}  // namespace sidewatch::config
