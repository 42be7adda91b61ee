// The server's settings that are numbers or switches, each as a metric of its own in bytes or seconds; and whether the
// user that we are may see what it asks for.
#include <charconv>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "collectors/database/number.h"
#include "collectors/database/postgresql/queries.h"
#include "collectors/database/postgresql/settings.h"

namespace sidewatch::database::postgresql {
namespace {

using namespace std::chrono_literals;

constexpr Duration seldom = 30s;
constexpr std::size_t most_settings = 1000;

struct Unit {
  std::string_view name;
  std::string_view factor_of;
  double factor;
};
constexpr double kKiB = 1024;
constexpr Unit kUnits[] = {
    {"ms", "seconds", 1e-3}, {"s", "seconds", 1},        {"min", "seconds", 60},         {"h", "seconds", 3600},
    {"d", "seconds", 86400}, {"us", "seconds", 1e-6},    {"B", "bytes", 1},              {"kB", "bytes", kKiB},
    {"MB", "bytes", kKiB * kKiB}, {"GB", "bytes", kKiB * kKiB * kKiB}, {"TB", "bytes", kKiB * kKiB * kKiB * kKiB},
};

const Unit* find_unit(std::string_view name) {
  for (const auto& unit : kUnits) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

// "8kB" is eight times a kB: pages and segments are settings' units too.
std::optional<std::pair<double, std::string_view>> unit_of(std::string_view text) {
  double times = 1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), times);
  if (error == std::errc()) text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  const Unit* const unit = find_unit(text);
  if (unit == nullptr) return std::nullopt;
  return std::pair(times * unit->factor, unit->factor_of);
}

std::string metric_name(std::string_view setting) {
  std::string name = "pg_settings_";
  for (const char c : setting) name += c == '.' || c == '-' ? '_' : c;
  return name;
}

// Keeps the text that a Metric refers to.
struct KnownSetting {
  std::string name;
  std::string help;
  SeriesHandle series;
};

class SettingsSink final : public RowSink {
 public:
  SettingsSink(Catalog& catalog, const Labels& labels) : catalog_(catalog), labels_(labels) {}

  std::optional<Failure> take(const Rows& rows, Batch& batch) override {
    if (rows.columns() < 4) return Failure{FailureKind::malformed, "the settings have not the columns asked for", false};
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const auto cell = [&](std::size_t column) { return rows.cell(row, column).value_or(std::string_view()); };
      const auto value = setting_value(cell(1), cell(2), cell(3));
      if (value) batch.add(series_of(cell(0), *value), value->number);
    }
    return std::nullopt;
  }

 private:
  const SeriesHandle& series_of(std::string_view setting, const SettingValue& value) {
    const auto found = known_.find(setting);
    if (found != known_.end()) return found->second.series;
    KnownSetting known;
    known.name = metric_name(setting);
    if (!value.unit.empty()) known.name.append("_").append(value.unit);
    known.help = "Server Parameter: " + std::string(setting);
    if (!value.unit.empty()) known.help += " [Units converted to " + std::string(value.unit) + ".]";
    known.series = catalog_.series(gauge(known.name, known.help, value.unit), labels_);
    return known_.emplace(setting, std::move(known)).first->second.series;
  }

  Catalog& catalog_;
  const Labels labels_;
  std::map<std::string, KnownSetting, std::less<>> known_;
};

// The server does not refuse those who may see less: it shows them less.
class PrivilegesSink final : public RowSink {
 public:
  std::optional<Failure> take(const Rows& rows, Batch&) override {
    if (rows.size() != 1 || rows.columns() < 2) return std::nullopt;
    if (rows.cell(0, 0).value_or("t") == "t") return std::nullopt;
    const std::string user(rows.cell(0, 1).value_or("sidewatch"));
    return Failure{FailureKind::denied,
                   "the user " + user + " does not see other users' sessions, so that activity and connections are not "
                   "told whole: GRANT pg_monitor TO " + user,
                   false};
  }
};

}  // namespace

// What this session has set for itself is not how the server is set up, and what that would be is not to be seen.
const std::string_view settings_sql =
    "SELECT name, setting, COALESCE(unit, '') AS unit, vartype FROM pg_settings "
    "WHERE vartype IN ('bool', 'integer', 'real') AND source <> 'client' AND name <> 'transaction_read_only'";
const std::string_view privileges_sql =
    "SELECT pg_has_role('pg_read_all_stats', 'USAGE') AS all_stats, quote_ident(current_user) AS \"user\"";

std::optional<SettingValue> setting_value(std::string_view setting, std::string_view unit, std::string_view type) {
  if (type == "bool") return SettingValue{setting == "on" ? 1.0 : 0.0, {}};
  auto value = whole_number(setting);
  if (!value && !unit.empty() && setting.size() > unit.size() && setting.ends_with(unit)) {
    value = whole_number(setting.substr(0, setting.size() - unit.size()));  // some hosted servers write the unit behind it
  }
  if (!value) return std::nullopt;
  if (unit.empty()) return SettingValue{*value, {}};
  const auto known = unit_of(unit);
  if (!known) return std::nullopt;
  // -1 is no amount but "off" or "as another setting says".
  return SettingValue{*value == -1 ? -1 : *value * known->first, known->second};
}

void add_special_queries(QuerySet& set, Catalog& catalog, const Labels& labels) {
  set.add({.name = "privileges", .sql = privileges_sql, .every = 1min}, std::make_unique<PrivilegesSink>());
  set.add({.name = "settings", .sql = settings_sql, .every = seldom, .max_rows = most_settings},
          std::make_unique<SettingsSink>(catalog, labels));
}

}  // namespace sidewatch::database::postgresql
