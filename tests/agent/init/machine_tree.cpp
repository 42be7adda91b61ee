#include "tests/agent/init/machine_tree.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

namespace sidewatch::discovery {
namespace {

namespace fs = std::filesystem;

std::string unescaped(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "\\x") == 0 && i + 3 < text.size()) {
      result += static_cast<char>(std::stoi(text.substr(i + 2, 2), nullptr, 16));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

void write_file(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

void write_link(const fs::path& path, const std::string& target) {
  fs::create_directories(path.parent_path());
  fs::create_symlink(target, path);
}

std::string hex_end_point(const std::string& text) {
  const auto colon = text.rfind(':');
  std::string address = text.substr(0, colon);
  char out[64];
  if (address.front() == '[') {
    in6_addr six{};
    EXPECT_EQ(inet_pton(AF_INET6, address.substr(1, address.size() - 2).c_str(), &six), 1) << text;
    std::uint32_t words[4];
    std::memcpy(words, &six, sizeof six);
    std::snprintf(out, sizeof out, "%08X%08X%08X%08X:%04X", words[0], words[1], words[2], words[3],
                  static_cast<unsigned>(std::stoi(text.substr(colon + 1))));
    return out;
  }
  in_addr four{};
  EXPECT_EQ(inet_pton(AF_INET, address.c_str(), &four), 1) << text;
  std::snprintf(out, sizeof out, "%08X:%04X", four.s_addr, static_cast<unsigned>(std::stoi(text.substr(colon + 1))));
  return out;
}

void plant_sockets(const std::vector<std::string>& lines, const fs::path& folder) {
  std::string four = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
  std::string six = four;
  for (const auto& line : lines) {
    std::istringstream words(line);
    std::string what, end_point, uid, inode;
    words >> what >> end_point >> uid >> inode;
    const bool listens = what == "listen";
    const bool is_six = end_point.front() == '[';
    const std::string nobody = is_six ? "[::]:0" : "0.0.0.0:0";
    const std::string local = listens ? end_point : (is_six ? "[::1]:40000" : "10.0.0.2:40000");
    (is_six ? six : four) += "   0: " + hex_end_point(local) + " " + hex_end_point(listens ? nobody : end_point) +
                             (listens ? " 0A" : " 01") + " 00000000:00000000 00:00000000 00000000  " + uid +
                             "        0 " + inode + " 1 0000000000000000 100 0 0 10 0\n";
  }
  write_file(folder / "tcp", four);
  write_file(folder / "tcp6", six);
}

using Values = std::map<std::string, std::string>;

void plant_process(const std::string& pid, Values values, const std::vector<std::string>& args, const fs::path& proc) {
  const fs::path folder = proc / pid;
  const std::string ppid = values.contains("ppid") ? values["ppid"] : "0";
  write_file(folder / "stat", pid + " (" + unescaped(values["comm"]) + ") S " + ppid +
                                  " 1 1 0 -1 4194304 1 0 0 0 1 1 0 0 20 0 1 0 100 1000 10 0 0 0 0\n");
  const std::string uid = values.contains("uid") ? values["uid"] : "0";
  write_file(folder / "status", "Name:\tx\nUid:\t" + uid + "\t" + uid + "\t" + uid + "\t" + uid + "\n");
  std::string cmdline;
  for (const auto& arg : args) cmdline += unescaped(arg) + '\0';
  write_file(folder / "cmdline", cmdline);
  if (values.contains("exe")) write_link(folder / "exe", unescaped(values["exe"]));
  if (values.contains("cwd")) write_link(folder / "cwd", values["cwd"]);
  write_file(folder / "cgroup", "0::" + (values.contains("cgroup") ? values["cgroup"] : std::string("/")) + "\n");
  if (values.contains("net")) write_link(folder / "ns" / "net", "net:[" + values["net"] + "]");
  if (values.contains("hidden")) {
    write_file(folder / "fd", "");
    return;
  }
  write_file(folder / "fd" / "0", "");
  std::istringstream sockets(values["sockets"]);
  int number = 3;
  for (std::string inode; std::getline(sockets, inode, ',');) {
    write_link(folder / "fd" / std::to_string(number++), "socket:[" + inode + "]");
  }
}

void plant(const std::string& heading, const std::vector<std::string>& lines, const fs::path& root) {
  std::istringstream words(heading);
  std::string kind, name;
  words >> kind >> name;
  if (kind == "file") {
    std::string content;
    for (const auto& line : lines) content += line + "\n";
    write_file(root / name, content);
  } else if (kind == "link") {
    std::string target;
    words >> target;
    write_link(root / name, target);
  } else if (kind == "tcp") {
    plant_sockets(lines, root / "proc" / (name.empty() ? "net" : name + "/net"));
  } else if (kind == "process") {
    Values values;
    for (std::string word; words >> word;) values[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
    plant_process(name, values, lines, root / "proc");
  } else {
    ADD_FAILURE() << "no such part: " << heading;
  }
}

}  // namespace

void plant_machine(const std::string& text, const std::string& directory) {
  std::istringstream stream(text);
  std::string heading;
  std::vector<std::string> lines;
  const auto finish = [&] {
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    if (!heading.empty()) plant(heading, lines, directory);
    lines.clear();
  };
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("-- ") && line.ends_with(" --")) {
      finish();
      heading = line.substr(3, line.size() - 6);
    } else if (!heading.empty()) {  // before the first heading stands what the case is about
      lines.push_back(line);
    }
  }
  finish();
}

}  // namespace sidewatch::discovery
