// The variables that a receiver's own templates know beside those of a rule: $summary, $status, $host and others.
//
// A template declares its variables itself, so these are declared in a line before it, out of $externalLabels, where no
// label of the alert can stand: whoever ranges over $labels sees the alert's own.
#pragma once

#include <string>
#include <string_view>

#include "alerting/notification.h"
#include "metrics/labels.h"

namespace sidewatch {

// What stands before the template; one line.
const std::string& message_variables_preamble();

// `place` of an Error of Template::parse ("line:column"), as it is without the preamble.
std::string place_without_preamble(const std::string& place);

struct MessageVariables {
  std::string_view title;  // what the message says without the template
  std::string_view text;
  std::string_view link;
  std::string_view host;
};

// For TemplateScope::external_labels.
Labels carried(const Notification& notification, const MessageVariables& variables);

}  // namespace sidewatch
