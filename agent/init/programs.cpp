#include "agent/init/programs.h"

#include <algorithm>
#include <initializer_list>

#include "agent/init/yaml_text.h"

namespace sidewatch::discovery {
namespace {

using enum ProgramKind;

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }  // npos + 1 is 0

// "nginx" of "nginx: master process", "postgres" of "postgres: checkpointer", "bash" of a login shell's "-bash".
std::string_view first_word(const Process& process) {
  if (process.args.empty()) return {};
  std::string_view word = process.args.front();
  word = word.substr(0, word.find_first_of(": "));
  if (word.starts_with('-')) word.remove_prefix(1);
  return file_name(word);
}

// A path or a name, and nothing that could be somebody's password: no URL, no NAME=value.
bool is_script(std::string_view text) {
  constexpr std::size_t most = 200;
  return !text.empty() && text.size() <= most && is_printable(text) &&
         text.find_first_of("=:?&\"'`$(){}<>|;* ") == std::string_view::npos;
}

bool runs_code_given_in_words(std::string_view option) {
  return is_one_of(option, {"-e", "-c", "-E", "-p", "--eval", "--print", "-pe"});
}

bool takes_a_value(std::string_view program, std::string_view option) {
  if (program == "java") {
    return is_one_of(option, {"-cp", "-classpath", "--class-path", "-p", "--module-path", "--add-modules",
                              "--add-opens", "--add-exports", "--add-reads", "--enable-native-access"});
  }
  if (program.starts_with("python") || program.starts_with("pypy")) return is_one_of(option, {"-W", "-X"});
  if (program.starts_with("php")) return is_one_of(option, {"-c", "-d", "-S", "-t", "-z"});
  if (program.starts_with("ruby") || program.starts_with("perl")) return is_one_of(option, {"-I", "-r", "-C"});
  return is_one_of(option, {"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions",
                            "--env-file", "--config", "--preload"});
}

// A process that names itself anew leaves one argument with blanks in it: "node /srv/api/index.js".
std::vector<std::string> split_title(std::string_view program, const std::vector<std::string>& args) {
  const bool alone = std::all_of(args.begin() + (args.empty() ? 0 : 1), args.end(), [](const auto& arg) { return arg.empty(); });
  if (args.empty() || !alone || !args.front().starts_with(std::string(program) + " ")) return args;
  std::vector<std::string> words;
  for (std::string_view rest = args.front(); !rest.empty();) {
    const auto end = std::min(rest.find(' '), rest.size());
    words.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return words;
}

// The first argument that is no option, or what -jar, -m and -f name.
std::string find_script(std::string_view program, const std::vector<std::string>& args) {
  if (program == "beam.smp") return "";  // its arguments are flags of the emulator
  for (std::size_t i = 1; i < args.size(); ++i) {
    const std::string& arg = args[i];
    const bool names_it = is_one_of(arg, {"-jar", "-m", "--module", "-f", "--file"});
    if (names_it) return i + 1 < args.size() && is_script(args[i + 1]) ? args[i + 1] : "";
    if (takes_a_value(program, arg)) {
      ++i;
      continue;
    }
    if (runs_code_given_in_words(arg)) return "";
    if (arg.starts_with('-')) continue;
    if (is_one_of(program, {"deno", "bun", "dotnet"}) && is_one_of(arg, {"run", "exec", "start"})) continue;
    return is_script(arg) ? arg : "";
  }
  return "";
}

// "checkout" of "checkout-1.4.2": a name that outlives the next release.
std::string_view without_version(std::string_view stem) {
  for (std::size_t i = 1; i + 1 < stem.size(); ++i) {
    if (stem[i] == '-' && stem[i + 1] >= '0' && stem[i + 1] <= '9') return stem.substr(0, i);
  }
  return stem;
}

bool says_nothing(std::string_view name) {
  return name.empty() ||
         is_one_of(name, {"index", "server", "main", "Main", "app", "App", "Application", "manage", "run", "start",
                          "cli", "wsgi", "asgi", "__main__", "worker", "src", "dist", "build", "bin", "lib", "current",
                          "code", "venv", ".venv", "env", "gunicorn", "uvicorn", "hypercorn", "flask", "celery", "www", "html", "public", "releases", ".", "..", "srv", "opt", "home", "root", "tmp",
                          "usr", "var", "local", "target", "out", "py", "js", "jar", "backend"});
}

// Without ".js", ".py", ".jar"; a Java class is taken for a path: com/shop/Main.
std::vector<std::string> path_parts(const std::string& script) {
  std::string path = script;
  const auto slash = path.rfind('/');
  const auto dot = path.rfind('.');
  static constexpr std::size_t longest_extension = 4;
  const bool has_extension = dot != std::string::npos && dot > 0 && (slash == std::string::npos || dot > slash + 1) &&
                             path.size() - dot - 1 <= longest_extension;
  if (has_extension) path.resize(dot);
  if (slash == std::string::npos) std::replace(path.begin(), path.end(), '.', '/');
  std::vector<std::string> parts;
  for (std::string_view rest = path; !rest.empty();) {
    const auto end = std::min(rest.find('/'), rest.size());
    if (end > 0) parts.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return parts;
}

// What the path of a script says about whose it is: the last part that is not merely "server" or "dist".
std::string telling_name(const std::string& script, const std::string& directory) {
  auto parts = path_parts(script);
  if (!script.starts_with('/')) {
    auto above = path_parts(directory + "/");
    above.insert(above.end(), parts.begin(), parts.end());
    parts = std::move(above);
  }
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    const auto name = without_version(*part);
    if (!says_nothing(name)) return std::string(name);
  }
  return parts.empty() ? "" : parts.back();
}

std::string as_group_name(std::string_view text) {
  constexpr std::size_t most = 60;
  std::string name;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    if (plain) {
      name += c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  name.resize(std::min(name.size(), most));
  while (name.ends_with('-') || name.ends_with('.')) name.pop_back();
  return name;
}

}  // namespace

// Debian's redis-server is a link to redis-check-rdb, and a program in several calls itself what it is; so an executable
// that nobody knows may still be a server known by its name.
Identity identify(const Process& process) {
  Identity identity;
  const std::string_view exe = file_name(process.exe);
  const std::string_view said = first_word(process).empty() ? std::string_view(process.comm) : first_word(process);
  identity.program = exe.empty() ? said : exe;
  identity.known = known_program(identity.program);
  for (const std::string_view name : {said, std::string_view(process.comm)}) {
    if (identity.known) break;
    const auto known = known_program(name);
    const bool counts = known && (exe.empty() || known->kind == database || known->kind == server);
    if (!counts && exe != "busybox") continue;
    identity.known = known;
    identity.program = name;
  }
  if (identity.kind() == interpreter) identity.script = find_script(identity.program, split_title(identity.program, process.args));
  return identity;
}

std::string group_name(const Identity& identity, const Process& process, const std::string& unit) {
  std::string name;
  if (identity.known) name = identity.known->group;
  if (name.empty()) name = as_group_name(unit);
  if (name.empty() && !identity.script.empty()) name = as_group_name(telling_name(identity.script, process.directory));
  if (name.empty() && identity.kind() == interpreter && process.comm != "MainThread") name = as_group_name(process.comm);
  if (name.empty()) name = as_group_name(identity.program);
  if (name.empty()) name = as_group_name(process.comm);
  return name.empty() ? "service" : name;
}

}  // namespace sidewatch::discovery
