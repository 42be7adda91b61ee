#include "collectors/table.h"

#include <array>

#include "collectors/host/host.h"
#include "collectors/process/config.h"
#include "collectors/self/self.h"

namespace sidewatch {
namespace {

constexpr std::array kKinds{
    CollectorKind{"host", configure_host},
    CollectorKind{"process", configure_process},
    CollectorKind{"self", configure_self},
};

}  // namespace

std::span<const CollectorKind> collector_kinds() { return kKinds; }

}  // namespace sidewatch
