// Protocol Buffers on the wire (https://protobuf.dev/programming-guides/encoding/), as much of it
// as moving whole fields from one message to another takes. Private to facts/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyturn::facts {

struct WireField {
  std::uint32_t number = 0;
  std::string_view body;   // of a length-delimited field; else empty
  std::string_view whole;  // with its tag
};

// The fields of a message in their order; views into it. nullopt: that is no message.
std::optional<std::vector<WireField>> wire_fields(std::string_view message);

// The body of the first field of that number; nullopt: there is none.
std::optional<std::string_view> wire_body(std::string_view message, std::uint32_t number);
std::vector<std::string_view> wire_bodies(std::string_view message, std::uint32_t number);

// A length-delimited field.
std::string wire_field(std::uint32_t number, std::string_view body);

}  // namespace keyturn::facts
