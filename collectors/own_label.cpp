// See own_label.h.
#include "collectors/own_label.h"

#include <string>

namespace sidewatch {

Labels without_own_label(MetricType type, const Labels& labels) {
  if (type != MetricType::histogram && type != MetricType::summary) return labels;
  const std::string own = type == MetricType::histogram ? "le" : "quantile";
  const std::string value(labels.get(own));
  return value.empty() ? labels : labels.without(own).with("exported_" + own, value);
}

}  // namespace sidewatch
