// See lexer.h.

#include "alerting/template/lexer.h"

#include <algorithm>
#include <utility>

#include "alerting/template/literals.h"

namespace sidewatch {
namespace {

using Kind = TemplateToken::Kind;

constexpr std::string_view white_space = " \t\r\n";

bool is_space(char c) { return white_space.find(c) != std::string_view::npos; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80U;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool read() {
    while (at_ < text_.size()) {
      if (!literal_text() || (at_ < text_.size() && !action())) return false;
    }
    add(Kind::end, at_);
    return true;
  }

  std::vector<TemplateToken> tokens;
  TemplateMistake mistake;

 private:
  bool fail(std::size_t offset, std::string what) {
    mistake = {offset, std::move(what)};
    return false;
  }
  TemplateToken& add(Kind kind, std::size_t offset, std::string text = {}) {
    tokens.push_back({kind, std::move(text), {}, offset, spaced_});
    spaced_ = false;
    return tokens.back();
  }
  std::string_view rest() const { return text_.substr(at_); }
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  // Up to the next action, without the white space that a trim marker on either side takes away.
  bool literal_text() {
    const std::size_t begin = at_;
    at_ = std::min(text_.find("{{", at_), text_.size());
    std::string_view text = text_.substr(begin, at_ - begin);
    if (trim_) text.remove_prefix(std::min(text.find_first_not_of(white_space), text.size()));
    trim_ = false;
    if (trims_before()) text = text.substr(0, text.find_last_not_of(white_space) + 1);
    if (!text.empty()) add(Kind::text, begin, std::string(text));
    return true;
  }

  bool trims_before() const {
    return rest().starts_with("{{-") && at_ + 3 < text_.size() && is_space(text_[at_ + 3]);
  }

  bool action() {
    open_ = at_;
    at_ += trims_before() ? 4 : 2;
    if (rest().starts_with("/*")) return comment();
    add(Kind::open, open_);
    while (true) {
      spaced_ = is_space(here()) && at_ < text_.size();
      while (at_ < text_.size() && is_space(here())) ++at_;
      if (at_ >= text_.size()) return fail(open_, "'{{' is never closed with '}}'");
      if (spaced_ && rest().starts_with("-}}")) return close(3);
      if (rest().starts_with("}}")) return close(2);
      if (!token()) return false;
    }
  }

  bool close(std::size_t length) {
    add(Kind::close, at_);
    at_ += length;
    trim_ = length == 3;
    return true;
  }

  bool comment() {
    const std::size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return fail(open_, "the comment is never closed with '*/'");
    at_ = end + 2;
    trim_ = at_ < text_.size() && is_space(here()) && text_.substr(at_ + 1).starts_with("-}}");
    if (!trim_ && !rest().starts_with("}}")) return fail(open_, "a comment ends with '*/}}', nothing stands beside it");
    at_ += trim_ ? 4 : 2;
    return true;
  }

  bool token() {
    const std::size_t start = at_;
    const char c = here();
    const bool number = is_digit(c) || ((c == '+' || c == '-') && at_ + 1 < text_.size() && begins_number(at_ + 1)) ||
                        (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]));
    if (number || c == '"' || c == '`' || c == '\'') return literal();
    if (rest().starts_with(":=")) return mark(Kind::declare, 2);
    switch (c) {
      case '|': return mark(Kind::pipe, 1);
      case '(': return mark(Kind::left_parenthesis, 1);
      case ')': return mark(Kind::right_parenthesis, 1);
      case '=': return mark(Kind::assign, 1);
      case ',': return mark(Kind::comma, 1);
      default: break;
    }
    if (c == '$' || c == '.') ++at_;
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_word(here())) ++at_;
    std::string word(text_.substr(begin, at_ - begin));
    if (c == '$') return ends(add(Kind::variable, start, std::move(word)));
    if (c == '.') return word.empty() ? ends(add(Kind::dot, start)) : ends(add(Kind::field, start, std::move(word)));
    if (word.empty()) return fail(start, "unexpected '" + std::string(1, c) + "' in the action");
    return ends(add(Kind::identifier, start, std::move(word)));
  }

  bool begins_number(std::size_t at) const {
    return is_digit(text_[at]) || (text_[at] == '.' && at + 1 < text_.size() && is_digit(text_[at + 1]));
  }

  bool mark(Kind kind, std::size_t length) {
    add(kind, at_);
    at_ += length;
    return true;
  }

  // A word must not run into what follows it.
  bool ends(const TemplateToken&) {
    const char c = here();
    if (at_ >= text_.size() || is_space(c) || std::string_view(".,|:()=").find(c) != std::string_view::npos ||
        rest().starts_with("}}")) {
      return true;
    }
    return fail(at_, "unexpected '" + std::string(1, c) + "' in the action");
  }

  bool literal() {
    const auto read = read_template_literal(rest());
    if (!read.problem.empty()) return fail(at_ + read.problem_offset, read.problem);
    add(Kind::literal, at_).literal = read.value;
    at_ += read.length;
    return ends(tokens.back());
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t open_ = 0;  // of the action being read
  bool trim_ = false;     // the next text loses its leading white space
  bool spaced_ = false;
};

}  // namespace

std::optional<std::vector<TemplateToken>> read_tokens(std::string_view text, TemplateMistake& mistake) {
  Reader reader(text);
  if (reader.read()) return std::move(reader.tokens);
  mistake = std::move(reader.mistake);
  return std::nullopt;
}

}  // namespace sidewatch
