// A child process for tests that look at the kernel's own /proc.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

namespace sidewatch {

// A child that runs `body`, says that it is ready, and then does whatever `body` returned from: nothing, until killed.
class Child {
 public:
  explicit Child(const std::function<void()>& body) {
    int ready[2];
    if (pipe(ready) != 0) ADD_FAILURE() << "pipe";
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(ready[0]);
      body();
      const bool told = write(ready[1], "r", 1) == 1;
      while (told) pause();
      _exit(1);
    }
    close(ready[1]);
    char byte = 0;
    EXPECT_EQ(read(ready[0], &byte, 1), 1) << "the child did not get ready";
    close(ready[0]);
  }
  ~Child() {
    kill_it();
    reap();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  void kill_it() {
    if (pid_ > 0) kill(pid_, SIGKILL);
  }
  void reap() {
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  // Until it has ended but is not reaped.
  void wait_until_zombie() {
    siginfo_t info{};
    EXPECT_EQ(waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT), 0);
  }

 private:
  pid_t pid_ = -1;
};

inline void rename_to(const std::string& name) { prctl(PR_SET_NAME, name.c_str()); }

// Names that no other process has, also when several of these tests run at once.
inline std::string unique_name(const std::string& prefix) { return prefix + std::to_string(getpid()); }

}  // namespace sidewatch
