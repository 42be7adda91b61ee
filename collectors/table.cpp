#include "collectors/table.h"

#include <array>

#include "collectors/host/host.h"

namespace sidewatch {
namespace {

constexpr std::array kKinds{
    CollectorKind{"host", configure_host},
};

}  // namespace

std::span<const CollectorKind> collector_kinds() { return kKinds; }

}  // namespace sidewatch
