// The thread that keeps the history on disk, so that the loop never waits for one.
//
// What the store takes in is copied into a bounded buffer; every `flush_interval` the thread takes it from there, writes
// it and has the disk confirm it. So `kill -9`, or a power failure, costs at most that much. When the disk is so slow
// that the buffer is full, samples are left out and counted, and the next checkpoint has them all the same.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "agent/history_disk.h"
#include "agent/logging.h"
#include "agent/patient_thread.h"
#include "base/time.h"
#include "metrics/store.h"

namespace sidewatch {

class HistoryWriter final : public Journal {
 public:
  struct Options {
    std::string directory;
    Duration retention;
    Duration flush_interval;
  };
  struct Status {
    HistoryDisk::Status disk;
    std::uint64_t damages = 0;       // records of earlier lives that could not be read
    std::uint64_t lost_samples = 0;  // that the full buffer did not take
  };

  // Gives the store back what an earlier life has left, and writes down what it takes in from now on. All that is given
  // outlives the writer, or the process ends with it.
  HistoryWriter(const Options& options, Store& store, const Clock& clock, Log& log);
  ~HistoryWriter() override;
  HistoryWriter(const HistoryWriter&) = delete;

  void took_in(Time time, const std::vector<Sample>& samples) override;

  Status status() const;

  // Writes the rest and ends the thread. False: the disk hangs, and the thread was left behind; the process may only end.
  bool stop(Duration patience);

 private:
  struct Pass {
    Time time;
    std::size_t samples;
  };
  struct Buffer {
    std::vector<Pass> passes;
    std::vector<Sample> samples;  // of all passes, one after the other
    bool incomplete = false;      // some were left out
  };

  void restore(const Options& options);
  void run();
  bool wait(Buffer& taken, bool at_once);
  void write(const Buffer& taken);
  void report();
  HistoryClocks clocks() const;

  Store& store_;
  const Clock& clock_;
  Log& log_;
  const Duration flush_interval_;
  const HistoryClocks started_;
  HistoryDisk disk_;  // the thread's, once that has begun
  bool told_on_disk_ = true;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Buffer buffer_;
  Status status_;
  bool stopping_ = false;
  PatientThread thread_;
};

}  // namespace sidewatch
