// A report as blocks, drawn alike as HTML and as PDF.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "report/figures.h"

namespace keyturn::report {

struct Heading {
  int level = 1;  // 1: a chapter
  std::string id, text;
};

struct Paragraph {
  std::string text;
};

struct Cell {
  std::string text;
  std::string to = "";  // the id of what it leads to
  bool mono = false;
};

struct Row {
  std::vector<Cell> cells;
  std::string id = "";
};

struct Table {
  std::vector<double> widths;     // relative
  std::vector<std::string> head;  // empty: each row's first cell is its name
  std::vector<Row> rows;
  std::vector<bool> right = {};  // columns of numbers
};

struct Plot {
  enum class Kind { kColumns, kBars } kind = Kind::kColumns;
  std::string title, unit;
  Counts counts;
};

using Block = std::variant<Heading, Paragraph, Table, Plot>;

struct Document {
  std::string title, subtitle, footer;
  std::string made_at;  // RFC 3339
  std::vector<Block> blocks;
};

std::string to_html(const Document& document);
// A4. Codes: no_pdf (cairo and Pango are not on this machine), cannot_draw.
[[nodiscard]] Result<std::string> to_pdf(const Document& document);

// Where a plot is drawn: 1 unit is a pixel of HTML, y grows downwards.
class Canvas {
 public:
  enum class Anchor { kStart, kMiddle, kEnd };
  enum class Ink { kBar, kText, kFaint };
  virtual ~Canvas() = default;
  virtual void rectangle(double x, double y, double width, double height) = 0;  // a bar
  virtual void line(double x1, double y1, double x2, double y2) = 0;            // of the grid
  virtual void text(double x, double y, Anchor anchor, Ink ink, const std::string& text) = 0;
};
constexpr double kPlotWidth = 640;
double plot_height(const Plot& plot);
void draw(const Plot& plot, Canvas& canvas);

}  // namespace keyturn::report
