#include "collectors/table.h"

namespace sidewatch {

std::span<const CollectorKind> collector_kinds() { return {}; }

}  // namespace sidewatch
