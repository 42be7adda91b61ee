// A configuration that uses every kind of field once, for the tests of config/.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/document.h"
#include "config/literals.h"
#include "config/section.h"

namespace sidewatch::config {

using namespace std::chrono_literals;

struct Agent {
  Duration interval = 5s;
  std::string state_dir = "/var/lib/sample";
  std::map<std::string, std::string> labels;
};
inline void declare(Section& s, Agent& agent) {
  s.optional("interval", agent.interval, "how often everything is sampled", between(100ms, 1h));
  s.optional("state_dir", agent.state_dir, "where state is kept");
  s.optional("labels", agent.labels, "labels of every series");
}

enum class Level { low, high };

struct Limit {
  double above = 0;
  std::optional<double> clear;
  std::optional<Duration> hold;
};
inline void declare(Section& s, Limit& limit) {
  s.required("above", limit.above, "the threshold");
  s.optional("clear", limit.clear, "where it ends");
  s.optional("for", limit.hold, "how long it must hold");
}
inline bool read_shorthand(const Located<std::string>& text, Limit& limit, std::string& problem) {
  if (!text.value.starts_with("> ")) {
    problem = "write '> " + text.value + "'";
    return false;
  }
  const auto number = parse_number(std::string_view(text.value).substr(2));
  if (!number) {
    problem = number.error().what;
    return false;
  }
  limit.above = *number;
  return true;
}

struct Server {
  std::string name;
  Located<std::string> listen{"127.0.0.1:80", {}};
  std::int64_t port = 80;
  double ratio = 0.5;
  Bytes body_limit{1 << 20};
  bool tls = false;
  Level level = Level::low;
  Regex match;
  Secret token;
  std::map<std::string, Secret> headers;
  std::vector<std::string> paths;
  std::vector<Located<std::string>> checks;
  std::optional<Limit> limit;
  std::optional<std::int64_t> workers;
  std::optional<Located<std::string>> note;
};
inline void declare(Section& s, Server& server) {
  s.required("name", server.name, "what it is called");
  s.optional("listen", server.listen, "where it listens");
  s.optional("port", server.port, "its port", between(1, 65535));
  s.optional("ratio", server.ratio, "how full", between(0.0, 100.0));
  s.optional("body_limit", server.body_limit, "the largest body", between(Bytes{1024}, Bytes{1 << 30}));
  s.optional("tls", server.tls, "whether it is encrypted");
  s.choice("level", server.level, {{"low", Level::low}, {"high", Level::high}}, "how important it is");
  s.optional("match", server.match, "which requests");
  s.optional("token", server.token, "how it knows us");
  s.optional("headers", server.headers, "what is sent with it");
  s.optional("paths", server.paths, "what it serves");
  s.optional("checks", server.checks, "what is checked");
  s.shorthand_or_section("limit", server.limit, "when it is too much");
  s.optional("workers", server.workers, "how many threads");
  s.optional("note", server.note, "for people");
  if (s.has("workers") && !s.has("limit")) s.problem("workers", "'workers' needs a 'limit'");
}

struct Store {
  std::string path;
};
inline void declare(Section& s, Store& store) { s.required("path", store.path, "the file"); }

struct Sample {
  Agent agent;
  std::optional<Store> store;
  std::vector<Server> servers;
};
inline void declare(Section& s, Sample& sample) {
  s.section("agent", sample.agent, "the agent itself");
  s.section("store", sample.store, "what is kept");
  s.list("servers", sample.servers, "what is served");
}

// What ${...} stands for in the tests.
inline Environment sample_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    static const std::map<std::string, std::string> variables = {
        {"NAME", "checkout"},  {"SOON", "canary-soon"}, {"EMPTY", ""},     {"PORT", "8080"},
        {"TOKEN", "canary-token"}, {"LATIN1", "caf\xE9"},  {"YAML", "{a: 1}"}, {"PATTERN", "(canary"},
    };
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

// `text` as the file "sample.yaml", read into a Sample.
struct Outcome {
  Sample sample;
  Problems problems;
};
inline Outcome read_sample(std::string text, const DocumentLimits& limits = {}) {
  Outcome outcome;
  auto document = Document::parse("sample.yaml", std::move(text), sample_environment(), outcome.problems, limits);
  document.read(outcome.sample);
  return outcome;
}

}  // namespace sidewatch::config
