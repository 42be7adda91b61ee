#include "alerting/message_text.h"

#include <algorithm>
#include <array>

#include "alerting/blank_text.h"
#include "alerting/human_value.h"
#include "alerting/message_variables.h"
#include "alerting/rule_text.h"
#include "base/utf8.h"

namespace sidewatch {
namespace {

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

// Those of the entity: the alert's name and severity are said elsewhere.
std::string entity_words(const Notification& n) {
  std::string words;
  for (const auto& [name, value] : n.labels) {
    if (name == "alertname" || name == "severity") continue;
    words += (words.empty() ? "" : ", ") + name + "=" + value;
  }
  return words;
}

std::string subject(const Notification& n) {
  const auto title = n.annotations.get("title");
  if (!title.empty()) return std::string(title);
  const auto summary = n.annotations.get("summary");
  if (!summary.empty()) return std::string(summary);
  const std::string entity = entity_words(n);
  return n.rule + (entity.empty() ? "" : " (" + entity + ")");
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

// "2026-03-01 12:00:00 UTC"
std::string in_utc(WallTime wall) {
  std::string text = to_rfc3339(wall);
  text.resize(text.find_first_of(".Z"));
  text[text.find('T')] = ' ';
  return text + " UTC";
}

std::string threshold_words(const Notification& n) {
  if (!n.threshold) return "";
  return " (" + std::string(to_string(n.worst)) + " " + std::string(to_string(n.threshold->comparison)) + " " +
         human_value(n.threshold->bound, n.unit) + ")";
}

// One of its labels says already which machine it is.
bool labels_say(const Notification& n, const std::string& host) {
  constexpr std::array<std::string_view, 4> names = {"instance", "host", "node", "pod"};
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) { return n.labels.get(name) == host; });
}

bool holds_word(std::string_view text, std::string_view word) {
  const auto in_word = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const auto end = at + word.size();
    if ((at == 0 || !in_word(text[at - 1])) && (end == text.size() || !in_word(text[end]))) return true;
  }
  return false;
}

// Phones show the title alone, so it names the machine: "CRITICAL: / is 96 % full on web-1".
void set_title(MessageText& message, std::string title, const std::string& host) {
  message.title = std::move(title);
  if (host.empty() || holds_word(message.title, host)) return;
  const bool is_sentence = message.title.ends_with('.') || message.title.ends_with('!') || message.title.ends_with('?');
  message.ending = is_sentence ? " (" + host + ")" : " on " + host;
  message.title += message.ending;
}

std::vector<MessageField> fields_of(const Notification& n, const std::string& host) {
  std::vector<MessageField> fields;
  const auto add = [&fields](std::string name, std::string value) {
    if (!value.empty()) fields.push_back({std::move(name), std::move(value)});
  };
  add("Rule", n.rule);
  if (!labels_say(n, host)) add("Host", host);
  add("On", entity_words(n));
  add(n.problem() ? "Value" : "Value at recovery", human_value(n.value, n.unit) + threshold_words(n));
  add("Peak", human_value(n.peak, n.unit));
  add("Since", in_utc(n.starts_at));
  if (n.duration > Duration(0)) add(n.problem() ? "For" : "Lasted", to_words(n.duration));
  add("Trend", sparkline(n.recent));
  if (n.suppressed > 0) {
    add("Held back", std::to_string(n.suppressed) + (n.suppressed == 1 ? " message" : " messages") + " before this one");
  }
  for (const auto& [name, value] : n.annotations) {
    if (name == "runbook_url" || name == "dashboard_url") add(name == "runbook_url" ? "Runbook" : "Dashboard", value);
  }
  return fields;
}

// A mistake in it is reported at its place in what was written.
Template read_with_variables(config::Section& section, const config::Located<std::string>& text) {
  if (text.value.find("{{") == std::string::npos) return read_template(section, text, TemplateChecks::all);
  auto parsed = Template::parse(message_variables_preamble() + text.value, TemplateChecks::all);
  if (parsed) return std::move(*parsed);
  section.problem(place_inside(text, place_without_preamble(parsed.error().where)), "template: " + parsed.error().what);
  return {};
}

MessageText text_of_one(const Notification& n, const MessageTemplates& templates, const MessageOrigin& origin) {
  MessageText message;
  message.level = n.level;
  message.worst = n.worst;
  message.at = n.problem() ? n.created_at : n.ends_at.value_or(n.created_at);
  message.link = origin.external_url;
  set_title(message, one_line(status_words(n) + ": " + subject(n)), origin.host);
  message.text = std::string(n.annotations.get("description"));
  TemplateScope scope;
  scope.external_labels = carried(n, {message.title, message.text, message.link, origin.host});
  scope.external_url = origin.external_url;
  const TemplateData data{n.value, n.labels, n.level, &scope, NumberStyle::plain};
  if (!templates.text.empty()) message.text = templates.text.render(data);
  if (!templates.title.empty()) {
    std::string title = one_line(templates.title.render(data));
    if (!is_blank(title)) message.title = std::move(title);
  }
  message.fields = fields_of(n, origin.host);
  return message;
}

std::string counted(const Delivery& delivery) {
  std::array<std::size_t, 3> counts{};
  for (const Notification& n : delivery.alerts) ++counts.at(static_cast<std::size_t>(n.level));
  static constexpr std::array<std::string_view, 3> words = {"resolved", "warning", "critical"};
  std::string text;
  for (std::size_t i = words.size(); i-- > 0;) {
    if (counts[i] == 0) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(counts[i]) + " " + std::string(words[i]);
  }
  return text;
}

MessageText text_of_many(const Delivery& delivery, const MessageOrigin& origin, std::size_t max_listed) {
  MessageText message;
  message.level = delivery.level();
  std::string title = std::to_string(delivery.alerts.size()) + " alerts: " + counted(delivery);
  std::string common;
  for (const auto& [name, value] : delivery.group_labels) common += (common.empty() ? "" : ", ") + name + "=" + value;
  if (!common.empty()) title += " (" + common + ")";
  set_title(message, one_line(title), origin.host);

  std::vector<const Notification*> worst_first;
  for (const Notification& n : delivery.alerts) {
    worst_first.push_back(&n);
    message.worst = std::max(message.worst, n.worst);
    message.at = std::max(message.at, n.created_at);
  }
  std::stable_sort(worst_first.begin(), worst_first.end(), [](const auto* a, const auto* b) { return a->level > b->level; });
  const std::size_t listed = std::min(worst_first.size(), max_listed);
  for (std::size_t i = 0; i < listed; ++i) {
    const Notification& n = *worst_first[i];
    message.text += (i == 0 ? "" : "\n") + std::string(sign_of(n.level)) + " " + one_line(status_words(n) + ": " + subject(n));
  }
  if (listed < worst_first.size()) message.text += "\nand " + std::to_string(worst_first.size() - listed) + " more";
  if (!origin.host.empty()) message.fields.push_back({"Host", origin.host});
  if (delivery.digest) message.fields.push_back({"Why together", "more messages than rate_limit allows"});
  message.link = origin.external_url;
  return message;
}

// What collectors read from files and from the kernel need not be UTF-8.
MessageText mended(MessageText message) {
  message.title = mend_utf8(message.title);
  message.ending = mend_utf8(message.ending);
  message.text = mend_utf8(message.text);
  for (MessageField& field : message.fields) field.value = mend_utf8(field.value);
  return message;
}

}  // namespace

void declare_message_templates(config::Section& section, MessageTemplates& templates) {
  config::Located<std::string> title;
  config::Located<std::string> text;
  section.optional("title", title,
                   "title of a message about one alert: a template, as a rule's summary is, that also knows $title (what it "
                   "would be without it), $summary, $status, $host and others (docs/receivers.md)");
  section.optional("text", text, "text below the title, likewise; without it the rule's description");
  if (!title.value.empty()) templates.title = read_with_variables(section, title);
  if (!text.value.empty()) templates.text = read_with_variables(section, text);
}

MessageText text_of(const Delivery& delivery, const MessageTemplates& templates, const MessageOrigin& origin,
                    std::size_t max_listed) {
  return mended(delivery.alerts.size() == 1 ? text_of_one(delivery.first(), templates, origin)
                                            : text_of_many(delivery, origin, max_listed));
}

std::string status_words(const Notification& n) {
  switch (n.reason) {
    case Reason::fired: return upper(to_string(n.level));
    case Reason::escalated: return upper(to_string(n.level));
    case Reason::deescalated: return "NOW " + upper(to_string(n.level));
    case Reason::repeated: return "STILL " + upper(to_string(n.level));
    case Reason::resolved: return "RESOLVED";
    case Reason::fired_and_resolved: return "FIRED AND RESOLVED";
    case Reason::rule_removed: return "RESOLVED";
  }
  return upper(to_string(n.level));
}

std::uint32_t colour_of(Level level) {
  switch (level) {
    case Level::ok: return 0x2EB67D;
    case Level::warning: return 0xFFA500;
    case Level::critical: return 0xFF0000;
  }
  return 0x2EB67D;
}

std::string_view sign_of(Level level) {
  switch (level) {
    case Level::ok: return "\xF0\x9F\x9F\xA2";        // green circle
    case Level::warning: return "\xF0\x9F\x9F\xA0";   // orange circle
    case Level::critical: return "\xF0\x9F\x94\xB4";  // red circle
  }
  return "";
}

std::string cut_text(std::string_view raw, std::size_t max_characters) {
  const std::string text = mend_utf8(raw);
  if (count_characters(text) <= max_characters) return text;
  constexpr std::string_view more = "\xE2\x80\xA6";  // …
  std::size_t at = 0;
  for (std::size_t kept = 0; at < text.size() && kept + 1 < max_characters; ++kept) {
    ++at;
    while (at < text.size() && continues_character(text[at])) ++at;
  }
  return max_characters == 0 ? std::string() : text.substr(0, at) + std::string(more);
}

std::string cut_title(const MessageText& message, std::size_t max_characters) {
  const std::size_t ending = count_characters(message.ending);
  if (ending == 0 || 2 * ending > max_characters || !message.title.ends_with(message.ending)) {
    return cut_text(message.title, max_characters);
  }
  const std::string_view title(message.title.data(), message.title.size() - message.ending.size());
  return cut_text(title, max_characters - ending) + message.ending;
}

}  // namespace sidewatch
