#include "report/zip.h"

#include <zlib.h>

#include <cstring>
#include <limits>

namespace keyturn::report {
namespace {

constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50;
constexpr std::uint16_t kVersion = 20, kUtf8 = 0x0800, kDeflated = 8;
constexpr std::uint16_t kDosDate = (2020 - 1980) << 9 | 1 << 5 | 1;  // a date that says nothing
constexpr std::size_t kBytesMax = std::size_t{1} << 30, kLocalSize = 30, kCentralSize = 46,
                      kEndSize = 22;

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

std::uint32_t get(std::string_view bytes, std::size_t at, int count) {
  std::uint32_t out = 0;
  for (int i = count; i-- > 0;)
    out = out << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  return out;
}

std::uint32_t crc_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

Bytef* input(std::string_view bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib reads only
}

std::string deflated(std::string_view bytes) {
  z_stream stream{};
  if (::deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  std::string out(::deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = input(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

std::optional<std::string> inflated(std::string_view bytes, std::size_t size) {
  z_stream stream{};
  if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) return std::nullopt;
  std::string out(size, '\0');
  stream.next_in = input(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = ::inflate(&stream, Z_FINISH);
  const bool whole = ended == Z_STREAM_END && stream.total_out == size;
  ::inflateEnd(&stream);
  return whole ? std::optional(std::move(out)) : std::nullopt;
}

std::unexpected<Refusal> no_zip(std::string why) {
  return refuse("malformed_zip", "this archive cannot be read: " + std::move(why));
}

// Inside of the folder that it is unpacked to, on every system, and one way to write it.
bool is_plain(std::string_view name) {
  if (name.ends_with('/')) name.remove_suffix(1);
  for (const char c : name)
    if (static_cast<unsigned char>(c) < ' ' || c == '\\' || c == ':' || c == '\x7f') return false;
  for (;;) {
    const std::string_view part = name.substr(0, name.find('/'));
    if (part.empty() || part == "." || part == "..") return false;
    if (part.size() == name.size()) return true;
    name.remove_prefix(part.size() + 1);
  }
}

// What local and central headers have in common, from "version needed" on.
void put_common(std::string& out, std::uint32_t crc, std::size_t packed, std::size_t size,
                std::size_t name) {
  put(out, kVersion, 2);
  put(out, kUtf8, 2);
  put(out, kDeflated, 2);
  put(out, 0, 2);
  put(out, kDosDate, 2);
  put(out, crc, 4);
  put(out, packed, 4);
  put(out, size, 4);
  put(out, name, 2);
  put(out, 0, 2);
}

}  // namespace

Result<std::string> write_zip(const Files& files) {
  std::string out, central;
  for (const auto& [name, content] : files) {
    if (content.size() > kBytesMax || out.size() > 3 * kBytesMax || files.size() > 0xffff)
      return refuse("too_large", "the bundle is too large for one archive: write it to a folder");
    const std::string packed = deflated(content);
    const std::uint32_t crc = crc_of(content);
    const std::size_t offset = out.size();
    put(out, kLocal, 4);
    put_common(out, crc, packed.size(), content.size(), name.size());
    out += name;
    out += packed;
    put(central, kCentral, 4);
    put(central, 3 << 8 | kVersion, 2);
    put_common(central, crc, packed.size(), content.size(), name.size());
    put(central, 0, 6);                             // comment, disk, internal attributes
    put(central, std::uint64_t{0100644} << 16, 4);  // a plain file
    put(central, offset, 4);
    central += name;
  }
  const std::size_t start = out.size();
  out += central;
  put(out, kEnd, 4);
  put(out, 0, 4);
  put(out, files.size(), 2);
  put(out, files.size(), 2);
  put(out, central.size(), 4);
  put(out, start, 4);
  put(out, 0, 2);
  return out;
}

Result<Files> read_zip(std::string_view archive) {
  if (archive.size() < kEndSize) return no_zip("it is cut short");
  const std::size_t end = archive.rfind("PK\x05\x06");
  if (end == std::string_view::npos || end + kEndSize > archive.size())
    return no_zip("it has no end");
  const std::size_t count = get(archive, end + 10, 2);
  std::size_t at = get(archive, end + 16, 4), total = 0;
  Files out;
  for (std::size_t i = 0; i < count; ++i) {
    if (at + kCentralSize > archive.size() || get(archive, at, 4) != kCentral)
      return no_zip("its directory is damaged");
    const std::uint32_t method = get(archive, at + 10, 2), crc = get(archive, at + 16, 4);
    const std::size_t packed = get(archive, at + 20, 4), size = get(archive, at + 24, 4);
    const std::size_t name_size = get(archive, at + 28, 2), local = get(archive, at + 42, 4);
    const std::size_t more = get(archive, at + 30, 2) + get(archive, at + 32, 2);
    if (at + kCentralSize + name_size > archive.size()) return no_zip("its directory is damaged");
    const std::string name(archive.substr(at + kCentralSize, name_size));
    at += kCentralSize + name_size + more;
    if (!is_plain(name)) return no_zip("the name of one of its files leads out of its folder");
    if (name.ends_with('/')) continue;
    if (out.contains(name)) return no_zip(name + " is there twice");
    total += size;
    if (total > kBytesMax || size > kBytesMax)
      return refuse("too_large", "the archive unpacks to more than 1 GiB");
    if (local + kLocalSize > archive.size() || get(archive, local, 4) != kLocal)
      return no_zip(name + " is not there");
    if (archive.substr(local + kLocalSize, get(archive, local + 26, 2)) != name)
      return no_zip(name + " has another name at its content");
    const std::size_t data =
        local + kLocalSize + get(archive, local + 26, 2) + get(archive, local + 28, 2);
    if (data > archive.size() || packed > archive.size() - data)
      return no_zip(name + " is cut short");
    const std::string_view bytes = archive.substr(data, packed);
    std::optional<std::string> content;
    if (method == 0 && packed == size) content = std::string(bytes);
    if (method == kDeflated) content = inflated(bytes, size);
    if (!content || crc_of(*content) != crc) return no_zip(name + " is damaged");
    out[name] = *std::move(content);
  }
  if (at != end) return no_zip("its directory names more or fewer files than it says");
  return out;
}

}  // namespace keyturn::report
