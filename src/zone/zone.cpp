#include "zone/zone.h"

#include <unicode/timezone.h>
#include <unicode/unistr.h>

#include <string>

namespace keyturn::zone {

struct Zone::Rep {
  std::unique_ptr<icu::TimeZone> zone;

  // From UTC to the clock at that time, which is the clock's own when `local`.
  std::chrono::milliseconds offset(std::int64_t ms, bool local) const {
    std::int32_t raw = 0, dst = 0;
    UErrorCode status = U_ZERO_ERROR;
    zone->getOffset(static_cast<UDate>(ms), local, raw, dst, status);
    return std::chrono::milliseconds(raw + dst);
  }
};

std::optional<Zone> Zone::open(std::string_view name) {
  const auto id = icu::UnicodeString::fromUTF8(
      icu::StringPiece(name.data(), static_cast<std::int32_t>(name.size())));
  std::unique_ptr<icu::TimeZone> zone(icu::TimeZone::createTimeZone(id));
  if (!zone || *zone == icu::TimeZone::getUnknown()) return std::nullopt;
  return Zone(std::make_unique<Rep>(Rep{std::move(zone)}));
}

Zone::Zone(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
Zone::Zone(Zone&&) noexcept = default;
Zone& Zone::operator=(Zone&&) noexcept = default;
Zone::~Zone() = default;

Time Zone::to_utc(LocalTime local) const {
  const Time as_if(local.time_since_epoch());
  return as_if - rep_->offset(unix_ms(as_if), true);
}

LocalTime Zone::to_local(Time time) const {
  return LocalTime(time.time_since_epoch()) + rep_->offset(unix_ms(time), false);
}

std::optional<LocalTime> parse_local(std::string_view text) {
  std::string full(text);
  if (full.size() == 10) full += "T00:00";
  if (full.size() == 16) full += ":00";
  if (full.size() != 19) return std::nullopt;
  const auto time = from_rfc3339(full + "Z");
  if (!time) return std::nullopt;
  return LocalTime(time->time_since_epoch());
}

}  // namespace keyturn::zone
