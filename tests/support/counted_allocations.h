// Counts every allocation of a test program that has counted_allocations.cpp among its sources, by replacing operator
// new for the whole of it: such a program has only tests about allocations.
#pragma once

#include <cstddef>

namespace sidewatch {

std::size_t allocations_so_far();  // by all threads

}  // namespace sidewatch
