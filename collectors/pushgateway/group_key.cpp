#include "collectors/pushgateway/group_key.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/crypto.h"
#include "base/utf8.h"
#include "metrics/text.h"

namespace sidewatch::pushgateway {
namespace {

constexpr std::string_view base64_mark = "@base64";
constexpr std::string_view form = "a push goes to /metrics/job/JOB{/LABEL/VALUE}";

Result<std::string> decoded(std::string text) {
  while (text.ends_with('=')) text.pop_back();
  if (text.size() % 4 == 1) return Error{"one character alone is no byte", ""};
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  while (text.size() % 4 != 0) text += '=';
  if (text.empty()) return text;
  return from_base64(text);
}

// One label of the path; the value is decoded where its name asks for it.
Result<Label> read_label(std::string name, const std::string& value) {
  const bool is_base64 = name.ends_with(base64_mark);
  if (is_base64) name.resize(name.size() - base64_mark.size());
  if (!is_legal_label_name(name) || name.starts_with("__")) {
    return Error{
        "the path has a label whose name is none: letters, digits and '_', no digit first, and no __ before it", ""};
  }
  auto plain = is_base64 ? decoded(value) : Result<std::string>(value);
  if (!plain) {
    return Error{"the value of the path's label " + name + " is not base64 (with - and _, as URLs have it)", ""};
  }
  if (!is_utf8(*plain)) return Error{"the value of the path's label " + name + " is not UTF-8", ""};
  return Label{std::move(name), std::move(*plain)};
}

}  // namespace

Result<Labels> read_group_key(const std::vector<std::string>& segments) {
  const bool has_job = segments.size() >= 2 && (segments[0] == "job" || segments[0] == "job@base64");
  if (!has_job) return Error{std::string(form), ""};
  const bool slash_at_end = segments.size() == 3 && segments[2].empty();
  const std::size_t size = slash_at_end ? 2 : segments.size();
  if (size % 2 != 0) {
    return Error{std::string(form) + ": each label needs a value; an empty one is written LABEL@base64/=", ""};
  }
  std::vector<Label> labels;
  for (std::size_t i = 2; i < size; i += 2) {
    auto label = read_label(segments[i], segments[i + 1]);
    if (!label) return label.error();
    labels.push_back(std::move(*label));
  }
  auto job = read_label(segments[0], segments[1]);
  if (!job) return job.error();
  if (job->value.empty()) return Error{std::string(form) + ": the job needs a name", ""};
  labels.push_back(std::move(*job));
  return Labels(std::move(labels));
}

}  // namespace sidewatch::pushgateway
