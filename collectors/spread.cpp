#include "collectors/spread.h"

#include <cstdint>

namespace sidewatch {

Duration spread_over(std::string_view name, Duration span) {
  std::uint64_t hash = 14'695'981'039'346'656'037u;  // FNV-1a
  for (const unsigned char c : name) hash = (hash ^ c) * 1'099'511'628'211u;
  hash ^= hash >> 29;
  hash *= 0xBF58'476D'1CE4'E5B9u;  // names that differ in their last letter only would come close together
  hash ^= hash >> 32;
  return Duration(static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(span.count())));
}

}  // namespace sidewatch
