#include "alerting/receivers/service_url.h"

#include <algorithm>
#include <array>

#include "alerting/receivers/http_receiver.h"
#include "base/regex.h"

namespace sidewatch {
namespace {

struct ServiceHost {
  std::string_view kind;    // the receiver's
  std::string_view host;    // itself, or what is below it
  std::string_view path;    // a regular expression for path and query; empty: takes anything
  std::string_view advice;  // what is wrong with another path
};

constexpr std::string_view discord_path = R"(/api/(v\d+/)?webhooks/\d+/[\w-]+(\?[^/]*)?)";
constexpr std::string_view discord_advice =
    "is not a whole Discord webhook URL, which ends in /webhooks/NUMBER/TOKEN: copy it in Discord under Edit Channel, "
    "Integrations, Webhooks, Copy Webhook URL (without /slack or /github behind it)";
constexpr std::string_view workflow_path = R"(/.*[?&]sig=[\w%-]+.*)";
constexpr std::string_view workflow_advice =
    "is not whole, it has no sig=...: copy all of it from the step 'When a Teams webhook request is received' of the "
    "workflow, and write it in quotes";
constexpr std::string_view retired_connector =
    "is that of an Office 365 connector, which Microsoft has switched off: in Teams make a workflow "
    "'Send webhook alerts to a channel' and copy its URL";

constexpr std::array hosts = {
    ServiceHost{"discord", "discord.com", discord_path, discord_advice},
    ServiceHost{"discord", "discordapp.com", discord_path, discord_advice},
    ServiceHost{
        "slack", "hooks.slack.com", R"(/services/\w+/\w+/\w+/?)",
        "is not a whole Slack webhook URL, which looks like https://hooks.slack.com/services/T.../B.../...: copy "
        "it in your Slack app under Incoming Webhooks (URLs with /workflows/ or /triggers/ take other messages)"},
    ServiceHost{"teams", "webhook.office.com", "-", retired_connector},
    ServiceHost{"teams", "outlook.office.com", "-", retired_connector},
    ServiceHost{"teams", "logic.azure.com", workflow_path, workflow_advice},
    ServiceHost{"teams", "api.powerplatform.com", workflow_path, workflow_advice},
    ServiceHost{"telegram", "api.telegram.org", "/?", "has only the server here: the token goes to bot_token"},
};

// A workflow of one's own takes whatever it was made for.
bool takes_any_json(const ServiceHost& service) { return service.path == workflow_path; }

bool is_host(std::string_view host, std::string_view known) {
  return host == known || (host.ends_with(known) && host[host.size() - known.size() - 1] == '.');
}

const ServiceHost* service_at(const std::string& url) {
  const auto parts = parse_http_url(url);
  if (!parts) return nullptr;
  const auto* known =
      std::find_if(hosts.begin(), hosts.end(), [&](const auto& service) { return is_host(parts->host, service.host); });
  return known == hosts.end() ? nullptr : known;
}

std::string path_of(const std::string& url) {
  const auto at = url.find('/', url.find("://") + 3);
  return at == std::string::npos ? "" : url.substr(at);
}

std::string problem_with(const ServiceHost& service, std::string_view kind, const std::string& url) {
  if (service.kind != kind) {
    return "belongs to another service: the receiver's kind is '" + std::string(service.kind) + "'";
  }
  if (url.starts_with("http:")) return "begins with https:// at this service";
  const auto path = Regex::compile(service.path);
  return path && path->full_match(path_of(url)) ? "" : std::string(service.advice);
}

}  // namespace

void check_service_url(config::Section& entry, std::string_view kind, const config::Located<std::string>& url,
                       std::string_view key, bool allow_link_local) {
  check_receiver_url(entry, url, key, allow_link_local);
  const auto* known = service_at(url.value);
  if (known == nullptr) return;
  if (const auto text = problem_with(*known, kind, url.value); !text.empty()) {
    entry.problem(url.mark, std::string(key) + " " + text);
  }
}

void check_no_chat_service(config::Section& entry, const config::Located<std::string>& url, std::string_view key) {
  const auto* known = service_at(url.value);
  if (known == nullptr || takes_any_json(*known)) return;
  const std::string kind(known->kind);
  entry.problem(url.mark, std::string(key) + " is of a service that takes messages of its own form only: write `" + kind +
                              ":` in the place of `webhook:` (docs/receivers.md shows it)");
}

}  // namespace sidewatch
