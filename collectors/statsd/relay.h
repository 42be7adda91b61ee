// Passes on what arrives, as it arrived, to other StatsD addresses: for a change from one agent to another, or for two.
//
// The one idea: nobody is waited for. Lines are packed into datagrams and sent at once; what the kernel does not take, or
// what is for a name that is not resolved, is counted and gone. Names are looked up on a thread of their own
// (base/errand.h), and again every minute: where a name leads to may change.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/errand.h"
#include "base/time.h"
#include "collectors/statsd/listener.h"

namespace sidewatch::statsd {

class Relay {
 public:
  // Of a datagram: what goes through an Ethernet without being cut. A longer line goes alone.
  static constexpr std::size_t max_datagram = 1432;
  static constexpr Duration fresh_for = std::chrono::minutes(1);  // where a name leads to
  static constexpr Duration patience = std::chrono::milliseconds(50);

  // Of transports udp and unix_datagram.
  explicit Relay(const std::vector<Endpoint>& targets);
  ~Relay();

  // Whole lines, with newlines between them.
  void take(std::string_view lines);
  // Sends what is not a whole datagram yet.
  void flush();

  // Looks up names and opens sockets where that is due; says what does not work, or nothing. Waits `patience` at most.
  std::string refresh(Time now);

  struct Target;
  struct Counts {
    std::uint64_t lines = 0;    // sent
    std::uint64_t dropped = 0;  // lines that could not be
  };
  std::size_t size() const { return targets_.size(); }
  const Counts& counts(std::size_t target) const;
  const std::string& name(std::size_t target) const;  // as a label: "udp://stats.example:8125"

 private:
  void add_line(std::string_view line);

  std::vector<std::unique_ptr<Target>> targets_;
  std::string packed_;
  std::uint64_t packed_lines_ = 0;
  ErrandRunner lookups_;
};

}  // namespace sidewatch::statsd
