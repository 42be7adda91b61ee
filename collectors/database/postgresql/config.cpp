#include "collectors/database/postgresql/config.h"

#include <utility>

#include "collectors/database/postgresql/collector.h"
#include "collectors/database/postgresql/connection.h"
#include "collectors/database/postgresql/queries.h"

namespace sidewatch {
namespace database::postgresql {
namespace {

using namespace std::chrono_literals;

void check_dsn(config::Section& section, const PostgresqlConfig& config) {
  if (section.describing() || !section.has("dsn")) return;
  if (config.dsn.empty()) {
    section.problem("dsn", "is empty; write for example host=/run/postgresql dbname=postgres user=sidewatch");
    return;
  }
  const auto parsed = parse_dsn(config.dsn);
  if (!parsed) {
    section.problem("dsn", parsed.error().text());
    return;
  }
  if (parsed->count("password") != 0 && section.has("password")) {
    section.problem("password", "the dsn has a password too: give it once, here");
  }
  if (parsed->count("sslmode") != 0 && section.has("tls")) {
    section.problem("tls", "the dsn has an sslmode too: give it once, as tls: {mode: ...}");
  }
}

std::string fingerprint_of(const PostgresqlConfig& config) {
  std::string text = database::fingerprint_of(config.instance) + '\n' + config.dsn + '\n' + config.password.reveal();
  text += database::fingerprint_of(config.tls);
  const auto add = [&text](std::int64_t number) { text += '\t' + std::to_string(number); };
  add(config.tables.max);
  add(config.tables.every.count());
  add(config.tables.bloat ? 1 : 0);
  add(config.buffercache ? 1 : 0);
  if (config.statements) {
    add(config.statements->top);
    add(config.statements->every.count());
    add(config.statements->text ? 1 : 0);
  }
  return text + database::fingerprint_of(config.queries);
}

// For people: where it is and what it is called there, never how one gets in.
std::string described(const PostgresqlConfig& config) {
  const auto dsn = parse_dsn(config.dsn);
  if (!dsn) return "";
  const auto database = dsn->find("dbname");
  return " (" + (database == dsn->end() ? "" : database->second + " at ") + place_of(*dsn) + ")";
}

CollectorPlan plan_of(PostgresqlConfig config) {
  CollectorPlan plan;
  plan.name = "postgresql:" + config.instance.name.value;
  plan.interval = config.instance.interval;
  plan.watches = "PostgreSQL " + config.instance.name.value + described(config);
  plan.fingerprint = fingerprint_of(config);
  plan.make = [config = std::move(config)](const CollectorContext& context) {
    return make_postgresql_collector(config, context.catalog);
  };
  return plan;
}

}  // namespace

void declare(config::Section& section, TablesConfig& tables) {
  section.optional("max", tables.max,
                   "of how many tables, and of how many indexes, there are series: the largest ones; 0: of none",
                   config::between(0, 2000));
  section.optional("every", tables.every, "how often they are asked; the sizes of the databases too",
                   config::between(5s, 1h));
  section.optional("bloat", tables.bloat,
                   "whether the space that tables waste is estimated; needs the right to read them (pg_read_all_data)");
}

void declare(config::Section& section, StatementsConfig& statements) {
  section.optional("top", statements.top, "how many statements: those that took the most time",
                   config::between(1, 500));
  section.optional("every", statements.every, "how often they are asked", config::between(5s, 1h));
  section.optional("text", statements.text,
                   "whether there is a series with the beginning of each statement's text, which may tell what your "
                   "application asks");
}

void declare(config::Section& section, PostgresqlConfig& config) {
  declare_instance(section, config.instance);
  section.required("dsn", config.dsn,
                   "where it is and as whom one logs in, as libpq reads it: host=/run/postgresql dbname=postgres "
                   "user=sidewatch, or postgresql://sidewatch@db.example/postgres; the tables are those of dbname");
  section.keep_secret("dsn");
  section.optional("password", config.password,
                   "as ${file:...} it is read again at each connect; when absent, ~/.pgpass is looked at");
  section.section("tls", config.tls,
                  "how the connection is secured; when absent, encrypted where the server offers it and is not on this "
                  "machine");
  section.section("tables", config.tables, "tables and indexes of the database that dsn names");
  section.section("statements", config.statements,
                  "the statements that take the most time, by pg_stat_statements; without this section they are not "
                  "asked");
  section.optional("buffercache", config.buffercache,
                   "whether the extension pg_buffercache is asked how the shared buffers are used (PostgreSQL 16)");
  declare_queries(section, config.instance, config.queries);
  check_dsn(section, config);
}

}  // namespace database::postgresql

void configure_postgresql(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::vector<database::postgresql::PostgresqlConfig> instances;
  collectors.list("postgresql", instances,
                  "PostgreSQL servers (12 to 18), under postgres_exporter's metric names; each entry is one database");
  std::vector<const database::InstanceConfig*> names;
  for (const auto& config : instances) names.push_back(&config.instance);
  database::check_names(collectors, "PostgreSQL", names);
  for (auto& config : instances) plans.push_back(database::postgresql::plan_of(std::move(config)));
}

std::vector<MetricGroup> postgresql_metric_groups() { return database::postgresql::metric_groups(); }

}  // namespace sidewatch
