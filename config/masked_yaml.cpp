#include "config/masked_yaml.h"

#include <string_view>

#include "base/json.h"

namespace sidewatch::config {
namespace {

constexpr std::string_view mask = "<secret>";

// "https://user:password@host/" -> "https://<secret>@host/"
std::string without_user(std::string text) {
  std::size_t from = 0;
  while (true) {
    const std::size_t scheme = text.find("://", from);
    if (scheme == std::string::npos) return text;
    const std::size_t begin = scheme + 3;
    const std::size_t end = text.find_first_of("/?# \t\n", begin);
    const std::size_t at = text.substr(begin, end == std::string::npos ? end : end - begin).rfind('@');
    if (at != std::string::npos) text.replace(begin, at, mask);
    from = begin;
  }
}

class Writer {
 public:
  explicit Writer(const std::set<std::string>& secrets) : secrets_(secrets) {}

  // `node` at the beginning of a line of this depth.
  void write(const Node& node, std::size_t depth) {
    switch (node.kind) {
      case Node::Kind::mapping: return write_mapping(node, depth, true);
      case Node::Kind::sequence: return write_sequence(node, depth);
      case Node::Kind::scalar:
      case Node::Kind::broken:
        out_ += scalar(node);
        out_ += '\n';
        return;
    }
  }
  std::string take() { return std::move(out_); }

 private:
  // `indented`: the first line still needs its blanks; behind "- " it does not.
  void write_mapping(const Node& node, std::size_t depth, bool indented) {
    for (const auto& entry : node.entries) {
      if (indented) out_.append(2 * depth, ' ');
      indented = true;
      out_ += key(entry.key);
      out_ += ':';
      write_value(*entry.value, depth + 1);
    }
  }

  void write_sequence(const Node& node, std::size_t depth) {
    for (const auto& item : node.items) {
      out_.append(2 * depth, ' ');
      out_ += '-';
      if (item->kind == Node::Kind::mapping && !item->entries.empty()) {
        out_ += ' ';
        write_mapping(*item, depth + 1, false);
      } else {
        write_value(*item, depth + 1);
      }
    }
  }

  // Behind a colon or a dash.
  void write_value(const Node& node, std::size_t depth) {
    const bool is_mapping = node.kind == Node::Kind::mapping;
    const bool is_sequence = node.kind == Node::Kind::sequence;
    if ((is_mapping && !node.entries.empty()) || (is_sequence && !node.items.empty())) {
      out_ += '\n';
      return write(node, depth);
    }
    out_ += ' ';
    out_ += is_mapping ? "{}" : is_sequence ? "[]" : scalar(node);
    out_ += '\n';
  }

  static std::string key(const std::string& text) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
    const bool is_plain = !text.empty() && text.find_first_not_of(plain) == std::string::npos;
    return is_plain ? text : json_quoted(text);
  }

  std::string scalar(const Node& node) const {
    if (secrets_.contains(node.text) && !node.text.empty()) return std::string(mask);
    const std::string text = without_user(node.text);
    // A plain text of one place may not be plain at another, behind a bracket, say: only what is harmless anywhere is.
    constexpr std::string_view harmless =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-";
    const bool is_plain = node.plain && !text.empty() && text.find_first_not_of(harmless) == std::string::npos;
    return is_plain ? text : json_quoted(text);
  }

  const std::set<std::string>& secrets_;
  std::string out_;
};

}  // namespace

std::string masked_yaml(const Node& root, const std::set<std::string>& secrets) {
  Writer writer(secrets);
  writer.write(root, 0);
  return writer.take();
}

}  // namespace sidewatch::config
