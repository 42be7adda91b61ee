#include "alerting/receivers/host_name.h"

#include <unistd.h>

namespace sidewatch {

std::string host_name() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "sidewatch";
  return name;
}

}  // namespace sidewatch
