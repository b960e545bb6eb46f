// Reads one server of tools.yaml's `upstreams:`, with every problem in its place. Private to
// catalog/.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "catalog/tool_reader.h"
#include "catalog/upstream.h"

namespace keyturn::catalog {

// Lower case letters, digits and "-", a letter or digit first, at most 40.
bool is_upstream_name(std::string_view text);

// What a process of its own says - variables, folder, sandbox, limits - is read as for an exec
// tool.
class UpstreamReader : private ToolReader {
 public:
  using ToolReader::ToolReader;
  Upstream read(const std::string& name);

 private:
  void read_kind();
  void read_url();
  void read_headers();
  void read_header(const doc::Member& member, const std::string& pointer);
  void read_command();
  void read_process();
  void read_agents();
  void read_operations();
  void read_gates();
  void read_pins();
  void read_bounds();
  Duration bounded(std::string_view key, Duration otherwise, Duration most);

  Upstream up_;
};

}  // namespace keyturn::catalog
