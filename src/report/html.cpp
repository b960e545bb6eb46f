#include <cstdio>

#include "report/document.h"

namespace keyturn::report {
namespace {

constexpr const char* kStyle =
    "body{font:15px/1.5 system-ui,'DejaVu Sans',sans-serif;color:#1b2430;background:#fff;margin:0 "
    "auto;"
    "max-width:1100px;padding:2.5rem 1.5rem}h1{font-size:1.9rem;margin:0}h2{font-size:1.35rem;"
    "margin:2.6rem 0 .6rem;padding-bottom:.3rem;border-bottom:2px solid "
    "#24507a}h3{font-size:1.05rem;"
    "margin:1.8rem 0 .4rem}p{max-width:52rem;margin:.5rem "
    "0}.sub{color:#566273}table{border-collapse:"
    "collapse;width:100%;margin:.7rem 0 "
    "1.2rem;font-size:.86rem}th,td{text-align:left;vertical-align:top;"
    "padding:.28rem .6rem .28rem 0;border-bottom:1px solid #dde3ea;overflow-wrap:anywhere}thead th{"
    "border-bottom:2px solid "
    "#9fb0c3;position:sticky;top:0;background:#fff}td.n,th.n{text-align:right;"
    "font-variant-numeric:tabular-nums}td.m{font-family:ui-monospace,'DejaVu Sans Mono',monospace;"
    "font-size:.92em}th[scope=row]{width:15rem;font-weight:600}a{color:#1d5c99}nav ol{columns:2;"
    "max-width:52rem}figure{margin:1rem 0 1.4rem}figcaption{font-weight:600;margin-bottom:.3rem}"
    "svg{max-width:100%;height:auto}.bar{fill:#2f6ea5}.grid{stroke:#dde3ea}text{font-size:11.5px;"
    "fill:#1b2430}text.f{fill:#6b7787}:target{background:#fff3cd}footer{margin-top:3rem;color:#"
    "566273;"
    "font-size:.85rem}.wide{overflow-x:auto}@media print{body{max-width:none;padding:0}"
    "thead th{position:static}}";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string number(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%.1f", value);
  return out;
}

class Svg final : public Canvas {
 public:
  std::string out;
  void rectangle(double x, double y, double width, double height) override {
    out += "<rect class=\"bar\" x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" +
           number(width) + "\" height=\"" + number(height) + "\"/>";
  }
  void line(double x1, double y1, double x2, double y2) override {
    out += "<line class=\"grid\" x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" +
           number(x2) + "\" y2=\"" + number(y2) + "\"/>";
  }
  void text(double x, double y, Anchor anchor, Ink ink, const std::string& words) override {
    static constexpr const char* kAnchors[] = {"start", "middle", "end"};
    out += "<text" + std::string(ink == Ink::kFaint ? " class=\"f\"" : "") + " x=\"" + number(x) +
           "\" y=\"" + number(y) + "\" text-anchor=\"" + kAnchors[static_cast<int>(anchor)] +
           "\">" + escaped(words) + "</text>";
  }
};

std::string inner(const Cell& cell) {
  if (cell.to.empty()) return escaped(cell.text);
  return "<a href=\"#" + escaped(cell.to) + "\">" + escaped(cell.text) + "</a>";
}

struct Writer {
  std::string out;

  void operator()(const Heading& heading) {
    const std::string tag = "h" + std::to_string(heading.level + 1);
    out += "<" + tag + " id=\"" + escaped(heading.id) + "\">" + escaped(heading.text) + "</" + tag +
           ">\n";
  }
  void operator()(const Paragraph& paragraph) { out += "<p>" + escaped(paragraph.text) + "</p>\n"; }
  void operator()(const Plot& plot) {
    Svg svg;
    draw(plot, svg);
    out += "<figure><figcaption>" + escaped(plot.title) +
           "</figcaption><svg role=\"img\" viewBox=\"0 0 " + number(kPlotWidth) + " " +
           number(plot_height(plot)) + "\" width=\"" + number(kPlotWidth) + "\"><title>" +
           escaped(plot.title) + "</title>" + svg.out + "</svg></figure>\n";
  }
  void operator()(const Table& table) {
    const auto right = [&](std::size_t i) { return i < table.right.size() && table.right[i]; };
    out += "<div class=\"wide\"><table>\n<colgroup>";
    double all = 0;
    for (const double width : table.widths) all += width;
    for (const double width : table.widths)
      out += "<col style=\"width:" + number(100 * width / all) + "%\">";
    out += "</colgroup>\n";
    if (!table.head.empty()) {
      out += "<thead><tr>";
      for (std::size_t i = 0; i < table.head.size(); ++i)
        out +=
            std::string(right(i) ? "<th class=\"n\">" : "<th>") + escaped(table.head[i]) + "</th>";
      out += "</tr></thead>\n";
    }
    out += "<tbody>\n";
    for (const Row& row : table.rows) {
      out += row.id.empty() ? "<tr>" : "<tr id=\"" + escaped(row.id) + "\">";
      for (std::size_t i = 0; i < row.cells.size(); ++i) {
        if (table.head.empty() && i == 0) {
          out += "<th scope=\"row\">" + inner(row.cells[i]) + "</th>";
          continue;
        }
        std::string_view kind = right(i) ? " class=\"n\"" : row.cells[i].mono ? " class=\"m\"" : "";
        out += "<td" + std::string(kind) + ">" + inner(row.cells[i]) + "</td>";
      }
      out += "</tr>\n";
    }
    out += "</tbody></table></div>\n";
  }
};

}  // namespace

std::string to_html(const Document& document) {
  Writer writer;
  writer.out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\"><meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>" +
      escaped(document.title) + "</title><style>" + kStyle + "</style></head><body>\n<h1>" +
      escaped(document.title) + "</h1>\n<p class=\"sub\">" + escaped(document.subtitle) +
      "</p>\n<nav><ol>\n";
  for (const Block& block : document.blocks) {
    const auto* heading = std::get_if<Heading>(&block);
    if (heading != nullptr && heading->level == 1)
      writer.out +=
          "<li><a href=\"#" + escaped(heading->id) + "\">" + escaped(heading->text) + "</a></li>\n";
  }
  writer.out += "</ol></nav>\n<main>\n";
  for (const Block& block : document.blocks) std::visit(writer, block);
  return writer.out + "</main>\n<footer>" + escaped(document.footer) +
         "</footer>\n</body></html>\n";
}

}  // namespace keyturn::report
