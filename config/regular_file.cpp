#include "config/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include "base/descriptor.h"
#include "base/utf8.h"
#include "config/literals.h"

namespace sidewatch::config {
namespace {

std::string reason(int code) {
  switch (code) {
    case ENOENT: return "there is no such file";
    case ENOTDIR: return "there is no such file (a part of its path is not a directory)";
    case EACCES: return "permission denied";
    case ELOOP: return "its symbolic links go in a circle";
    case ENAMETOOLONG: return "its name is too long";
    case ENXIO: return "is not a regular file";
    default: return "cannot be read: " + std::generic_category().message(code);
  }
}

std::optional<std::string> why_not_regular(mode_t mode) {
  if (S_ISREG(mode)) return std::nullopt;
  if (S_ISDIR(mode)) return "is a directory, not a file";
  if (S_ISFIFO(mode)) return "is a named pipe, not a regular file";
  if (S_ISSOCK(mode)) return "is a socket, not a regular file";
  return "is a device, not a regular file";
}

std::string too_large(std::size_t max_bytes) {
  return "is larger than " + write_size(Bytes{max_bytes}) + ", the limit for this file";
}

std::string hex(unsigned char byte) {
  static constexpr char digits[] = "0123456789abcdef";
  return std::string("0x") + digits[byte >> 4] + digits[byte & 15];
}

}  // namespace

Result<std::string> read_regular_file(const std::string& path, std::size_t max_bytes, std::string* identity) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (file.get() < 0) return Error{reason(errno), path};
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return Error{reason(errno), path};
  if (const auto why = why_not_regular(status.st_mode)) return Error{*why, path};
  if (static_cast<std::uint64_t>(status.st_size) > max_bytes) return Error{too_large(max_bytes), path};
  if (identity) *identity = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);

  std::string content;
  std::size_t filled = 0;
  content.resize(std::min(max_bytes, static_cast<std::size_t>(status.st_size)) + 1);
  while (true) {
    const auto got = ::read(file.get(), content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{reason(errno), path};
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > max_bytes) return Error{too_large(max_bytes), path};
    if (filled == content.size()) content.resize(std::min(max_bytes + 1, content.size() * 2));
  }
  content.resize(filled);
  return content;
}

std::optional<BadByte> find_bad_byte(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const Utf8Character character = first_character(text.substr(i));
    if (!character.well_formed) return BadByte{i, "the byte " + hex(byte) + " is not UTF-8 text"};
    const bool line_end = byte == '\n' || (byte == '\r' && i + 1 < text.size() && text[i + 1] == '\n');
    if ((byte < 0x20 && byte != '\t' && !line_end) || byte == 0x7F) {
      if (byte == '\r') return BadByte{i, "a carriage return without a line feed; save the file with Unix line ends"};
      return BadByte{i, "the control byte " + hex(byte) + " cannot stand in a text file"};
    }
    i += character.bytes;
  }
  return std::nullopt;
}

}  // namespace sidewatch::config
