// What was expected beside what there is, told so that a person sees the difference: what is the same is left out.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "alerting/unit_test/unit_test_file.h"
#include "metrics/labels.h"
#include "metrics/promql/expression.h"

namespace sidewatch {

enum class Precision { exact, last_bit };  // whether the last bit of a value matters

// All of these are empty when nothing differs; the order of the elements does not matter.
std::vector<std::string> difference(const std::vector<ExpectedAlert>& expected, const std::vector<ExpectedAlert>& got);
std::vector<std::string> difference(const std::vector<promql::VectorSample>& expected,
                                    const std::vector<promql::VectorSample>& got, Precision precision);

// Messages are compared in their order; those that there are have all their labels.
std::vector<std::string> difference(const std::vector<ExpectedMessage>& expected, const std::vector<ExpectedMessage>& got);

}  // namespace sidewatch
