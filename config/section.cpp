// Sections and how they nest. The scalar fields are in section_fields.cpp.
#include "config/section.h"

#include <algorithm>

#include "base/utf8.h"
#include "config/expansion.h"
#include "config/section_impl.h"
#include "config/wording.h"

namespace sidewatch::config {
namespace {

constexpr int max_described_depth = 16;  // a section that contains itself is described this deep
constexpr std::string_view section_words = "a section (lines of 'key: value')";
constexpr std::string_view list_words = "a list of sections (each begins with '- ')";

std::string_view kind_words(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::scalar: return "a single value";
    case Node::Kind::mapping: return "a section";
    case Node::Kind::sequence: return "a list";
    case Node::Kind::broken: return "nothing";
  }
  return "nothing";
}

// The place in the file of the `offset`th byte of a scalar's text.
Mark place_of(const Node& scalar, const Mark& mark, std::size_t offset) {
  int line = 1;
  int column = 1;
  for (const char byte : std::string_view(scalar.text).substr(0, offset)) {
    if (byte == '\n') {
      ++line;
      column = 1;
    } else if (!continues_character(byte)) {
      ++column;
    }
  }
  return place_in_text(scalar.text, mark, scalar.text_places, line, column);
}

}  // namespace

Mark SectionContext::mark(const Position& at) const {
  const auto index = static_cast<std::size_t>(at.file);
  return {index < files.size() ? files[index] : std::string(), at.line, at.column};
}

std::shared_ptr<Section::Impl> Section::Impl::describe(std::shared_ptr<Shape> shape, int depth) {
  auto impl = std::make_shared<Impl>();
  impl->shape = std::move(shape);
  impl->depth = depth;
  return impl;
}

const Entry* Section::Impl::entry(std::string_view key) const {
  if (!node) return nullptr;
  const auto found = std::find_if(node->entries.begin(), node->entries.end(),
                                  [&](const Entry& candidate) { return candidate.key == key; });
  return found == node->entries.end() ? nullptr : &*found;
}

void Section::keep_secret(std::string_view key) {
  const Entry* entry = impl_->entry(key);
  if (entry && entry->value->kind == Node::Kind::scalar) impl_->context->secrets.insert(entry->value->text);
}

const Node* Section::Impl::find(Field field) {
  if (shape) {
    const auto same = [&](const Field& other) { return other.key == field.key; };
    if (std::none_of(shape->fields.begin(), shape->fields.end(), same)) shape->fields.push_back(std::move(field));
    return nullptr;
  }
  known.push_back(field.key);
  const Entry* found = entry(field.key);
  if (!found && field.required && !context->incomplete) {
    context->report(node->at, quote(field.key) + " is missing" + place_name());
  }
  if (!found || found->value->kind == Node::Kind::broken) return nullptr;
  return found->value.get();
}

std::optional<Scalar> Section::Impl::scalar(const Node& value, std::string_view expected) const {
  if (value.kind == Node::Kind::broken) return std::nullopt;
  if (value.kind != Node::Kind::scalar) {
    report_wrong_kind(value, expected);
    return std::nullopt;
  }
  const Mark mark = context->mark(value.text_at);
  auto expansion = expand(value.text, context->environment, directory_of(mark.file));
  if (expansion.problem) {
    context->problems->add(place_of(value, mark, expansion.problem->offset), expansion.problem->text);
    return std::nullopt;
  }
  context->outside->insert(expansion.outside.begin(), expansion.outside.end());
  return Scalar{std::move(expansion.text), value.text, value.at, mark, value.text_places, value.plain,
                expansion.changed, std::move(expansion.only_file)};
}

void Section::Impl::report_wrong_kind(const Node& value, std::string_view expected) const {
  if (value.kind == Node::Kind::broken) return;
  context->report(value.at, "expected " + std::string(expected) + ", got " + std::string(kind_words(value.kind)));
}

void Section::Impl::report_bad_value(const Scalar& value, std::string why, std::string_view expected) const {
  if (value.expanded) why = quote(value.written) + " does not stand for " + std::string(expected);
  context->report(value.at, std::move(why));
}

std::shared_ptr<Section::Impl> Section::Impl::nested(std::string_view key, NodePtr mapping) const {
  auto impl = std::make_shared<Impl>();
  impl->context = context;
  impl->node = std::move(mapping);
  impl->path = path.empty() ? std::string(key) : path + "." + std::string(key);
  return impl;
}

std::string Section::Impl::place_name() const { return path.empty() ? " at the top level" : " in " + path; }

Section::Section(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

std::optional<Section> Section::open(std::string_view key, std::string_view help) {
  Field field{.key = std::string(key), .type = Field::Type::section, .help = std::string(help)};
  field.nested = std::make_shared<Shape>();
  const auto shape = field.nested;
  const Node* value = impl_->find(std::move(field));
  if (describing()) {
    if (impl_->depth == max_described_depth) return std::nullopt;
    return Section(Impl::describe(shape, impl_->depth + 1));
  }
  if (!value) return std::nullopt;
  if (value->kind != Node::Kind::mapping) {
    impl_->report_wrong_kind(*value, section_words);
    return std::nullopt;
  }
  return Section(impl_->nested(key, impl_->entry(key)->value));
}

std::vector<Section> Section::open_list(std::string_view key, std::string_view help) {
  std::vector<Section> sections;
  Field field{.key = std::string(key), .type = Field::Type::list, .help = std::string(help)};
  field.nested = std::make_shared<Shape>();
  const auto shape = field.nested;
  const Node* value = impl_->find(std::move(field));
  if (describing()) {
    if (impl_->depth < max_described_depth) sections.push_back(Section(Impl::describe(shape, impl_->depth + 1)));
    return sections;
  }
  if (!value) return sections;
  if (value->kind != Node::Kind::sequence) {
    impl_->report_wrong_kind(*value, list_words);
    return sections;
  }
  for (const auto& item : value->items) {
    if (item->kind == Node::Kind::mapping) {
      sections.push_back(Section(impl_->nested(key, item)));
    } else {
      impl_->report_wrong_kind(*item, section_words);
    }
  }
  return sections;
}

std::optional<Located<std::string>> Section::open_shorthand(std::string_view key, std::optional<Section>& mapping,
                                                            std::string_view help) {
  constexpr std::string_view expected = "a single value or a section";
  Field field{.key = std::string(key), .type = Field::Type::text_or_section, .help = std::string(help)};
  field.nested = std::make_shared<Shape>();
  const auto shape = field.nested;
  const Node* value = impl_->find(std::move(field));
  if (describing()) {
    if (impl_->depth < max_described_depth) mapping = Section(Impl::describe(shape, impl_->depth + 1));
    return std::nullopt;
  }
  if (!value) return std::nullopt;
  if (value->kind == Node::Kind::mapping) {
    mapping = Section(impl_->nested(key, impl_->entry(key)->value));
    return std::nullopt;
  }
  const auto scalar = impl_->scalar(*value, expected);
  if (!scalar) return std::nullopt;
  return Located<std::string>{scalar->text, scalar->text_mark, scalar->expanded, scalar->places};
}

Mark place_in(const Located<std::string>& text, int line, int column) {
  return text.expanded ? text.mark : place_in_text(text.value, text.mark, text.places, line, column);
}

void Section::within(std::string_view key, std::string_view help, const std::function<void(Section&)>& visit) {
  if (auto nested = open(key, help)) {
    visit(*nested);
    nested->finish();
  }
}

void Section::each(std::string_view key, std::string_view help, const std::function<void(Section&)>& visit) {
  for (auto& nested : open_list(key, help)) {
    visit(nested);
    nested.finish();
  }
}

void Section::problem(std::string_view key, std::string text) {
  if (describing()) return;
  if (impl_->context->incomplete && !has(key)) return;  // it may stand in a file that could not be read
  const Entry* found = impl_->entry(key);
  if (found && found->value->kind == Node::Kind::broken) return;
  impl_->context->problems->add(mark(key), std::move(text));
}

void Section::problem(const Mark& mark, std::string text) {
  if (!describing()) impl_->context->problems->add(mark, std::move(text));
}

void Section::shorthand_problem(const Located<std::string>& at, std::string text) {
  if (at.expanded) text = "what ${...} stands for here is not a valid value";
  problem(at.mark, std::move(text));
}

bool Section::has(std::string_view key) const { return impl_->entry(key) != nullptr; }

Mark Section::mark() const { return describing() ? Mark{} : impl_->context->mark(impl_->node->at); }

Mark Section::mark(std::string_view key) const {
  const Entry* found = impl_->entry(key);
  return found ? impl_->context->mark(found->value->at) : mark();
}

bool Section::describing() const { return impl_->shape != nullptr; }

void Section::ignore_the_rest() {
  if (describing()) return;
  for (const auto& entry : impl_->node->entries) impl_->known.push_back(entry.key);
}

void Section::finish() {
  if (describing()) return;
  const std::vector<std::string_view> known(impl_->known.begin(), impl_->known.end());
  for (const auto& entry : impl_->node->entries) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    if (impl_->context->problems->full()) return;
    std::string text = "unknown key " + quote(entry.key) + impl_->place_name();
    if (const auto meant = nearest(entry.key, known)) {
      text = "unknown key " + quote(entry.key) + ", did you mean " + quote(*meant) + "?";
    } else if (!known.empty()) {
      text += ", known are: " + list_of(known);
    } else {
      text += ", which takes no keys";
    }
    impl_->context->report(entry.at, std::move(text));
  }
}

}  // namespace sidewatch::config
