#include "collectors/database/session.h"

#include <random>

namespace sidewatch::database {

RandomUnit random_unit() {
  return [engine = std::minstd_rand(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(engine);
  };
}

}  // namespace sidewatch::database
