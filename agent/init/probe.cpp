#include "agent/init/probe.h"

#include <algorithm>
#include <atomic>
#include <string_view>
#include <system_error>
#include <thread>

#include "base/http_client.h"

namespace sidewatch::discovery {
namespace {

bool serves_metrics(const ProbeTarget& target) {
  OutgoingRequest request;
  request.url = "http://" + target.address + ":" + std::to_string(target.port) + "/metrics";
  request.headers = {{"Accept", "text/plain"}, {"User-Agent", "sidewatch-init"}};
  request.timeout = probe_timeout;
  request.connect_timeout = probe_timeout;
  request.max_body_bytes = 16 * 1024;
  request.too_long = OutgoingRequest::TooLong::cut;
  HttpClient client;
  const auto result = client.send(request);
  const auto* response = std::get_if<OutgoingResponse>(&result);
  return response != nullptr && response->status == 200 && looks_like_metrics(response->body);
}

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':'; }
bool is_name_part(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

}  // namespace

std::vector<std::uint16_t> probe(const std::vector<ProbeTarget>& targets) {
  const std::size_t count = std::min(targets.size(), max_probes);
  std::vector<std::atomic<bool>> serves(count);
  {
    std::vector<std::jthread> askers;
    for (std::size_t i = 0; i < count; ++i) {
      const auto ask = [&serves, &targets, i] { serves[i] = serves_metrics(targets[i]); };
      try {
        askers.emplace_back(ask);
      } catch (const std::system_error&) {  // no thread to spare: then one after the other
        ask();
      }
    }
  }
  std::vector<std::uint16_t> ports;
  for (std::size_t i = 0; i < count; ++i) {
    if (serves[i]) ports.push_back(targets[i].port);
  }
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  return ports;
}

bool looks_like_metrics(std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    if (!is_name_start(line.front())) return false;
    const auto name_end = std::find_if_not(line.begin(), line.end(), is_name_part);
    line.remove_prefix(static_cast<std::size_t>(name_end - line.begin()));
    if (line.starts_with('{')) {
      const auto close = line.rfind('}');
      if (close == std::string_view::npos) return false;
      line.remove_prefix(close + 1);
    }
    const auto value = line.find_first_not_of(" \t");
    return value != std::string_view::npos && value > 0 &&
           std::string_view("0123456789+-.NI").find(line[value]) != std::string_view::npos;
  }
  return false;
}

}  // namespace sidewatch::discovery
