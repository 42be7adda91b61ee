// A disk that fails on order. The functions of the C library through which SQLite and the outbox write and read are
// replaced in the program that links failing_disk.cpp: for files of an outbox they fail as `faults` says, or end the
// process after half of the bytes. Everything else passes through.
#pragma once

namespace sidewatch {

struct Faults {
  bool watching = false;
  long operations = 0;       // writes and syncs of outbox files so far
  long die_at = -1;          // the operation in the middle of which the process ends
  long first_bad_sync = -1;  // syncs from this one on fail with EIO ...
  long bad_syncs = 0;        // ... so many
  long syncs = 0;
  bool bad_reads = false;    // reads fail with EIO
  bool read_only = false;    // every write fails with EROFS
  bool full = false;         // a write that makes a file longer fails with ENOSPC
};
extern Faults faults;

}  // namespace sidewatch
