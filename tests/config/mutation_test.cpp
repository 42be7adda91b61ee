// Broken in every way that a truncated write or a flipped byte can break it, a configuration is read or refused; it
// never crashes and is never refused without a reason.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/config/sample.h"

namespace sidewatch::config {
namespace {

constexpr std::string_view sample_text = R"(# a sample
agent: &agent
  interval: ${NO_SUCH:-5s}
  state_dir: "/var/lib/${NAME}"   # quoted
  labels: {service: 'it''s', größe: "\u00e9\n", template: "{{ $value }} $$"}
store:
  path: |
    several
    lines
servers:
  - name: front
    port: 8080
    ratio: 90%
    body_limit: 512MiB
    tls: true
    level: high
    match: "^/api/(a|b)[0-9]+$"
    token: ${TOKEN}
    headers: {X-Key: "${TOKEN}"}
    paths: &paths [/a, "/b",
      'c']
    limit: "> 80"
  -
    name: back
    paths: *paths
    limit: {above: 1e3, clear: 75%, for: 1m30s}
    ? note
    : text
)";

// Reads `text` and checks what holds for every text.
void read(const std::string& text) {
  const auto outcome = read_sample(text);
  const auto lines = static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 2;
  for (const auto& problem : outcome.problems.sorted()) {
    EXPECT_FALSE(problem.text.empty());
    EXPECT_EQ(problem.text.find("canary"), std::string::npos) << problem.text;
    EXPECT_EQ(problem.text.find("__eof__"), std::string::npos) << problem.text << "\n" << text;
    EXPECT_GE(problem.mark.line, 0);
    EXPECT_LE(problem.mark.line, lines) << problem.text << "\n" << text;
  }
}

TEST(Mutations, TheSampleItselfIsRight) {
  EXPECT_EQ(read_sample(std::string(sample_text)).problems.text(), "");
}

TEST(Mutations, EveryTruncationIsReadOrRefused) {
  for (std::size_t length = 0; length <= sample_text.size(); ++length) read(std::string(sample_text.substr(0, length)));
}

TEST(Mutations, EveryMissingByteIsReadOrRefused) {
  for (std::size_t at = 0; at < sample_text.size(); ++at) {
    std::string text(sample_text);
    text.erase(at, 1);
    read(text);
  }
}

TEST(Mutations, RandomBytesAreReadOrRefused) {
  std::mt19937 random(20261121);
  constexpr std::string_view favourites = "\n\n  \t:-[]{}\"'#&*!|>%@`,?~$\\\r\xC3\xFF";
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random()) % limit; };
  for (int round = 0; round < 4000; ++round) {
    std::string text(sample_text);
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
      const char byte = below(4) == 0 ? static_cast<char>(below(256)) : favourites[below(favourites.size())];
      const std::size_t at = below(text.size());
      switch (below(3)) {
        case 0: text[at] = byte; break;
        case 1: text.insert(at, 1, byte); break;
        default: text.erase(at, 1 + below(20)); break;
      }
      if (text.empty()) text = "x";
    }
    read(text);
  }
}

TEST(Mutations, RandomTokensAreReadOrRefused) {
  std::mt19937 random(7);
  static constexpr std::string_view tokens[] = {
      "agent", "servers", ":",  ": ",  "\n",    "\n  ",  "\n    ", "- ", "[", "]",  "{",  "}",    ", ", "\"", "'", "|",
      ">",     "&a ",     "*a", "? ",  "<<",    "!t ",   "---\n",   "#",  "~", "5s", "${", "name", "x",  "...\n",
      "__eof__: 1"};
  for (int round = 0; round < 4000; ++round) {
    std::string text;
    for (int i = 0; i < 30; ++i) text += tokens[random() % std::size(tokens)];
    Problems problems;
    auto document = Document::parse("f", text, sample_environment(), problems);
    Sample sample;
    document.read(sample);
    for (const auto& problem : problems.sorted()) EXPECT_FALSE(problem.text.empty());
  }
}

}  // namespace
}  // namespace sidewatch::config
