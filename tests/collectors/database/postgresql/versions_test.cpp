// Whether each statement asks a server only for what its version has: held against the columns that PostgreSQL 12 to 18
// have according to their documentation (tests/cases/postgresql/catalog.txt). What 15 has is tested on a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "collectors/database/postgresql/queries.h"

namespace sidewatch::database::postgresql {
namespace {

constexpr int oldest = 12;
constexpr int newest = 18;

struct Range {
  int first = oldest;
  int last = newest;
  bool contains(int version) const { return version >= first && version <= last; }
};

struct Relation {
  Range range;
  std::map<std::string, Range> columns;
};
using CatalogOfVersions = std::map<std::string, Relation>;

// "waitstart[14-]" -> its name and its versions.
std::pair<std::string, Range> named_range(std::string text) {
  if (text.ends_with(':')) text.pop_back();
  const auto bracket = text.find('[');
  Range range;
  if (bracket == std::string::npos) return {text, range};
  const auto dash = text.find('-', bracket);
  const std::string first = text.substr(bracket + 1, dash - bracket - 1);
  const std::string last = text.substr(dash + 1, text.size() - dash - 2);
  if (!first.empty()) range.first = std::stoi(first);
  if (!last.empty()) range.last = std::stoi(last);
  return {text.substr(0, bracket), range};
}

const CatalogOfVersions& recorded() {
  static const CatalogOfVersions all = [] {
    CatalogOfVersions read;
    std::ifstream file(std::string(SIDEWATCH_SOURCE_DIR) + "/tests/cases/postgresql/catalog.txt");
    for (std::string line; std::getline(file, line);) {
      if (line.empty() || line.front() == '#') continue;
      std::istringstream words(line);
      std::string word;
      words >> word;
      const auto [name, range] = named_range(word);
      Relation& relation = read[name];
      relation.range = range;
      while (words >> word) relation.columns.insert(named_range(word));
    }
    return read;
  }();
  return all;
}

// Words of SQL, its functions and its types, which all versions have.
const std::set<std::string>& sql_words() {
  static const std::set<std::string> words = [] {
    std::istringstream text(
        "select from where and or not is null as on using join left cross with group by order desc limit having union in "
        "like distinct case when then else end array true false filter both substring trim between "
        "count sum max min greatest coalesce extract epoch age mxid_age ceil left lower host unnest split_part "
        "regexp_replace quote_ident current_user current_setting current_database clock_timestamp version "
        "has_database_privilege float8 int numeric text regclass");
    return std::set<std::string>(std::istream_iterator<std::string>(text), {});
  }();
  return words;
}

// The identifiers of a statement in small letters, with ( and . between them, without what stands in quotes.
std::vector<std::string> words_of(const std::string& sql) {
  const auto in_a_word = [](char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; };
  std::vector<std::string> words;
  for (std::size_t at = 0; at < sql.size();) {
    const char c = sql[at];
    std::size_t end = at + 1;
    if (c == '\'' || c == '"') {
      end = sql.find(c, at + 1) + 1;
    } else if (in_a_word(c)) {
      while (end < sql.size() && in_a_word(sql[end])) ++end;
      std::string word = sql.substr(at, end - at);
      std::transform(word.begin(), word.end(), word.begin(), [](unsigned char one) { return std::tolower(one); });
      if (std::isdigit(static_cast<unsigned char>(c)) == 0) words.push_back(word);
    } else if (c == '(' || c == '.') {
      words.push_back(std::string(1, c));
    }
    at = end;
  }
  return words;
}

// Names that the statement gives itself: behind AS, before AS (, behind a relation, and whatever qualifies a column.
std::set<std::string> own_names(const std::vector<std::string>& words) {
  std::set<std::string> names;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i + 1] == ".") names.insert(words[i]);
    if (words[i] == "as" && words[i + 1] != "(") {
      names.insert(words[i + 1]);
      if (i + 3 < words.size() && words[i + 2] == "(") names.insert(words[i + 3]);  // AS s(state)
    }
    if (words[i + 1] == "as" && i + 2 < words.size() && words[i + 2] == "(") names.insert(words[i]);
    const bool relation = recorded().count(words[i]) != 0;
    if (relation && sql_words().count(words[i + 1]) == 0 && words[i + 1] != "(" && words[i + 1] != ".") names.insert(words[i + 1]);
  }
  return names;
}

// What of `sql` a server of `version` has not.
std::vector<std::string> unknown_to(int version, const std::string& sql) {
  const auto words = words_of(sql);
  const auto own = own_names(words);
  std::set<std::string> columns;
  std::set<std::string> ever;  // of the relations asked, in some version
  std::vector<std::string> unknown;
  for (const auto& word : words) {
    const auto relation = recorded().find(word);
    if (relation == recorded().end()) continue;
    if (!relation->second.range.contains(version)) unknown.push_back(word);
    for (const auto& [column, range] : relation->second.columns) {
      ever.insert(column);
      if (range.contains(version)) columns.insert(column);
    }
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    const bool is_known = word == "(" || word == "." || columns.count(word) != 0 || recorded().count(word) != 0;
    const bool is_alias = i > 0 && words[i - 1] == "as";
    if (is_known || is_alias) continue;
    if (ever.count(word) != 0) {
      unknown.push_back(word);  // a column of another version
    } else if (own.count(word) == 0 && sql_words().count(word) == 0) {
      unknown.push_back(word);
    }
  }
  return unknown;
}

PostgresqlConfig everything() {
  PostgresqlConfig config;
  config.tables.bloat = true;
  config.statements = StatementsConfig{.top = 20, .every = Duration(0), .text = true};
  config.buffercache = true;
  return config;
}

ServerVersion server(int major, int minor) {
  return {static_cast<std::uint32_t>(major * 10000 + minor * 100), ""};
}

TEST(PostgresqlVersions, AreAskedOnlyForWhatTheyHave) {
  ASSERT_GT(recorded().size(), 40u);
  std::size_t checked = 0;
  for (int version = oldest; version <= newest; ++version) {
    for (const auto& one : queries_for(everything())) {
      if (!one.query.versions.contain(server(version, 3))) continue;
      ++checked;
      EXPECT_THAT(unknown_to(version, one.sql), ::testing::IsEmpty())
          << "query '" << one.query.name << "' on PostgreSQL " << version;
    }
    EXPECT_THAT(unknown_to(version, std::string(settings_sql)), ::testing::IsEmpty());
    EXPECT_THAT(unknown_to(version, std::string(privileges_sql)), ::testing::IsEmpty());
  }
  EXPECT_GT(checked, 200u);
}

TEST(PostgresqlVersions, TheCheckItselfFindsWhatIsNotThere) {
  EXPECT_THAT(unknown_to(18, "SELECT wal_write AS writes FROM pg_stat_wal"), ::testing::ElementsAre("wal_write"));
  EXPECT_THAT(unknown_to(17, "SELECT wal_write AS writes FROM pg_stat_wal"), ::testing::IsEmpty());
  EXPECT_THAT(unknown_to(13, "SELECT wal_fpi FROM pg_stat_wal"), ::testing::ElementsAre("pg_stat_wal"));
  EXPECT_THAT(unknown_to(15, "SELECT datnme FROM pg_database"), ::testing::ElementsAre("datnme"));
}

// Every version has each of them exactly once: neither asked twice nor forgotten between two ranges.
TEST(PostgresqlVersions, AreAskedEachQueryOnce) {
  for (int version = oldest; version <= newest; ++version) {
    for (const int minor : {0, 1, 22}) {
      std::multiset<std::string_view> names;
      for (const auto& one : queries_for(everything())) {
        if (one.query.versions.contain(server(version, minor))) names.insert(one.query.name);
      }
      for (const auto& name : names) EXPECT_EQ(names.count(name), 1u) << name << " on " << version << "." << minor;
      for (const auto* name : {"bgwriter", "checkpointer", "blocked", "progress_vacuum", "statements", "wal_receiver"}) {
        EXPECT_EQ(names.count(name), 1u) << name << " on " << version << "." << minor;
      }
    }
  }
}

TEST(PostgresqlVersions, AVersionStillToComeIsAskedAsTheNewest) {
  const auto asked_of = [](int version) {
    std::set<std::string> all;
    for (const auto& one : queries_for(everything())) {
      if (one.query.versions.contain(server(version, 0))) all.insert(one.sql);
    }
    return all;
  };
  EXPECT_EQ(asked_of(25), asked_of(newest));
}

// Each column that becomes a label or a value is one that the statement answers with.
TEST(PostgresqlVersions, TheColumnsAreThoseOfTheStatement) {
  for (const auto& one : queries_for(everything())) {
    for (const auto& column : one.columns) {
      EXPECT_THAT(one.sql, ::testing::HasSubstr(std::string(column.name))) << one.query.name;
    }
  }
}

TEST(PostgresqlVersions, NoMetricHasTwoTypesOrMeanings) {
  std::map<std::string_view, Metric> metrics;
  for (const auto& one : queries_for(everything())) {
    for (const auto& column : one.columns) {
      if (!column.label.empty()) continue;
      const auto [at, fresh] = metrics.emplace(column.metric.name, column.metric);
      EXPECT_EQ(at->second.type, column.metric.type) << column.metric.name;
      EXPECT_EQ(at->second.help, column.metric.help) << column.metric.name;
    }
  }
  EXPECT_GT(metrics.size(), 180u);
}

}  // namespace
}  // namespace sidewatch::database::postgresql
