// A mail server as strict as RFC 5321 and 5322 let it be: order of commands, line ends, line lengths, plain ASCII.
//
// Speaks to one client at a time on a free port of 127.0.0.1. `replies` says what a command gets instead of the usual:
// by the beginning of its line, "RCPT TO:<gone@example.org>" -> "550 5.1.1 no such user", "DATA." is the end of the
// mail. An empty text: no reply at all, until the client goes away.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/crypto.h"

namespace sidewatch {

struct FakeMail {
  std::string from;
  std::vector<std::string> to;
  std::string text;
};

class FakeSmtp {
 public:
  FakeSmtp() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    listen(listener_, 16);
    thread_ = std::thread([this] { run(); });
  }
  ~FakeSmtp() {
    stopping_ = true;
    thread_.join();
    close(listener_);
  }
  FakeSmtp(const FakeSmtp&) = delete;
  FakeSmtp& operator=(const FakeSmtp&) = delete;

  int port() const { return port_; }
  void reply(const std::string& command, const std::string& with) {
    const std::lock_guard lock(mutex_);
    replies_[command] = with;
  }
  void usual() {
    const std::lock_guard lock(mutex_);
    replies_.clear();
  }
  void want_login(const std::string& username, const std::string& password) {
    const std::lock_guard lock(mutex_);
    login_ = to_base64(std::string(1, '\0') + username + std::string(1, '\0') + password);
  }
  std::vector<FakeMail> mails() const {
    const std::lock_guard lock(mutex_);
    return mails_;
  }
  std::vector<std::string> commands() const {
    const std::lock_guard lock(mutex_);
    return commands_;
  }

 private:
  void run() {
    while (!stopping_) {
      pollfd entry{listener_, POLLIN, 0};
      if (poll(&entry, 1, 20) <= 0) continue;
      client_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client_ < 0) continue;
      buffer_.clear();
      talk();
      close(client_);
    }
  }

  // With its line end; empty when the client is gone.
  std::string line() {
    std::size_t end = 0;
    while ((end = buffer_.find('\n')) == std::string::npos) {
      pollfd entry{client_, POLLIN, 0};
      if (stopping_) return "";
      if (poll(&entry, 1, 20) <= 0) continue;
      char bytes[4096];
      const auto got = recv(client_, bytes, sizeof bytes, 0);
      if (got <= 0) return "";
      buffer_.append(bytes, static_cast<std::size_t>(got));
    }
    std::string text = buffer_.substr(0, end + 1);
    buffer_.erase(0, end + 1);
    return text;
  }

  static bool is_strict(std::string_view text) {
    return text.size() <= 1000 && text.ends_with("\r\n") && std::none_of(text.begin(), text.end() - 2, [](char c) {
             return c == '\r' || c == '\0' || (c & '\x80') != 0;
           });
  }

  bool say(const std::string& command, const std::string& usual) {
    std::string text = usual;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [beginning, with] : replies_) {
        if (command.starts_with(beginning)) text = with;
      }
    }
    if (text.empty()) {
      while (!line().empty()) {
      }
      return false;
    }
    text += "\r\n";
    return ::send(client_, text.data(), text.size(), MSG_NOSIGNAL) > 0 && text[0] == '2';
  }

  void talk() {
    FakeMail mail;
    bool greeted = false;
    bool logged_in = login_.empty();
    say("", "220 fake.example ESMTP");
    for (std::string text = line(); !text.empty(); text = line()) {
      const std::string command = text.substr(0, text.find_first_of("\r\n"));
      {
        const std::lock_guard lock(mutex_);
        commands_.push_back(command);
      }
      if (!is_strict(text)) {
        say(command, "500 5.5.2 not a command of RFC 5321");
      } else if (command.starts_with("EHLO ")) {
        greeted = say(command, logged_in ? "250 fake.example" : "250-fake.example\r\n250 AUTH PLAIN");
      } else if (command == "QUIT") {
        say(command, "221 bye");
        return;
      } else if (!greeted) {
        say(command, "503 5.5.1 say EHLO first");
      } else if (command.starts_with("AUTH PLAIN")) {
        if (command == "AUTH PLAIN") {
          const std::string go_on = "334 \r\n";
          ::send(client_, go_on.data(), go_on.size(), MSG_NOSIGNAL);
          text = line();
        }
        logged_in = text.find(login_ + "\r\n") != std::string::npos;
        say(command, logged_in ? "235 2.7.0 welcome" : "535 5.7.8 wrong user name or password");
      } else if (!logged_in) {
        say(command, "530 5.7.0 log in first");
      } else if (command.starts_with("MAIL FROM:<")) {
        mail = {};
        if (say(command, "250 2.1.0 ok")) mail.from = command.substr(11, command.find('>') - 11);
      } else if (command.starts_with("RCPT TO:<") && !mail.from.empty()) {
        if (say(command, "250 2.1.5 ok")) mail.to.push_back(command.substr(9, command.find('>') - 9));
      } else if (command == "DATA" && !mail.to.empty()) {
        take(mail);
      } else {
        say(command, "503 5.5.1 not now");
      }
    }
  }

  void take(FakeMail mail) {
    const std::string go_on = "354 end with a dot\r\n";
    ::send(client_, go_on.data(), go_on.size(), MSG_NOSIGNAL);
    bool strict = true;
    for (std::string text = line(); !text.empty() && text != ".\r\n"; text = line()) {
      strict = strict && is_strict(text);
      mail.text += text.starts_with("..") ? text.substr(1) : text;
    }
    const std::string head = mail.text.substr(0, mail.text.find("\r\n\r\n") + 2);
    for (const auto* name : {"Date: ", "From: ", "To: ", "Subject: ", "Message-ID: <", "MIME-Version: 1.0"}) {
      const std::string field = std::string("\r\n") + name;
      strict = strict && (head.starts_with(name) || head.find(field) != std::string::npos) &&
               head.find(field, head.find(field) + 1) == std::string::npos;
    }
    const bool taken = say("DATA.", strict ? "250 2.0.0 taken" : "554 5.6.0 not a message of RFC 5322");
    const std::lock_guard lock(mutex_);
    if (taken) mails_.push_back(std::move(mail));
  }

  int listener_ = -1;
  int client_ = -1;
  int port_ = 0;
  std::string buffer_;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> replies_;
  std::string login_;
  std::vector<FakeMail> mails_;
  std::vector<std::string> commands_;
  std::thread thread_;
};

}  // namespace sidewatch
