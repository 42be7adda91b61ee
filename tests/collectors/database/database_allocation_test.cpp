// What a steady pass allocates: nothing in our own code, whatever the engine. The servers here are a few canned answers.
//
// Not counted is what a client library takes by itself with malloc: libpq a PGresult for each row and each end of an
// answer, libmariadb a result with its fields for each answer, SQLite a connection whenever its file is read anew (it is
// let go after each pass, so that the agent keeps no locks), OpenSSL its records.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>

#include "base/descriptor.h"
#include "collectors/database/memcached/memcached.h"
#include "collectors/database/mysql/collector.h"
#include "collectors/database/mysql/queries.h"
#include "collectors/database/postgresql/collector.h"
#include "collectors/database/postgresql/queries.h"
#include "collectors/database/redis/redis.h"
#include "tests/support/counted_allocations.h"
#include "tests/support/temp_dir.h"

namespace sidewatch::database {
namespace {

using namespace std::chrono_literals;

constexpr int kPasses = 20;

// Allocations of passes after the first ones, `apart` from each other.
std::size_t allocations_of_steady_passes(Collector& collector, Duration apart, std::size_t least_samples) {
  Batch batch;
  Time now = time_at_ms(1'000'000'000);
  std::string trouble;
  const auto pass = [&] {
    batch.clear();
    now += apart;
    const auto outcome = collector.collect(batch, now);
    EXPECT_TRUE(outcome);
    if (outcome->partial_errors > 0) trouble = outcome->first_partial_error;
  };
  for (int i = 0; i < 5; ++i) pass();
  const std::size_t before = allocations_so_far();
  for (int i = 0; i < kPasses; ++i) pass();
  const std::size_t allocated = allocations_so_far() - before;
  EXPECT_EQ(trouble, "");
  EXPECT_GE(batch.size(), least_samples);
  return allocated;
}

// Answers on a Unix socket, each request with the text of the first of its words that it knows; allocates nothing.
class CannedServer {
 public:
  struct Answer {
    std::string word;
    std::string text;
  };
  CannedServer(const std::string& path, std::vector<Answer> answers)
      : answers_(std::move(answers)), listener_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_.get(), 1), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~CannedServer() {
    stopping_ = true;
    thread_.join();
  }
  CannedServer(const CannedServer&) = delete;
  CannedServer& operator=(const CannedServer&) = delete;

 private:
  bool can_read(int fd) const {
    pollfd one{fd, POLLIN, 0};
    while (!stopping_) {
      if (poll(&one, 1, 20) > 0) return true;
    }
    return false;
  }

  void serve() {
    if (!can_read(listener_.get())) return;
    const Descriptor client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::array<char, 4096> request{};
    while (can_read(client.get())) {
      const ssize_t size = recv(client.get(), request.data(), request.size(), 0);
      if (size <= 0) return;
      const std::string_view asked(request.data(), static_cast<std::size_t>(size));
      for (const auto& [word, text] : answers_) {
        if (asked.find(word) == std::string_view::npos) continue;
        EXPECT_EQ(send(client.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
        break;
      }
    }
  }

  const std::vector<Answer> answers_;
  const Descriptor listener_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

std::string contents_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string bulk(const std::string& text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; }

// Answers that are lists (of settings, slow commands, spikes) are taken apart into lists of texts, which takes memory.
TEST(DatabaseAllocation, ASteadyStateOfRedisAllocatesNothingButTheListsThatItIsAnswered) {
  const TempDir directory;
  const std::string setting = "*2\r\n" + bulk("maxmemory") + bulk("1000");
  const CannedServer server(directory / "redis.sock",
                            {{"INFO", bulk(contents_of(SIDEWATCH_RECORDED_INFO))},
                             {"SETNAME", "+OK\r\n"},
                             {"PING", "+PONG\r\n"},
                             {"CONFIG", setting},
                             {"LEN", ":1\r\n"},
                             {"SLOWLOG", "*1\r\n*6\r\n:0\r\n:1700000000\r\n:52000\r\n*1\r\n" + bulk("GET") +
                                             bulk("127.0.0.1:1") + bulk("")},
                             {"LATENCY", "*1\r\n*4\r\n" + bulk("command") + ":1700000000\r\n:52\r\n:60\r\n"}});
  redis::RedisConfig config;
  config.instance.name.value = "main";
  config.server.socket = directory / "redis.sock";
  Catalog catalog({}, {});
  const auto collector = redis::make_redis_collector(config, catalog);
  constexpr std::size_t most_for_lists = 12;  // of a pass
  EXPECT_LE(allocations_of_steady_passes(*collector, 5s, 200), kPasses * most_for_lists);
}

TEST(DatabaseAllocation, WithoutListsASteadyStateOfRedisAllocatesNothing) {
  const TempDir directory;
  const CannedServer server(directory / "redis.sock", {{"INFO", bulk(contents_of(SIDEWATCH_RECORDED_INFO))},
                                                       {"SETNAME", "+OK\r\n"},
                                                       {"PING", "+PONG\r\n"},
                                                       {"CLIENT", bulk("id=3 addr=127.0.0.1:52555 name=a idle=0 omem=0\n")}});
  redis::RedisConfig config;
  config.instance.name.value = "main";
  config.server.socket = directory / "redis.sock";
  config.slowlog = config.latency = config.server_config = false;
  Catalog catalog({}, {});
  const auto collector = redis::make_redis_collector(config, catalog);
  EXPECT_EQ(allocations_of_steady_passes(*collector, 5s, 200), 0u);
}

TEST(DatabaseAllocation, ASteadyStateOfMemcachedAllocatesNothing) {
  const TempDir directory;
  const CannedServer server(directory / "memcached.sock",
                            {{"settings", "STAT maxbytes 67108864\r\nSTAT maxconns 1024\r\nSTAT cas_enabled yes\r\nEND\r\n"},
                             {"stats", "STAT pid 7\r\nSTAT uptime 9\r\nSTAT version 1.6.18\r\nSTAT curr_connections 2\r\n"
                                       "STAT cmd_get 5\r\nSTAT get_hits 3\r\nSTAT get_misses 2\r\nSTAT bytes 70\r\n"
                                       "STAT limit_maxbytes 67108864\r\nSTAT curr_items 1\r\nEND\r\n"}});
  memcached::MemcachedConfig config;
  config.instance.name.value = "main";
  config.server.socket = directory / "memcached.sock";
  config.slabs = false;
  Catalog catalog({}, {});
  const auto collector = memcached::make_memcached_collector(config, catalog);
  EXPECT_EQ(allocations_of_steady_passes(*collector, 5s, 10), 0u);
}

// Two rows for each statement that a collector has, of its own columns: labels are texts, values numbers.
class CannedSql final : public SqlConnection {
 public:
  struct Table {
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> rows;
  };
  explicit CannedSql(ServerVersion version) : version_(std::move(version)) {}

  template <class AskedQuery>
  void learn(const std::vector<AskedQuery>& queries) {
    for (const auto& one : queries) {
      if (!one.query.versions.contain(version_)) continue;
      Table& table = tables[one.sql];
      for (const auto* row : {"first", "second"}) {
        table.columns.clear();
        table.rows.emplace_back();
        for (const auto& column : one.columns) {
          table.columns.emplace_back(column.name);
          table.rows.back().emplace_back(column.label.empty() ? "17.5" : row);
        }
        if (std::all_of(one.columns.begin(), one.columns.end(), [](const Column& c) { return c.label.empty(); })) break;
      }
    }
  }

  const ServerVersion& version() const override { return version_; }
  std::optional<Failure> query(std::string_view sql, const QueryLimits& limits, Rows& rows) override {
    const auto found = tables.find(sql);
    rows.begin(limits);
    if (found == tables.end()) return std::nullopt;
    for (const auto& name : found->second.columns) rows.add_column(name);
    for (const auto& row : found->second.rows) {
      for (const auto& cell : row) rows.add(cell);
    }
    return std::nullopt;
  }

  std::map<std::string, Table, std::less<>> tables;

 private:
  const ServerVersion version_;
};

TEST(DatabaseAllocation, ASteadyStateOfPostgresqlAllocatesNothing) {
  postgresql::PostgresqlConfig config;
  config.instance.name.value = "main";
  config.statements = postgresql::StatementsConfig{};
  Catalog catalog({}, {});
  const auto collector = postgresql::make_postgresql_collector(
      config, catalog, [&](std::unique_ptr<SqlConnection>& made) -> std::optional<Failure> {
        auto server = std::make_unique<CannedSql>(ServerVersion{150400, ""});
        server->learn(postgresql::queries_for(config));
        server->tables[std::string(postgresql::settings_sql)] = {
            {"name", "setting", "unit", "vartype"},
            {{"shared_buffers", "16384", "8kB", "integer"}, {"fsync", "on", "", "bool"}}};
        server->tables[std::string(postgresql::privileges_sql)] = {{"all_stats", "user"}, {{"t", "sidewatch"}}};
        made = std::move(server);
        return std::nullopt;
      });
  EXPECT_EQ(allocations_of_steady_passes(*collector, 5s, 150), 0u);
}

// Sessions are counted anew in each pass, which takes memory for each user, host and state: here there are none.
TEST(DatabaseAllocation, ASteadyStateOfMysqlWithoutSessionsAllocatesNothing) {
  mysql::MysqlConfig config;
  config.instance.name.value = "main";
  config.statements = mysql::StatementsConfig{};
  config.auto_increment = config.user_statistics = true;
  Catalog catalog({}, {});
  const auto collector = mysql::make_mysql_collector(
      config, catalog, [&](std::unique_ptr<SqlConnection>& made) -> std::optional<Failure> {
        auto server = std::make_unique<CannedSql>(ServerVersion{101106, "mariadb"});
        auto queries = mysql::queries_for(config);
        std::erase_if(queries, [](const auto& one) { return static_cast<bool>(one.sink); });
        server->learn(queries);
        for (const auto& one : mysql::session_queries(config)) {
          if (one.sink) server->tables[one.sql] = {{"u", "h", "c", "s", "n", "t", "l"}, {}};
        }
        server->tables["SHOW GLOBAL STATUS"] = {{"Variable_name", "Value"},
                                                {{"Threads_connected", "3"}, {"Com_select", "17"}, {"Uptime", "9"},
                                                 {"Innodb_deadlocks", "0"}, {"Innodb_buffer_pool_pages_free", "5"}}};
        server->tables["SHOW GLOBAL VARIABLES"] = {{"Variable_name", "Value"},
                                                   {{"max_connections", "151"}, {"read_only", "OFF"},
                                                    {"version", "10.11.6-MariaDB"}}};
        made = std::move(server);
        return std::nullopt;
      });
  EXPECT_EQ(allocations_of_steady_passes(*collector, 5s, 60), 0u);
}

}  // namespace
}  // namespace sidewatch::database
