// What is kept of a place, as text.
#pragma once

#include <optional>
#include <string>

#include "channels/channel.h"

namespace keyturn::channels {

std::string text_of(const Kept& kept);
// nullopt: it is none; who wrote it is not of this version.
std::optional<Kept> kept_from_text(const std::string& text);

}  // namespace keyturn::channels
