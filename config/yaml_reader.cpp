// The seam of yaml-cpp.
//
// yaml-cpp 0.7 forgives too much: it closes quotes at the end of the file, drops what does not continue the document,
// keeps duplicate keys, and reads `010` as 8 or as 10. So it is used as an event parser only, and everything is decided
// here. The one idea to know is the sentinel: the line `__eof__: 1` is appended to the text, and the file is taken only
// if that key arrives as the last key of the root mapping, from that very line, in the first column. An unclosed quote,
// a bracket, a dropped tail, a second document or anything behind `...` keeps it from arriving.
//
// Because events come one at a time, depth and size are checked while parsing and nothing is built that is too large:
// an alias counts as much as what it stands for.
#include "config/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "config/bracket_runs.h"
#include "config/regular_file.h"
#include "config/source_text.h"
#include "config/wording.h"
#include "config/yaml_mistakes.h"

namespace sidewatch::config {
namespace {

constexpr std::string_view sentinel = "__eof__";
constexpr std::size_t max_mistakes = 1000;  // as many as Problems keeps
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

struct Stop {};  // ends parsing; the problem is reported

class Builder final : public YAML::EventHandler {
 public:
  Builder(const SourceText& source, int sentinel_line, const YamlLimits& limits)
      : source_(source), sentinel_line_(sentinel_line), limits_(limits), counted_(limits.nodes_before) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2) second_document_ = mark;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (documents_ > 1) return;
    last_quoted_.reset();
    if (expects_key()) return bad_key(mark, "a key is missing before the ':'");
    count(mark, 1);
    if (limits_.missing_values == MissingValues::absent && !stack_.empty() &&
        stack_.back().node->kind == Node::Kind::mapping) {
      stack_.back().key_is_bad = true;  // left out
      left_out_ = true;
    } else {
      report_null(mark);
    }
    finish(std::make_shared<Node>(), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (documents_ > 1) return;
    last_quoted_.reset();
    if (expects_key()) return bad_key(mark, "an alias cannot be a key, write the key out");
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) stop(mark, "this alias stands inside of what it names");
    count(mark, found->second->weight);
    check_depth(mark, found->second->height);
    auto node = std::make_shared<Node>(*found->second);
    node->at = node->text_at = place(mark);
    node->text_places = std::make_shared<const std::vector<TextStretch>>();  // its text stands elsewhere
    finish(std::move(node), YAML::NullAnchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (documents_ > 1) return;
    check_tag(mark, tag);
    const bool plain = tag == "?";
    last_quoted_.reset();
    if (is_quote(mark)) {
      last_quoted_ = {mark.line, mark.column};
      if (value.find(sentinel) != std::string::npos) swallowed_sentinel_ = place(mark);
    }
    if (expects_key()) return key(mark, value, plain);
    count(mark, 1);
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::scalar;
    node->at = place(mark);
    node->text_at = source_.text_of_scalar(mark.line, mark.column);
    node->plain = plain;
    node->text = value;
    node->text_places = source_.places_of(value, mark.line, mark.column);
    finish(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(Node::Kind::sequence, mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(Node::Kind::mapping, mark, tag, anchor, style);
  }
  void OnMapEnd() override { close(); }

  bool left_out() const { return left_out_; }  // some key without a value
  bool complete() const { return complete_; }
  bool too_deep() const { return too_deep_; }
  NodePtr root() const { return root_; }
  bool root_is_flow() const { return root_is_flow_; }
  const std::optional<YAML::Mark>& second_document() const { return second_document_; }
  const std::optional<Position>& swallowed_sentinel() const { return swallowed_sentinel_; }
  const std::optional<ParserComplaint::Place>& last_quoted() const { return last_quoted_; }
  std::optional<ParserComplaint::Place> open_flow() const {
    if (stack_.empty() || !stack_.back().flow) return std::nullopt;
    return stack_.back().opened;
  }
  // Mistakes in what could be read. When the reading ends early only `fatal` counts: what the parser made of the rest
  // is guesswork.
  const std::vector<Mistake>& mistakes() const { return mistakes_; }
  const std::optional<Mistake>& fatal() const { return fatal_; }

 private:
  struct Frame {
    std::shared_ptr<Node> node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool flow = false;
    bool is_key = false;  // stands where a key should stand; reported, read over and dropped
    ParserComplaint::Place opened;
    bool has_key = false;
    bool key_is_bad = false;
    std::string key;
    Position key_at;
  };

  void report(Position at, std::string text) {
    if (mistakes_.size() < max_mistakes) mistakes_.push_back({at, std::move(text)});
  }
  [[noreturn]] void stop(const YAML::Mark& mark, std::string text) {
    fatal_ = Mistake{place(mark), std::move(text)};
    throw Stop{};
  }

  Position place(const YAML::Mark& mark) const { return source_.position(mark.line, mark.column); }

  char byte_at(const YAML::Mark& mark) const {
    const auto offset = source_.offset(mark.line, mark.column);
    return offset < source_.text().size() ? source_.text()[offset] : '\0';
  }
  bool is_quote(const YAML::Mark& mark) const { return byte_at(mark) == '"' || byte_at(mark) == '\''; }

  void count(const YAML::Mark& mark, std::size_t nodes) {
    if (counted_ <= limits_.max_nodes && nodes <= limits_.max_nodes - counted_) {
      counted_ += nodes;
      return;
    }
    stop(mark, "too many values, aliases counted at each use; a configuration may have " +
                   std::to_string(limits_.max_nodes));
  }

  void check_depth(const YAML::Mark& mark, std::size_t height) {
    if (stack_.size() + height <= limits_.max_depth) return;
    too_deep_ = true;
    stop(mark, "nested deeper than " + std::to_string(limits_.max_depth) + " levels");
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    report(place(mark), "a tag such as !name has no meaning here; a text that begins with ! needs quotes");
  }

  bool expects_key() const {
    return !stack_.empty() && stack_.back().node->kind == Node::Kind::mapping && !stack_.back().has_key;
  }

  void key(const YAML::Mark& mark, const std::string& text, bool plain) {
    if (plain && text == "<<") return bad_key(mark, "merge keys (<<) are not supported, write the keys out");
    auto& frame = stack_.back();
    frame.has_key = true;
    frame.key_is_bad = false;
    frame.key = text;
    frame.key_at = place(mark);
    if (stack_.size() == 1 && plain && mark.line == sentinel_line_ && mark.column == 0 && text == sentinel) {
      complete_ = true;
      frame.key_is_bad = true;  // not part of what was written
    }
  }

  void bad_key(const YAML::Mark& mark, std::string why) {
    auto& frame = stack_.back();
    frame.has_key = true;
    frame.key_is_bad = true;
    report(place(mark), std::move(why));
  }

  void report_null(const YAML::Mark& mark) {
    if (stack_.empty()) return;
    const auto& frame = stack_.back();
    if (frame.node->kind == Node::Kind::mapping) {
      if (frame.key_is_bad) return;
      report(frame.key_at, quote(frame.key) + " has no value; write \"\" for an empty text, {} for an empty section, [] for an "
                                                 "empty list");
    } else {
      report(place_of_missing_item(source_, {mark.line, mark.column}), "this list item has no value");
    }
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style) {
    if (documents_ > 1) return;
    last_quoted_.reset();
    count(mark, 1);
    check_depth(mark, 1);
    check_tag(mark, tag);
    Frame frame;
    frame.is_key = expects_key();
    if (frame.is_key) report(place(mark), "a key must be a plain word; a text that begins with a bracket needs quotes");
    frame.node = std::make_shared<Node>();
    frame.node->kind = kind;
    frame.node->at = place(mark);
    frame.anchor = anchor;
    frame.flow = style == YAML::EmitterStyle::Flow;
    frame.opened = {mark.line, mark.column};
    if (stack_.empty()) root_is_flow_ = frame.flow;
    stack_.push_back(std::move(frame));
  }

  void close() {
    if (documents_ > 1) return;
    last_quoted_.reset();
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    if (frame.is_key) {
      stack_.back().has_key = true;
      stack_.back().key_is_bad = true;
      return;
    }
    if (frame.node->kind == Node::Kind::mapping) {
      for (auto& mistake : drop_duplicates(*frame.node)) report(mistake.at, std::move(mistake.text));
    }
    finish(std::move(frame.node), frame.anchor);
  }

  // `node` is whole: hands it to what it stands in.
  void finish(std::shared_ptr<Node> node, YAML::anchor_t anchor) {
    if (node->kind == Node::Kind::broken) node->at = stack_.empty() ? Position{} : stack_.back().key_at;
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    auto& frame = stack_.back();
    const bool dropped = frame.node->kind == Node::Kind::mapping && frame.key_is_bad;
    if (!dropped) {
      frame.node->weight += node->weight;
      frame.node->height = std::max(frame.node->height, node->height + 1);
    }
    if (frame.node->kind == Node::Kind::sequence) {
      frame.node->items.push_back(std::move(node));
      return;
    }
    if (!dropped) frame.node->entries.push_back({std::move(frame.key), frame.key_at, std::move(node)});
    frame.has_key = false;
    frame.key_is_bad = false;
    frame.key.clear();
  }

  const SourceText& source_;
  const int sentinel_line_;
  const YamlLimits limits_;
  std::size_t counted_;  // values so far, in this file and those before

  bool left_out_ = false;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, std::shared_ptr<const Node>> anchors_;
  int documents_ = 0;
  NodePtr root_;
  bool root_is_flow_ = false;
  bool complete_ = false;
  bool too_deep_ = false;
  std::vector<Mistake> mistakes_;
  std::optional<Mistake> fatal_;
  std::optional<YAML::Mark> second_document_;
  std::optional<Position> swallowed_sentinel_;
  std::optional<ParserComplaint::Place> last_quoted_;
};

// The document ended although the sentinel has not arrived: says why.
std::vector<Mistake> explain_incomplete(const Builder& builder, const SourceText& source, int end_line) {
  const auto root = builder.root();
  if (const int line = separator_line(source, end_line); line >= 0) {
    return {{source.position(line, 0), "only one document per file: nothing may follow '---' or '...' here"}};
  }
  std::vector<Mistake> mistakes;
  const auto& second = builder.second_document();
  if (second && second->line < end_line) {
    mistakes.push_back({source.position(second->line, second->column), "this does not continue what stands above it"});
  }
  if (!root || root->kind == Node::Kind::scalar || root->kind == Node::Kind::broken) {
    mistakes.push_back({root ? root->at : Position{0, 1, 1}, "expected lines of 'key: value'"});
  } else if (root->kind == Node::Kind::sequence) {
    mistakes.push_back({root->at, "the top level must be lines of 'key: value', not a list"});
  } else if (builder.root_is_flow()) {
    mistakes.push_back({root->at, "the top level cannot stand in braces, write it as lines of 'key: value'"});
  } else if (root->at.column > 1) {
    mistakes.push_back({root->at, "the first key must stand at the very beginning of its line"});
  } else if (mistakes.empty()) {
    mistakes.push_back({root->at, "the file does not end where its first section ends"});
  }
  return mistakes;
}

// Parses `text` into `builder`; what made that end early, or nothing when the whole text has been read.
std::vector<Mistake> parse(Builder& builder, const std::string& text, const SourceText& source, int end_line) {
  std::istringstream stream(text);
  std::optional<ParserComplaint> complaint;
  try {
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    if (!builder.complete()) parser.HandleNextDocument(builder);
  } catch (const Stop&) {
    return {*builder.fatal()};
  } catch (const YAML::Exception& error) {
    complaint = {error.msg, {error.mark.line, error.mark.column}, end_line, builder.open_flow(), builder.last_quoted()};
  }
  if (builder.swallowed_sentinel()) return {{*builder.swallowed_sentinel(), "this quote is never closed"}};
  if (complaint && !builder.root()) return {explain(*complaint, source)};
  if (!builder.complete()) return explain_incomplete(builder, source, end_line);
  return {};
}

}  // namespace

NodePtr read_yaml(const std::string& text, const std::string& name, int file, const YamlLimits& limits,
                  Problems& problems) {
  const auto report = [&](const Mistake& mistake) {
    problems.add({name, mistake.at.line, mistake.at.column}, mistake.text);
  };
  std::string_view written = text;
  if (written.starts_with(byte_order_mark)) written.remove_prefix(byte_order_mark.size());
  if (const auto bad = find_bad_byte(written)) {
    report({SourceText(std::string(written), file).position(bad->offset), bad->why});
    return nullptr;
  }
  std::string with_sentinel(written);
  if (!with_sentinel.empty() && !with_sentinel.ends_with('\n')) with_sentinel += '\n';
  with_sentinel += std::string(sentinel) + ": 1\n";
  const SourceText source(std::move(with_sentinel), file);
  const int end_line = source.line_count() - 2;

  if (const auto shortened = shortened_bracket_runs(source.text(), limits.max_depth)) {
    Builder builder(source, end_line, limits);
    const auto fatal = parse(builder, *shortened, source, end_line);
    if (builder.too_deep()) {
      report(fatal.front());
      return nullptr;
    }
  }
  Builder builder(source, end_line, limits);
  const auto fatal = parse(builder, source.text(), source, end_line);
  for (const auto& mistake : fatal.empty() ? builder.mistakes() : fatal) report(mistake);
  if (!fatal.empty()) return nullptr;
  if (builder.root()->entries.empty() && builder.mistakes().empty() && !builder.left_out()) {
    report({{file, 0, 0}, "the file is empty, there is no configuration in it"});
    return nullptr;
  }
  return builder.root();
}

}  // namespace sidewatch::config
