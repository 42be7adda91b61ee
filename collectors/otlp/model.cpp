#include "collectors/otlp/model.h"

namespace sidewatch::otlp {

void DataPoint::clear() {
  start_ns = 0;
  time_ns = 0;
  no_recorded_value = false;
  value.reset();
  count = 0;
  sum.reset();
  bucket_counts.clear();
  bounds.clear();
  exponential.scale = 0;
  exponential.zero_count = 0;
  exponential.zero_threshold = 0;
  exponential.positive.offset = 0;
  exponential.positive.counts.clear();
  exponential.negative.offset = 0;
  exponential.negative.counts.clear();
  quantiles.clear();
  exemplars.clear();
  ids_are_hex = false;
}

}  // namespace sidewatch::otlp
