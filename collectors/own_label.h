// The label that a histogram or a summary gives its own parts (`le`, `quantile`), where whoever sends has one of that name.
#pragma once

#include "metrics/labels.h"
#include "metrics/metric.h"

namespace sidewatch {

// The labels as they may stand on a metric of this type: a bucket's bound and a quantile are the agent's to say, since one
// that was sent would make one series of two. It becomes `exported_le`, `exported_quantile`.
Labels without_own_label(MetricType type, const Labels& labels);

}  // namespace sidewatch
