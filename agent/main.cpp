#include <cstdio>

#include "agent/version.h"

int main() {
  std::printf("sidewatch %.*s\n", static_cast<int>(sidewatch::version().size()), sidewatch::version().data());
}
