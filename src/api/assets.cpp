#include "api/assets.h"

#include <algorithm>
#include <array>

namespace keyturn::api {
namespace {

constexpr std::string_view kContentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

// Paths that the page's own router shows.
bool is_page(std::string_view path) {
  constexpr std::array kPages = std::to_array<std::string_view>(
      {"/", "/activity", "/policy", "/ledger", "/emergencies", "/insights", "/admin", "/account",
       "/standing", "/runbooks", "/enrol", "/login", "/demo", "/index.html"});
  if (std::ranges::find(kPages, path) != kPages.end()) return true;
  constexpr std::array kOfOne =
      std::to_array<std::string_view>({"/a/", "/standing/", "/runbooks/", "/runs/"});
  return std::ranges::any_of(kOfOne, [&](std::string_view folder) {
    return path.starts_with(folder) && path.find('/', folder.size()) == std::string_view::npos;
  });
}

net::HttpResponse served(const Asset& asset, const net::HttpRequest& request, bool immutable) {
  net::HttpResponse response;
  const bool is_html = asset.type.starts_with("text/html");
  response.headers = {
      {"ETag", std::string(asset.etag)},
      {"Cache-Control", immutable ? "public, max-age=31536000, immutable" : "no-cache"}};
  if (is_html) response.headers.add("Content-Security-Policy", std::string(kContentPolicy));
  if (request.header("if-none-match") == asset.etag) {
    response.status = 304;
    return response;
  }
  response.headers.add("Content-Type", std::string(asset.type));
  response.body = asset.bytes;
  return response;
}

}  // namespace

const Asset* find_asset(std::string_view path) {
  const std::span<const Asset> all = embedded_assets();
  const auto found = std::ranges::find(all, path, &Asset::path);
  return found == all.end() ? nullptr : &*found;
}

std::optional<net::HttpResponse> asset_response(const net::HttpRequest& request) {
  if (request.method != "GET") return std::nullopt;
  const bool is_file = request.path.starts_with("/assets/");
  if (!is_file && !is_page(request.path)) return std::nullopt;
  const Asset* asset = find_asset(is_file ? std::string_view(request.path) : "/index.html");
  if (asset == nullptr) return std::nullopt;
  return served(*asset, request, is_file);
}

}  // namespace keyturn::api
