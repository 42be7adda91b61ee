// Functions that make a label from other labels. What becomes of a label set depends on nothing but the call's texts,
// so it is worked out once for each set and remembered.
#include <string>

#include "metrics/promql/characters.h"
#include "metrics/promql/functions.h"

namespace sidewatch::promql::label {
namespace {

constexpr std::size_t max_label_bytes = std::size_t{64} << 10;  // or nested calls could double a label without end

const std::string& checked(const std::string& value, const char* function) {
  if (value.size() <= max_label_bytes) return value;
  throw CallFailure{std::string(function) + "() makes a label longer than " + std::to_string(max_label_bytes) +
                    " bytes (max_label_bytes)"};
}

template <class Make>
Operand relabelled(const CallContext& context, Make&& make) {
  Items items = std::move(context.arguments[0].items);
  for (Item& item : items) {
    item.labels = context.memory.derived.of(
        item.labels, [&](LabelId from) { return context.pool.intern(make(context.pool.labels(from))); });
  }
  return Operand::of(std::move(items));
}

void check_label_name(const std::string& name, const char* role, const char* function) {
  if (is_label_name(name)) return;
  throw CallFailure{std::string("invalid ") + role + " label name in " + function + "(): " + name};
}

}  // namespace

// label_join(vector, destination, separator, source...)
Operand join(const CallContext& context) {
  const Call& call = context.call;
  const std::string& destination = text_argument(call, 1);
  const std::string& separator = text_argument(call, 2);
  for (std::size_t i = 3; i < call.arguments.size(); ++i) {
    check_label_name(text_argument(call, i), "source", "label_join");
  }
  check_label_name(destination, "destination", "label_join");
  return relabelled(context, [&](const Labels& labels) {
    std::string joined;
    for (std::size_t i = 3; i < call.arguments.size(); ++i) {
      if (joined.size() > max_label_bytes) break;
      if (i > 3) joined += separator;
      joined += labels.get(text_argument(call, i));
    }
    return labels.with(destination, checked(joined, "label_join"));
  });
}

// label_replace(vector, destination, replacement, source, pattern)
Operand replace(const CallContext& context) {
  const std::string& destination = text_argument(context.call, 1);
  const std::string& replacement = text_argument(context.call, 2);
  const std::string& source = text_argument(context.call, 3);
  CallMemory& memory = context.memory;
  if (!memory.prepared) {
    const std::string& pattern = text_argument(context.call, 4);
    auto regex = Regex::compile("^(?:" + pattern + ")$");
    if (!regex) throw CallFailure{"invalid regular expression in label_replace(): " + pattern};
    check_label_name(destination, "destination", "label_replace");
    memory.regex = std::move(*regex);
    memory.prepared = true;
  }
  return relabelled(context, [&](const Labels& labels) {
    const auto value = memory.regex.expand_full_match(labels.get(source), replacement, max_label_bytes);
    return value ? labels.with(destination, checked(*value, "label_replace")) : labels;
  });
}

}  // namespace sidewatch::promql::label
