#include <algorithm>
#include <cmath>

#include "base/bytes.h"
#include "report/document.h"

namespace keyturn::report {
namespace {

constexpr double kColumnsHeight = 190, kTop = 14, kPlotBottom = 34, kLeft = 44, kBarHeight = 18;
constexpr double kNameWidth = 230;
constexpr std::size_t kNameLetters = 34, kLabelsMax = 12;

std::string shortened(const std::string& text) {
  if (first_invalid_utf8(text)) return "?";
  std::size_t at = 0;
  for (std::size_t letters = 0; at < text.size(); ++letters) {
    if (letters == kNameLetters) return text.substr(0, at) + "…";
    next_code_point(text, at);
  }
  return text;
}

std::uint64_t highest(const Counts& counts) {
  std::uint64_t out = 1;
  for (const auto& [name, count] : counts) out = std::max(out, count);
  return out;
}

// 1, 2 or 5 times a power of ten: about four lines up to `most`.
std::uint64_t step_for(std::uint64_t most) {
  std::uint64_t step = 1;
  for (std::uint64_t factor = 0; step * 4 < most; ++factor)
    step = factor % 3 == 1 ? step / 2 * 5 : step * 2;
  return step;
}

void draw_columns(const Plot& plot, Canvas& canvas) {
  const std::uint64_t step = step_for(highest(plot.counts));
  const std::uint64_t top = (highest(plot.counts) + step - 1) / step * step;
  const double height = kColumnsHeight - kTop - kPlotBottom, base = kColumnsHeight - kPlotBottom;
  for (std::uint64_t value = 0; value <= top; value += step) {
    const double y = base - height * static_cast<double>(value) / static_cast<double>(top);
    canvas.line(kLeft, y, kPlotWidth, y);
    canvas.text(kLeft - 6, y + 4, Canvas::Anchor::kEnd, Canvas::Ink::kFaint, std::to_string(value));
  }
  const std::size_t count = plot.counts.size();
  if (count == 0) return;
  const double slot = (kPlotWidth - kLeft) / static_cast<double>(count);
  const std::size_t every = (count + kLabelsMax - 1) / kLabelsMax;
  const double bar = std::min(slot * 0.72, 46.0);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [name, value] = plot.counts[i];
    const double middle = kLeft + slot * (static_cast<double>(i) + 0.5);
    const double tall = height * static_cast<double>(value) / static_cast<double>(top);
    if (value > 0) canvas.rectangle(middle - bar / 2, base - tall, bar, tall);
    if (count <= kLabelsMax)
      canvas.text(middle, base - tall - 4, Canvas::Anchor::kMiddle, Canvas::Ink::kText,
                  std::to_string(value));
    if (i % every == 0)
      canvas.text(middle, base + 16, Canvas::Anchor::kMiddle, Canvas::Ink::kText,
                  name.size() == 10 && name[4] == '-' ? name.substr(5) : name);
  }
  canvas.text(kPlotWidth, kColumnsHeight - 4, Canvas::Anchor::kEnd, Canvas::Ink::kFaint, plot.unit);
}

void draw_bars(const Plot& plot, Canvas& canvas) {
  const double most = static_cast<double>(highest(plot.counts));
  double y = 4;
  for (const auto& [name, count] : plot.counts) {
    const double width = (kPlotWidth - kNameWidth - 60) * static_cast<double>(count) / most;
    canvas.text(kNameWidth - 8, y + 13, Canvas::Anchor::kEnd, Canvas::Ink::kText, shortened(name));
    canvas.rectangle(kNameWidth, y + 2, std::max(width, 1.0), kBarHeight - 5);
    canvas.text(kNameWidth + width + 6, y + 13, Canvas::Anchor::kStart, Canvas::Ink::kText,
                std::to_string(count));
    y += kBarHeight;
  }
}

}  // namespace

double plot_height(const Plot& plot) {
  if (plot.kind == Plot::Kind::kColumns) return kColumnsHeight;
  return 8 + kBarHeight * static_cast<double>(plot.counts.size());
}

void draw(const Plot& plot, Canvas& canvas) {
  plot.kind == Plot::Kind::kColumns ? draw_columns(plot, canvas) : draw_bars(plot, canvas);
}

}  // namespace keyturn::report
