// A setting of the server as a number.
#pragma once

#include <optional>
#include <string_view>

namespace sidewatch::database::postgresql {

struct SettingValue {
  double number = 0;
  std::string_view unit;  // "seconds", "bytes", or empty
};

// A row of pg_settings: "16384", "8kB", "integer" is 134217728 bytes. Nothing where the unit or the number is not known.
std::optional<SettingValue> setting_value(std::string_view setting, std::string_view unit, std::string_view type);

}  // namespace sidewatch::database::postgresql
