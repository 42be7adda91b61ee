#include "agent/version.h"

namespace sidewatch {

std::string_view version() { return SIDEWATCH_VERSION; }

}  // namespace sidewatch
