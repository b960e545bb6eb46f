// The web inbox and openapi.json, inside the binary (tools/embed.py).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "net/http.h"

namespace keyturn::api {

struct Asset {
  std::string_view path;   // "/index.html", "/assets/app-59843cb9.js", "/openapi.json"
  std::string_view type;   // Content-Type
  std::string_view bytes;  // as long as the process
  std::string_view etag;   // with its quotes
};
std::span<const Asset> embedded_assets();  // generated
const Asset* find_asset(std::string_view path);

// The file or page for a GET; nullopt when the path is neither.
std::optional<net::HttpResponse> asset_response(const net::HttpRequest& request);

}  // namespace keyturn::api
