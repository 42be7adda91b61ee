#include "collectors/database/sqlite/config.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "collectors/database/sqlite/measures.h"
#include "collectors/database/sqlite/sqlite.h"

namespace sidewatch::database::sqlite {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_tables = 100;

void check_tables(config::Section& section, const std::vector<std::string>& tables) {
  std::set<std::string_view> names;
  for (const auto& table : tables) {
    if (table.empty()) section.problem("tables", "a table needs a name");
    else if (!names.insert(table).second) section.problem("tables", "'" + table + "' is listed twice");
  }
  if (tables.size() > max_tables) {
    section.problem("tables", "more than " + std::to_string(max_tables) + " tables");
  }
}

// Two collectors at one file would take each other's locks away.
void check_paths(config::Section& collectors, const std::vector<SqliteConfig>& databases) {
  std::map<std::string_view, std::string_view> names;
  for (const auto& database : databases) {
    const auto& [path, mark] = std::pair(database.path.value, database.path.mark);
    if (mark.line == 0) continue;
    const auto [known, is_new] = names.emplace(database.path.value, database.instance.name.value);
    if (!is_new) {
      collectors.problem(mark, "the file is watched already, under the name '" + std::string(known->second) + "'");
    }
  }
}

std::string fingerprint_of(const SqliteConfig& config) {
  std::string text = database::fingerprint_of(config.instance) + '\n' + config.path.value + '\n' +
                     std::to_string(config.checkpoint_pages) + '\n' + std::to_string(config.tables_every.count());
  for (const auto& table : config.tables) text += "\nt:" + table;
  if (config.integrity) {
    text += "\ni:" + std::to_string(config.integrity->every.count()) + ' ' +
            std::to_string(config.integrity->budget.count());
  }
  return text + database::fingerprint_of(config.queries);
}

}  // namespace

void declare(config::Section& section, IntegrityConfig& integrity) {
  section.optional("every", integrity.every, "how often it is checked", config::between(1min, 24h * 31));
  section.optional("budget", integrity.budget,
                   "how long a check may take; it reads the whole file. In rollback mode nobody can write meanwhile, "
                   "so it ends as soon as a writer has waited for 100ms",
                   config::between(100ms, 10min));
}

void declare(config::Section& section, SqliteConfig& database) {
  declare_instance(section, database.instance);
  section.required("path", database.path, "the database file, such as /var/lib/app/app.db; it is never written");
  section.optional("checkpoint_pages", database.checkpoint_pages,
                   "how many pages its service lets the log (-wal) become before a checkpoint: what "
                   "sidewatch_sqlite_wal_backlog_ratio is a multiple of. 1000 unless the service changed it",
                   config::between(1, 1'000'000'000));
  section.optional("tables", database.tables, "tables whose rows are counted; a count reads the whole table");
  section.optional("tables_every", database.tables_every, "how often they are counted", config::between(1s, 24h));
  section.section("integrity", database.integrity,
                  "whether the database is sound, by PRAGMA quick_check; not checked when absent");
  declare_queries(section, database.instance, database.queries);
  if (section.describing()) return;
  check_tables(section, database.tables);
  if (section.has("path") && !database.path.value.starts_with('/')) {
    section.problem("path", "'" + database.path.value + "' is not an absolute path (it must start with '/')");
  }
}

}  // namespace sidewatch::database::sqlite

namespace sidewatch {

void configure_sqlite(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  using namespace database::sqlite;
  std::vector<SqliteConfig> databases;
  collectors.list("sqlite", databases,
                  "SQLite databases of services on this machine: size, log, locks, and queries of your own; read only");
  std::vector<const database::InstanceConfig*> instances;
  for (const auto& each : databases) instances.push_back(&each.instance);
  database::check_names(collectors, "SQLite database", instances);
  check_paths(collectors, databases);
  for (auto& each : databases) {
    CollectorPlan plan;
    plan.name = "sqlite:" + each.instance.name.value;
    plan.interval = each.instance.interval;
    plan.watches = "the SQLite database " + each.path.value;
    if (each.queries.size() == 1) plan.watches += ", a query of your own";
    if (each.queries.size() > 1) plan.watches += ", " + std::to_string(each.queries.size()) + " queries of your own";
    plan.fingerprint = fingerprint_of(each);
    plan.make = [config = std::move(each)](const CollectorContext& context) {
      return make_collector(config, context.catalog);
    };
    plans.push_back(std::move(plan));
  }
}

}  // namespace sidewatch
